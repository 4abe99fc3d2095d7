/** Random sites for property tests: applies and removals over a few names, so that conflicts are common. */
import * as fc from 'fast-check';
import { keyOfWanted, network, port, router, type Store, trunk, type Wanted } from './store.ts';

const networks = ['red', 'blue', 'green'] as const;
const subnets: Readonly<Record<string, readonly string[]>> = {
  red: ['10.1.0.0/28', '10.1.1.0/29'],
  blue: ['10.2.0.0/28', '10.2.1.0/29'],
  green: ['10.1.0.0/28'],
};

const networkArbitrary = fc
  .record({
    name: fc.constantFrom(...networks),
    count: fc.integer({ min: 1, max: 2 }),
    vni: fc.option(fc.integer({ min: 5000, max: 5004 })),
  })
  .map(({ name, count, vni }): Wanted => {
    const wanted = network(name, ...(subnets[name] ?? []).slice(0, count));
    return vni === null ? wanted : { ...wanted, spec: { ...wanted.spec, vni } };
  });

const portArbitrary = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'),
    network: fc.constantFrom(...networks),
    address: fc.option(fc.integer({ min: 1, max: 14 })),
    mac: fc.option(fc.integer({ min: 1, max: 6 })),
    vlan: fc.option(fc.integer({ min: 1, max: 4 })),
  })
  .map(({ name, network: of, address, mac, vlan }): Wanted => {
    const base = of === 'blue' ? '10.2.0' : '10.1.0';
    return port(name, {
      network: of,
      ...(address === null ? {} : { addresses: [`${base}.${address}`] }),
      ...(mac === null ? {} : { mac: `02:00:00:00:00:0${mac}` }),
      ...(vlan === null ? {} : { binding: { type: 'vlan', parent: 'trunk0', vlan } }),
    });
  });

const routerArbitrary = fc
  .record({ name: fc.constantFrom('r1', 'r2'), members: fc.uniqueArray(fc.constantFrom('red', 'blue'), { maxLength: 2 }) })
  .map(({ name, members }) => router(name, ...members));

const wantedArbitrary = fc.oneof(
  { weight: 2, arbitrary: networkArbitrary },
  { weight: 6, arbitrary: portArbitrary },
  { weight: 1, arbitrary: routerArbitrary },
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
    store.get({ kind, project: 'default', name }) !== undefined || apply.some((each) => each.kind === kind && each.name === name);
  const kept = apply.filter(({ kind, spec }) => {
    const names = kind === 'Port' ? [spec.network] : kind === 'LogicalRouter' ? (spec.networks as string[]) : [];
    const parent = (spec.binding as { parent?: string } | undefined)?.parent;
    return names.every((name) => there('VirtualNetwork', String(name))) && (parent === undefined || there('Trunk', parent));
  });
  return { apply: kept, remove: gone };
}

function same(a: Wanted, b: Wanted): boolean {
  return JSON.stringify(keyOfWanted(a)) === JSON.stringify(keyOfWanted(b));
}
