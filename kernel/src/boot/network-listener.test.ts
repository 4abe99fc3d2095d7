import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { fail } from '../../contract/system/index.ts';
import { NetworkListener } from './network-listener.ts';

class World {
  taken = true;
  tries = 0;
  closed = 0;
  alarm: string | null = null;
  readonly listener = new NetworkListener({
    listen: () => {
      this.tries += 1;
      const listening = { close: () => (this.closed += 1), closeAllConnections: () => undefined };
      return this.taken ? Promise.reject(fail('INTERNAL', 'port 1 is taken', 'choose another')) : Promise.resolve(listening);
    },
    alarm: async (text) => {
      this.alarm = text;
    },
    retryMs: 10,
  });
}

test('a taken port is an alarm, and is tried again until it is free', async (t) => {
  const world = new World();
  await world.listener.open();
  t.is(world.alarm, 'port 1 is taken: choose another');
  world.taken = false;
  for (let tries = 0; tries < 100 && world.alarm !== null; tries++) await sleep(10);
  t.is(world.alarm, null);
  const { tries } = world;
  await sleep(30);
  t.is(world.tries, tries, 'it listens, so it tries no more');
  world.listener.close();
  t.is(world.closed, 1);
});

test('once closed it tries no more', async (t) => {
  const world = new World();
  await world.listener.open();
  world.listener.close();
  await sleep(30);
  t.is(world.tries, 1);
  const late = new World();
  const opening = late.listener.open();
  late.listener.close();
  await opening;
  await sleep(30);
  t.deepEqual([late.tries, late.alarm], [1, null]);
});
