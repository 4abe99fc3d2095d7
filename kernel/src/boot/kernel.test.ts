import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { newKeyPair } from '../../bus/index.ts';
import type { Handoff, KernelToLauncher } from '../../contract/system/index.ts';
import { ObjectStore, type Write } from '../store/index.ts';

const program = new URL('kernel.ts', import.meta.url).pathname;

interface Kernel {
  readonly process: ChildProcess;
  readonly said: KernelToLauncher[];
  get(path: string): Promise<{ items: { metadata: { name: string; uid: string } }[] }>;
}

/** A kernel process without plugins, once it has said that it is ready. */
async function start(t: ExecutionContext, folder: string): Promise<Kernel> {
  for (const dir of ['kernel', 'state', 'plugins']) mkdirSync(join(folder, dir), { recursive: true });
  const apiSocket = join(folder, 'api.sock');
  const keys = newKeyPair();
  const handoff: Handoff = {
    name: 'kernel',
    runDir: folder,
    stateDir: join(folder, 'state'),
    logLevel: 'warn',
    keys,
    servers: { kernel: keys.publicKey, forwarder: keys.publicKey },
    settings: { pluginDirs: [join(folder, 'plugins')] },
    apiSocket,
  };
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'ipc'] });
  t.teardown(() => child.kill('SIGKILL'));
  (child.stdio[3] as Writable).end(JSON.stringify(handoff));
  const said: KernelToLauncher[] = [];
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the kernel ended with ${code}`)));
    child.on('message', (message: KernelToLauncher) => {
      said.push(message);
      if (message.type === 'ready') resolve();
    });
  });
  return { process: child, said, get: (path) => getJson(apiSocket, path) };
}

function getJson<T>(socketPath: string, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path }, async (response) => {
      const chunks = await response.toArray();
      resolve(JSON.parse(Buffer.concat(chunks as Buffer[]).toString()) as T);
    });
    asked.on('error', reject);
    asked.end();
  });
}

test('the kernel says what it wants before it is ready, serves, stops in order, and remembers', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-kernel-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const first = await start(t, folder);
  t.deepEqual(
    first.said.map(({ type }) => type),
    ['want', 'ready'],
  );
  const [project] = (await first.get('/v1/projects')).items;
  t.is(project?.metadata.name, 'default');
  first.process.kill('SIGTERM');
  t.deepEqual(await once(first.process, 'exit'), [0, null]);
  t.false(existsSync(join(folder, 'api.sock')), 'the socket is put away');

  const second = await start(t, folder);
  second.process.kill('SIGKILL');
  await once(second.process, 'exit');
  const third = await start(t, folder);
  t.is((await third.get('/v1/projects')).items[0]?.metadata.uid, project?.metadata.uid);
  third.process.disconnect();
  t.deepEqual(await once(third.process, 'exit'), [0, null], 'it does not outlive its launcher');
});

test('alarms of plugins that are not installed any more go away', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-kernel-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const store = new ObjectStore({ path: join(folder, 'state') });
  const alarms = ['kernel.plugin-gone', 'gone.pool-full', 'kernel.other'].map((name): Write => {
    const metadata = { name, uid: name, revision: 0, generation: 1, createdAt: '2026-01-01T00:00:00Z' };
    const status = { severity: 'critical', subject: 'x', text: 'x', since: '2026-01-01T00:00:00Z' };
    return { op: 'put', object: { apiVersion: 'weft/v1', kind: 'Alarm', metadata, spec: {}, status } };
  });
  await store.commit(alarms, 'system:kernel');
  await store.close();
  const kernel = await start(t, folder);
  t.deepEqual(
    (await kernel.get('/v1/alarms')).items.map(({ metadata }) => metadata.name),
    ['kernel.other'],
  );
  kernel.process.disconnect();
  await once(kernel.process, 'exit');
});

test('a kind that does not fit its new schema answers 503 and is told of by an alarm; all else is served', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-kernel-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const store = new ObjectStore({ path: join(folder, 'state') });
  const metadata = { name: 'a', project: 'default', uid: 'a', revision: 0, generation: 1, createdAt: '2026-01-01T00:00:00Z' };
  const object = { apiVersion: 'weft/v1', kind: 'Toy', metadata, spec: { size: 'big' }, status: {} } as const;
  await store.commit([{ op: 'put', object }], 'user:x');
  await store.upkeep.rememberSchemas(new Map([['Toy', { schemaVersion: 1, references: [] }]]));
  await store.close();
  const properties = { size: { type: 'integer' } };
  const toy = {
    ...{ kind: 'Toy', plural: 'toys', scope: 'project', summary: 'A toy.', schemaVersion: 2, status: { type: 'object' } },
    spec: { type: 'object', properties, additionalProperties: false },
    ...{ references: [], columns: [], converters: [{ version: 2, up: [], down: [] }] },
  };
  const manifest = {
    ...{ name: 'toys', version: '2.0.0', summary: 'Toys', needs: [], kinds: [toy], operations: [], puntClasses: [] },
    ...{ grants: { rows: [], reads: [], writes: [] }, config: { type: 'object' } },
  };
  mkdirSync(join(folder, 'plugins', 'toys'), { recursive: true });
  writeFileSync(join(folder, 'plugins', 'toys', 'manifest.json'), JSON.stringify(manifest));
  const kernel = await start(t, folder);
  const reason = /Toy\/default\/a does not fit: \/spec\/size must be a whole number/;
  const refused = (await kernel.get('/v1/default/toys')) as unknown as { status: number; detail: string };
  t.is(refused.status, 503);
  t.regex(refused.detail, reason);
  const alarms = (await kernel.get('/v1/alarms')).items as unknown as { metadata: { name: string }; status: { text: string } }[];
  t.deepEqual(
    alarms.map(({ metadata: { name } }) => name),
    ['kernel.kind-toy'],
  );
  t.regex(alarms[0]?.status.text ?? '', reason);
  t.is((await kernel.get('/v1/projects')).items.length, 1);
  kernel.process.disconnect();
  await once(kernel.process, 'exit');
});
