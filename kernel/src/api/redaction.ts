/** Errors as their reader may see them: what they say of other projects' objects, whoever wrote them, is said without the names. */
import type { WeftError } from '../../contract/system/index.ts';
import type { Registry } from '../registry/index.ts';
import { type Identity, visibleProjects } from '../rights/index.ts';

export class Redaction {
  /** `KIND/PROJECT/NAME`, as every message names an object of a project. */
  readonly #title: RegExp;

  constructor(registry: Registry) {
    const all = [...registry.kinds.map(({ spec }) => spec), ...registry.orphans];
    const kinds = all.filter(({ scope }) => scope === 'project').map(({ kind }) => kind);
    this.#title = new RegExp(`\\b(${kinds.join('|')})/([a-z0-9][a-z0-9.-]*)/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?`, 'g');
  }

  /** @param reader absent while nobody knows who asks: such errors name nothing */
  of(error: WeftError, reader: Identity | undefined): WeftError {
    const projects = reader === undefined ? [] : visibleProjects(reader);
    if (projects === null) return error;
    const told = (text: string): string =>
      text.replace(this.#title, (title, kind: string, project: string) =>
        projects.includes(project) ? title : `a ${kind} of another project`,
      );
    return {
      ...error,
      message: told(error.message),
      ...(error.fix === undefined ? {} : { fix: told(error.fix) }),
      ...(error.errors === undefined
        ? {}
        : {
            errors: error.errors.map(({ object, pointer, message, fix }) => {
              return { object: told(object), pointer, message: told(message), fix: told(fix) };
            }),
          }),
    };
  }
}
