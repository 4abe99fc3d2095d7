/** The store alone, without the path of a change before it: commits, reads, the log; with few and many objects in it. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiVersion, type WeftObject } from '../contract/system/index.ts';
import { ObjectStore, type Write } from '../src/store/index.ts';
import { ask } from './api-client.ts';
import { backendFile, type Etcd, putAllBody, putBody } from './etcd.ts';
import type { Measurement, Rounds } from './measurement.ts';

/** Objects of one project: what a list of a project shows. */
const projectSize = 1_000;
const kind = 'Thing';

/** About 500 bytes as JSON. */
function thing(index: number, version: number): WeftObject {
  const project = `project${Math.floor(index / projectSize)}`;
  const uid = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
  const metadata = { name: `thing${index}`, project, uid, revision: 0, generation: 1, createdAt: '2026-01-01T00:00:00.000Z' };
  const spec = {
    description: 'One of many objects of a plausible size',
    version,
    tags: ['first', 'second'],
    limit: { rate: 1_000, burst: 100 },
  };
  return { apiVersion, kind, metadata, spec, status: { phase: 'Active', reason: '', since: '2026-01-01T00:00:00.000Z' } };
}

const address = (index: number) => `${kind}/project${Math.floor(index / projectSize)}/thing${index}`;

/** One place of n objects of a filled store; all visited before any comes again. */
class Walk {
  readonly #size: number;
  #at = 0;

  constructor(size: number) {
    this.#size = size;
  }

  next(): number {
    // odd and no multiple of 5: coprime to the sizes used
    this.#at = (this.#at + 617) % this.#size;
    return this.#at;
  }
}

let version = 0;

function writes(walk: Walk, count: number): Write[] {
  version += 1;
  return Array.from({ length: count }, () => ({ op: 'put', object: thing(walk.next(), version) }));
}

function pairs(walk: Walk, count: number): (readonly [string, string])[] {
  version += 1;
  return Array.from({ length: count }, () => {
    const index = walk.next();
    return [address(index), JSON.stringify(thing(index, version))] as const;
  });
}

/** Times a second that `work` can be done, one after the other, in about so many seconds. */
async function perSecond(seconds: number, work: () => Promise<unknown> | unknown): Promise<number> {
  const begin = performance.now();
  let [done, now] = [0, begin];
  for (; now - begin < seconds * 1000; now = performance.now()) {
    await work();
    done += 1;
  }
  return (done / (now - begin)) * 1000;
}

export const storeFolder = 'store';

/** Both filled with the same objects. */
export interface Filled {
  readonly size: number;
  readonly folder: string;
  store: ObjectStore;
  readonly etcd: Etcd | undefined;
  readonly walk: Walk;
}

const fillBatch = 1_000;

export async function fill(folder: string, size: number, etcd: Etcd | undefined): Promise<Filled> {
  const store = new ObjectStore({ path: join(folder, storeFolder) });
  for (let at = 0; at < size; at += fillBatch) {
    const batch = Array.from({ length: Math.min(fillBatch, size - at) }, (_, index) => thing(at + index, 0));
    await store.commit(
      batch.map((object) => ({ op: 'put', object })),
      'bench',
    );
    if (etcd !== undefined)
      await ask(
        etcd.socketPath,
        'POST',
        '/v3/kv/txn',
        putAllBody(batch.map((object, index) => [address(at + index), JSON.stringify(object)])),
      );
  }
  return { size, folder, store, etcd, walk: new Walk(size) };
}

const notes = {
  weft: 'In its own process, one transaction after the other, each flushed to disk before the next; the log of changes is written, too.',
  etcd: 'By its gateway: JSON over HTTP on a unix socket, one request after the other on one connection; the same JSON as value; one member.',
} as const;

function figure(filled: Filled, name: string, title: string, contestant: 'weft' | 'etcd'): Omit<Measurement, 'values' | 'unit' | 'better'> {
  const variant = `${filled.size / 1000} k objects`;
  return { group: 'store', case: name, title, variant, size: filled.size, contestant, note: notes[contestant] };
}

