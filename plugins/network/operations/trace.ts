/** `weft trace`: what would happen to a packet that a VM sends, step by step, by the forwarder's own code. Nothing is sent. */
import { dropReasons, isIpv4, type RuleRow, readMac, ruleDirections, ruleText, type TraceStep } from '@weft/kernel/contract/net';
import type { OperationSpec } from '@weft/kernel/contract/system';
import { type Forwarder, fail, type ObjectCache, type OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import { packetFrame, probeProtocols, questionFrame } from './probe-frames.ts';
import { type Names, namesOf } from './trace-names.ts';
import { policyLines } from './trace-policy.ts';
import { senderOf } from './trace-sender.ts';
import { type Ending, endingOf, endingText, stepText } from './trace-words.ts';

/** Of a probe by TCP or UDP that names none. */
const usualPort = 80;

const input = Type.Object(
  {
    from: Type.String({ description: 'Port whose VM sends the packet, or Uplink through which it comes from outside.' }),
    source: Type.Optional(
      Type.String({
        description:
          "Address that sends it. Default: the port's own; of an Uplink 198.51.100.1 or 2001:db8:ffff:ffff::1, which stand for anybody.",
        maxLength: 45,
      }),
    ),
    to: Type.String({ description: 'Destination address, of either family.' }),
    proto: Type.Enum([...probeProtocols], { description: 'What is sent: an echo request, a TCP SYN or a UDP datagram.', default: 'icmp' }),
    l4Port: Type.Optional(Type.Integer({ description: 'Destination port of tcp and udp. Default: 80.', minimum: 0, maximum: 65_535 })),
    fromPort: Type.Optional(
      Type.Integer({
        description:
          'Source port of tcp and udp, identifier of icmp: to ask about a flow that is there. Default: one that is hardly in use.',
        minimum: 0,
        maximum: 65_535,
      }),
    ),
  },
  { additionalProperties: false },
);
const item = Type.Object({
  step: Type.String({ description: 'Part of the walk that decides.' }),
  text: Type.String({ description: 'What it decides, and by what.' }),
  row: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'The row of the forwarder that decided.' })),
  flow: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'The flow that the packet belongs to, or would begin.' })),
});
const output = Type.Object({
  from: Type.String({ description: 'PROJECT/NAME of the port, or uplink NAME.' }),
  to: Type.String({ description: 'Destination address.' }),
  end: Type.Enum(['delivered', 'answered', 'punted', 'served', 'dropped'], { description: 'What becomes of the packet.' }),
  ports: Type.Optional(Type.Array(Type.String(), { description: 'delivered: PROJECT/NAME of the ports, or uplink NAME.' })),
  plugin: Type.Optional(Type.String({ description: 'punted, served: the plugin.' })),
  reason: Type.Optional(
    Type.String({
      description: 'dropped: name of the reason; no-answer: the VM does not learn whom to send to, unless a VM at `ports` answers.',
    }),
  ),
  advice: Type.Optional(Type.String({ description: 'dropped: what to do about it.' })),
  rules: Type.Array(
    Type.Object({
      direction: Type.Enum(['ingress', 'egress'], { description: 'egress: of the port that sends; ingress: of one that it would go to.' }),
      group: Type.String({ description: 'PROJECT/NAME of the SecurityGroup.' }),
      number: Type.Integer({ description: 'Of the rule in its group.' }),
      text: Type.String({ description: 'What it says.' }),
    }),
    {
      description:
        'Rules of security groups that decided, in the order in which they were asked; not those of projects that the caller may not see.',
    },
  ),
  items: Type.Array(item, { description: 'Step by step; the last one tells the end.' }),
});
type Item = Static<typeof item>;
type Input = Static<typeof input>;

export const traceSpec: OperationSpec = {
  name: 'trace',
  summary: 'What would happen to a packet, step by step, without sending it',
  stream: false,
  input,
  output,
  cli: {
    verb: 'trace',
    columns: [
      { title: 'STEP', pointer: '/step' },
      { title: 'WHAT', pointer: '/text' },
    ],
  },
};

