/** Models that are wrong in one place: random scenarios must tell each from the forwarder, or they tell nothing. */

import type { IpPrefix } from '@weft/kernel/contract/net';
import test from 'ava';
import type { Network, Port } from '../model/forwarding.ts';
import type { Groups, Rule } from '../model/rules.ts';
import { type TcpPickup, World } from '../model/world.ts';
import { askForwarder, firstDifference } from '../oracle/compare.ts';
import { compiledPolicyRows } from '../oracle/compiled-rows.ts';
import { randomScenario } from '../oracle/random-scenario.ts';
import { plainPolicyRows } from '../oracle/site-rows.ts';

type Bend = (networks: readonly Network[], ports: readonly Port[], groups: Groups) => readonly [readonly Port[], Groups];

/** A world that sees other rules or ports than there are. */
class BentWorld extends World {
  readonly #bend: Bend;

  constructor(pickup: TcpPickup, bend: Bend) {
    super(pickup);
    this.#bend = bend;
  }

  override change(networks: readonly Network[], ports: readonly Port[], groups: Groups): void {
    super.change(networks, ...this.#bend(networks, ports, groups));
  }
}

const bendRules =
  (change: (rules: readonly Rule[]) => readonly Rule[]): Bend =>
  (_, ports, groups) => [ports, new Map([...groups].map(([group, rules]) => [group, change(rules)]))];

const bendRule = (change: (rule: Rule) => Rule): Bend => bendRules((rules) => rules.map(change));

const all = { direction: 'ingress', action: 'allow', priority: 0, protocol: 0, least: 0, most: 65_535 } as const;
const everything: readonly Rule[] = ([4, 6] as const).flatMap((family) =>
  (['ingress', 'egress'] as const).map((direction) => ({ ...all, number: 1, direction, family })),
);
const wide: IpPrefix[] = [
  { family: 4, first: 0n, last: 2n ** 32n - 1n, length: 0 },
  { family: 6, first: 0n, last: 2n ** 128n - 1n, length: 0 },
];

const bends: Readonly<Record<string, Bend>> = {
  'an empty group allows all': bendRules((rules) => (rules.length === 0 ? everything : rules)),
  'a range begins one later': bendRule((rule) => (rule.least > 0 ? { ...rule, least: rule.least + 1 } : rule)),
  'a range ends one later': bendRule((rule) => (rule.most < 65_535 ? { ...rule, most: rule.most + 1 } : rule)),
  'rules of IPv6 are about IPv4': bendRules((rules) => rules.map((rule) => (rule.family === 6 ? { ...rule, family: 4 } : rule))),
  'ingress is egress': bendRule((rule) => ({ ...rule, direction: rule.direction === 'ingress' ? 'egress' : 'ingress' })),
  'a group has all addresses that its ports send from': (_, ports, groups) => [
    ports.map((port) => ({ ...port, owns: port.isSecured ? port.owns : wide })),
    groups,
  ],
  'an unknown port is open': (_, ports, groups) => [
    ports.map((port) => (port.memberships === undefined ? { ...port, asks: false } : port)),
    groups,
  ],
};
const bendsOfRows: Readonly<Record<string, Bend>> = {
  ...bends,
  'allow before deny': bendRule((rule) => (rule.action === 'deny' ? { ...rule, priority: rule.priority + 0.5 } : rule)),
};

/** Keeps the rules that it was given first. */
const stale = (): Bend => {
  let first: Groups | undefined;
  return (_, ports, groups) => {
    first ??= groups;
    return [ports, first];
  };
};

/** What was decided once for a first packet holds for its like, whatever rules say later. */
class StubbornWorld extends World {
  readonly #decided = new Map<string, ReturnType<World['judgeFirst']>>();

  override judgeFirst(...[first, from, to, answered]: Parameters<World['judgeFirst']>): ReturnType<World['judgeFirst']> {
    const { src, dst, family, protocol, value } = first;
    const key = [family, protocol, value, src.value, dst.value, from.id, to.id, answered].join();
    const decided = this.#decided.get(key) ?? super.judgeFirst(first, from, to, answered);
    this.#decided.set(key, decided);
    return decided;
  }
}

async function isFound(worldOf: (pickup: TcpPickup) => World, fromObjects: boolean): Promise<boolean> {
  for (let seed = 1; seed <= 12; seed++) {
    const scenario = randomScenario(seed, { packets: 500, changes: 30, fromObjects });
    const answers = await askForwarder(scenario, fromObjects ? compiledPolicyRows() : plainPolicyRows());
    if (firstDifference(scenario, worldOf(scenario.pickup), answers)) return true;
  }
  return false;
}

const worlds: Readonly<Record<string, (pickup: TcpPickup) => World>> = {
  ...Object.fromEntries(Object.entries(bendsOfRows).map(([what, bend]) => [what, (pickup: TcpPickup) => new BentWorld(pickup, bend)])),
  'old rules stay': (pickup) => new BentWorld(pickup, stale()),
  'old decisions stay': (pickup) => new StubbornWorld(pickup),
};

for (const [what, worldOf] of Object.entries(worlds)) {
  test.serial(`a model in which ${what} differs from the forwarder`, async (t) => {
    t.true(await isFound(worldOf, false));
  });
}

for (const [what, bend] of Object.entries(bends)) {
  test.serial(`a model in which ${what} differs from compiled objects`, async (t) => {
    t.true(await isFound((pickup) => new BentWorld(pickup, bend), true));
  });
}
