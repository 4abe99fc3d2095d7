/** What the gateway of a network tells the hosts behind a port (RFC 4861 §6.2.3, RFC 8106, RFC 4191): objects → advertisement → bytes. Pure. */
import { gatewayMac, type IpPrefix, isIpv4, type Port, parsePrefix, type SubnetSpec, type VirtualNetwork } from '@weft/kernel/contract/net';
import { dnsOf, searchOf } from '../v6/assignment.ts';
import { dnssl, mtu, prefixInformation, rdnss, routeInformation, sourceLinkLayerAddress } from './option.ts';

export interface AdvertisementSettings {
  /** MaxRtrAdvInterval. */
  readonly raIntervalSeconds: number;
  readonly prefixValidSeconds: number;
  readonly prefixPreferredSeconds: number;
}

/** Something that hosts were told, and the option that ends it: the same with a lifetime of 0. */
export type Endings = ReadonlyMap<string, Buffer>;

export interface Advertisement {
  /** M and O: addresses, and the rest, come by DHCPv6. */
  readonly managed: boolean;
  /** 0: the gateway is not to be used as default router. */
  readonly routerLifetimeSeconds: number;
  /** About the link and its prefixes. */
  readonly link: readonly Buffer[];
  /** Resolvers, search list and routes. */
  readonly services: readonly Buffer[];
  readonly linkEndings: Endings;
  readonly serviceEndings: Endings;
}

/** What a network says that is not served: nothing, but that the gateway is no router for anybody. */
export const nothing: Advertisement = {
  ...{ managed: false, routerLifetimeSeconds: 0, link: [], services: [] },
  ...{ linkEndings: new Map(), serviceEndings: new Map() },
};

/** RFC 8106 §5.1 for resolvers, RFC 4861 §6.2.1 for the router: this often MaxRtrAdvInterval, so that two lost advertisements do no harm. */
const intervalsOfLife = 3;
/** RFC 8200 §5: a smaller MTU is none. */
const leastMtuBytes = 1280;
const headBytes = 16 - 4;
const ipv6HeaderBytes = 40;
/** Longest DNSSL option, so that it fits one advertisement with others. */
const longestNames = 4;
const mostServers = 16;
const hopLimit = 64;

const isAdvertised = (subnet: SubnetSpec): boolean => !isIpv4(subnet.cidr) && (subnet.dhcp || subnet.slaac === true);

/** Whether hosts of the network are told of an IPv6 subnet. */
export function advertises(network: VirtualNetwork): boolean {
  return network.spec.subnets.some(isAdvertised);
}

/** `port` may have a search list of its own. */
export function advertisementOf(network: VirtualNetwork, port: Pick<Port, 'spec'>, settings: AdvertisementSettings): Advertisement {
  const subnets = network.spec.subnets.filter(isAdvertised);
  if (subnets.length === 0) return nothing;
  const bridged = network.spec.forwarding === 'l2';
  const life = settings.raIntervalSeconds * intervalsOfLife;
  const prefixes = subnets.map((subnet) => prefixOf(subnet, settings));
  const routes = bridged ? [] : subnets.flatMap(({ routes: each = [] }) => each.flatMap(({ prefix }) => parsePrefix(prefix)?.prefix ?? []));
  const servers = dnsOf(network, subnets).slice(0, mostServers);
  const names = searchOf(port, network, subnets);
  return {
    managed: subnets.some(({ dhcp }) => dhcp),
    routerLifetimeSeconds: bridged ? 0 : life,
    link: [
      ...(bridged ? [] : [sourceLinkLayerAddress(gatewayMac)]),
      ...(network.status.mtu < leastMtuBytes ? [] : [mtu(network.status.mtu)]),
      ...prefixes.map(({ option }) => option),
    ],
    services: [
      ...(servers.length === 0 ? [] : [rdnss(servers, life)]),
      ...portions(names, longestNames).map((portion) => dnssl(portion, life)),
      ...routes.map((prefix) => routeInformation(prefix, life)),
    ],
    linkEndings: new Map(prefixes.flatMap(({ endings }) => endings)),
    serviceEndings: new Map([
      ...servers.map((server) => [`resolver ${server}`, rdnss([server], 0)] as const),
      ...names.map((name) => [`domain ${name}`, dnssl([name], 0)] as const),
      ...routes.map((prefix) => [`route ${prefix.first}/${prefix.length}`, routeInformation(prefix, 0)] as const),
    ]),
  };
}

/** What ends it is said for each flag by itself: a prefix may stay on link and be no longer one to form addresses in. */
function prefixOf({ cidr, slaac = false }: SubnetSpec, settings: AdvertisementSettings) {
  const prefix = parsePrefix(cidr)?.prefix as IpPrefix;
  const { prefixValidSeconds: valid, prefixPreferredSeconds } = settings;
  const option = prefixInformation(prefix, { onLink: true, autonomous: slaac }, valid, Math.min(valid, prefixPreferredSeconds));
  const endings: [key: string, option: Buffer][] = [
    [`on-link ${cidr}`, prefixInformation(prefix, { onLink: true, autonomous: false }, 0, 0)],
  ];
  if (slaac) endings.push([`autonomous ${cidr}`, prefixInformation(prefix, { onLink: false, autonomous: true }, 0, 0)]);
  return { option, endings };
}

function portions<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** What hosts were told before and are no longer. */
export function endingsBetween(before: Advertisement, after: Advertisement): Endings {
  const still = (key: string): boolean => after.linkEndings.has(key) || after.serviceEndings.has(key);
  return new Map([...before.linkEndings, ...before.serviceEndings].filter(([key]) => !still(key)));
}

/** §6.2.5: the last one before the gateway stops to advertise. It goes on to forward, so prefixes and addresses stay. */
export function farewellOf(advertisement: Advertisement): Advertisement {
  return { ...advertisement, routerLifetimeSeconds: 0, services: [...advertisement.serviceEndings.values()] };
}

/**
 * Bodies of ICMPv6 messages: several if the options do not fit a packet of 1,280 bytes (§6.2.3). `endings` come first.
 *
 *   hop limit 1 · M O 1 · router lifetime 2 · reachable time 4 · retransmission timer 4 · options
 */
export function bodiesOf(advertisement: Advertisement, endings: Endings = new Map()): readonly Buffer[] {
  const head = Buffer.alloc(headBytes);
  head.writeUInt8(hopLimit, 0);
  head.writeUInt8(advertisement.managed ? 0xc0 : 0, 1);
  head.writeUInt16BE(advertisement.routerLifetimeSeconds, 2);
  const bodies: Buffer[][] = [[head]];
  let left = leastMtuBytes - ipv6HeaderBytes - headBytes - 4;
  for (const option of [...endings.values(), ...advertisement.link, ...advertisement.services]) {
    if (option.length > left) {
      bodies.push([head]);
      left = leastMtuBytes - ipv6HeaderBytes - headBytes - 4;
    }
    bodies.at(-1)?.push(option);
    left -= option.length;
  }
  return bodies.map((parts) => Buffer.concat(parts));
}
