/**
 * How fast the API reads and writes: the real store, registry, pipeline and HTTP server on a unix socket, no plugins. Prints a table.
 * Usage: node kernel/bench/api.ts [SECONDS] [CONNECTIONS]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon, { type Request } from 'autocannon';
import { buildApi, listenOnSocket, type PluginControl, peerUid } from '../src/api/index.ts';
import { Confirmations, Pipeline, systemSubject } from '../src/apply/index.ts';
import { Registry } from '../src/registry/index.ts';
import { Tokens } from '../src/rights/index.ts';
import { ObjectStore } from '../src/store/index.ts';

const seconds = Number(process.argv[2] ?? 5);
const connections = Number(process.argv[3] ?? 16);
const objects = 1_000;

const away = (): Promise<never> => Promise.reject(new Error('no plugins here'));
const noPlugins: PluginControl = {
  list: () => [],
  change: away,
  restart: () => undefined,
  forwarder: () => ({ state: 'stopped', pid: null, restarts: 0, rssBytes: null }),
  operation: away,
  async *stream() {
    yield await away();
  },
};

const folder = mkdtempSync(join(tmpdir(), 'weft-bench-'));
const socketPath = join(folder, 'api.sock');
const store = new ObjectStore({ path: join(folder, 'store') });
const registry = new Registry([]);
const pipeline = new Pipeline(store, registry, { unavailable: () => null, admit: away });
const app = buildApi({
  store,
  registry,
  pipeline,
  confirmations: new Confirmations(store, pipeline),
  tokens: new Tokens(store, pipeline),
  plugins: noPlugins,
  version: '0',
  logDir: folder,
  admins: [],
  peerUid,
});

function project(name: string): {
  key: { kind: string; name: string };
  spec: Record<string, never>;
  labels: Record<string, never>;
  shared: boolean;
} {
  return { key: { kind: 'Project', name }, spec: {}, labels: {}, shared: false };
}

/** Requests of one case, made anew for each. */
async function measure(title: string, request: Request): Promise<Record<string, string | number>> {
  const result = await autocannon({ url: 'http://localhost', socketPath, duration: seconds, connections, requests: [request] });
  const { average } = result.requests;
  const { p50, p99 } = result.latency;
  return { request: title, 'per second': Math.round(average), 'p50 ms': p50, 'p99 ms': p99, failed: result.non2xx + result.errors };
}

try {
  const wanted = Array.from({ length: objects }, (_, index) => project(`p${index}`));
  await pipeline.apply({ apply: wanted, remove: [], cascade: false, missingOk: false, dryRun: false, subject: systemSubject });
  await listenOnSocket(app, socketPath);
  let next = 0;
  const headers = { 'content-type': 'application/json' };
  const rows = [
    await measure('GET one object', { method: 'GET', path: '/v1/projects/p7' }),
    await measure(`GET a list of ${objects}`, { method: 'GET', path: '/v1/projects' }),
    await measure('POST one object', {
      method: 'POST',
      path: '/v1/projects',
      setupRequest: (request) => {
        next += 1;
        return { ...request, headers, body: JSON.stringify({ metadata: { name: `n${next}` } }) };
      },
    }),
  ];
  console.table(rows);
  console.log(`${connections} connections, ${seconds} s each; ${store.counts.Project} objects, revision ${store.revision} at the end`);
} finally {
  await app.close();
  await pipeline.idle();
  await store.close();
  rmSync(folder, { recursive: true });
}
