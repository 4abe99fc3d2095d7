import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import { fail } from '../contract/system/errors.ts';
import { maxInFlight, type Stream, streamWindow, type Unary } from '../contract/system/wire.ts';
import { type Handlers, type MemoryPair, memoryPair } from './index.ts';

interface Side {
  readonly echo: Unary<{ value: unknown }, { value: unknown }>;
  readonly hang: Unary<Record<string, never>, Record<string, never>>;
  readonly refuse: Unary<Record<string, never>, Record<string, never>>;
  readonly count: Stream<Record<string, never>, number>;
  readonly broken: Stream<Record<string, never>, number>;
}
interface None {
  readonly none: Unary<Record<string, never>, Record<string, never>>;
}

interface Probe {
  pair: MemoryPair<None, Side>;
  aborted: number;
  produced: number;
  returned: number;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await turn();
}

function open(): Probe {
  const probe = { aborted: 0, produced: 0, returned: 0 } as Probe;
  const handlers: Handlers<Side> = {
    echo: ({ value }) => ({ value }),
    hang: (_, { signal }) =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          probe.aborted += 1;
        });
      }),
    refuse: () => {
      throw fail('CONFLICT', 'it is taken', 'choose another', [{ object: 'Port/a/b', pointer: '/spec', message: 'm', fix: 'f' }]);
    },
    async *count() {
      try {
        for (;;) yield probe.produced++;
      } finally {
        probe.returned += 1;
      }
    },
    async *broken() {
      yield 1;
      throw new Error('the well ran dry');
    },
  };
  probe.pair = memoryPair<None, Side>({ name: 'caller', handlers: { none: () => ({}) } }, { name: 'side', handlers });
  probe.pair.connect();
  return probe;
}

const values: [string, unknown][] = [
  ['bytes', Buffer.from([0, 255, 7])],
  ['a big integer', 2n ** 60n],
  ['nested', { a: [1, 'two', null, { three: true }] }],
  ['text', 'ünïcode'],
  ['a float', 1.5],
  ['no value in a field', { a: null }],
];
for (const [name, value] of values) {
  test(`carries ${name} unchanged`, async (t: ExecutionContext) => {
    t.deepEqual((await open().pair.a.call('echo', { value })).value, value);
  });
}

test('an error keeps its code, fix and findings', async (t) => {
  const failure = await t.throwsAsync(open().pair.a.call('refuse', {}));
  t.like(failure, { error: { code: 'CONFLICT', fix: 'choose another', errors: [{ pointer: '/spec' }] } });
});

test('a deadline fails the call and aborts the handler', async (t) => {
  const probe = open();
  const failure = await t.throwsAsync(probe.pair.a.call('hang', {}, { deadlineMs: 5 }));
  t.like(failure, { error: { code: 'DEADLINE', message: "side did not answer 'hang' within 5 ms" } });
  await turns(3);
  t.is(probe.aborted, 1);
});

test('cancelling by signal aborts the handler', async (t) => {
  const probe = open();
  const abort = new AbortController();
  const call = probe.pair.a.call('hang', {}, { signal: abort.signal });
  await turns(2);
  abort.abort();
  t.like(await t.throwsAsync(call), { error: { code: 'CANCELLED' } });
  await turns(2);
  t.is(probe.aborted, 1);
});

test('beyond the bound of calls in flight a call is refused at once', async (t) => {
  const { pair } = open();
  const hanging = Array.from({ length: maxInFlight }, () => t.throwsAsync(pair.a.call('hang', {})));
  t.like(await t.throwsAsync(pair.a.call('echo', { value: 1 })), { error: { code: 'BUS_OVERLOADED' } });
  pair.disconnect();
  await Promise.all(hanging);
});

test('a stream stops producing when nobody reads', async (t) => {
  const probe = open();
  const stream = probe.pair.a.stream('count', {});
  t.is((await stream.next()).value, 0);
  await turns(streamWindow * 4);
  t.true(probe.produced <= streamWindow + 2, `${probe.produced} items`);
  for (let n = 1; n < streamWindow * 3; n++) t.is((await stream.next()).value, n);
  await stream.return?.();
});

test('a stream keeps hold of no item that it has sent', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const sent: WeakRef<object>[] = [];
  const handlers: Handlers<Pick<Side, 'count'>> = {
    async *count() {
      for (;;) {
        const item = { at: sent.length };
        sent.push(new WeakRef(item));
        yield item as unknown as number;
      }
    },
  };
  const pair = memoryPair<None, Pick<Side, 'count'>>({ name: 'caller', handlers: { none: () => ({}) } }, { name: 'side', handlers });
  pair.connect();
  const stream = pair.a.stream('count', {});
  for (let n = 0; n < streamWindow; n++) await stream.next();
  await turns(5);
  collect();
  const held = sent.filter((item) => item.deref() !== undefined).length;
  await stream.return?.();
  t.true(held < streamWindow / 2, `${held} of ${sent.length} are still held`);
});

test('leaving the loop ends the producer', async (t) => {
  const probe = open();
  for await (const n of probe.pair.a.stream('count', {})) if (n === 3) break;
  await turns(5);
  t.is(probe.returned, 1);
});

test("a stream's exception arrives after its items", async (t) => {
  const seen: number[] = [];
  const failure = await t.throwsAsync(async () => {
    for await (const n of open().pair.a.stream('broken', {})) seen.push(n);
  });
  t.like(failure, { error: { code: 'INTERNAL', message: 'the well ran dry' } });
  t.deepEqual(seen, [1]);
});

test('a lost peer fails calls and streams, and aborts what it asked for', async (t) => {
  const probe = open();
  const call = t.throwsAsync(probe.pair.a.call('hang', {}));
  const stream = probe.pair.a.stream('count', {});
  await stream.next();
  probe.pair.disconnect();
  t.like(await call, { error: { code: 'UNAVAILABLE', message: 'side went away' } });
  const ended = await t.throwsAsync(async () => {
    for (;;) if ((await stream.next()).done) return;
  });
  t.like(ended, { error: { code: 'UNAVAILABLE' } });
  t.is(probe.aborted, 1);
  t.like(await t.throwsAsync(probe.pair.a.call('echo', { value: 1 })), {
    error: { code: 'UNAVAILABLE', message: 'side is not connected' },
  });
});

test('a value that cannot be serialised fails its call only', async (t) => {
  const { pair } = open();
  const circular: { self?: unknown } = {};
  circular.self = circular;
  t.like(await t.throwsAsync(pair.a.call('echo', { value: circular })), { error: { code: 'INTERNAL' } });
  t.deepEqual(await pair.a.call('echo', { value: 1 }), { value: 1 });
});
