/** What each error code means to the one who gets it. docs/reference/errors.md is made of it, and the titles of problem documents. */
import type { ErrorCode } from './errors.ts';

export interface ErrorMeaning {
  /** A few words, the same for every error of the code. */
  readonly title: string;
  readonly meaning: string;
  /** What has usually led to it. */
  readonly cause: string;
  /** What to do about it. */
  readonly fix: string;
}

export const errorGuide: Readonly<Record<ErrorCode, ErrorMeaning>> = {
  INVALID: {
    title: 'The request was understood and refused',
    meaning: 'An object, or the input of an operation, breaks a rule of its kind. `errors` names each field with a JSON pointer.',
    cause: 'A field of the wrong type or range, an unknown field, a reference to an object that does not exist, an address that is taken.',
    fix: 'Do what `fix` of each entry says; `weft explain KIND` describes every field. Nothing was changed.',
  },
  MALFORMED: {
    title: 'The request cannot be read',
    meaning: 'The request is no HTTP, JSON or YAML that the API takes, or has a parameter or header that it does not know.',
    cause: 'A syntax error in the body, another content type, a misspelt query parameter, a weak entity tag in `If-Match`.',
    fix: 'Correct the place that `detail` names; `/openapi.json` lists the parameters of every path.',
  },
  TOO_LARGE: {
    title: 'The request is too large',
    meaning: 'A body, a number of objects or an answer is larger than the system takes at once.',
    cause: 'More than 1 MiB for one object, 32 MiB or 20,000 objects for one apply.',
    fix: 'Split it into several requests.',
  },
  UNAUTHENTICATED: {
    title: 'The caller is unknown',
    meaning: 'The API does not know who asks.',
    cause: 'A token that is missing, misspelt, expired, issued anew or deleted; a connection over the network without one.',
    fix: 'Present a token that `weft token issue` has printed: `WEFT_TOKEN`, or the header `Authorization: Bearer …`.',
  },
  FORBIDDEN: {
    title: 'The caller may not do this',
    meaning: 'The caller is known, and no Role of his allows this. The answer is the same whether what was asked for exists or not.',
    cause:
      'A project that is not his, a change by a viewer, something of the system asked for by somebody who has rights in projects only.',
    fix: 'Ask an administrator for a Role, or do it as root on the appliance.',
  },
  NOT_FOUND: {
    title: 'There is no such thing',
    meaning: 'The path, object, project, kind, plugin, operation or change on trial does not exist.',
    cause: 'A misspelt name, another project than meant, something that was deleted meanwhile.',
    fix: '`fix` names what is there; `weft get KIND -A` lists the objects of all projects.',
  },
  CONFLICT: {
    title: 'It contradicts what is there',
    meaning: 'What was asked for cannot be done to what is there now.',
    cause: 'A POST of an object that exists, a restart of a plugin that is disabled, a second change on trial.',
    fix: 'Look at what is there, then ask for something else, or resolve what stands in the way first.',
  },
  REFERENCED: {
    title: 'It is still in use',
    meaning: 'Other objects refer to what should be deleted or no longer be shared; the answer names those that the caller may see.',
    cause: 'A network with ports, a project with objects in it.',
    fix: 'Delete those first, or all at once with `--cascade`.',
  },
  REVISION_MISMATCH: {
    title: 'It was changed in the meantime',
    meaning: 'The condition in `If-Match`, `If-None-Match` or `metadata.revision` does not hold.',
    cause: 'Somebody else changed, created or deleted the object since it was read.',
    fix: 'Read it again and repeat the change on what it is now.',
  },
  REVISION_GONE: {
    title: 'The change log does not reach back so far',
    meaning: 'A watch, a rollback or a page of the history starts at a revision that is not kept any more, or does not exist yet.',
    cause: 'The log keeps `store.retention` revisions; a watcher was away for longer than that.',
    fix: 'List the objects again and watch from the `revision` of that list; roll back to a later revision.',
  },
  UNAVAILABLE: {
    title: 'A part of the system that is needed does not serve',
    meaning: 'The plugin that decides, or another process that is needed, is disabled, down or just starting. Reads go on.',
    cause: 'A disabled plugin, one that crashed, the first second after a start.',
    fix: '`weft status` tells which and why; enable it, or retry.',
  },
  DEADLINE: {
    title: 'A part of the system did not answer in time',
    meaning: 'A plugin or the forwarder was asked and said nothing within the deadline. A change that waited for it was not made.',
    cause: 'A process that hangs or has more to do than it can.',
    fix: 'Retry; `weft plugin logs NAME` tells what the plugin was doing, `weft plugin restart NAME` helps one that hangs.',
  },
  BUS_OVERLOADED: {
    title: 'Too much at once',
    meaning: 'More requests wait than the system keeps waiting. This one was not begun.',
    cause: 'Clients that send faster than changes can be made durable, or one that sends very many at once.',
    fix: 'Retry later, and put many objects into one apply.',
  },
  CANCELLED: {
    title: 'The request was cancelled',
    meaning: 'The one who asked went away before there was an answer.',
    cause: 'A client that closed its connection or stopped a stream.',
    fix: 'Nothing, unless it was not meant: then ask again and wait longer.',
  },
  INTERNAL: {
    title: 'The system made a mistake',
    meaning: 'Something happened that the program does not expect.',
    cause: 'A bug in Weft or in a plugin, or a disk that is full or broken.',
    fix: 'Report it with the log of the process (`weft plugin logs kernel`) and the header `X-Request-Id` of the answer.',
  },
};

/** The `type` of problem documents with this code. */
export function problemUri(code: ErrorCode): string {
  return `urn:weft:error:${code}`;
}
