/** Ten thousand who watch one kernel: each has every change once and in order, soon; who does not read costs little and loses nothing. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Appliance, usage } from '../../run/appliance.ts';
import type { Order, Reached } from './watch-clients.ts';

const program = new URL('watch-clients.ts', import.meta.url).pathname;
const processes = 4;
const each = 2_500;
const slowOnes = 200;

class Crowd {
  readonly #clients: readonly ChildProcess[];

  constructor(count: number) {
    this.#clients = Array.from({ length: count }, () => fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
  }

  /** Tells all, and waits until each has answered. */
  async ask<T>(order: Order): Promise<readonly T[]> {
    return await Promise.all(
      this.#clients.map(
        (client) =>
          new Promise<T>((resolve, reject) => {
            client.once('message', (message) => resolve(message as T));
            client.once('exit', (code) => reject(new Error(`a client ended with ${code}`)));
            client.send(order);
          }),
      ),
    );
  }

  tell(order: Order): void {
    for (const client of this.#clients) client.send(order);
  }

  close(): void {
    for (const client of this.#clients) client.disconnect();
  }
}

const mib = (bytes: number): number => Math.round(bytes / 1024 / 1024);

function projects(name: string, count: number): object[] {
  return Array.from({ length: count }, (_, index) => ({ kind: 'Project', metadata: { name: `${name}-${index}` } }));
}

/** Of about 1 KiB each. */
function roles(count: number): object[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: 'Role',
    metadata: { name: `role-${index}` },
    spec: { role: 'viewer', subjects: Array.from({ length: 16 }, (_, subject) => `cert:${index}-${subject}-${'x'.repeat(50)}`) },
  }));
}

/** @returns last revision of the change */
async function apply(appliance: Appliance, objects: readonly object[]): Promise<number> {
  const input = objects.map((object) => JSON.stringify(object)).join('\n---\n');
  await appliance.must(['apply', '-f', '-'], { input });
  return Math.max(...(await revisions(appliance, 'Project')), ...(await revisions(appliance, 'Role')));
}

async function revisions(appliance: Appliance, kind: string): Promise<number[]> {
  const { items } = await appliance.json<{ items: { metadata: { revision: number } }[] }>(['get', kind]);
  return items.map(({ metadata }) => metadata.revision).sort((a, b) => a - b);
}

test('10,000 watchers of one kernel', async (t) => {
  const appliance = new Appliance();
  const crowd = new Crowd(processes);
  const slow = new Crowd(1);
  t.teardown(async () => {
    crowd.close();
    slow.close();
    await appliance.stop();
  });
  await appliance.start();
  const kernel = await appliance.pid('kernel');
  const socket = join(appliance.stateDir, 'api.sock');
  const before = usage(kernel);
  const began = Date.now();
  await crowd.ask({ open: each, socket, path: '/v1/watch?kinds=projects' });
  const opened = usage(kernel);
  t.log(`open: ${processes * each} watchers in ${Date.now() - began} ms, kernel ${mib(before.rssBytes)} → ${mib(opened.rssBytes)} MiB`);
  const [first = 0] = await revisions(appliance, 'Project');

  /** @returns milliseconds from the acknowledgement until all have it */
  const change = async (what: string, objects: readonly object[]): Promise<number> => {
    const start = usage(kernel).cpuSeconds;
    const revision = await apply(appliance, objects);
    const acknowledged = Date.now();
    const all = await crowd.ask<Reached>({ await: revision });
    const took = Math.max(0, ...all.map(({ reached }) => reached - acknowledged));
    const { rssBytes, cpuSeconds } = usage(kernel);
    t.log(
      `${what}: all have it ${took} ms after its acknowledgement; kernel ${mib(rssBytes)} MiB, ${(cpuSeconds - start).toFixed(2)} s of CPU`,
    );
    const expected = (await revisions(appliance, 'Project')).filter((one) => one > first);
    for (const { ids, wrong } of all) {
      t.is(wrong, 0, 'all watchers have had the same');
      t.deepEqual(ids, expected, 'every change, once and in order');
    }
    return took;
  };
  const one = await change('one change', projects('one', 1));
  t.true(one < 2_000, `${one} ms`);
  await change('1,000 changes', projects('many', 1_000));

  await slow.ask({ open: slowOnes, socket, path: '/v1/watch?kinds=roles' });
  slow.tell({ pause: slowOnes });
  const settled = usage(kernel).rssBytes;
  const revision = await apply(appliance, roles(3_000));
  await sleep(3_000);
  const stuck = usage(kernel).rssBytes;
  t.log(`${slowOnes} do not read 3,000 changes of 1 KiB: kernel ${mib(settled)} → ${mib(stuck)} MiB`);
  await change('one change meanwhile', projects('meanwhile', 1));
  slow.tell({ resume: true });
  const [reached] = await slow.ask<Reached>({ await: revision });
  t.is(reached?.wrong, 0);
  t.deepEqual(reached?.ids, await revisions(appliance, 'Role'), 'they have lost nothing');
});
