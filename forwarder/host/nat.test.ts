import test from 'ava';
import { type NatEvent, natEventKinds } from '../binding/index.ts';
import { natBlocks, natEvents, natStats } from './nat.ts';

const packed = (fields: Partial<NatEvent> = {}): NatEvent => ({
  ...{ sequence: 0n, timeNs: 1_700_000_000_123_456_789n, event: natEventKinds.LISTED, protocol: 0 },
  ...{ insidePort: 3, insideGeneration: 7, port: 9, first: 1_024, last: 1_535, version: 4, address: Buffer.from([192, 0, 2, 1]) },
  ...fields,
});
const block = { address: '192.0.2.1', first: 1_024, last: 1_535, port: 9, insidePort: 3, insideGeneration: 7, timeMs: 1_700_000_000_123 };

/** @param parts how many there are of blocks, one in each */
function library({ events = [], parts = 0 }: { events?: readonly NatEvent[]; parts?: number } = {}) {
  return {
    natStatsRead: () => [
      {
        ...{ port: 9, pool: 2, ports: 64_512, blocked: 512, tcp: 7, udp: 8, icmp: 1, version: 6, host: 1, exhausted: 5n },
        address: Buffer.from('20010db8000000000000000000000001', 'hex'),
      },
    ],
    natBlocksRead: (cursor: number) => ({ records: [packed({ first: cursor })], ...(cursor + 1 < parts ? { cursor: cursor + 1 } : {}) }),
    natEventsRead: (after: bigint) => events.filter(({ sequence }) => sequence > after),
  };
}

test('an address says what of it is in use', (t) => {
  t.deepEqual(natStats(library()), {
    addresses: [
      { port: 9, pool: 2, address: '2001:db8::1', ports: 64_512, blocked: 512, tcp: 7, udp: 8, icmp: 1, host: true, exhausted: 5 },
    ],
  });
});

test('blocks come some at a time until there are no more', async (t) => {
  t.deepEqual(await natBlocks(library({ parts: 1 }), {}), { blocks: [{ ...block, first: 0 }] });
  const many = library({ parts: 20 });
  const first = await natBlocks(many, {});
  t.deepEqual([first.blocks.length, first.cursor], [16, 16]);
  const second = await natBlocks(many, { cursor: 16 });
  t.deepEqual([second.blocks.map((one) => one.first), second.cursor], [[16, 17, 18, 19], undefined]);
});

test('events are those after a number, and say what happened', (t) => {
  const events = [
    packed({ sequence: 1n, event: natEventKinds.ASSIGNED }),
    packed({ sequence: 2n, event: natEventKinds.RELEASED }),
    packed({ sequence: 3n, event: natEventKinds.EXHAUSTED, first: 0, last: 0, protocol: 6 }),
  ];
  t.deepEqual(natEvents(library({ events }), { after: 1 }), {
    events: [
      { ...block, sequence: 2, event: 'released', protocol: 0 },
      { ...block, first: 0, last: 0, sequence: 3, event: 'exhausted', protocol: 6 },
    ],
  });
  t.deepEqual(natEvents(library({ events }), { after: 3 }), { events: [] });
});

for (const [name, ask, message] of [
  ['a cursor that is none', () => natBlocks(library(), { cursor: -1 }), /\/cursor is -1/],
  ['an event number that is none', async () => natEvents(library(), { after: 1.5 }), /\/after is 1\.5/],
  ['no event number', async () => natEvents(library(), {} as { after: number }), /\/after is undefined/],
] as const)
  test(`refuses ${name}`, async (t) => {
    await t.throwsAsync(async () => ask(), { message });
  });
