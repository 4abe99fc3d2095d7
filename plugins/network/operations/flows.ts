/** `weft flows`: the conversations that the forwarder remembers, or what happens to them. */
import { canonicalIp, type Flow, type FlowFilter, parseIp, protocolNumber } from '@weft/kernel/contract/net';
import type { OperationSpec } from '@weft/kernel/contract/system';
import { type Forwarder, fail, type ObjectCache, type OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import { type FlowLine, type FlowNames, flowLine, linesOf } from './flow-lines.ts';
import { groupNames } from './groups.ts';
import { allLinks, oneLink } from './links.ts';

const input = Type.Object(
  {
    port: Type.Optional(Type.String({ description: 'Only flows through this Port, Trunk or Uplink.' })),
    proto: Type.Optional(
      Type.String({
        description: 'Only this protocol: a name such as tcp, udp, icmp (of both families) or sctp, or an IANA number.',
        maxLength: 16,
      }),
    ),
    address: Type.Optional(
      Type.String({ description: 'Only flows with this address at either end, also a translated one.', maxLength: 45 }),
    ),
    l4Port: Type.Optional(
      Type.Integer({ description: 'Only flows with this port at either end, also a translated one.', minimum: 1, maximum: 65_535 }),
    ),
    follow: Type.Optional(
      Type.Boolean({ description: 'Instead of what there is, what happens from now on: flows that begin, end or are denied.' }),
    ),
  },
  { additionalProperties: false },
);
const output = Type.Object({ items: Type.Array(flowLine, { description: 'Some of them; further parts follow.' }) });
type Input = Static<typeof input>;

export const flowsSpec: OperationSpec = {
  name: 'flows',
  summary: 'Conversations through the ports, with their state, counters and the last drop: a line for each of the two ports',
  stream: true,
  input,
  output,
  cli: {
    verb: 'flows',
    parts: { endless: 'follow' },
    columns: [
      { title: 'EVENT', pointer: '/event', wide: true },
      { title: 'PROJECT', pointer: '/project' },
      { title: 'PORT', pointer: '/port' },
      { title: 'DIRECTION', pointer: '/direction' },
      { title: 'WHAT', pointer: '/what' },
      { title: 'SRC', pointer: '/src' },
      { title: 'SPORT', pointer: '/srcPort' },
      { title: 'DST', pointer: '/dst' },
      { title: 'STATE', pointer: '/state' },
      { title: 'ACTION', pointer: '/action' },
      { title: 'PACKETS', pointer: '/packets' },
      { title: 'REPLIES', pointer: '/replyPackets' },
      { title: 'IDLE-MS', pointer: '/idleMs' },
      { title: 'DROP', pointer: '/lastDrop' },
      { title: 'AGE-MS', pointer: '/ageMs', wide: true },
      { title: 'BYTES', pointer: '/bytes', wide: true },
      { title: 'REPLY-BYTES', pointer: '/replyBytes', wide: true },
      { title: 'NAT-SRC', pointer: '/nat/src', wide: true },
      { title: 'NAT-SPORT', pointer: '/nat/srcPort', wide: true },
      { title: 'NAT-DST', pointer: '/nat/dst', wide: true },
      { title: 'PEER', pointer: '/peer', wide: true },
      { title: 'GROUP', pointer: '/rule/group', wide: true },
      { title: 'LOST', pointer: '/lost', wide: true },
    ],
  },
};

type Objects = Pick<ObjectCache, 'list' | 'revision'>;
interface Context {
  readonly objects: Objects;
  readonly forwarder: Pick<Forwarder, 'flows' | 'watchFlows'>;
}
/** Generation of each port that the forwarder has now. */
export type Generations = ReadonlyMap<number, number>;

/** Parts of the table, as they are read; with `follow` first an empty part, then what happens. */
export async function* flows(
  context: Context,
  generations: Generations,
  given: Input,
  call: OperationCall,
): AsyncGenerator<Static<typeof output>> {
  const filters = filtersOf(context.objects, given, call);
  const linesIn = liner(context.objects, generations, filters, call);
  if (given.follow === true) return yield* followed(context.forwarder, linesIn, call);
  for (const filter of filters)
    for await (const part of context.forwarder.flows(filter)) {
      if (call.signal.aborted) return;
      const items = linesIn(part);
      if (items.length > 0) yield { items };
    }
}

async function* followed(
  forwarder: Pick<Forwarder, 'watchFlows'>,
  linesIn: Liner,
  call: OperationCall,
): AsyncGenerator<Static<typeof output>> {
  let [told, begun] = [0, false];
  for await (const { flows: news, lost } of forwarder.watchFlows({ follow: true }, call.signal)) {
    if (!begun) yield { items: [] };
    begun = true;
    const items = linesIn(news);
    const [first, ...rest] = items;
    if (first === undefined) continue;
    yield { items: lost > told ? [{ ...first, lost: lost - told }, ...rest] : items };
    told = lost;
  }
}

/** Any of them fits: `icmp` means the protocols of both families. */
function filtersOf(cache: Pick<ObjectCache, 'list'>, { port, proto, address, l4Port }: Input, call: OperationCall): readonly FlowFilter[] {
  if (address !== undefined && parseIp(address) === undefined)
    throw fail('INVALID', `${address} is not an IP address (address)`, 'write one such as 10.1.0.11 or 2001:db8::11');
  const number = proto === undefined ? 0 : protocolNumber(proto);
  if (number === undefined)
    throw fail('INVALID', `there is no protocol ${proto} (proto)`, 'write tcp, udp, icmp, sctp or a number of 1 to 255');
  const common = {
    ...(port === undefined ? {} : { port: oneLink(cache, call, port).id }),
    ...(address === undefined ? {} : { address: canonicalIp(address) }),
    ...(l4Port === undefined ? {} : { l4Port }),
  };
  if (number === 0) return [common];
  return (proto === 'icmp' ? icmpNumbers : [number]).map((protocol) => ({ ...common, protocol }));
}

const icmpNumbers = [protocolNumber('icmp'), protocolNumber('icmpv6')].flatMap((number) => number ?? []);

function fits(flow: Flow, { port, protocol }: FlowFilter): boolean {
  return (port === undefined || flow.fromPort === port || flow.toPort === port) && (protocol === undefined || flow.protocol === protocol);
}

/** Whether the line itself says what is asked for: else the question would tell addresses that the answer keeps to itself. */
function shows({ src, dst, srcPort, dstPort, nat, icmpType }: FlowLine, { address, l4Port }: FlowFilter): boolean {
  const ports = icmpType === undefined ? [srcPort, dstPort, nat?.srcPort, nat?.dstPort] : [];
  return (address === undefined || [src, dst, nat?.src, nat?.dst].includes(address)) && (l4Port === undefined || ports.includes(l4Port));
}

type Liner = (flows: readonly Flow[]) => FlowLine[];

/** Makes lines of flows that fit. Names are looked up again when an object changed. */
function liner(objects: Objects, generations: Generations, filters: readonly FlowFilter[], call: OperationCall): Liner {
  let names: FlowNames | undefined;
  let revision: number | undefined;
  return (flows) => {
    if (names === undefined || objects.revision !== revision) names = namesOf(objects, generations, call);
    revision = objects.revision;
    const known = names;
    const [{ port, ...ends } = {}] = filters;
    const fitting = flows.filter((flow) => filters.some((filter) => fits(flow, filter)));
    return fitting.flatMap((flow) => linesOf(flow, known, port)).filter((line) => shows(line, ends));
  };
}

function namesOf(cache: Pick<ObjectCache, 'list'>, generations: Generations, call: OperationCall): FlowNames {
  const links = allLinks(cache);
  return {
    call,
    link: (port, generation) => (generations.get(port) === generation ? links.get(port) : undefined),
    group: groupNames(cache, call),
  };
}
