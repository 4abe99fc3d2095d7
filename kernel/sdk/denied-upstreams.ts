/** The setting `deniedUpstreams` of plugins that lead to servers outside: where none may be, whatever the operator of a project writes. */
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Type } from 'typebox';
import { formatIp, type IpAddress, parseIp, parsePrefix, prefixContains } from '../contract/net/index.ts';
import { fail } from '../contract/system/errors.ts';

/** Each tells whether it holds an address. */
export type DeniedPrefixes = readonly ((address: IpAddress) => boolean)[];

/** In the setting: every address that an interface of the host has at the moment. */
const hostWord = 'host';
const hostMs = 5_000;

export const deniedUpstreamsSetting = Type.Array(Type.String({ description: 'A prefix, or the word host.' }), {
  maxItems: 64,
  default: ['host', '0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/127', 'fe80::/10', 'ff00::/8'],
  description:
    'No upstream may have an address in these: by default the host’s own, those of its links, and multicast. The word host stands for the addresses that its interfaces have.',
});

/** Throws INVALID naming the entry of the setting that is no prefix. */
export function deniedPrefixes(plugin: string, texts: readonly string[]): DeniedPrefixes {
  return texts.map((text, index) => {
    if (text === hostWord) return isOfHost;
    const parsed = parsePrefix(text);
    if (parsed !== undefined) return (address: IpAddress) => prefixContains(parsed.prefix, address);
    const setting = `setting /deniedUpstreams/${index} of plugin ${plugin}`;
    throw fail('INVALID', `${setting} is ${JSON.stringify(text)}`, 'write a prefix such as 127.0.0.0/8, or host');
  });
}

/**
 * Whether a connection to this address is denied. An IPv4 address mapped into IPv6 (RFC 4291 §2.5.5.2) leads where the IPv4 address does, and a zone
 * changes nothing. What is no address is not denied: a name must be looked at again once it is one.
 */
export function isDenied(denied: DeniedPrefixes, address: string): boolean {
  const parsed = parseIp(isIPv6(address) ? address.replace(/%.*$/, '') : address);
  if (parsed === undefined) return false;
  const mapped = parsed.family === 6 && parsed.value >> 32n === 0xffffn;
  const meant = mapped ? { family: 4 as const, value: parsed.value & 0xffff_ffffn } : parsed;
  return denied.some((holds) => holds(meant));
}

const host = { addresses: new Set<string>(), until: 0 };

function isOfHost(address: IpAddress): boolean {
  const now = performance.now();
  if (host.until <= now) {
    const known = Object.values(networkInterfaces()).flatMap((interfaces) => (interfaces ?? []).map((one) => parseIp(one.address)));
    host.addresses = new Set(known.flatMap((one) => (one === undefined ? [] : [formatIp(one)])));
    host.until = now + hostMs;
  }
  return host.addresses.has(formatIp(address));
}
