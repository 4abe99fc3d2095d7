/** Objects as tests of this plugin need them: one uplink, a network with a router, ports in it. */
import type {
  FloatingIp,
  FloatingIpSpec,
  LogicalRouter,
  NatEvent,
  Port,
  PortSpec,
  SnatPool,
  SnatPoolSpec,
  Uplink,
  VirtualNetwork,
  VirtualNetworkSpec,
} from '@weft/kernel/contract/net';
import { formatKey, keyOf, type WeftObject } from '@weft/kernel/contract/system';
import { makeObject } from '@weft/kernel/sdk/testing';
import { Value } from 'typebox/value';
import { snatPoolSpec } from '../kinds.ts';
import { Site } from '../site.ts';

type Any = WeftObject<object, object>;

/** Number 40 + n, VRF 100 + n. */
export function uplink(name: string, n: number, addresses: readonly string[], gateways: readonly string[] = []): Uplink {
  const status = { phase: 'Active', id: 40 + n, network: 100 + n, mac: '', gateways: [], reason: '', since: '' };
  return makeObject<Uplink>('Uplink', name, { binding: { type: 'none' }, addresses, gateways }, { project: null, status });
}

/** 192.0.2.0/24 and 2001:db8:f::/64. */
export const world = uplink('world', 0, ['192.0.2.2/24', '2001:db8:f::2/64'], ['192.0.2.1', 'fe80::1']);

export function network(name: string, id: number, spec: Partial<VirtualNetworkSpec> = {}): VirtualNetwork {
  const whole = { subnets: [{ cidr: '10.1.0.0/24', dhcp: true }], forwarding: 'l2_l3' as const, ...spec };
  return makeObject<VirtualNetwork>('VirtualNetwork', nameOf(name), whole, {
    project: projectOf(name),
    status: { id, vni: 5000 + id, mtu: 1450, gateways: [] },
  });
}

export function port(name: string, id: number, addresses: readonly string[] = ['10.1.0.11'], spec: Partial<PortSpec> = {}): Port {
  const whole = { network: 'red', portSecurity: true, binding: { type: 'none' } as const, ...spec };
  const status = { phase: 'Active', id, mac: '02:00:00:00:00:01', addresses, reason: '', since: '' };
  return makeObject<Port>('Port', nameOf(name), whole, { project: projectOf(name), status });
}

export function router(name: string, networks: readonly string[], snatPool?: string): LogicalRouter {
  const spec = { networks, ...(snatPool === undefined ? {} : { external: { snatPool } }) };
  return makeObject<LogicalRouter>('LogicalRouter', nameOf(name), spec, { project: projectOf(name), status: { id: 9 } });
}

/** Defaults are filled, as the kernel does. Without `id` it is new. */
export function pool(name: string, addresses: readonly string[], spec: Partial<SnatPoolSpec> = {}, id?: number): SnatPool {
  const whole = Value.Default(snatPoolSpec, { addresses, ...spec }) as SnatPoolSpec;
  const status = id === undefined ? {} : { id, phase: 'Active', uplink: '', assignments: [], reason: '' };
  return makeObject<SnatPool>('SnatPool', nameOf(name), whole, { project: projectOf(name), status });
}

export function ip(name: string, address: string, target: string, spec: Partial<FloatingIpSpec> = {}): FloatingIp {
  return makeObject<FloatingIp>('FloatingIp', nameOf(name), { address, target: { port: target }, ...spec }, { project: projectOf(name) });
}

export function siteOf(...objects: readonly Any[]): Site {
  const site = new Site();
  for (const object of objects) site.put(title(object), object as WeftObject);
  return site;
}

export const title = (object: Any): string => formatKey(keyOf(object));

/** An event about ports 1024 to 1535 of 192.0.2.8 and port 11. */
export function event(sequence: number, given: Partial<NatEvent> = {}): NatEvent {
  const block = { address: '192.0.2.8', first: 1024, last: 1535, port: 40, insidePort: 11, insideGeneration: 1 };
  return { sequence, event: 'assigned', protocol: 0, timeMs: Date.parse('2026-01-02T00:00:00Z') + sequence * 1_000, ...block, ...given };
}

const projectOf = (name: string): string => (name.includes('/') ? (name.split('/')[0] ?? '') : 'default');
const nameOf = (name: string): string => name.split('/').at(-1) ?? '';
