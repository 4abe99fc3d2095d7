import type { LookupAddress } from 'node:dns';
import { promisify } from 'node:util';
import { deniedPrefixes } from '@weft/kernel/sdk';
import test from 'ava';
import { Addresses, deniedCode } from './addresses.ts';

const denied = deniedPrefixes('metadata', ['127.0.0.0/8', '::1/128']);
const four = (address: string): LookupAddress => ({ address, family: 4 });
const six = (address: string): LookupAddress => ({ address, family: 6 });

function asking(answers: readonly (readonly LookupAddress[] | Error)[]) {
  let [clock, asked] = [0, 0];
  const ask = async () => {
    const answer = answers[Math.min(asked++, answers.length - 1)] ?? [];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const addresses = new Addresses(denied, ask, () => clock);
  const lookup = promisify(addresses.lookup) as unknown as (name: string, options: { all: boolean }) => Promise<unknown>;
  return {
    all: () => lookup('nova', { all: true }),
    one: () => lookup('nova', { all: false }),
    pass: (ms: number) => (clock += ms),
    asked: () => asked,
  };
}

test('addresses that are denied are left out, in either form of the question', async (t) => {
  const { all, one } = asking([[four('127.0.0.1'), six('::1'), six('::ffff:127.0.0.1'), four('192.0.2.1'), six('2001:db8::1')]]);
  t.deepEqual(await all(), [four('192.0.2.1'), six('2001:db8::1')]);
  t.is(await one(), '192.0.2.1');
});

test('a name that has come to mean the host itself is denied from then on', async (t) => {
  const { all, pass } = asking([[four('192.0.2.1')], [four('127.0.0.1')]]);
  t.deepEqual(await all(), [four('192.0.2.1')]);
  pass(10_000);
  await t.throwsAsync(all(), { code: deniedCode });
});

test('the resolver is asked once for all who wait, and again when its answer is old', async (t) => {
  const { all, pass, asked } = asking([[four('192.0.2.1')]]);
  await Promise.all([all(), all(), all()]);
  pass(9_999);
  await all();
  t.is(asked(), 1);
  pass(1);
  await all();
  t.is(asked(), 2);
});

test('a failure is told to all who wait, and forgotten soon', async (t) => {
  const { all, pass, asked } = asking([Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), [four('192.0.2.1')]]);
  for (const each of [all(), all()]) await t.throwsAsync(each, { code: 'ENOTFOUND' });
  await t.throwsAsync(all(), { code: 'ENOTFOUND' });
  t.is(asked(), 1);
  pass(1_000);
  t.deepEqual(await all(), [four('192.0.2.1')]);
});
