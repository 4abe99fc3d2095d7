import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Valve, type ValveEndpoint } from './valve.ts';

const mib = 1 << 20;

/** `hoards`: closing the endpoint of this name gives 500 MiB back. */
function setup(hoards: string, quiet: readonly string[], chatting: readonly string[] = []) {
  const reopened: string[] = [];
  const blamed: string[] = [];
  let unseen = 50 * mib;
  const endpoint = (name: string, heardAt: number): ValveEndpoint & { name: string } => ({
    name,
    heardAt,
    onRefused: (act) => void blamed.push(`${name} ${act}`),
  });
  const now = performance.now();
  const endpoints = [
    ...quiet.map((name, index) => endpoint(name, now - 60_000 + index)),
    ...chatting.map((name) => endpoint(name, now + 60_000)),
  ];
  const reopen = async ({ name }: { name: string }): Promise<void> => {
    reopened.push(name);
    if (name === hoards) unseen = 60 * mib;
  };
  const valve = new Valve({ limit: 200 * mib, intervalMs: 20, releaseMs: 100, measure: () => unseen }, () => endpoints, reopen);
  return { valve, reopened, blamed, grow: (by: number) => (unseen += by) };
}

test('sockets are closed one by one until the memory is back, and that peer is named', async (t) => {
  const { valve, reopened, blamed, grow } = setup('b', ['a', 'b', 'c'], ['d']);
  t.teardown(() => valve.close());
  await sleep(60);
  t.deepEqual(reopened, []);
  grow(500 * mib);
  await sleep(500);
  t.deepEqual(reopened, ['a', 'b']);
  t.deepEqual(blamed, ['b endless-message']);
});

test('a growth that is nobody’s message costs each quiet peer one connection, once', async (t) => {
  const { valve, reopened, blamed, grow } = setup('', ['a', 'b'], ['d']);
  t.teardown(() => valve.close());
  await sleep(60);
  grow(500 * mib);
  await sleep(600);
  t.deepEqual(reopened, ['a', 'b']);
  t.deepEqual(blamed, []);
});
