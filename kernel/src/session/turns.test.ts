import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Budget } from '../../bus/index.ts';
import { Turns } from './turns.ts';

test('writes go one after the other, and a refusal holds up nobody', async (t) => {
  const turns = new Turns();
  const order: string[] = [];
  const slow = turns.run(async () => {
    await sleep(20);
    order.push('slow');
  });
  const bad = turns.run(() => Promise.reject(new Error('no')));
  const last = turns.run(() => order.push('last'));
  await t.throwsAsync(bad, { message: 'no' });
  await Promise.all([slow, last]);
  t.deepEqual(order, ['slow', 'last']);
});

test('beyond the burst a plugin has its share of the time', async (t) => {
  const turns = new Turns(new Budget({ share: 0.25, burstMs: 0 }));
  const began = performance.now();
  for (let n = 0; n < 3; n++) await turns.run(() => sleep(30));
  const took = performance.now() - began;
  t.true(took > 2 * 100, `${took} ms for three times 30 ms at a quarter`);
});

test('writes that wait are bounded', async (t) => {
  const turns = new Turns();
  const gate = Promise.withResolvers<void>();
  const waiting = Array.from({ length: 256 }, () => turns.run(() => gate.promise));
  await t.throwsAsync(
    turns.run(() => 1),
    { message: /256 writes wait already/ },
  );
  gate.resolve();
  await Promise.all(waiting);
  t.is(await turns.run(() => 1), 1);
});
