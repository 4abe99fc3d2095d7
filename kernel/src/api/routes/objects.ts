/** Paths of the kinds: collections and single objects. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { fail, formatKey, keyOf, matchesLabels, type ObjectKey, toWeftError, type WeftObject } from '../../../contract/system/index.ts';
import {
  type ApplyReply,
  type ApplyResult,
  invalid,
  isRecord,
  type Precondition,
  parseInputs,
  shown,
  textOf,
  type Wanted,
} from '../../apply/index.ts';
import type { RegisteredKind } from '../../registry/index.ts';
import { allProjects, may, type Verb } from '../../rights/index.ts';
import { mergePatch } from '../merge-patch.ts';
import type { Access, ApiParts } from '../parts.ts';
import { changing, documentOf, isDryRun, labelSelector, preconditionOf, projectOf, queryOf } from '../query.ts';
import { removeOne } from '../remove-one.ts';

/** One object is small; many go to /v1/apply. */
const bodyLimit = 1024 * 1024;
/** Attempts of a patch that another write overtakes. */
const patchAttempts = 5;

interface Params {
  readonly project?: string;
  readonly name?: string;
}

export function objectRoutes(app: FastifyInstance, parts: ApiParts): void {
  for (const kind of parts.registry.kinds) kindRoutes(app, new KindRoutes(parts, kind), kind);
}

function kindRoutes(app: FastifyInstance, routes: KindRoutes, { spec }: RegisteredKind): void {
  const collection = spec.scope === 'system' ? `/v1/${spec.plural}` : `/v1/:project/${spec.plural}`;
  const single = `${collection}/:name`;
  const access = (verb: Verb): { access: Access } => ({ access: { verb, kind: spec.kind } });
  app.get(collection, { config: access('list') }, (request) => routes.list(request));
  app.post(collection, { config: access('create'), bodyLimit }, (request, reply) => routes.create(request, reply));
  app.get(single, { config: access('get') }, (request, reply) => routes.get(request, reply));
  app.put(single, { config: access('update'), bodyLimit }, (request, reply) => routes.replace(request, reply));
  app.patch(single, { config: access('update'), bodyLimit }, (request, reply) => routes.patch(request, reply));
  app.delete(single, { config: access('delete') }, (request) => routes.remove(request));
}

class KindRoutes {
  readonly #parts: ApiParts;
  readonly #kind: RegisteredKind;

  constructor(parts: ApiParts, kind: RegisteredKind) {
    this.#parts = parts;
    this.#kind = kind;
  }

  list(request: FastifyRequest): { kind: string; revision: number; items: readonly WeftObject[] } {
    const selector = labelSelector(queryOf(request, ['labels']).labels);
    const { project } = request.params as Params;
    const { store } = this.#parts;
    if (project !== undefined && project !== allProjects) this.#assertProject(request, project);
    // Before the objects: a watch from there may repeat an event, and misses none.
    const revision = store.visibleRevision;
    const { kind } = this.#kind.spec;
    const all = store.list(kind, project === allProjects ? undefined : project);
    const selected = all.filter(({ metadata }) => matchesLabels(selector, metadata.labels));
    const items = selected.filter((object) => may(request.identity, 'list', kind, projectOf(keyOf(object)))).map(shown);
    return { kind, revision, items };
  }

