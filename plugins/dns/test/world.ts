/** Two tenants with the same subnet; tenant a has a second network behind a router. */
import type { LogicalRouter, Port, ResolverSpec, VirtualNetwork } from '@weft/kernel/contract/net';
import { makeObject } from '@weft/kernel/sdk/testing';
import type { DnsRecord, DnsRecordSpec } from '../kinds.ts';

export interface NetworkOptions {
  readonly domain?: string;
  readonly dns?: readonly string[];
  readonly resolver?: ResolverSpec;
}

/** Network `name` with subnets 10.SUBNET.0.0/24 and 2001:db8:SUBNET::/64. */
export function network(project: string, name: string, id: number, subnet: number, more: NetworkOptions = {}): VirtualNetwork {
  const { domain, dns, resolver } = more;
  const subnets = [`10.${subnet}.0.0/24`, `2001:db8:${subnet}::/64`].map((cidr) => ({
    cidr,
    dhcp: true,
    ...(dns === undefined ? {} : { dns }),
  }));
  const spec = {
    subnets,
    forwarding: 'l2_l3' as const,
    ...(domain === undefined ? {} : { domain }),
    ...(resolver === undefined ? {} : { resolver }),
  };
  return makeObject<VirtualNetwork>('VirtualNetwork', name, spec, {
    project,
    status: { id, vni: id, mtu: 1450, gateways: [`10.${subnet}.0.1`, `2001:db8:${subnet}::1`] },
  });
}

export function port(project: string, network: string, hostname: string, id: number, address: string): Port {
  const spec = { network, hostname, portSecurity: true, binding: { type: 'none' } as const };
  const [, subnet, , host] = address.split('.');
  const addresses = [address, `2001:db8:${subnet}::${host}`];
  const status = { id, mac: `02:00:00:00:00:${id.toString(16).padStart(2, '0')}`, addresses, reason: '', since: '' };
  return makeObject<Port>('Port', `${network}-${hostname}`.replace('/', '-'), spec, { project, status });
}

/** `spec` begins with the name, the type and the data. */
export function record(
  project: string,
  network: string,
  [name, type, ...data]: readonly [string, DnsRecordSpec['type'], ...string[]],
  more: { readonly ttl?: number; readonly object?: string } = {},
): DnsRecord {
  const { ttl, object = `${network}-${name}-${type}`.toLowerCase().replace(/[^a-z0-9-]/g, 'x') } = more;
  return makeObject<DnsRecord>('DnsRecord', object, { network, name, type, data, ...(ttl === undefined ? {} : { ttl }) }, { project });
}

export function router(project: string, name: string, networks: readonly string[]): LogicalRouter {
  return makeObject<LogicalRouter>('LogicalRouter', name, { networks }, { project, status: { id: 90 } });
}

export const tenants = [
  network('a', 'red', 1, 1, { domain: 'red.example' }),
  network('a', 'blue', 2, 2),
  network('b', 'red', 3, 1, { domain: 'red.example' }),
  port('a', 'red', 'web1', 1, '10.1.0.11'),
  port('a', 'blue', 'db', 2, '10.2.0.11'),
  port('b', 'red', 'web1', 3, '10.1.0.21'),
  port('b', 'red', 'secret', 4, '10.1.0.22'),
  router('a', 'r', ['red', 'blue']),
] as const;
