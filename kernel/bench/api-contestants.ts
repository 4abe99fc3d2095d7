/** Who serves objects, and how each is asked for the same: requests as JSON over HTTP on a unix socket. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Request } from 'autocannon';
import { ask } from './api-client.ts';
import { Etcd, putAllBody, putBody, rangeBody, watchBody } from './etcd.ts';

/** Objects that are there when the measuring begins: p0, p1 … */
export const objects = 1_000;

/** What a case asks for; `null` where a contestant has no such thing. */
export interface Contestant {
  readonly name: string;
  readonly socketPath: string;
  readonly get: (index: number) => Request;
  readonly list: () => Request;
  /** A document that differs with `version` takes the place of the object. */
  readonly put: (index: number, version: number) => Request;
  readonly patch: ((index: number, version: number) => Request) | null;
  /** A new object. */
  readonly create: ((name: string) => Request) | null;
  /** `count` objects from p0 on get a new version in one transaction. */
  readonly putAll: (count: number, version: number) => Request;
  readonly watch: { readonly method: string; readonly path: string; readonly body?: string };
  /** Occurs once in each event of a watch. */
  readonly eventMark: string;
  stop(): Promise<void>;
}

const headers = { 'content-type': 'application/json' };
const describe = (version: number) => ({ description: `version ${String(version).padStart(9, '0')}` });

/** The kernel's API, and one of its objects as it answers it. */
export async function startWeft(folder: string): Promise<Contestant & { readonly sample: string }> {
  mkdirSync(folder, { recursive: true });
  const program = join(import.meta.dirname, 'api-server.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, folder, String(objects)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await ready(child);
  const socketPath = join(folder, 'api.sock');
  return {
    name: 'weft',
    socketPath,
    sample: await ask(socketPath, 'GET', '/v1/projects/p7'),
    get: (index) => ({ method: 'GET', path: `/v1/projects/p${index}` }),
    list: () => ({ method: 'GET', path: '/v1/projects' }),
    put: (index, version) => ({
      method: 'PUT',
      path: `/v1/projects/p${index}`,
      headers,
      body: JSON.stringify({ spec: describe(version) }),
    }),
    patch: (index, version) => ({
      method: 'PATCH',
      path: `/v1/projects/p${index}`,
      headers,
      body: JSON.stringify({ spec: describe(version) }),
    }),
    create: (name) => ({ method: 'POST', path: '/v1/projects', headers, body: JSON.stringify({ metadata: { name } }) }),
    putAll: (count, version) => {
      const wanted = Array.from({ length: count }, (_, index) => ({
        kind: 'Project',
        metadata: { name: `p${index}` },
        spec: describe(version),
      }));
      return { method: 'POST', path: '/v1/apply', headers, body: JSON.stringify({ objects: wanted }) };
    },
    watch: { method: 'GET', path: '/v1/watch?kinds=Project' },
    eventMark: '\nevent: ',
    stop: () => {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.stdin.end();
      return ended;
    },
  };
}

function ready(child: ChildProcessByStdio<Writable, Readable, null>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the API server ended with ${code} before it was ready`)));
  });
}

/** @param sample an object of Weft's: etcd's values are this text, with another version in it */
export async function startEtcd(folder: string, sample: string): Promise<Contestant> {
  const etcd = new Etcd(folder);
  await etcd.start();
  const key = (index: number) => `Project//p${index}`;
  const document = (index: number, version: number) =>
    sample.replace('"p7"', `"p${index}"`).replace('as it began', describe(version).description);
  const pairs = (count: number, version: number) =>
    Array.from({ length: count }, (_, index) => [key(index), document(index, version)] as const);
  await ask(etcd.socketPath, 'POST', '/v3/kv/txn', putAllBody(pairs(objects, 0)));
  const post = (path: string, body: string): Request => ({ method: 'POST', path, headers, body });
  return {
    name: 'etcd',
    socketPath: etcd.socketPath,
    get: (index) => post('/v3/kv/range', rangeBody(key(index))),
    list: () => post('/v3/kv/range', rangeBody('Project/', true)),
    put: (index, version) => post('/v3/kv/put', putBody(key(index), document(index, version))),
    patch: null,
    create: null,
    putAll: (count, version) => post('/v3/kv/txn', putAllBody(pairs(count, version))),
    watch: { method: 'POST', path: '/v3/watch', body: watchBody('Project/') },
    eventMark: '"mod_revision"',
    stop: () => etcd.stop(),
  };
}

/** The file system of a folder, for notes: what "durable" costs depends on it. Throws an Error for one in memory. */
export function assertDisk(folder: string): void {
  const tmpfs = 0x01021994;
  if (statfsSync(folder).type === tmpfs)
    throw new Error(`${folder} lies in memory: set TMPDIR to a folder on a disk, or "durable" means nothing`);
}
