/** What the configuration gives to the client behind one port: found by the port alone, never by what the client says. */
import { cidrContains, domainOf, isIpv4, type Port, type SubnetSpec, type VirtualNetwork } from '@weft/kernel/contract/net';
import type { ClientRoute } from './option.ts';

export interface Assignment {
  readonly project: string;
  readonly port: string;
  readonly network: string;
  readonly mac: string;
  readonly address: string;
  readonly prefixLength: number;
  /** Gateway address of the subnet: the server identifier and the source of every reply. */
  readonly gateway: string;
  /** Default router. Absent in a network that only bridges and names no router of its own. */
  readonly router?: string;
  readonly dns: readonly string[];
  readonly domain: string;
  /** Empty when the port has none. */
  readonly hostname: string;
  readonly mtuBytes: number;
  /** IPv4 routes of the subnet, without those that the gateway implies. */
  readonly routes: readonly ClientRoute[];
}

/** The assignment of a port, or why there is none. */
export type Assigned = { readonly ok: true; readonly assignment: Assignment } | { readonly ok: false; readonly reason: string };

/** A port with several addresses gets its first IPv4 address (a client can hold one lease per interface). */
export function assignmentOf(port: Port, network: VirtualNetwork): Assigned {
  const address = port.status.addresses?.find((candidate) => isIpv4(candidate));
  if (address === undefined) return { ok: false, reason: 'port has no IPv4 address' };
  const index = network.spec.subnets.findIndex((subnet) => cidrContains(subnet.cidr, address));
  const subnet = network.spec.subnets[index];
  const gateway = network.status.gateways?.[index];
  if (subnet === undefined || gateway === undefined) return { ok: false, reason: `no subnet of ${network.metadata.name} holds ${address}` };
  if (!subnet.dhcp) return { ok: false, reason: `DHCP is off in subnet ${subnet.cidr}` };
  const bridged = network.spec.forwarding === 'l2';
  return {
    ok: true,
    assignment: {
      project: port.metadata.project ?? '',
      port: port.metadata.name,
      network: network.metadata.name,
      mac: port.status.mac,
      address,
      prefixLength: Number(subnet.cidr.split('/')[1]),
      gateway,
      ...(bridged && subnet.gateway === undefined ? {} : { router: gateway }),
      dns: (subnet.dns ?? (bridged ? [] : [gateway])).filter(isIpv4),
      domain: domainOf(network),
      hostname: port.spec.hostname ?? '',
      mtuBytes: network.status.mtu,
      routes: ipv4Routes(subnet),
    },
  };
}

/** Whether an IPv4 subnet of the network is served. */
export function servesIpv4(network: VirtualNetwork): boolean {
  return network.spec.subnets.some((subnet) => subnet.dhcp && isIpv4(subnet.cidr));
}

function ipv4Routes(subnet: SubnetSpec): readonly ClientRoute[] {
  return (subnet.routes ?? []).filter((route) => isIpv4(route.prefix) && isIpv4(route.nextHop));
}
