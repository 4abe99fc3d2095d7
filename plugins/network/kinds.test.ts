import type {
  LogicalRouterSpec,
  LogicalRouterStatus,
  PortBinding,
  PortSpec,
  PortStatus,
  TrunkSpec,
  TrunkStatus,
  UplinkSpec,
  UplinkStatus,
  VirtualNetworkSpec,
  VirtualNetworkStatus,
} from '@weft/kernel/contract/net';
import test from 'ava';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { bindingField, uplinkBindingField } from './fields.ts';
import {
  kinds,
  type logicalRouterSpec,
  type logicalRouterStatus,
  portSpec,
  type portStatus,
  type trunkSpec,
  type trunkStatus,
  virtualNetworkSpec,
  type virtualNetworkStatus,
} from './kinds.ts';
import type { uplinkSpec, uplinkStatus } from './uplink-kind.ts';

/** Without `readonly`, which schemas do not say. */
type Mutable<T> = T extends readonly (infer Item)[]
  ? Mutable<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Mutable<T[Key]> }
    : T;
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Flat<T> = T extends readonly (infer Item)[] ? Flat<Item>[] : T extends object ? { [Key in keyof T]: Flat<T[Key]> } : T;
/** The binding is a union in the contract and one flat object in the schema: compared on its own. */
type Unbound<T> = T extends { binding: unknown } ? Omit<T, 'binding'> : T;
type SameShape<Schema extends TSchema, Type> = Equal<Flat<Unbound<Static<Schema>>>, Flat<Mutable<Unbound<Type>>>>;

/** Compiles only when every schema describes the type that other plugins read. */
const equal: readonly true[] = [
  true satisfies SameShape<typeof virtualNetworkSpec, VirtualNetworkSpec>,
  true satisfies SameShape<typeof virtualNetworkStatus, VirtualNetworkStatus>,
  true satisfies SameShape<typeof portSpec, PortSpec>,
  true satisfies SameShape<typeof portStatus, PortStatus>,
  true satisfies SameShape<typeof trunkSpec, TrunkSpec>,
  true satisfies SameShape<typeof trunkStatus, TrunkStatus>,
  true satisfies SameShape<typeof logicalRouterSpec, LogicalRouterSpec>,
  true satisfies SameShape<typeof logicalRouterStatus, LogicalRouterStatus>,
  true satisfies SameShape<typeof uplinkSpec, UplinkSpec>,
  true satisfies SameShape<typeof uplinkStatus, UplinkStatus>,
];

type Binding = Static<typeof bindingField>;
type UplinkBinding = Static<typeof uplinkBindingField>;
type KeysOfUnion<T> = T extends unknown ? keyof T : never;
const bindings: readonly true[] = [
  true satisfies PortBinding extends Binding ? true : false,
  true satisfies Equal<PortBinding['type'], Binding['type']>,
  true satisfies Equal<KeysOfUnion<PortBinding>, keyof Binding>,
  true satisfies UplinkBinding['type'] extends PortBinding['type'] ? true : false,
];

test('the contract has a type for every schema', (t) => {
  t.is(equal.length, kinds.length * 2);
  t.is(bindings.length, 4);
});

test('every object is closed and every field says what it is', (t) => {
  const visit = (schema: unknown, path: string): void => {
    const { type, properties, additionalProperties, description, items } = schema as Record<string, unknown>;
    if (path.split('/').length > 2 && !path.endsWith('/-')) t.is(typeof description, 'string', `${path} has no description`);
    if (type === 'object') t.is(additionalProperties, false, `${path} is open`);
    if (items) visit(items, `${path}/-`);
    for (const [name, field] of Object.entries((properties ?? {}) as object)) visit(field, `${path}/${name}`);
  };
  for (const { kind, spec, status } of kinds) {
    visit(spec, `${kind}/spec`);
    visit(status, `${kind}/status`);
  }
});

test('the schemas take what the documentation shows', (t) => {
  const network = {
    subnets: [
      {
        cidr: '10.1.0.0/24',
        gateway: '10.1.0.1',
        pool: { from: '10.1.0.10', to: '10.1.0.200' },
        dhcp: true,
        dns: ['10.1.0.1'],
        routes: [{ prefix: '10.9.0.0/16', nextHop: '10.1.0.9' }],
      },
      { cidr: '2001:db8:1::/64', dhcp: true, slaac: true },
    ],
    forwarding: 'l2_l3',
    vni: 5001,
    domain: 'red.example',
    mtu: 1450,
  };
  t.deepEqual([...Value.Errors(virtualNetworkSpec, network)], []);
  t.deepEqual(Value.Default(virtualNetworkSpec, {}), { subnets: [], forwarding: 'l2_l3' });
  t.deepEqual(Value.Default(portSpec, { network: 'red' }), { network: 'red', portSecurity: true, binding: { type: 'none' } });
});

const accepted: readonly Record<string, unknown>[] = [
  { type: 'none' },
  { type: 'netns', netns: 'vm-1.a', interface: 'eth0.100' },
  { type: 'tap', interface: 'tap0' },
  { type: 'interface', interface: 'fifteen-chars-x' },
  { type: 'vhost-user', socket: '/run/weft/vm1.sock', server: true },
  { type: 'vlan', parent: 'shared/trunk0', vlan: 4094 },
  { type: 'pci', address: '0000:00:05.0' },
];
const refused: readonly Record<string, unknown>[] = [
  { type: 'veth' },
  { type: 'netns', netns: '../etc', interface: 'eth0' },
  { type: 'netns', netns: '-x', interface: 'eth0' },
  { type: 'netns', netns: '..', interface: 'eth0' },
  { type: 'netns', netns: 'n'.repeat(64), interface: 'eth0' },
  { type: 'interface', interface: 'a/b' },
  { type: 'interface', interface: 'sixteen-chars-xy' },
  { type: 'interface', interface: '' },
  { type: 'interface', interface: '..' },
  { type: 'vlan', parent: 'trunk0', vlan: 0 },
  { type: 'vlan', parent: 'trunk0', vlan: 4095 },
  { type: 'vlan', parent: 'a/b/c', vlan: 1 },
  { type: 'none', colour: 'red' },
];

test('bindings of uplinks: no VLAN port, which has a field of its own, and no device', (t) => {
  const kept = accepted.filter((binding) => Value.Check(uplinkBindingField, binding)).map(({ type }) => type);
  t.deepEqual(kept, ['none', 'netns', 'tap', 'interface', 'vhost-user']);
  t.false(refused.some((binding) => Value.Check(uplinkBindingField, binding)));
});

test('bindings: the schema takes every form of the contract and no unsafe name', (t) => {
  for (const binding of accepted) t.true(Value.Check(bindingField, binding), JSON.stringify(binding));
  for (const binding of refused) t.false(Value.Check(bindingField, binding), JSON.stringify(binding));
});
