/** A subnet of either family as numbers, read from its spec with the defaults filled in, and what may be wrong with it. */
import {
  type ForwardingMode,
  formatIp,
  formatPrefix,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
  parseIp,
  parsePrefix,
  prefixContains,
  prefixCovers,
  prefixesOverlap,
  type SubnetSpec,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import type { Problem } from './admission/refusals.ts';

export interface Subnet {
  readonly prefix: IpPrefix;
  readonly gateway: IpAddress;
  /** The address is the appliance's, so that no port may have it. False for a router of the tenant's own, in a network that only bridges. */
  readonly ownsGateway: boolean;
  /** First and last address to allocate. */
  readonly from: bigint;
  readonly to: bigint;
  readonly slaac: boolean;
  readonly routes: readonly { readonly prefix: IpPrefix; readonly nextHop: IpAddress }[];
}

/** RFC 4862 §5.5.3 makes addresses of interface identifiers, which have 64 bits (RFC 4291 §2.5.1). */
const slaacLength = 64;
const lengths: Readonly<Record<IpFamily, readonly [shortest: number, longest: number]>> = { 4: [8, 30], 6: [8, 126] };
const example: Readonly<Record<IpFamily, string>> = { 4: '10.1.0.0/24', 6: '2001:db8:1::/64' };

/**
 * Ranges without unicast addresses of hosts: RFC 1122 §3.2.1.3 (this host, loopback), RFC 1112 (class D), class E, RFC 4291 §2.4 and §2.7
 * (unspecified, loopback, IPv4 inside IPv6, multicast).
 */
export const notUnicast = prefixes('0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4', '::/8', 'ff00::/8');
/** RFC 3927, RFC 4291 §2.5.6: every link has them, so none can be routed. */
export const linkLocal = prefixes('169.254.0.0/16', 'fe80::/10');

export function prefixes(...texts: readonly string[]): readonly IpPrefix[] {
  return texts.flatMap((text) => parsePrefix(text)?.prefix ?? []);
}

const known = new WeakMap<VirtualNetwork['spec'], readonly Subnet[]>();

/** The subnets of a network that admission let pass, in the order of its spec. */
export function subnetsOf({ spec }: VirtualNetwork): readonly Subnet[] {
  const cached = known.get(spec);
  if (cached) return cached;
  const subnets = spec.subnets.flatMap((each) => {
    const { subnet, problems } = readSubnet(each, spec.forwarding, '');
    return subnet && problems.length === 0 ? [subnet] : [];
  });
  known.set(spec, subnets);
  return subnets;
}

/** `pointer` is where the subnet stands in its object. The subnet is absent when its cidr or gateway cannot be used. */
export function readSubnet(
  spec: SubnetSpec,
  forwarding: ForwardingMode,
  pointer: string,
): { readonly subnet?: Subnet; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const prefix = readCidr(spec.cidr, `${pointer}/cidr`, problems);
  if (!prefix) return { problems };
  const { family } = prefix;
  const gateway =
    spec.gateway === undefined ? { family, value: prefix.first + 1n } : readHost(spec.gateway, prefix, `${pointer}/gateway`, problems);
  const pool = readPool(spec, prefix, `${pointer}/pool`, problems);
  const routes = readRoutes(spec, prefix, `${pointer}/routes`, problems);
  checkDns(spec, family, `${pointer}/dns`, problems);
  const slaac = spec.slaac === true;
  if (slaac) problems.push(...slaacProblems(prefix, forwarding, `${pointer}/slaac`));
  const ownsGateway = forwarding !== 'l2' || spec.gateway === undefined;
  return gateway === undefined ? { problems } : { subnet: { prefix, gateway, ownsGateway, ...pool, slaac, routes }, problems };
}

/** True for an address that a host may have: not the network's or subnet-router anycast address (RFC 4291 §2.6.1), not IPv4's broadcast address. */
export function isHost(prefix: IpPrefix, address: IpAddress): boolean {
  return prefixContains(prefix, address) && address.value > prefix.first && address.value <= lastHost(prefix);
}

export function isGateway({ prefix, gateway, ownsGateway }: Subnet, address: IpAddress): boolean {
  return ownsGateway && address.family === prefix.family && address.value === gateway.value;
}

/** `FIRST to LAST` address that hosts may have. */
export function hostRange(prefix: IpPrefix): string {
  const { family, first } = prefix;
  return `${formatIp({ family, value: first + 1n })} to ${formatIp({ family, value: lastHost(prefix) })}`;
}

function lastHost({ family, last }: IpPrefix): bigint {
  return family === 4 ? last - 1n : last;
}

/** A canonical prefix; pushes a problem and returns undefined otherwise. */
export function readPrefix(text: string, pointer: string, problems: Problem[]): IpPrefix | undefined {
  const parsed = parsePrefix(text);
  if (!parsed) {
    const fix = `write ADDRESS/LENGTH, such as ${example[4]} or ${example[6]}`;
    problems.push({ pointer, message: `${text} is not an IP prefix`, fix });
    return undefined;
  }
  if (!parsed.canonical) {
    problems.push({ pointer, message: `${text} has host bits set`, fix: `write ${formatPrefix(parsed.prefix)}` });
    return undefined;
  }
  return parsed.prefix;
}

function readCidr(text: string, pointer: string, problems: Problem[]): IpPrefix | undefined {
  const prefix = readPrefix(text, pointer, problems);
  if (!prefix) return undefined;
  const { family, length } = prefix;
  const [shortest, longest] = lengths[family];
  if (length < shortest || length > longest) {
    const message = `the prefix length of an IPv${family} subnet is ${shortest} to ${longest}, not ${length}`;
    problems.push({ pointer, message, fix: `choose a length from ${shortest} to ${longest}` });
    return undefined;
  }
  const taboo = [...notUnicast, ...linkLocal].find((range) => prefixesOverlap(range, prefix));
  if (taboo) {
    const place = prefixCovers(taboo, prefix) ? 'lies in' : 'contains';
    const message = `${text} ${place} ${formatPrefix(taboo)}, which hosts of a subnet cannot use`;
    problems.push({ pointer, message, fix: `choose a unicast prefix, such as ${example[family]}` });
    return undefined;
  }
  return prefix;
}

/** An address that a host of the prefix may have. */
function readHost(text: string, prefix: IpPrefix, pointer: string, problems: Problem[]): IpAddress | undefined {
  const address = parseIp(text);
  if (address !== undefined && isHost(prefix, address)) return address;
  const message = `${text} is not a host address of ${formatPrefix(prefix)}`;
  problems.push({ pointer, message, fix: `choose one from ${hostRange(prefix)}` });
  return undefined;
}

function readPool(spec: SubnetSpec, prefix: IpPrefix, pointer: string, problems: Problem[]): { from: bigint; to: bigint } {
  const whole = { from: prefix.first + 1n, to: lastHost(prefix) };
  if (!spec.pool) return whole;
  const from = readHost(spec.pool.from, prefix, `${pointer}/from`, problems);
  const to = readHost(spec.pool.to, prefix, `${pointer}/to`, problems);
  if (from === undefined || to === undefined) return whole;
  if (from.value > to.value) {
    problems.push({ pointer, message: `the pool ends at ${spec.pool.to}, before its start ${spec.pool.from}`, fix: 'swap from and to' });
  }
  return { from: from.value, to: to.value };
}

function readRoutes(spec: SubnetSpec, subnet: IpPrefix, pointer: string, problems: Problem[]): Subnet['routes'] {
  return (spec.routes ?? []).flatMap((route, index) => {
    const at = `${pointer}/${index}`;
    const prefix = readPrefix(route.prefix, `${at}/prefix`, problems);
    if (prefix && prefix.family !== subnet.family) {
      const message = `${route.prefix} is IPv${prefix.family} and the subnet is IPv${subnet.family}`;
      problems.push({ pointer: `${at}/prefix`, message, fix: `move the route to an IPv${prefix.family} subnet of the network` });
    }
    const nextHop = readHost(route.nextHop, subnet, `${at}/nextHop`, problems);
    return prefix && nextHop ? [{ prefix, nextHop }] : [];
  });
}

function checkDns(spec: SubnetSpec, family: IpFamily, pointer: string, problems: Problem[]): void {
  for (const [index, server] of (spec.dns ?? []).entries()) {
    const address = parseIp(server);
    if (address?.family === family) continue;
    const message = address ? `${server} is IPv${address.family} and the subnet is IPv${family}` : `${server} is not an IP address`;
    const fix = `name an IPv${family} resolver, such as ${family === 4 ? '10.1.0.1' : '2001:db8:1::1'}`;
    problems.push({ pointer: `${pointer}/${index}`, message, fix });
  }
}

function slaacProblems(prefix: IpPrefix, forwarding: ForwardingMode, pointer: string): readonly Problem[] {
  const text = formatPrefix(prefix);
  if (prefix.family === 4) return [{ pointer, message: `slaac applies to IPv6 and ${text} is IPv4`, fix: 'leave slaac out' }];
  if (prefix.length !== slaacLength) {
    return [
      { pointer, message: `slaac needs a prefix length of ${slaacLength}, not ${prefix.length}`, fix: 'leave slaac out, or use a /64' },
    ];
  }
  if (forwarding === 'l2') {
    const message = 'slaac needs a gateway, and a network with forwarding l2 has none';
    return [{ pointer, message, fix: 'leave slaac out, or use forwarding: l2_l3' }];
  }
  return [];
}
