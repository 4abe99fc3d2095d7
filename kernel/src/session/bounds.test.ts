import test from 'ava';
import type { Handlers } from '../../bus/index.ts';
import type { KernelCalls, ObjectInput, WeftObject } from '../../contract/system/index.ts';
import { bounded } from './bounds.ts';

const key = { kind: 'Book', project: 'default', name: 'a' };
const context = { signal: new AbortController().signal };

/** What came through the bounds, by method. */
function setup({ alarms = [] as string[], books = 0 } = {}) {
  const through: string[] = [];
  const handlers = new Proxy({} as Handlers<KernelCalls>, {
    get: (_, method: string) => () => {
      through.push(method);
      return {};
    },
    ownKeys: () => [],
  });
  const store = {
    counts: { Book: books },
    list: () => alarms.map((name) => ({ metadata: { name } }) as WeftObject),
  };
  const calls = bounded('evil', handlers, store as never) as unknown as Record<string, (input: unknown, more: typeof context) => unknown>;
  const call = async (method: string, input: unknown): Promise<unknown> => calls[method]?.(input, context);
  return { call, through };
}

const object = (spec: object): ObjectInput => ({ kind: 'Book', metadata: { name: 'a' }, spec: spec as Record<string, unknown> });
const alarm = { key: 'k', severity: 'warning', subject: 's', text: 't' };

const refused: [string, unknown, string][] = [
  ['objects.list', { kinds: 'Book' }, 'MALFORMED'],
  ['objects.list', { kinds: [7] }, 'MALFORMED'],
  ['objects.watch', { kinds: Array.from({ length: 501 }, () => 'Book'), since: 0 }, 'TOO_LARGE'],
  ['objects.apply', { apply: null, delete: [] }, 'MALFORMED'],
  ['objects.apply', { apply: [null], delete: [] }, 'MALFORMED'],
  ['objects.apply', { apply: [], delete: [{ kind: 'Book' }] }, 'MALFORMED'],
  ['objects.apply', { apply: Array.from({ length: 5_001 }, () => object({})), delete: [] }, 'TOO_LARGE'],
  ['objects.apply', { apply: [object({ text: 'x'.repeat(1 << 20) })], delete: [] }, 'TOO_LARGE'],
  ['objects.apply', { apply: [object({ number: 1n })], delete: [] }, 'MALFORMED'],
  ['objects.status', { updates: [{ key, status: [] }] }, 'MALFORMED'],
  ['objects.status', { updates: [{ key, status: { text: 'x'.repeat(1 << 20) } }] }, 'TOO_LARGE'],
  ['objects.finalize', { keys: 'all' }, 'MALFORMED'],
  ['alarm.set', { ...alarm, severity: 'doom' }, 'MALFORMED'],
  ['alarm.set', { ...alarm, text: 'x'.repeat(2_001) }, 'TOO_LARGE'],
  ['alarm.set', { ...alarm, subject: 7 }, 'MALFORMED'],
  ['alarm.clear', { key: 'x'.repeat(101) }, 'TOO_LARGE'],
];
for (const [index, [method, input, code]] of refused.entries()) {
  test(`${method} is refused with ${code} (${index})`, async (t) => {
    const { call, through } = setup();
    await t.throwsAsync(call(method, input), { message: /./ }, code);
    const failure = (await call(method, input).catch((thrown: unknown) => thrown)) as { error: { code: string } };
    t.is(failure.error.code, code);
    t.deepEqual(through, []);
  });
}

test('what is within the bounds comes through', async (t) => {
  const { call, through } = setup();
  await call('objects.list', { kinds: ['Book'] });
  await call('objects.apply', { apply: [object({ text: 'x' })], delete: [key] });
  await call('objects.status', { updates: [{ key, status: { phase: 'Read' } }] });
  await call('objects.finalize', { keys: [key] });
  await call('alarm.set', alarm);
  await call('alarm.clear', { key: 'k' });
  t.is(through.length, 6);
});

test('a plugin has a bounded number of alarms, and may go on refreshing those', async (t) => {
  const full = setup({ alarms: [...Array.from({ length: 49 }, (_, index) => `evil.n${index}`), 'evil.k', 'dns.x'] });
  await t.notThrowsAsync(full.call('alarm.set', alarm));
  await t.throwsAsync(full.call('alarm.set', { ...alarm, key: 'another' }), { message: /has 50 alarms already/ });
});

test('a kind that fills the store takes no more', async (t) => {
  const { call } = setup({ books: 250_001 });
  await t.throwsAsync(call('objects.apply', { apply: [object({})], delete: [] }), { message: /more than 250000 objects/ });
});