/** One round: Weft and etcd take turns. */
export async function measure(filled: Filled, rounds: Rounds, seconds: number): Promise<void> {
  const { store, etcd, walk } = filled;
  for (const count of [1, 100]) {
    const title = count === 1 ? 'Commit of one object, durable' : `Commit of ${count} objects, durable`;
    const add = (contestant: 'weft' | 'etcd', value: number) =>
      rounds.add({ ...figure(filled, `commit-${count}`, title, contestant), unit: '/s', better: 'more' }, value);
    add('weft', await perSecond(seconds, () => store.commit(writes(walk, count), 'bench')));
    if (etcd === undefined) continue;
    const put = () => {
      const wanted = pairs(walk, count);
      const [[key, value] = ['', '']] = wanted;
      const [path, body] = count === 1 ? ['put', putBody(key, value)] : ['txn', putAllBody(wanted)];
      return ask(etcd.socketPath, 'POST', `/v3/kv/${path}`, body);
    };
    add('etcd', await perSecond(seconds, put));
  }
  await reads(filled, rounds, seconds);
}

async function reads(filled: Filled, rounds: Rounds, seconds: number): Promise<void> {
  const { store, walk, size } = filled;
  const add = (name: string, title: string, value: number) =>
    rounds.add({ ...figure(filled, name, title, 'weft'), unit: '/s', better: 'more' }, value);
  const read = () => {
    const index = walk.next();
    const { project = '', name } = thing(index, 0).metadata;
    if (store.get({ kind, project, name }) === undefined) throw new Error(`${address(index)} is not in the store`);
  };
  const hundred = () => {
    for (let time = 0; time < 100; time += 1) read();
  };
  add('read', 'Read one object', 100 * (await perSecond(seconds / 2, hundred)));
  const projects = new Walk(Math.max(1, size / projectSize));
  const list = () => {
    const found = store.list(kind, `project${projects.next()}`).length;
    if (found !== projectSize) throw new Error(`a list has ${found} objects instead of ${projectSize}`);
  };
  add('list', `List the ${projectSize.toLocaleString('en-US')} objects of a project`, await perSecond(seconds / 2, list));
  add('resume', 'Watch from a revision of the past: events given', await replay(store));
}

/** Events per second that a watcher gets that was away for 20,000 changes, or for all there were. */
async function replay(store: ObjectStore): Promise<number> {
  const since = Math.max(store.floor, store.revision - 20_000);
  const [wanted, begin] = [store.revision - since, performance.now()];
  let got = 0;
  for await (const batch of store.watch(since, null)) {
    got += batch.length;
    if (got >= wanted) break;
  }
  return (got / (performance.now() - begin)) * 1000;
}

/** Opens the store anew, as a start of the kernel does: it counts its objects then. */
export async function reopen(filled: Filled, rounds: Rounds): Promise<void> {
  await filled.store.close();
  const begin = performance.now();
  filled.store = new ObjectStore({ path: join(filled.folder, storeFolder) });
  const took = performance.now() - begin;
  const { [kind]: found } = filled.store.counts;
  if (found !== filled.size) throw new Error(`the store has ${found} objects after it was opened instead of ${filled.size}`);
  rounds.add({ ...figure(filled, 'open', 'Open the store', 'weft'), unit: 'ms', better: 'less' }, took);
}

/** To be taken right after the filling: what changes later adds to the logs of both. */
export async function diskUse(filled: Filled, rounds: Rounds): Promise<void> {
  // etcd answers when its write-ahead log has it; the backend follows every 100 ms
  await sleep(500);
  const bytesIn = (folder: string): number => {
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    return files.reduce((sum, { name }) => sum + statSync(join(folder, name)).blocks * 512, 0);
  };
  const of = (contestant: 'weft' | 'etcd', note: string) => {
    return { ...figure(filled, 'disk', 'Disk per object', contestant), unit: 'B', better: 'less' as const, note };
  };
  rounds.add(
    of('weft', 'An object of about 500 bytes of JSON, and the change that made it in the log.'),
    bytesIn(join(filled.folder, storeFolder)) / filled.size,
  );
  if (filled.etcd === undefined) return;
  const { blocks } = statSync(join(filled.folder, backendFile));
  rounds.add(
    of('etcd', "etcd's backend (one revision of each key) without its write-ahead log of 64 MB files."),
    (blocks * 512) / filled.size,
  );
}