export async function trace(
  context: { readonly objects: Pick<ObjectCache, 'list'>; readonly forwarder: Pick<Forwarder, 'trace'> },
  given: Input,
  call: OperationCall,
): Promise<Static<typeof output>> {
  if (given.l4Port !== undefined && given.proto === 'icmp')
    throw fail('INVALID', 'an echo request has no port (l4Port)', 'add --proto tcp or --proto udp, or leave out --l4-port');
  const { id, name, sender, ends, permission, hop, direct } = senderOf(context.objects, call, given);
  const names = namesOf(context.objects, call, permission);
  const walk = async (frame: Buffer): Promise<readonly TraceStep[]> => await context.forwarder.trace(id, frame);
  const asked = hop === undefined ? undefined : await walk(questionFrame({ ...ends, src: hop.asker, dst: hop.address }));
  const dstMac = asked === undefined ? direct : answeredMac(asked, id);
  const question = asked === undefined ? [] : questionItems(sender, hop?.address ?? '', dstMac, asked, names);
  const steps =
    dstMac === undefined ? (asked ?? []) : await walk(packetFrame(ends, dstMac, given.proto, given.l4Port ?? usualPort, given.fromPort));
  const ending: Ending = dstMac === undefined ? unanswered(asked ?? [], id, names) : endingOf(steps, id, names);
  const advice = adviceOn(ending.reason);
  const items = [
    ...question,
    ...(dstMac === undefined ? [] : itemsOf(steps, names)),
    ...(advice === undefined ? [] : [{ step: 'advice', text: advice }]),
    { step: 'end', text: lastText(ending, steps, dstMac) },
  ];
  const rules = rulesOf(steps, names);
  return { from: name, to: given.to, ...ending, ports: [...(ending.ports ?? [])], ...(advice && { advice }), rules, items };
}

/** What the trace itself has said is not advised: to ask for one. */
function adviceOn(reason: string | undefined): string | undefined {
  if (reason === 'policy-denied') return 'Add a rule to one of the groups named above, or another group to the port: weft edit sg NAME.';
  return dropReasons.find(({ name }) => name === reason)?.advice;
}

function rulesOf(steps: readonly TraceStep[], { group, seesRulesOf }: Names): Static<typeof output>['rules'] {
  return steps.flatMap((step) => {
    if (step.kind !== 'row' || step.row.table !== 'rule' || !seesRulesOf(step.row.group)) return [];
    const { row } = step;
    const direction = row.direction === ruleDirections.egress ? 'egress' : 'ingress';
    return [{ direction, group: group(row.group), number: row.number, text: ruleText(row, group) }];
  });
}

/** Ethernet source of the answer that goes back to the port. */
function answeredMac(steps: readonly TraceStep[], port: number): string | undefined {
  const answer = steps.find((step) => step.kind === 'sent' && step.port === port);
  return answer?.kind === 'sent' ? readMac(answer.frame, 6) : undefined;
}

function questionItems(sender: string, hop: string, mac: string | undefined, steps: readonly TraceStep[], names: Names): Item[] {
  const step = isIpv4(hop) ? 'ARP' : 'ND';
  if (mac !== undefined) return [{ step, text: `${sender} asks for ${hop} and is told ${mac}` }];
  return [{ step, text: `${sender} asks for ${hop}` }, ...itemsOf(steps, names)];
}

/** Nobody here answers the question: it may have gone to others, who would. */
function unanswered(steps: readonly TraceStep[], from: number, names: Names): Ending {
  const ending = endingOf(steps, from, names);
  return ending.end === 'delivered' ? { end: 'dropped', reason: 'no-answer', ports: ending.ports ?? [] } : ending;
}

function lastText(ending: Ending, steps: readonly TraceStep[], mac: string | undefined): string {
  if (ending.reason !== 'no-answer')
    return mac === undefined ? `not sent; its question is ${endingText(ending, steps)}` : endingText(ending, steps);
  return `not sent, unless a VM behind ${ending.ports?.join(', ')} answers: no port of the network has the address`;
}

function itemsOf(steps: readonly TraceStep[], names: Names): Item[] {
  // The forwarder tells the rules that decided first, then the flow, which says between which ports.
  let rules: RuleRow[] = [];
  const hides = reachesStranger(steps, names);
  return steps.flatMap((step): Item[] => {
    if (hides && step.kind === 'row' && !names.seesRow(step.row)) return [];
    if (step.kind === 'row' && step.row.table === 'rule') {
      rules.push(step.row);
      return [];
    }
    if (step.kind === 'flow') {
      const lines = policyLines(rules, step.flow, names);
      rules = [];
      return lines.map(({ row, flow, ...line }) => ({ ...line, ...(row && { row: { ...row } }), ...(flow && { flow: { ...flow } }) }));
    }
    const text = stepText(step, names);
    return text === undefined ? [] : [{ ...text, ...(step.kind === 'row' ? { row: { ...step.row } } : {}) }];
  });
}

/** A floating IP, or the table of an uplink, leads into networks that are none of the caller's business. */
function reachesStranger(steps: readonly TraceStep[], names: Names): boolean {
  return steps.some((step) => {
    if (step.kind === 'row' && step.row.table === 'route') return names.isUplinkTable(step.row.vrf);
    if (step.kind === 'flow') return step.flow.nat !== undefined && step.flow.toPort !== 0 && !names.seesPort(step.flow.toPort);
    return step.kind === 'row' && step.row.table === 'floating_ip' && !names.seesPort(step.row.insidePort);
  });
}
