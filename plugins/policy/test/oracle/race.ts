/** Batches that change several groups at once while packet threads ask: every packet must meet the rules before or after, never a mixture. */
import { gatewayMac, type Network, type Port } from '../model/forwarding.ts';
import { frameOf } from '../model/frame.ts';
import type { Packet } from '../model/packet.ts';
import type { Groups, Rule } from '../model/rules.ts';
import { ask, askRace, askRows } from './oracle.ts';
import { address, prefix } from './random-site.ts';
import type { Site } from './scenario.ts';
import { plainPolicyRows, RowChanges } from './site-rows.ts';

const network: Network = {
  id: 10,
  vrf: 1,
  mode: 'l2_l3',
  floodsUnknown: false,
  subnets: [{ prefix: prefix('10.1.0.0/24'), gateway: address('10.1.0.1') }],
};

const port = (id: number, groups: readonly number[]): Port => ({
  id,
  network: network.id,
  mac: `02:00:00:00:00:0${id}`,
  generation: id,
  isSecured: true,
  asks: true,
  memberships: groups.map((group) => ({ group, gate: 1 })),
  addresses: [address(`10.1.0.1${id}`)],
  owns: [prefix(`10.1.0.1${id}/32`)],
  routes: [],
});

const udp = (number: number, direction: Rule['direction'], value: number): Rule => ({
  number,
  direction,
  action: 'allow',
  priority: 0,
  family: 4,
  protocol: 17,
  least: value,
  most: value,
});

/** Destination ports: what becomes of packets to them before and after. */
export const cases = { neverAllowed: 1000, alwaysAllowed: 2000, onceAllowed: 3000 } as const;

/** Port 1 follows groups 1 and 2, port 2 group 3. */
const before: Groups = new Map([
  [1, [udp(1, 'egress', cases.alwaysAllowed), udp(2, 'egress', cases.onceAllowed)]],
  [2, []],
  [3, [cases.neverAllowed, cases.alwaysAllowed, cases.onceAllowed].map((value, index) => udp(10 + index, 'ingress', value))],
]);
const after: Groups = new Map([
  [1, [udp(3, 'egress', cases.neverAllowed)]],
  [2, [udp(4, 'egress', cases.alwaysAllowed)]],
  [3, [udp(11, 'ingress', cases.alwaysAllowed)]],
]);

const frame = (dstPort: number): Packet => ({
  port: 1,
  srcMac: '02:00:00:00:00:01',
  dstMac: dstPort % 2000 === 0 ? '02:00:00:00:00:02' : gatewayMac,
  family: 4,
  src: address('10.1.0.11'),
  dst: address('10.1.0.12'),
  protocol: 17,
  srcPort: 1024,
  dstPort,
  payload: 40,
});

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
const numbers = (...values: readonly number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);

export type Raced = { readonly [Name in keyof typeof cases]: { readonly sent: number; readonly left: number } };

/** @param rounds how often the rules change and change back */
export async function race(rounds: number, program?: string): Promise<Raced> {
  const changes = new RowChanges(plainPolicyRows());
  const site = (groups: Groups): Site => ({ networks: [network], ports: [port(1, [1, 2]), port(2, [3])], groups });
  const [first, second, third] = [before, after, before].map((groups) => Buffer.concat(changes.to(site(groups)).batches));
  if (!first || !second || !third) throw new Error('No batches');
  const frames = Object.values(cases).map((value) => frameOf(frame(value)));
  const question = Buffer.concat([
    numbers(rounds, 2, 2, frames.length, 1, 2),
    ...[second, third].flatMap((batch) => [numbers(batch.length), padded(batch)]),
    ...frames.flatMap((bytes) => [numbers(1, bytes.length), padded(bytes)]),
  ]);
  const answers = await ask([askRows(first), askRace(question)], ['--threads', '2', '--flow-pairs', '16384'], program);
  const answer = answers.at(-1);
  const [neverAllowed, alwaysAllowed, onceAllowed] = answer?.kind === 'race' ? answer.frames : [];
  if (!neverAllowed || !alwaysAllowed || !onceAllowed) throw new Error('The race told nothing');
  return { neverAllowed, alwaysAllowed, onceAllowed };
}
