/**
 * A subnet as numbers, read from its spec with the defaults filled in, and what may be wrong with it.
 * IPv4 with prefix lengths 8 to 30; IPv6 is refused by name until the forwarder routes it.
 */
import type { SubnetSpec } from '@weft/kernel/contract/net';
import type { Problem } from './admission/refusals.ts';
import { contains, formatIpv4, formatPrefix, type Ipv4Prefix, isHost, isIpv6Text, parseIpv4, parseIpv4Prefix } from './ipv4.ts';

export interface Subnet {
  readonly prefix: Ipv4Prefix;
  readonly gateway: number;
  /** First and last address to allocate. */
  readonly from: number;
  readonly to: number;
  readonly routes: readonly { readonly prefix: Ipv4Prefix; readonly nextHop: number }[];
}

export const ipv6Fix = 'use an IPv4 address for now';
const shortest = 8;
const longest = 30;
/** Ranges that no subnet may lie in: RFC 1122 §3.2.1.3 (this host, loopback), RFC 3927 (link-local), RFC 1112 (class D) and class E. */
const reserved = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'].flatMap(
  (text) => parseIpv4Prefix(text)?.prefix ?? [],
);

/** Reads a subnet that admission let pass; undefined when it would be refused. */
export function subnetOf(spec: SubnetSpec): Subnet | undefined {
  const result = readSubnet(spec, '');
  return result.problems.length === 0 ? result.subnet : undefined;
}

/** `pointer` is where the subnet stands in its object. The subnet is absent when its cidr or gateway cannot be used. */
export function readSubnet(spec: SubnetSpec, pointer: string): { readonly subnet?: Subnet; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const prefix = readCidr(spec.cidr, `${pointer}/cidr`, problems);
  if (!prefix) return { problems };
  const gateway = spec.gateway === undefined ? prefix.first + 1 : readHost(spec.gateway, prefix, `${pointer}/gateway`, problems);
  const pool = readPool(spec, prefix, `${pointer}/pool`, problems);
  const routes = readRoutes(spec, prefix, `${pointer}/routes`, problems);
  checkDns(spec, `${pointer}/dns`, problems);
  if (spec.slaac) {
    problems.push({ pointer: `${pointer}/slaac`, message: `slaac applies to IPv6 and ${spec.cidr} is IPv4`, fix: 'leave slaac out' });
  }
  return gateway === undefined ? { problems } : { subnet: { prefix, gateway, ...pool, routes }, problems };
}

/** A canonical IPv4 prefix; pushes a problem and returns undefined otherwise. */
function readPrefix(text: string, pointer: string, problems: Problem[]): Ipv4Prefix | undefined {
  if (isIpv6Text(text)) {
    problems.push({ pointer, message: `${text} is IPv6, which this version does not route`, fix: 'use an IPv4 prefix for now' });
    return undefined;
  }
  const parsed = parseIpv4Prefix(text);
  if (!parsed) {
    problems.push({ pointer, message: `${text} is not an IPv4 prefix`, fix: 'write ADDRESS/LENGTH, such as 10.1.0.0/24' });
    return undefined;
  }
  if (!parsed.canonical) {
    problems.push({ pointer, message: `${text} has host bits set`, fix: `write ${formatPrefix(parsed.prefix)}` });
    return undefined;
  }
  return parsed.prefix;
}

function readCidr(text: string, pointer: string, problems: Problem[]): Ipv4Prefix | undefined {
  const prefix = readPrefix(text, pointer, problems);
  if (!prefix) return undefined;
  if (prefix.length < shortest || prefix.length > longest) {
    problems.push({
      pointer,
      message: `a subnet's prefix length is ${shortest} to ${longest}, not ${prefix.length}`,
      fix: `choose a length from ${shortest} to ${longest}`,
    });
    return undefined;
  }
  const taboo = reserved.find((range) => contains(range, prefix.first));
  if (taboo) {
    problems.push({
      pointer,
      message: `${text} lies in ${formatPrefix(taboo)}, which hosts cannot use`,
      fix: 'choose a unicast prefix, such as 10.1.0.0/24',
    });
    return undefined;
  }
  return prefix;
}

/** An address that a host of the prefix may have. */
function readHost(text: string, prefix: Ipv4Prefix, pointer: string, problems: Problem[]): number | undefined {
  const address = parseIpv4(text);
  if (address !== undefined && isHost(prefix, address)) return address;
  const range = `${formatIpv4(prefix.first + 1)} to ${formatIpv4(prefix.last - 1)}`;
  problems.push({ pointer, message: `${text} is not a host address of ${formatPrefix(prefix)}`, fix: `choose one from ${range}` });
  return undefined;
}

function readPool(spec: SubnetSpec, prefix: Ipv4Prefix, pointer: string, problems: Problem[]): { from: number; to: number } {
  const whole = { from: prefix.first + 1, to: prefix.last - 1 };
  if (!spec.pool) return whole;
  const from = readHost(spec.pool.from, prefix, `${pointer}/from`, problems);
  const to = readHost(spec.pool.to, prefix, `${pointer}/to`, problems);
  if (from === undefined || to === undefined) return whole;
  if (from > to) {
    problems.push({ pointer, message: `the pool ends at ${spec.pool.to}, before its start ${spec.pool.from}`, fix: 'swap from and to' });
  }
  return { from, to };
}

function readRoutes(spec: SubnetSpec, prefix: Ipv4Prefix, pointer: string, problems: Problem[]): Subnet['routes'] {
  return (spec.routes ?? []).flatMap((route, index) => {
    const destination = readPrefix(route.prefix, `${pointer}/${index}/prefix`, problems);
    const nextHop = readHost(route.nextHop, prefix, `${pointer}/${index}/nextHop`, problems);
    return destination && nextHop !== undefined ? [{ prefix: destination, nextHop }] : [];
  });
}

function checkDns(spec: SubnetSpec, pointer: string, problems: Problem[]): void {
  for (const [index, server] of (spec.dns ?? []).entries()) {
    if (parseIpv4(server) === undefined) {
      const message = isIpv6Text(server) ? `${server} is IPv6 and the subnet is IPv4` : `${server} is not an IPv4 address`;
      problems.push({ pointer: `${pointer}/${index}`, message, fix: 'name an IPv4 resolver, such as 10.1.0.1' });
    }
  }
}
