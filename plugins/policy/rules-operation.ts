/** `weft rules`: the rules of groups, and how much each of them has let pass. */
import { protocolName, protocolNumber } from '@weft/kernel/contract/net';
import type { OperationSpec } from '@weft/kernel/contract/system';
import { type Forwarder, fail, type ObjectCache, type OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import type { Compiler } from './compile/compiler.ts';
import { scopedKey } from './compile/names.ts';
import type { SecurityGroup, SecurityRule } from './kinds.ts';

const input = Type.Object(
  { group: Type.Optional(Type.String({ description: 'Only this SecurityGroup.' })) },
  { additionalProperties: false },
);
const count = (description: string) => Type.Integer({ description });
const item = Type.Object({
  project: Type.String({ description: 'Project of the group.' }),
  group: Type.String({ description: 'Its name.' }),
  direction: Type.Enum(['ingress', 'egress'], { description: 'As in the rule.' }),
  protocol: Type.String({ description: 'Name of the protocol, its IANA number, or any.' }),
  ports: Type.String({ description: 'Port, range of ports, or type and code of ICMP; all.' }),
  remote: Type.String({ description: 'A prefix, a group, or anyone.' }),
  flows: count('Flows that it let begin, or that were decided by it anew, since the forwarder started.'),
  packets: count('Packets of flows that it allows, in both directions; some seconds behind.'),
  bytes: count('Bytes in them.'),
  description: Type.String({ description: 'As in the rule.' }),
  numbers: Type.Array(Type.Integer(), {
    description: 'Numbers of its rows in the forwarder, by which flows name it. Equal rules share them.',
  }),
});
const output = Type.Object({ items: Type.Array(item, { description: 'One for each rule, in the order of the groups.' }) });
type Item = Static<typeof item>;

/** In one answer. */
const mostItems = 50_000;

export const rulesSpec: OperationSpec = {
  name: 'rules',
  summary: 'Rules of security groups, with the flows, packets and bytes that each of them let pass',
  stream: false,
  viewer: true,
  input,
  output,
  cli: {
    verb: 'rules',
    columns: [
      { title: 'PROJECT', pointer: '/project' },
      { title: 'GROUP', pointer: '/group' },
      { title: 'DIRECTION', pointer: '/direction' },
      { title: 'PROTOCOL', pointer: '/protocol' },
      { title: 'PORTS', pointer: '/ports' },
      { title: 'REMOTE', pointer: '/remote' },
      { title: 'FLOWS', pointer: '/flows' },
      { title: 'PACKETS', pointer: '/packets' },
      { title: 'BYTES', pointer: '/bytes' },
      { title: 'DESCRIPTION', pointer: '/description', wide: true },
    ],
  },
};

type Counted = Pick<Item, 'flows' | 'packets' | 'bytes'>;

export async function listRules(
  context: { readonly objects: Pick<ObjectCache, 'list'>; readonly forwarder: Pick<Forwarder, 'ruleStats'> },
  compiler: Pick<Compiler, 'numberOf' | 'rowNumbers'>,
  { group: name }: Static<typeof input>,
  { project, projects }: OperationCall,
): Promise<Static<typeof output>> {
  const groups = context.objects
    .list<SecurityGroup>('SecurityGroup', project === '-' ? undefined : project)
    .filter(({ metadata }) => projects?.includes(metadata.project ?? '') !== false && (name === undefined || metadata.name === name));
  if (name !== undefined && groups.length === 0)
    throw fail('NOT_FOUND', `no SecurityGroup ${name} in project ${project}`, 'list them with: weft get security-groups');
  const total = groups.reduce((sum, { spec }) => sum + spec.rules.length, 0);
  if (total > mostItems && groups.length > 1)
    throw fail('TOO_LARGE', `${total} rules, at most ${mostItems} are shown at once`, 'name a group with --group, or one project');
  const counted = new Map((await context.forwarder.ruleStats()).map((stats) => [`${stats.group} ${stats.number}`, stats]));
  const items = groups.flatMap((group) => {
    const scoped = scopedKey({ kind: group.kind, project: group.metadata.project ?? '', name: group.metadata.name });
    return group.spec.rules.map((rule): Item => {
      const numbers = compiler.rowNumbers(scoped, rule);
      const counts = numbers.flatMap((number) => counted.get(`${compiler.numberOf(scoped)} ${number}`) ?? []);
      return itemOf(group, rule, numbers, counts.reduce<Counted>(added, { flows: 0, packets: 0, bytes: 0 }));
    });
  });
  return { items };
}

function added(a: Counted, b: Counted): Counted {
  return { flows: a.flows + b.flows, packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}

function itemOf({ metadata }: SecurityGroup, rule: SecurityRule, numbers: readonly number[], { flows, packets, bytes }: Counted): Item {
  const { direction, description = '', remote } = rule;
  return {
    project: metadata.project ?? '',
    group: metadata.name,
    direction,
    protocol: protocolName(protocolNumber(rule.protocol) ?? 0),
    ports: valueText(rule),
    remote: remote?.cidr ?? (remote?.group === undefined ? 'anyone' : `group ${remote.group}`),
    flows,
    packets,
    bytes,
    description,
    numbers: [...numbers],
  };
}

function valueText({ ports, icmpType, icmpCode }: SecurityRule): string {
  if (icmpType !== undefined) return `type ${icmpType}${icmpCode === undefined ? '' : ` code ${icmpCode}`}`;
  return ports === undefined ? 'all' : String(ports);
}
