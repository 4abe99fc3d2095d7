/** `POST /v1/{project}/operations/{plugin}.{name}`: what plugins can be asked, of one project or (`-`) of all. */
import type { FastifyInstance } from 'fastify';
import { fail } from '../../../contract/system/index.ts';
import { invalid } from '../../apply/index.ts';
import { allProjects, authorize } from '../../rights/index.ts';
import type { ApiParts } from '../parts.ts';
import { documentOf, flag, queryOf } from '../query.ts';
import { type ServerSentEvent, sendEvents, signalOf } from '../sse.ts';

export function operationRoutes(app: FastifyInstance, { registry, store, plugins }: ApiParts): void {
  app.get('/v1/operations', { config: { access: { verb: 'list', kind: 'operations' } } }, (request) => {
    queryOf(request, []);
    return registry.operations.map(({ plugin, spec }) => ({ plugin, ...spec }));
  });

  app.post(
    '/v1/:project/operations/:operation',
    { config: { access: { verb: 'operate', kind: 'operations' } } },
    async (request, reply) => {
      const file = flag('file', queryOf(request, ['file']).file);
      const { project, operation: word } = request.params as { project: string; operation: string };
      const { plugin, spec, validate } = registry.requireOperation(word);
      authorize(request.identity, 'operate', word, project);
      if (project !== allProjects && store.get({ kind: 'Project', name: project }) === undefined) {
        throw fail('NOT_FOUND', `the project "${project}" does not exist`, 'list them with: weft get projects');
      }
      const { value: input, findings } = validate(documentOf(request) ?? {});
      if (findings.length > 0) throw invalid(findings.map((finding) => ({ object: word, ...finding })));
      if (file && spec.file === undefined) throw fail('MALFORMED', `${word} gives no file`, 'ask without file=true');
      const call = { name: spec.name, project, input, ...(file ? { file } : {}) };
      if (!spec.stream) return (await plugins.operation(plugin, call, signalOf(reply.raw))) ?? {};
      const mayGoOn = (): void => authorize(request.renew(), 'operate', word, project);
      await sendEvents(request, reply, (signal) => items(plugins.stream(plugin, call, signal), mayGoOn));
      return reply;
    },
  );
}

/** @param mayGoOn throws when the caller may not have more */
async function* items(stream: AsyncIterable<unknown>, mayGoOn: () => void): AsyncGenerator<ServerSentEvent[]> {
  for await (const data of stream) {
    mayGoOn();
    yield [{ event: 'item', data: Buffer.isBuffer(data) ? data.toString('base64') : data }];
  }
  yield [{ event: 'end', data: {} }];
}
