import test from 'ava';
import { links, type PortState } from '../binding/index.ts';
import { PortWatch } from './port-watch.ts';

const mac = '00:00:00:00:00:00';
const port = (id: number, state: number, generation = 1, reason = ''): PortState => ({ id, generation, slot: 1, state, mac, reason });

test('tells all ports first and then only what changed', async (t) => {
  let ports = [port(1, links.UP), port(2, links.PENDING, 1, 'waiting')];
  const watch = new PortWatch(() => ports);
  const abort = new AbortController();
  const items = watch.watch(abort.signal);
  t.deepEqual((await items.next()).value, {
    ports: [
      { id: 1, generation: 1, slot: 1, state: 'up', mac, reason: '' },
      { id: 2, generation: 1, slot: 1, state: 'pending', mac, reason: 'waiting' },
    ],
    removed: [],
  });
  const next = items.next();
  ports = [port(2, links.DOWN, 1, 'no carrier')];
  watch.refresh();
  t.deepEqual((await next).value, { ports: [{ id: 2, generation: 1, slot: 1, state: 'down', mac, reason: 'no carrier' }], removed: [1] });
});

test('tells when the MAC address of an uplink changed', async (t) => {
  let ports = [port(1, links.UP)];
  const watch = new PortWatch(() => ports);
  const items = watch.watch(new AbortController().signal);
  await items.next();
  ports = [{ ...port(1, links.UP), mac: '02:00:00:00:00:0a' }];
  watch.refresh();
  t.is((await items.next()).value?.ports[0]?.mac, '02:00:00:00:00:0a');
});

test('joins what a slow reader missed: each port once, in its last state', async (t) => {
  let ports = [port(1, links.UP)];
  const watch = new PortWatch(() => ports);
  const items = watch.watch(new AbortController().signal);
  await items.next();
  for (const now of [[port(1, links.DOWN)], [], [port(1, links.UP, 2), port(3, links.UP)], [port(1, links.DOWN, 2)]]) {
    ports = now;
    watch.refresh();
  }
  t.deepEqual((await items.next()).value, { ports: [{ id: 1, generation: 2, slot: 1, state: 'down', mac, reason: '' }], removed: [3] });
});

test('says nothing when nothing changed, and ends when the reader leaves', async (t) => {
  const watch = new PortWatch(() => [port(1, links.UP)]);
  const abort = new AbortController();
  const items = watch.watch(abort.signal);
  await items.next();
  watch.refresh();
  const next = items.next();
  abort.abort();
  t.true((await next).done);
});
