/** Plugins: what there is, whether it runs, its settings and its log. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fail } from '../../../contract/system/index.ts';
import { invalid, isRecord } from '../../apply/index.ts';
import { suggestion, typeName, type Validator } from '../../registry/index.ts';
import { authorize } from '../../rights/index.ts';
import { followLog, readLog } from '../log-file.ts';
import type { ApiParts } from '../parts.ts';
import type { PluginInfo, PluginWish } from '../plugin-control.ts';
import { documentOf, flag, number, queryOf } from '../query.ts';
import { guarded, signalOf } from '../sse.ts';

const defaultLines = 100;
const maxLines = 100_000;
/** Processes that are no plugins and have a log, too. */
const otherProcesses: readonly string[] = ['kernel', 'forwarder'];

export function pluginRoutes(app: FastifyInstance, { plugins, registry, logDir }: ApiParts): void {
  const read = { config: { access: { verb: 'get', kind: 'plugins' } } } as const;
  const manage = { config: { access: { verb: 'manage', kind: 'plugins' } } } as const;
  const find = (request: FastifyRequest): PluginInfo => {
    const { name } = request.params as { name: string };
    const all = plugins.list();
    const plugin = all.find((one) => one.name === name);
    if (plugin !== undefined) return plugin;
    const names = all.map((one) => one.name);
    throw fail('NOT_FOUND', `there is no plugin "${name.slice(0, 80)}"`, suggestion(name, names, 'plugin'));
  };

  app.get('/v1/plugins', read, (request) => {
    queryOf(request, []);
    return plugins.list();
  });
  app.get('/v1/plugins/:name', read, (request) => {
    queryOf(request, []);
    return find(request);
  });
  app.put('/v1/plugins/:name', manage, async (request) => {
    queryOf(request, []);
    const { name } = find(request);
    await plugins.change(name, readWish(documentOf(request), name, registry.plugin(name)?.validateSettings));
    return find(request);
  });
  app.post('/v1/plugins/:name/restart', manage, (request) => {
    queryOf(request, []);
    const { name, enabled } = find(request);
    if (!enabled) throw fail('CONFLICT', `the plugin ${name} is disabled`, `enable it: weft plugin enable ${name}`);
    plugins.restart(name);
    return find(request);
  });
  app.get('/v1/plugins/:name/logs', { config: { access: { verb: 'get', kind: 'logs' } } }, async (request, reply) => {
    const query = queryOf(request, ['lines', 'follow']);
    const { name } = request.params as { name: string };
    const file = `${logDir}/${otherProcesses.includes(name) ? name : find(request).name}.log`;
    const lines = number('lines', query.lines, maxLines) ?? defaultLines;
    void reply.type('application/x-ndjson');
    if (!flag('follow', query.follow)) return reply.send(await readLog(file, lines));
    const mayGoOn = (): void => authorize(request.renew(), 'get', 'logs');
    return reply.send(Readable.from(guarded(followLog(file, lines, signalOf(reply.raw)), mayGoOn)));
  });
}

function readWish(body: unknown, name: string, validate: Validator | undefined): PluginWish {
  if (!isRecord(body)) throw fail('MALFORMED', 'the body must be an object', 'send {"enabled": true, "settings": {…}}');
  const { enabled, settings, ...rest } = body;
  const object = `plugin ${name}`;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) {
    throw invalid([{ object, pointer: `/${unknown}`, message: `unknown field "${unknown}"`, fix: 'known fields: enabled, settings' }]);
  }
  if (enabled !== undefined && typeof enabled !== 'boolean') {
    throw invalid([{ object, pointer: '/enabled', message: `must be true or false, is ${typeName(enabled)}`, fix: 'write true or false' }]);
  }
  if (settings === undefined) return enabled === undefined ? {} : { enabled };
  if (validate === undefined) throw fail('UNAVAILABLE', `${object} cannot be loaded`, 'its reason: weft plugin list');
  const { findings } = validate(settings);
  if (findings.length > 0) throw invalid(findings.map((finding) => ({ object, ...finding, pointer: `/settings${finding.pointer}` })));
  return { ...(enabled === undefined ? {} : { enabled }), settings: settings as Record<string, unknown> };
}
