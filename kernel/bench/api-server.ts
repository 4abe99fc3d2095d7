/**
 * The API in a process of its own: the real store, registry, pipeline and HTTP server, no plugins. Prints `ready`; ends with its standard input.
 * Usage: node kernel/bench/api-server.ts FOLDER OBJECTS
 */
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { AuditLog, buildApi, listenOnSocket, type PluginControl, peerUid } from '../src/api/index.ts';
import { Confirmations, Pipeline, systemSubject } from '../src/apply/index.ts';
import { sealed } from '../src/backup/index.ts';
import { Registry } from '../src/registry/index.ts';
import { Tokens } from '../src/rights/index.ts';
import { ObjectStore } from '../src/store/index.ts';

const away = (): Promise<never> => Promise.reject(new Error('no plugins here'));
const noPlugins: PluginControl = {
  list: () => [],
  change: away,
  restart: () => undefined,
  forwarder: () => ({ state: 'stopped', pid: null, restarts: 0, rssBytes: null }),
  metricsSources: () => [],
  refusals: () => [],
  operation: away,
  async *stream() {
    yield await away();
  },
};

const [folder = '', objects = '0'] = process.argv.slice(2);
const store = new ObjectStore({ path: join(folder, 'store') });
const registry = new Registry([]);
const pipeline = new Pipeline(store, registry, { unavailable: () => null, admit: away });
const confirmations = new Confirmations(store, pipeline);
const app = buildApi({
  store,
  registry,
  pipeline,
  confirmations,
  tokens: new Tokens(store, pipeline),
  plugins: noPlugins,
  version: '0',
  audit: AuditLog.onDescriptor(openSync(join(folder, 'audit.log'), 'a')),
  maxWatchers: 100,
  backup: () => sealed(store.upkeep.backup({ program: '0', time: '2026-01-01T00:00:00Z' })),
  logDir: folder,
  admins: [],
  peerUid,
});

const wanted = Array.from({ length: Number(objects) }, (_, index) => {
  return { key: { kind: 'Project', name: `p${index}` }, spec: { description: 'as it began' }, labels: {}, shared: false };
});
await pipeline.apply({ apply: wanted, remove: [], cascade: false, missingOk: false, dryRun: false, subject: systemSubject });
await listenOnSocket(app, join(folder, 'api.sock'));
console.log('ready');

process.stdin.resume();
process.stdin.once('end', async () => {
  await app.close();
  await pipeline.idle();
  confirmations.close();
  await store.close();
});
