import { WeftFailure } from '@weft/kernel/contract/system';
import test from 'ava';
import { type CapturedFrame, directions, ForwarderError } from '../binding/index.ts';
import { capture } from './capture.ts';

const frame = (fields: Partial<CapturedFrame> = {}): CapturedFrame => ({
  ...{ length: 60, taken: 2, timestampNs: 7n, lost: 0n, reason: 0xffff, direction: directions.IN, data: Buffer.from([1, 2]) },
  ...fields,
});

/** A library with one port, whose reads give these batches. */
function library(batches: CapturedFrame[][]) {
  const calls: unknown[][] = [];
  return {
    calls,
    filterCompile: async (text: string) => {
      if (text === 'nonsense') throw new SyntaxError('syntax error');
      return Buffer.from(text);
    },
    captureOpen: (port: number, snap: number, filter: Uint8Array) => {
      if (port === 2) throw new ForwarderError('FULL', 'port 2 is captured already');
      if (port === 3) throw new ForwarderError('ARGUMENT', 'there is no port 3');
      calls.push(['open', port, snap, Buffer.from(filter).toString()]);
      return 9;
    },
    captureRead: () => batches.shift() ?? [],
    captureClose: (number: number) => {
      calls.push(['close', number]);
      return 0;
    },
    dropName: (reason: number) => `reason-${reason}`,
  };
}

test('passes frames on with names for numbers, and closes when the reader stops', async (t) => {
  const given = library([[frame(), frame({ reason: 4, direction: directions.OUT, lost: 3n })]]);
  const items = capture(given, { port: 1, filter: 'icmp', snap: 64 }, new AbortController().signal);
  t.deepEqual((await items.next()).value, { frames: [], lost: 0 });
  for await (const item of items) {
    t.deepEqual(item, {
      lost: 3,
      frames: [
        { timestampNs: 7n, direction: 'in', length: 60, data: Buffer.from([1, 2]) },
        { timestampNs: 7n, direction: 'out', length: 60, data: Buffer.from([1, 2]), reason: 'reason-4' },
      ],
    });
    break;
  }
  t.deepEqual(given.calls, [
    ['open', 1, 64, 'icmp'],
    ['close', 9],
  ]);
});

test('an aborted stream closes its capture while it waits', async (t) => {
  const given = library([]);
  const abort = new AbortController();
  const items = capture(given, { port: 1 }, abort.signal);
  await items.next();
  const next = items.next();
  setTimeout(() => abort.abort(), 5);
  t.deepEqual(await next, { done: true, value: undefined });
  t.deepEqual(given.calls, [
    ['open', 1, 0, ''],
    ['close', 9],
  ]);
});

for (const [name, request, code, message] of [
  ['a filter', { port: 1, filter: 'nonsense' }, 'INVALID', /the filter 'nonsense' is wrong: syntax error/],
  ['a port that is captured', { port: 2 }, 'CONFLICT', /captured already/],
  ['a port that is not there', { port: 3 }, 'INVALID', /no port 3/],
] as const)
  test(`${name} is refused in words`, async (t) => {
    const thrown = await t.throwsAsync(capture(library([]), request, new AbortController().signal).next(), { message });
    t.is(thrown instanceof WeftFailure ? thrown.error.code : undefined, code);
  });
