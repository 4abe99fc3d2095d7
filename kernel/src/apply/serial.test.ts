import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { onAccount, Serial } from './serial.ts';

test('what waits for the work of others pays for its own only', async (t) => {
  const serial = new Serial();
  const spent: number[] = [];
  const others = serial.run(() => sleep(400));
  const result = await onAccount(
    () => serial.run(async () => 'done'),
    (ms) => spent.push(ms),
  );
  await others;
  t.is(result, 'done');
  t.true((spent[0] ?? 400) < 200, `${spent[0]} ms`);
});

test('work that fails is paid for, too', async (t) => {
  const spent: number[] = [];
  const failed = onAccount(
    async () => {
      await sleep(20);
      throw new Error('no');
    },
    (ms) => spent.push(ms),
  );
  await t.throwsAsync(failed, { message: 'no' });
  t.true((spent[0] ?? 0) > 10, `${spent[0]} ms`);
});
