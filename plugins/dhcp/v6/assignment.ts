/** What the configuration gives to the client behind one port by DHCPv6: found by the port alone, never by what the client says. */
import {
  cidrContains,
  domainOf,
  type IpPrefix,
  ipBytes,
  isIpv4,
  type Port,
  parseIp,
  parsePrefix,
  type SubnetSpec,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import type { Assigned } from '../clients.ts';
import { domainList } from '../domain-list.ts';
import { type ToldOptions, toldOptions } from '../told-options.ts';
import { addresses, ntpServers, type Option, optionCodes } from './option.ts';

export interface Assignment {
  readonly mac: string;
  /** Of subnets with DHCP, in the order of the port's status; 16 bytes each. */
  readonly addresses: readonly Buffer[];
  /** The network's IPv6 subnets. */
  readonly onLink: readonly IpPrefix[];
  /** `host.domain`; empty when the port has no host name. */
  readonly fqdn: string;
  readonly mtuBytes: number;
  /** What there is to tell besides, by option code; the most needed first. */
  readonly options: ReadonlyMap<number, Buffer>;
  /** Codes of those that the operator gave: told unasked, too. */
  readonly custom: readonly number[];
}

/** More do not fit a packet of 1,280 bytes. */
const mostAddresses = 32;

const isServed = (subnet: SubnetSpec): boolean => subnet.dhcp && !isIpv4(subnet.cidr);

/** Whether an IPv6 subnet of the network is served. */
export function servesDhcp6(network: VirtualNetwork): boolean {
  return network.spec.subnets.some(isServed);
}

/** A port without an address of a served subnet has an assignment, too: its client is told that there is none, and the rest. */
export function assignmentOf(port: Port, network: VirtualNetwork): Assigned<Assignment> {
  const served = network.spec.subnets.filter(isServed);
  if (served.length === 0) return { ok: false, reason: `DHCP is off in the IPv6 subnets of ${network.metadata.name}` };
  const given = (port.status.addresses ?? []).filter((address) => served.some(({ cidr }) => cidrContains(cidr, address)));
  const own = served.filter(({ cidr }) => given.some((address) => cidrContains(cidr, address)));
  return {
    ok: true,
    assignment: {
      mac: port.status.mac,
      addresses: given.slice(0, mostAddresses).flatMap(bytesOf),
      onLink: network.spec.subnets.flatMap(({ cidr }) => (isIpv4(cidr) ? [] : (parsePrefix(cidr)?.prefix ?? []))),
      fqdn: port.spec.hostname === undefined ? '' : `${port.spec.hostname}.${domainOf(network)}`,
      mtuBytes: network.status.mtu,
      ...optionsOf(port, network, own.length > 0 ? own : served),
    },
  };
}

function bytesOf(text: string): readonly Buffer[] {
  const address = parseIp(text);
  return address === undefined ? [] : [ipBytes(address)];
}

function optionsOf(port: Port, network: VirtualNetwork, subnets: readonly SubnetSpec[]): Pick<Assignment, 'options' | 'custom'> {
  const { ntp, custom } = toldTo(port, network, subnets);
  const values: readonly Option[] = [
    [optionCodes.dnsServers, addresses(dnsOf(network, subnets))],
    [optionCodes.domainList, domainList(searchOf(port, network, subnets))],
    [optionCodes.ntpServer, ntpServers(ntp)],
    [optionCodes.sntpServers, addresses(ntp)],
  ];
  // The operator's own replace what is made here; admission lets none pass that the protocol itself needs.
  return { options: new Map([...values.filter(([, value]) => value.length > 0), ...custom]), custom: [...custom.keys()] };
}

/** The port's word, then that of the first of `subnets` that has one, then the network's. */
function toldTo({ spec }: Pick<Port, 'spec'>, network: VirtualNetwork, subnets: readonly SubnetSpec[]): ToldOptions {
  return toldOptions(6, [spec.dhcpOptions, ...subnets.map(({ dhcpOptions }) => dhcpOptions), network.spec.dhcpOptions]);
}

/** Domains to complete names with; by default the network's own, and none where an empty list says so. */
export function searchOf(port: Pick<Port, 'spec'>, network: VirtualNetwork, subnets: readonly SubnetSpec[]): readonly string[] {
  return toldTo(port, network, subnets).domainSearch ?? [domainOf(network)];
}

/** Resolvers of IPv6 subnets, in their order; by default the gateways, but where nobody has their addresses. */
export function dnsOf(network: VirtualNetwork, subnets: readonly SubnetSpec[]): readonly string[] {
  const servers = network.spec.subnets.flatMap((subnet, index) => {
    if (!subnets.includes(subnet)) return [];
    const gateway = network.status.gateways?.[index];
    return subnet.dns ?? (network.spec.forwarding === 'l2' || gateway === undefined ? [] : [gateway]);
  });
  return [...new Set(servers.filter((server) => !isIpv4(server)))];
}
