/** An uplink as numbers, read from its spec, and what may be wrong with it. Pure. */
import { createHash } from 'node:crypto';
import {
  canonicalIp,
  formatIp,
  formatPrefix,
  type IpAddress,
  type IpPrefix,
  ipWidth,
  parseIp,
  parsePrefix,
  prefixContains,
  prefixCovers,
  prefixesOverlap,
  prefixOf,
  type Uplink,
  type UplinkSpec,
} from '@weft/kernel/contract/net';
import type { Problem } from './admission/refusals.ts';
import { linkLocal, notUnicast, readPrefix } from './subnet.ts';

interface OwnAddress {
  readonly address: IpAddress;
  readonly prefix: IpPrefix;
  /** JSON pointer of it. */
  readonly pointer: string;
}

export interface UplinkNumbers {
  readonly addresses: readonly OwnAddress[];
  readonly gateways: readonly IpAddress[];
  /** Where outside addresses and native subnets must lie; undefined: anywhere. */
  readonly allowed?: readonly IpPrefix[] | undefined;
}

/** Numbers of gateways in the forwarder are 0 to 255. */
const gatewayNumbersEnd = 256;
const shortest = 8;
const fe80 = prefixOf({ family: 6, value: 0xfe80n << 112n }, 10);

export function readUplink({
  addresses,
  gateways = [],
  allowedPrefixes,
}: UplinkSpec): UplinkNumbers & { readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const own: OwnAddress[] = [];
  for (const [index, text] of addresses.entries()) {
    const address = readOwn(text, `/spec/addresses/${index}`, own, problems);
    if (address) own.push(address);
  }
  const routers: IpAddress[] = [];
  for (const [index, text] of gateways.entries()) {
    const address = readGateway(text, `/spec/gateways/${index}`, own, routers, problems);
    if (address) routers.push(address);
  }
  const allowed = allowedPrefixes?.flatMap((text, index) => readPrefix(text, `/spec/allowedPrefixes/${index}`, problems) ?? []);
  return { addresses: own, gateways: routers, allowed, problems };
}

/** The gateways of an uplink that admission let pass, canonical, in the order of its spec. */
export function gatewaysOf({ spec }: Uplink): readonly string[] {
  return (spec.gateways ?? []).map(canonicalIp);
}

/** The subnets of an uplink, each once. */
export function uplinkSubnets({ addresses }: Pick<UplinkNumbers, 'addresses'>): readonly OwnAddress[] {
  return [...Map.groupBy(addresses, ({ prefix }) => formatPrefix(prefix)).values()].flatMap(([first]) => first ?? []);
}

/**
 * A number for each gateway that depends on nothing but the addresses, and hardly ever on the others': flows that go by one gateway stay there when
 * others come and go.
 */
export function gatewayNumbers(gateways: readonly IpAddress[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  const used = new Set<number>();
  for (const address of gateways.map(formatIp).sort()) {
    let number = createHash('sha256').update(address).digest().readUInt8(0);
    while (used.has(number)) number = (number + 1) % gatewayNumbersEnd;
    used.add(number);
    numbers.set(address, number);
  }
  return numbers;
}

/** The appliance's own MAC address on the link; undefined: that of the host's interface. */
export function uplinkMac({ metadata, spec }: Uplink): string | undefined {
  return spec.binding.type === 'interface' ? undefined : hashedMac(metadata.uid);
}

/** `02:` and 40 bits of a hash: locally administered, unicast. */
export function hashedMac(text: string): string {
  const digest = createHash('sha256').update(text).digest('hex');
  return `02:${digest.slice(0, 10).replace(/(..)(?!$)/g, '$1:')}`;
}

function readOwn(text: string, pointer: string, others: readonly OwnAddress[], problems: Problem[]): OwnAddress | undefined {
  const prefix = parsePrefix(text)?.prefix;
  const address = parseIp(text.slice(0, text.indexOf('/')));
  const refuse = (message: string, fix: string): undefined => void problems.push({ pointer, message, fix });
  if (!prefix || !address) {
    return refuse(
      `${text} is not an address with the length of its subnet`,
      'write ADDRESS/LENGTH, such as 192.0.2.1/24 or 2001:db8::1/64',
    );
  }
  const longest = ipWidth(prefix.family) - 1;
  if (prefix.length < shortest || prefix.length > longest) {
    const message = `the prefix length of an IPv${prefix.family} subnet behind an uplink is ${shortest} to ${longest}, not ${prefix.length}`;
    return refuse(message, `choose a length from ${shortest} to ${longest}`);
  }
  const taboo = [...notUnicast, ...linkLocal].find((range) => prefixesOverlap(range, prefix));
  if (taboo) {
    const place = prefixCovers(taboo, prefix) ? 'lies in' : 'contains';
    return refuse(
      `${text} ${place} ${formatPrefix(taboo)}, which no uplink can use`,
      'choose a unicast address; link-local ones are there anyway',
    );
  }
  if (!isHostThere(prefix, address)) return refuse(`${text} is the network's own or its broadcast address`, 'choose the address of a host');
  const same = others.find((other) => other.address.family === address.family && other.address.value === address.value);
  if (same) return refuse(`${formatIp(address)} is listed twice`, 'list it once');
  const overlap = others.find((other) => prefixesOverlap(other.prefix, prefix) && other.prefix.length !== prefix.length);
  if (overlap) {
    const message = `${formatPrefix(prefix)} overlaps ${formatPrefix(overlap.prefix)} of the same uplink`;
    return refuse(message, 'give addresses of one subnet the same length');
  }
  return { address, prefix, pointer };
}

/** RFC 3021 and RFC 6164: on a link between two routers both addresses are hosts'. */
function isHostThere(prefix: IpPrefix, { value }: IpAddress): boolean {
  if (prefix.length === ipWidth(prefix.family) - 1) return true;
  return value !== prefix.first && (prefix.family === 6 || value !== prefix.last);
}

function readGateway(
  text: string,
  pointer: string,
  own: readonly OwnAddress[],
  others: readonly IpAddress[],
  problems: Problem[],
): IpAddress | undefined {
  const address = parseIp(text);
  const refuse = (message: string, fix: string): undefined => void problems.push({ pointer, message, fix });
  if (!address) return refuse(`${text} is not an IP address`, 'write one address without a length, such as 192.0.2.254 or fe80::1');
  const is = (other: IpAddress): boolean => other.family === address.family && other.value === address.value;
  if (others.some(is)) return refuse(`${text} is listed twice`, 'list it once');
  if (prefixContains(fe80, address)) return address;
  const subnet = own.find(({ prefix }) => prefixContains(prefix, address))?.prefix;
  if (!subnet) {
    const subnets = uplinkSubnets({ addresses: own }).map(({ prefix }) => formatPrefix(prefix));
    const fix =
      subnets.length > 0 ? `choose an address from ${subnets.join(', ')}, or an IPv6 link-local one` : 'give the uplink an address first';
    return refuse(`${text} is in no subnet of the uplink`, fix);
  }
  if (!isHostThere(subnet, address)) return refuse(`${text} is no host of ${formatPrefix(subnet)}`, 'choose the address of a host');
  if (own.some((each) => is(each.address))) return refuse(`${text} is the uplink's own address`, 'name the address of the router');
  return address;
}
