/** Random sites for property tests: applies and removals over a few names, so that conflicts are common. */
import * as fc from 'fast-check';
import { keyOfWanted, network, port, router, type Store, trunk, uplink, type Wanted } from './store.ts';

const networks = ['red', 'blue', 'green'] as const;
const uplinks = ['up1', 'up2'] as const;
const subnets: Readonly<Record<string, readonly string[]>> = {
  red: ['10.1.0.0/28', '2001:db8:1::/124'],
  blue: ['10.2.0.0/28', '2001:db8:2::/64'],
  green: ['10.1.0.0/28'],
};

const networkArbitrary = fc
  .record({
    name: fc.constantFrom(...networks),
    count: fc.integer({ min: 1, max: 2 }),
    vni: fc.option(fc.integer({ min: 5000, max: 5004 })),
    forwarding: fc.constantFrom('l2_l3', 'l2_l3', 'l3', 'l2'),
    hasRoute: fc.boolean(),
    underlay: fc.option(fc.constantFrom(...uplinks)),
  })
  .map(({ name, count, vni, forwarding, hasRoute, underlay }): Wanted => {
    const [first = '', ...others] = (subnets[name] ?? []).slice(0, count);
    const routes = [{ prefix: '10.9.0.0/16', nextHop: first.replace('.0/28', '.14') }];
    const wanted = network(name, hasRoute ? { cidr: first, routes } : first, ...others);
    const choices = { ...(vni === null ? {} : { vni }), ...(underlay === null ? {} : { underlay }) };
    return { ...wanted, spec: { ...wanted.spec, forwarding, ...choices } };
  });

const uplinkArbitrary = fc
  .record({
    name: fc.constantFrom(...uplinks),
    vlan: fc.constantFrom(0, 0, 7),
    gateways: fc.uniqueArray(fc.integer({ min: 250, max: 254 }), { maxLength: 3 }),
    overlaps: fc.boolean(),
  })
  .map(({ name, vlan, gateways, overlaps }) => {
    const subnet = name === 'up1' ? '192.0.2' : '198.51.100';
    const addresses = [`${subnet}.1/24`, ...(overlaps ? ['10.1.0.1/24'] : [])];
    return uplink(name, { vlan, addresses, gateways: gateways.map((last) => `${subnet}.${last}`) });
  });

const portArbitrary = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'),
    network: fc.constantFrom(...networks),
    address: fc.option(fc.integer({ min: 1, max: 14 })),
    mac: fc.option(fc.integer({ min: 1, max: 6 })),
    vlan: fc.option(fc.integer({ min: 1, max: 4 })),
    pairs: fc.uniqueArray(fc.record({ address: fc.integer({ min: 13, max: 17 }), mac: fc.option(fc.integer({ min: 5, max: 8 })) }), {
      maxLength: 3,
      selector: (pair) => JSON.stringify(pair),
    }),
  })
  .map(({ name, network: of, address, mac, vlan, pairs }): Wanted => {
    const base = of === 'blue' ? '10.2.0' : '10.1.0';
    return port(name, {
      network: of,
      ...(address === null ? {} : { addresses: [`${base}.${address}`] }),
      ...(mac === null ? {} : { mac: `02:00:00:00:00:0${mac}` }),
      ...(pairs.length === 0 ? {} : { allowedAddressPairs: pairs.map((each) => pairOf(base, each)) }),
      ...(vlan === null ? {} : { binding: { type: 'vlan', parent: 'trunk0', vlan } }),
    });
  });

/** 17 stands for a prefix. */
function pairOf(base: string, { address, mac }: { address: number; mac: number | null }): object {
  const pair = { address: address === 17 ? '10.50.0.0/16' : `${base}.${address}` };
  return mac === null ? pair : { ...pair, mac: `02:00:00:00:00:0${mac}` };
}

const routerArbitrary = fc
  .record({ name: fc.constantFrom('r1', 'r2'), members: fc.uniqueArray(fc.constantFrom('red', 'blue'), { maxLength: 2 }) })
  .map(({ name, members }) => router(name, ...members));

const wantedArbitrary = fc.oneof(
  { weight: 2, arbitrary: networkArbitrary },
  { weight: 6, arbitrary: portArbitrary },
  { weight: 1, arbitrary: routerArbitrary },
  { weight: 1, arbitrary: uplinkArbitrary },
  { weight: 1, arbitrary: fc.constant(trunk('trunk0', { type: 'interface', interface: 'eth9' })) },
);

export interface Step {
  readonly apply: readonly Wanted[];
  readonly remove: readonly Wanted[];
}

export const stepsArbitrary = fc.array(
  fc.record({
    apply: fc.uniqueArray(wantedArbitrary, { maxLength: 6, selector: ({ kind, name }) => `${kind}/${name}` }),
    remove: fc.uniqueArray(wantedArbitrary, { maxLength: 3, selector: ({ kind, name }) => `${kind}/${name}` }),
  }),
  { minLength: 5, maxLength: 25 },
);

/** Leaves out what the kernel's reference check would refuse before admission is asked. */
export function sound(store: Store, { apply, remove }: Step): Step {
  const gone = remove.filter((each) => ['Port', 'LogicalRouter'].includes(each.kind) && !apply.some((other) => same(each, other)));
  const there = (kind: string, name: string) =>
    store.get(keyOfWanted({ kind, name, spec: {} })) !== undefined || apply.some((each) => each.kind === kind && each.name === name);
  const linked = apply.map((each) => {
    const { underlay, ...spec } = each.spec;
    return underlay === undefined || there('Uplink', String(underlay)) ? each : { ...each, spec };
  });
  const kept = linked.filter(({ kind, spec }) => {
    const names = kind === 'Port' ? [spec.network] : kind === 'LogicalRouter' ? (spec.networks as string[]) : [];
    const parent = (spec.binding as { parent?: string } | undefined)?.parent;
    return names.every((name) => there('VirtualNetwork', String(name))) && (parent === undefined || there('Trunk', parent));
  });
  return { apply: kept, remove: gone };
}

function same(a: Wanted, b: Wanted): boolean {
  return JSON.stringify(keyOfWanted(a)) === JSON.stringify(keyOfWanted(b));
}
