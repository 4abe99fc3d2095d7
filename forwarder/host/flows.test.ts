import { ruleActions } from '@weft/kernel/contract/net';
import test from 'ava';
import { flowEvents, flowStates } from '../binding/index.ts';
import { flowInWords, packedFilter } from './flows.ts';
import { packedFlow } from './test/packed-flow.ts';

const library = { dropName: (reason: number) => `reason-${reason}` };

test('numbers become names, counters numbers, addresses text', (t) => {
  t.deepEqual(flowInWords(packedFlow(), library), {
    event: 'listed',
    timeMs: 1_700_000_000_123,
    ...{ fromPort: 1, fromGeneration: 11, toPort: 2, toGeneration: 12, protocol: 6 },
    ...{ src: '10.0.0.1', dst: '10.0.0.2', srcPort: 40_000, dstPort: 80 },
    ...{ state: 'established', action: 'allow' },
    ...{ packets: 3, bytes: 180, replyPackets: 2, replyBytes: 120, ageMs: 9, idleMs: 4 },
  });
});

test('rules and the last drop are there when there are some', (t) => {
  const rules = { egressGroup: 5, egressNumber: 0, ingressGroup: 6, ingressNumber: 7 };
  const denied = { event: flowEvents.DENIED, state: flowStates.OPENING, action: ruleActions.deny, lastDrop: 3 };
  const v6 = { version: 6, src: Buffer.from('fd00000000000000000000000000000a', 'hex'), dst: Buffer.alloc(16) };
  t.like(flowInWords(packedFlow({ ...rules, ...denied, ...v6 }), library), {
    event: 'denied',
    state: 'opening',
    action: 'deny',
    egressRule: { group: 5, number: 0 },
    ingressRule: { group: 6, number: 7 },
    lastDrop: 'reason-3',
    src: 'fd00::a',
    dst: '::',
  });
});

test('what packets leave as is there when they are translated', (t) => {
  const nat = {
    translated: 1,
    natSrc: Buffer.from([192, 0, 2, 1]),
    natDst: Buffer.from([198, 51, 100, 7]),
    natSrcPort: 2_048,
    natDstPort: 80,
  };
  t.deepEqual(flowInWords(packedFlow(nat), library).nat, { src: '192.0.2.1', dst: '198.51.100.7', srcPort: 2_048, dstPort: 80 });
});

test('a filter has what was given and zeros', (t) => {
  t.deepEqual(packedFilter({}), { port: 0, protocol: 0, version: 0, l4Port: 0, address: Buffer.alloc(0) });
  t.deepEqual(packedFilter({ port: 3, protocol: 17, l4Port: 53, address: '10.1.0.9' }), {
    ...{ port: 3, protocol: 17, l4Port: 53, version: 4 },
    address: Buffer.from([10, 1, 0, 9]),
  });
  t.like(packedFilter({ address: 'FD00::1' }), { version: 6 });
});

for (const [name, filter, message] of [
  ['a port that is none', { port: -1 }, /\/filter\/port is -1/],
  ['a protocol beyond a byte', { protocol: 256 }, /\/filter\/protocol is 256/],
  ['an L4 port that is text', { l4Port: '80' as unknown as number }, /\/filter\/l4Port is "80"/],
  ['an address that is none', { address: '10.1' }, /\/filter\/address is "10\.1"/],
] as const)
  test(`refuses ${name}`, (t) => {
    t.throws(() => packedFilter(filter), { message });
  });
