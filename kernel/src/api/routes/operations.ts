/** `POST /v1/{project}/operations/{plugin}.{name}`: what plugins can be asked, of one project or (`-`) of all. */
import type { FastifyInstance } from 'fastify';
import { fail } from '../../../contract/system/index.ts';
import { invalid } from '../../apply/index.ts';
import { allProjects, authorize, visibleProjects } from '../../rights/index.ts';
import type { ApiParts } from '../parts.ts';
import { documentOf, flag, queryOf } from '../query.ts';
import { guarded, type ServerSentEvent, sendEvents, signalOf } from '../sse.ts';

export function operationRoutes(app: FastifyInstance, { registry, store, plugins }: ApiParts): void {
  app.get('/v1/operations', { config: { access: { verb: 'list', kind: 'operations' } } }, (request) => {
    queryOf(request, []);
    return registry.operations.map(({ plugin, spec }) => ({ plugin, ...spec }));
  });

  app.post(
    '/v1/:project/operations/:operation',
    // whoever may see the project gets this far: the operation itself decides
    { config: { access: { verb: 'get', kind: 'operations' } } },
    async (request, reply) => {
      const file = flag('file', queryOf(request, ['file']).file);
      const { project, operation: word } = request.params as { project: string; operation: string };
      const { plugin, spec, validate } = registry.requireOperation(word);
      const verb = spec.viewer === true ? 'get' : 'operate';
      request.trail.audited = verb === 'operate';
      authorize(request.identity, verb, word, project);
      if (project !== allProjects && store.get({ kind: 'Project', name: project }) === undefined) {
        throw fail('NOT_FOUND', `the project "${project}" does not exist`, 'list them with: weft get projects');
      }
      const { value: input, findings } = validate(documentOf(request) ?? {});
      if (findings.length > 0) throw invalid(findings.map((finding) => ({ object: word, ...finding })));
      if (file && spec.file === undefined) throw fail('MALFORMED', `${word} gives no file`, 'ask without file=true');
      const projects = visibleProjects(request.identity);
      const call = { name: spec.name, project, input, ...(projects === null ? {} : { projects }), ...(file ? { file } : {}) };
      if (!spec.stream) return (await plugins.operation(plugin, call, signalOf(reply.raw))) ?? {};
      const mayGoOn = (): void => authorize(request.renew(), verb, word, project);
      request.audit(reply.statusCode);
      await sendEvents(request, reply, (signal) => items(guarded(plugins.stream(plugin, call, signal), mayGoOn)));
      return reply;
    },
  );
}

async function* items(stream: AsyncIterable<unknown>): AsyncGenerator<ServerSentEvent[]> {
  for await (const data of stream) yield [{ event: 'item', data: Buffer.isBuffer(data) ? data.toString('base64') : data }];
  yield [{ event: 'end', data: {} }];
}
