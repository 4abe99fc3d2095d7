/** Sites at random: two tenants with the same addresses, ports of all sorts, groups with rules that meet at their edges. */
import { type IpAddress, type IpFamily, type IpPrefix, ipWidth, parseIp, parsePrefix, prefixOf } from '@weft/kernel/contract/net';
import type { Network, Port } from '../model/forwarding.ts';
import type { Membership, Rule } from '../model/rules.ts';
import type { Dice } from './dice.ts';
import type { Site } from './scenario.ts';

export const prefix = (text: string): IpPrefix => {
  const parsed = parsePrefix(text)?.prefix;
  if (!parsed) throw new Error(`${text} is no prefix`);
  return parsed;
};
export const address = (text: string): IpAddress => {
  const parsed = parseIp(text);
  if (!parsed) throw new Error(`${text} is no address`);
  return parsed;
};

const network = (id: number, vrf: number, mode: Network['mode'], second: number, floodsUnknown: boolean): Network => ({
  id,
  vrf,
  mode,
  floodsUnknown,
  subnets: [
    { prefix: prefix(`10.${second}.0.0/24`), gateway: address(`10.${second}.0.1`) },
    { prefix: prefix(`2001:db8:${second}::/64`), gateway: address(`2001:db8:${second}::1`) },
  ],
});

/** Red and blue share a router, green is another tenant with red's addresses, gold is routed only, white is bridged only. */
const networks: readonly Network[] = [
  network(10, 1, 'l2_l3', 1, true),
  network(20, 1, 'l2_l3', 2, false),
  network(30, 2, 'l2_l3', 1, false),
  network(40, 2, 'l3', 4, false),
  network(50, 3, 'l2', 5, true),
];
const seconds: Readonly<Record<number, number>> = { 10: 1, 20: 2, 30: 1, 40: 4, 50: 5 };

/** Foreign networks behind machines that pass packets on. */
const foreign = ['10.9.0.0/24', '2001:db8:9::/64', '10.8.0.0/16'].map(prefix);
/** An address that several machines may use. */
const shared = ['10.1.0.100', '10.2.0.100', '2001:db8:1::100'].map(address);

/** Of the ports with ids from 1 on: at the edges of prefixes that rules name. */
const hosts = [8, 9, 15, 16, 17, 31, 32, 63, 64, 65, 71, 72, 79, 80, 88, 95, 127, 128];
export const l4Ports = [1, 22, 53, 79, 80, 81, 443, 444, 1023, 1024, 8080, 65_534, 65_535];
export const icmpTypes: Readonly<Record<IpFamily, readonly number[]>> = {
  4: [0, 3, 5, 8, 11, 13, 14, 15, 17, 40],
  6: [1, 2, 3, 128, 129, 139, 150],
};
export const protocols = [1, 6, 6, 6, 17, 17, 17, 33, 47, 50, 58, 132, 136];
export const groupNumbers = [1, 2, 3, 4, 5, 6, 7, 8];

export function randomPort(dice: Dice, id: number): Port {
  const { id: of } = dice.chance(75) ? dice.pick(networks.slice(0, 2)) : dice.pick(networks);
  const second = seconds[of] ?? 0;
  const host = hosts[id - 1] ?? 200 + id;
  const addresses = [address(`10.${second}.0.${host}`), address(`2001:db8:${second}::${(host + 0x100).toString(16)}`)];
  const isRouter = dice.chance(25);
  const routes = isRouter ? [dice.pick(foreign)] : [];
  const owns = [
    ...addresses.map((each) => prefixOf(each)),
    ...(dice.chance(60) ? routes : []),
    ...(dice.chance(15) ? [prefixOf(dice.pick(shared))] : []),
  ];
  return {
    id,
    network: of,
    mac: `02:00:00:00:00:${(id + 16).toString(16)}`,
    generation: dice.serial(),
    isSecured: dice.chance(isRouter ? 30 : 75),
    addresses,
    routes: dice.chance(80) ? routes : [],
    owns,
    ...randomPolicy(dice),
  };
}

/** Mostly some groups; at times none, not known yet, or an open port. */
export function randomPolicy(dice: Dice): { readonly asks: boolean; readonly memberships: readonly Membership[] | undefined } {
  const asks = !dice.chance(15);
  if (dice.chance(4)) return { asks, memberships: undefined };
  if (dice.chance(2)) return { asks, memberships: [] };
  const gate = (): Membership['gate'] => (dice.chance(85) ? 1 : dice.pick([0, 2, 3] as const));
  const own = dice.some(groupNumbers, 35);
  return { asks, memberships: own.map((group) => ({ group, gate: gate() })) };
}

