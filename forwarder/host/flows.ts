/** Flows in words: names of events, states and drop reasons, addresses as text; and what somebody wants to see of them, in the library's. */
import { type Flow, type FlowFilter, ipBytes, parseIp, readIp, ruleActions } from '@weft/kernel/contract/net';
import { fail } from '@weft/kernel/contract/system';
import { type Forwarder, flowEvents, flowStates, type Flow as Packed, type FlowFilter as PackedFilter } from '../binding/index.ts';

/** Who writes one of these sees flows. */
export const flowTables = ['port', 'rule'] as const;

type Names = Pick<Forwarder, 'dropName'>;

const events = {
  [flowEvents.LISTED]: 'listed',
  [flowEvents.BEGAN]: 'began',
  [flowEvents.ENDED]: 'ended',
  [flowEvents.DENIED]: 'denied',
} as const;
const states = {
  [flowStates.OPENING]: 'opening',
  [flowStates.ESTABLISHED]: 'established',
  [flowStates.CLOSING]: 'closing',
  [flowStates.CLOSED]: 'closed',
} as const;
const notDropped = 0xffff;
const nanosecondsPerMs = 1_000_000n;

export function flowInWords(packed: Packed, library: Names): Flow {
  const { fromPort, fromGeneration, toPort, toGeneration, protocol, srcPort, dstPort } = packed;
  return {
    event: events[packed.event as keyof typeof events],
    timeMs: Number(packed.timeNs / nanosecondsPerMs),
    ...{ fromPort, fromGeneration, toPort, toGeneration, protocol },
    ...{ src: readIp(packed.src), dst: readIp(packed.dst), srcPort, dstPort },
    ...(packed.translated === 0 ? {} : { nat: translation(packed) }),
    state: states[packed.state as keyof typeof states],
    action: packed.action === ruleActions.deny ? 'deny' : 'allow',
    ...(packed.egressGroup === 0 ? {} : { egressRule: { group: packed.egressGroup, number: packed.egressNumber } }),
    ...(packed.ingressGroup === 0 ? {} : { ingressRule: { group: packed.ingressGroup, number: packed.ingressNumber } }),
    packets: Number(packed.packets),
    bytes: Number(packed.bytes),
    replyPackets: Number(packed.replyPackets),
    replyBytes: Number(packed.replyBytes),
    ageMs: Number(packed.ageMs),
    idleMs: Number(packed.idleMs),
    ...(packed.lastDrop === notDropped ? {} : { lastDrop: library.dropName(packed.lastDrop) }),
  };
}

function translation({ natSrc, natDst, natSrcPort: srcPort, natDstPort: dstPort }: Packed): NonNullable<Flow['nat']> {
  return { src: readIp(natSrc), dst: readIp(natDst), srcPort, dstPort };
}

/** Throws INVALID naming the field that is wrong. */
export function packedFilter({ port, protocol, address, l4Port }: FlowFilter): PackedFilter {
  const parsed = address === undefined ? undefined : parseIp(address);
  if (address !== undefined && parsed === undefined)
    throw fail('INVALID', `/filter/address is ${JSON.stringify(address)}`, 'give an IPv4 or IPv6 address');
  return {
    port: within('port', port, 0xffff_ffff),
    protocol: within('protocol', protocol, 0xff),
    l4Port: within('l4Port', l4Port, 0xffff),
    version: parsed?.family ?? 0,
    address: parsed === undefined ? Buffer.alloc(0) : ipBytes(parsed),
  };
}

function within(name: string, value: unknown, most: number): number {
  if (value === undefined) return 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw fail('INVALID', `/filter/${name} is ${JSON.stringify(value)}`, `give a whole number from 0 to ${most}`);
}