  get(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    queryOf(request, []);
    return answer(reply, 200, shown(this.#find(request)));
  }

  async create(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const dryRun = isDryRun(request, queryOf(request, ['dryRun']).dryRun);
    const result = await this.#apply(
      request,
      { ...this.#wanted(request, documentOf(request), preconditionOf(request)), mustBeNew: true },
      dryRun,
    );
    const { name } = result.key;
    return answer(reply.header('location', `${request.url.split('?')[0]}/${name}`), 201, result.after);
  }

  async replace(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const dryRun = isDryRun(request, queryOf(request, ['dryRun']).dryRun);
    const result = await this.#apply(request, this.#wanted(request, documentOf(request), preconditionOf(request)), dryRun);
    return answer(reply, result.action === 'created' ? 201 : 200, result.after);
  }

  /** JSON Merge Patch (RFC 7396) of what a user may write. */
  async patch(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const dryRun = isDryRun(request, queryOf(request, ['dryRun']).dryRun);
    const patch = documentOf(request);
    if (!isRecord(patch)) throw fail('MALFORMED', 'a merge patch must be an object', 'send {"spec": {…}}');
    const asked = preconditionOf(request);
    for (let attempt = 1; ; attempt += 1) {
      const before = shown(this.#find(request, asked));
      const { status: _, ...writable } = before;
      const wanted = this.#wanted(request, mergePatch(writable, patch), typeof asked === 'number' ? asked : undefined);
      try {
        return answer(reply, 200, (await this.#apply(request, wanted, dryRun)).after);
      } catch (thrown) {
        const overtaken = toWeftError(thrown).code === 'REVISION_MISMATCH' && wanted.ifMatch === before.metadata.revision;
        if (!overtaken || typeof asked === 'number' || attempt === patchAttempts) throw thrown;
      }
    }
  }

  remove(request: FastifyRequest): Promise<ApplyReply> {
    return removeOne(this.#parts, request, this.#key(request));
  }

  /** The document as an object of this path: kind, project and name may be left out, but not differ. */
  #wanted(request: FastifyRequest, document: unknown, ifMatch: Precondition | undefined): Wanted {
    if (!isRecord(document)) throw fail('MALFORMED', 'the body must be an object', 'send {"metadata": {…}, "spec": {…}}');
    const { project, name } = request.params as Params;
    const metadata = isRecord(document.metadata) ? document.metadata : {};
    this.#assertSame('/kind', document.kind, this.#kind.spec.kind);
    this.#assertSame('/metadata/project', metadata.project, project);
    if (name !== undefined) this.#assertSame('/metadata/name', metadata.name, name);
    const filled = {
      ...document,
      kind: this.#kind.spec.kind,
      metadata: { ...metadata, ...(name === undefined ? {} : { name }), ...(project === undefined ? {} : { project }) },
    };
    const [wanted] = parseInputs(this.#parts.registry, [
      document.metadata === undefined || isRecord(document.metadata) ? filled : document,
    ]);
    if (wanted === undefined) throw fail('INTERNAL', 'the object was lost while it was read');
    return ifMatch === undefined ? wanted : { ...wanted, ifMatch };
  }

  #assertSame(pointer: string, given: unknown, wanted: string | undefined): void {
    if (given === undefined || wanted === undefined || given === wanted) return;
    const message = `"${textOf(given).slice(0, 80)}" is not what the path says: "${wanted}"`;
    throw invalid([{ object: this.#kind.spec.kind, pointer, message, fix: 'leave it out of the body, or use the right path' }]);
  }

  async #apply(request: FastifyRequest, wanted: Wanted, dryRun: boolean): Promise<ApplyResult> {
    const intent = { apply: [wanted], remove: [], cascade: false, missingOk: false, dryRun, ...changing(request) };
    const { revision, results } = await this.#parts.pipeline.apply(intent);
    request.trail.revision = revision;
    const [result] = results;
    if (result === undefined) throw fail('INTERNAL', 'the write gave no result');
    return result;
  }

  #key(request: FastifyRequest): ObjectKey {
    const { project, name = '' } = request.params as Params;
    return project === undefined ? { kind: this.#kind.spec.kind, name } : { kind: this.#kind.spec.kind, project, name };
  }

  #find(request: FastifyRequest, asked?: Precondition): WeftObject {
    const key = this.#key(request);
    const object = this.#parts.store.get(key);
    if (object !== undefined) return object;
    if (asked === 'present') throw fail('REVISION_MISMATCH', `${formatKey(key)} does not exist`, 'create it: PUT without If-Match');
    if (key.project !== undefined) this.#assertProject(request, key.project);
    throw fail('NOT_FOUND', `${formatKey(key)} does not exist`, `list them with: weft get ${key.kind}`);
  }

  #assertProject(request: FastifyRequest, name: string): void {
    if (this.#parts.store.get({ kind: 'Project', name }) !== undefined) return;
    const all = this.#parts.store.list('Project').map((object) => keyOf(object).name);
    const names = all.filter((one) => may(request.identity, 'get', 'Project', one));
    throw fail('NOT_FOUND', `the project "${name.slice(0, 80)}" does not exist`, `projects: ${names.slice(0, 20).join(', ')}`);
  }
}

function answer(reply: FastifyReply, code: number, object: WeftObject | null): FastifyReply {
  if (object !== null) void reply.header('etag', `"${object.metadata.revision}"`);
  return reply.code(code).send(object);
}
