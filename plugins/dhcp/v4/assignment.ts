/** What the configuration gives to the client behind one port: found by the port alone, never by what the client says. */
import {
  cidrContains,
  domainOf,
  isIpv4,
  type Port,
  parsePrefix,
  prefixCovers,
  type SubnetSpec,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import type { Assigned } from '../clients.ts';
import { type ToldOptions, toldOptions } from '../told-options.ts';
import type { ClientRoute } from './option.ts';

export interface Assignment {
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
  /** IPv4 routes of the subnet and, where there is none by the gateway, to link-local addresses; without those that the gateway implies. */
  readonly routes: readonly ClientRoute[];
  readonly told: ToldOptions;
}

export const defaultPrefix = '0.0.0.0/0';
/** Where services of the appliance are, metadata among them (RFC 3927); no subnet may touch it. */
const linkLocal = '169.254.0.0/16';

/** A port with several addresses gets its first IPv4 address (a client can hold one lease per interface). */
export function assignmentOf(port: Port, network: VirtualNetwork): Assigned<Assignment> {
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
      mac: port.status.mac,
      address,
      prefixLength: Number(subnet.cidr.split('/')[1]),
      gateway,
      ...(bridged && subnet.gateway === undefined ? {} : { router: gateway }),
      dns: (subnet.dns ?? (bridged ? [] : [gateway])).filter(isIpv4),
      domain: domainOf(network),
      hostname: port.spec.hostname ?? '',
      mtuBytes: network.status.mtu,
      routes: bridged ? withLinkLocal(ipv4Routes(subnet)) : ipv4Routes(subnet),
      told: toldOptions(4, [port.spec.dhcpOptions, subnet.dhcpOptions, network.spec.dhcpOptions]),
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

/**
 * Where nothing is routed, the client must ask for services at link-local addresses on its link (next hop 0.0.0.0, RFC 3442): the forwarder answers
 * there. Routes of the tenant's own go before: narrower ones by themselves, and one that covers all instead of this.
 */
function withLinkLocal(routes: readonly ClientRoute[]): readonly ClientRoute[] {
  const covered = routes.some(({ prefix }) => prefix !== defaultPrefix && covers(prefix, linkLocal));
  return covered ? routes : [...routes, { prefix: linkLocal, nextHop: '0.0.0.0' }];
}

function covers(outer: string, inner: string): boolean {
  const [wide, narrow] = [parsePrefix(outer)?.prefix, parsePrefix(inner)?.prefix];
  return wide !== undefined && narrow !== undefined && prefixCovers(wide, narrow);
}
