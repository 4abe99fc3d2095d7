/** The setting `deniedUpstreams` of plugins that lead to servers outside: where none may be, whatever the operator of a project writes. */
import { isIPv6 } from 'node:net';
import { Type } from 'typebox';
import { type IpPrefix, parseIp, parsePrefix, prefixContains } from '../contract/net/index.ts';
import { fail } from '../contract/system/errors.ts';

export type DeniedPrefixes = readonly IpPrefix[];

export const deniedUpstreamsSetting = Type.Array(Type.String({ description: 'A prefix.' }), {
  maxItems: 64,
  default: ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/127', 'fe80::/10', 'ff00::/8'],
  description: 'No upstream may have an address in these: by default those of the host itself, of its own links, and multicast.',
});

/** Throws INVALID naming the entry of the setting that is no prefix. */
export function deniedPrefixes(plugin: string, texts: readonly string[]): DeniedPrefixes {
  return texts.map((text, index) => {
    const parsed = parsePrefix(text);
    if (parsed !== undefined) return parsed.prefix;
    const setting = `setting /deniedUpstreams/${index} of plugin ${plugin}`;
    throw fail('INVALID', `${setting} is ${JSON.stringify(text)}`, 'write a prefix such as 127.0.0.0/8');
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
  return denied.some((prefix) => prefixContains(prefix, meant));
}