export function randomRemote(dice: Dice, family: IpFamily): Rule['remote'] {
  if (dice.chance(35)) return undefined;
  if (dice.chance(45)) return { group: dice.pick(groupNumbers) };
  const base =
    family === 4
      ? dice.pick(['10.1.0.64', '10.2.0.72', '10.1.0.88', '10.9.0.64', '10.8.3.0', '10.4.0.128'])
      : dice.pick(['2001:db8:1::140', '2001:db8:2::148', '2001:db8:9::', '2001:db8:4::180']);
  const lengths = family === 4 ? [0, 8, 16, 24, 25, 26, 28, 29, 31, 32] : [0, 32, 48, 64, 120, 122, 125, 127, 128];
  const narrow = prefixOf(address(base), dice.pick(lengths));
  return { prefix: narrow };
}

/** Least and most of what is asked. */
function randomRange(dice: Dice, protocol: number, family: IpFamily): { readonly least: number; readonly most: number } {
  const whole = { least: 0, most: 65_535 };
  if (protocol === 1 || protocol === 58) {
    if (dice.chance(30)) return whole;
    const type = dice.pick(icmpTypes[family]) * 256;
    return dice.chance(50)
      ? { least: type, most: type + 255 }
      : dice.chance(70)
        ? { least: type, most: type }
        : { least: type + 1, most: type + 1 };
  }
  if (protocol === 0 || protocol === 47 || protocol === 50 || dice.chance(25)) return whole;
  const [a, b] = [dice.pick(l4Ports), dice.pick(l4Ports)];
  return dice.chance(50) ? { least: a, most: a } : { least: Math.min(a, b), most: Math.max(a, b) };
}

export function randomRule(dice: Dice, number: number, plain: boolean): Rule {
  const family = dice.pick([4, 6] as const);
  const drawn = dice.chance(15) ? 0 : dice.pick(protocols);
  // ICMP of the other family does not exist.
  const protocol = drawn === 1 || drawn === 58 ? (family === 4 ? 1 : 58) : drawn;
  const remote = randomRemote(dice, family);
  return {
    number,
    direction: dice.pick(['ingress', 'egress'] as const),
    action: plain || dice.chance(65) ? 'allow' : 'deny',
    priority: plain ? 0 : dice.below(3),
    family,
    protocol,
    ...randomRange(dice, protocol, family),
    ...(remote ? { remote } : {}),
  };
}

export function randomRules(dice: Dice): Rule[] {
  const plain = dice.chance(75);
  const rules = Array.from({ length: dice.pick([0, 1, 2, 4, 8, 16]) }, () => randomRule(dice, dice.serial(), plain));
  // Without rules that let much through little would ever flow.
  const wide = (direction: Rule['direction'], family: IpFamily): Rule => ({
    number: dice.serial(),
    direction,
    action: 'allow',
    priority: plain ? 0 : 2,
    family,
    protocol: 0,
    least: 0,
    most: 65_535,
  });
  return [
    ...rules,
    ...(['ingress', 'egress'] as const).flatMap((direction) =>
      ([4, 6] as const).filter(() => dice.chance(40)).map((family) => wide(direction, family)),
    ),
  ];
}

export function randomSite(dice: Dice): Site {
  return {
    networks,
    ports: Array.from({ length: dice.between(6, 14) }, (_, index) => randomPort(dice, index + 1)),
    groups: new Map(groupNumbers.filter(() => dice.chance(90)).map((group) => [group, randomRules(dice)])),
  };
}

/** One to several changes that become visible at once. */
export function changedSite(dice: Dice, site: Site): Site {
  let next = site;
  for (let count = dice.pick([1, 1, 1, 2, 4]); count > 0; count--) next = changedOnce(dice, next);
  return next;
}

function changedOnce(dice: Dice, { networks: same, ports, groups }: Site): Site {
  const group = dice.pick(groupNumbers);
  const rules = groups.get(group) ?? [];
  const port = dice.pick(ports);
  const withRules = (changed: readonly Rule[]): Site => ({ networks: same, ports, groups: new Map([...groups, [group, changed]]) });
  const withPort = (changed: Port): Site => ({ networks: same, ports: ports.map((each) => (each === port ? changed : each)), groups });
  switch (dice.below(10)) {
    case 0:
      return withRules(randomRules(dice));
    case 1:
    case 2:
    case 3:
      return withRules([...rules, randomRule(dice, dice.serial(), dice.chance(60))]);
    case 4:
    case 5:
      return withRules(rules.filter(() => !dice.chance(30)));
    case 6:
      return withRules([]);
    case 7:
      return withPort({ ...port, memberships: randomPolicy(dice).memberships });
    case 8:
      return withPort({ ...port, ...randomPolicy(dice) });
    default:
      return dice.chance(50) && ports.length > 4
        ? { networks: same, ports: ports.filter((each) => each !== port), groups }
        : { networks: same, ports: [...ports.filter((each) => each !== port), randomPort(dice, port.id)], groups };
  }
}

/** The first and the last address of a prefix, and those beside it. */
export function edgesOf({ family, first, last }: IpPrefix): IpAddress[] {
  const limit = (1n << BigInt(ipWidth(family))) - 1n;
  return [first, last, first - 1n, last + 1n].filter((value) => value >= 0n && value <= limit).map((value) => ({ family, value }));
}
