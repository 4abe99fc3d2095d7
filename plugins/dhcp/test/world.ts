/** Networks and ports of two tenants with the same addresses. */
import type { Port, VirtualNetwork } from '@weft/kernel/contract/net';
import { makeObject } from '@weft/kernel/sdk/testing';

export function network(project: string, id: number, dhcp = true): VirtualNetwork {
  const spec = { subnets: [{ cidr: '10.1.0.0/24', dhcp }], forwarding: 'l2_l3' as const };
  const status = { id, vni: 5000 + id, mtu: 1450, gateways: ['10.1.0.1'] };
  return makeObject<VirtualNetwork>('VirtualNetwork', 'red', spec, { project, status });
}

export function port(project: string, id: number, mac: string, uid?: string): Port {
  const spec = { network: 'red', hostname: `${project}-vm`, portSecurity: true, binding: { type: 'none' } as const };
  const status = { id, mac, addresses: [`10.1.0.${10 + id}`], reason: '', since: '' };
  return makeObject<Port>('Port', 'web1', spec, { project, status, ...(uid === undefined ? {} : { uid }) });
}
