/** Domain names (RFC 1035 §3.1) as labels, their text form, and the names of addresses. */
import { type IpFamily, type IpPrefix, ipWidth, parseIp, prefixOf } from '@weft/kernel/contract/net';

/** Labels from left to right, each 1–63 bytes as a latin1 string, case kept; the root is empty. At most 255 bytes on the wire. */
export type Name = readonly string[];

export const root: Name = [];
/** Bytes of the longest name on the wire (RFC 1035 §2.3.4). */
export const longestName = 255;

/** Bytes of the uncompressed wire form. */
export function wireLength(name: Name): number {
  return name.reduce((sum, label) => sum + label.length + 1, 1);
}

/** Same key = same name: ASCII case does not count (RFC 4343); a dot inside a label does. */
export function nameKey(name: Name): string {
  let key = '';
  for (let index = 0; index < name.length; index += 1) key += index === 0 ? labelKey(name[index] ?? '') : `.${labelKey(name[index] ?? '')}`;
  return key;
}

/**
 * The keys of the last 0, 1, 2 … labels of a name: the root's (empty) first, that of its last `most` labels last. A name of a VM may have 127 labels,
 * and all its keys together 16,000 characters.
 */
export function tailKeys(name: Name, most = name.length): string[] {
  const keys = [''];
  for (let count = 1; count <= Math.min(most, name.length); count += 1)
    keys.push(belowKey(name[name.length - count] ?? '', keys[count - 1] ?? ''));
  return keys;
}

/** The key of `label` below the name with the key `parent`. */
export function belowKey(label: string, parent: string): string {
  return parent === '' ? labelKey(label) : `${labelKey(label)}.${parent}`;
}

/** Nearly all labels are their own keys. */
export function labelKey(label: string): string {
  return /[A-Z\\.]/.test(label) ? label.replace(/[A-Z]/g, lower).replace(/[\\.]/g, '\\$&') : label;
}

/** Presentation form with a trailing dot; `.` is the root. */
export function formatName(name: Name): string {
  return `${name.map((label) => label.replace(/[\\.]/g, '\\$&').replace(/[^\x21-\x7e]/g, decimalEscape)).join('.')}.`;
}

/** A host or domain name as users write it, with or without a trailing dot; undefined when it is no name. */
export function parseName(text: string): Name | undefined {
  const labels = text.replace(/\.$/, '').split('.');
  const fine = labels.every((label) => /^[\x21-\x5b\x5d-\x7e]{1,63}$/.test(label)) && wireLength(labels) <= longestName;
  return fine ? labels : undefined;
}

/** Letters, digits, `-` and `_`: what host names and the names of services (RFC 2782) are made of. */
export const isHostLabel = (label: string): boolean => /^[A-Za-z0-9_-]+$/.test(label);

/** Whether `name` is `ancestor` or below it. */
export function isWithin(name: Name, ancestor: Name): boolean {
  return name.length >= ancestor.length && nameKey(name.slice(name.length - ancestor.length)) === nameKey(ancestor);
}

/** Names of addresses: the parent of all of them, and how many bits one label spells (RFC 1035 §3.5, RFC 3596 §2.5). */
const reverse: Readonly<Record<IpFamily, { readonly parent: Name; readonly bits: number; readonly base: number }>> = {
  4: { parent: ['in-addr', 'arpa'], bits: 8, base: 10 },
  6: { parent: ['ip6', 'arpa'], bits: 4, base: 16 },
};

/** `11.0.1.10.in-addr.arpa` of 10.1.0.11, `1.0.0.0.(…).8.b.d.0.1.0.0.2.ip6.arpa` of 2001:db8::1. Throws on text that is no address. */
export function reverseName(address: string): Name {
  const parsed = parseIp(address);
  if (!parsed) throw new TypeError(`${address} is not an IP address`);
  const { parent, bits, base } = reverse[parsed.family];
  const labels = Array.from({ length: ipWidth(parsed.family) / bits }, (_, index) =>
    ((parsed.value >> BigInt(index * bits)) & ((1n << BigInt(bits)) - 1n)).toString(base),
  );
  return [...labels, ...parent];
}

/** What a name below in-addr.arpa or ip6.arpa spells: an address, or the prefix of a zone above. Undefined for any other name. */
export function reversePrefix(name: Name): IpPrefix | undefined {
  const parent = nameKey(name.slice(-2));
  const family = ([4, 6] as const).find((each) => nameKey(reverse[each].parent) === parent);
  if (family === undefined) return undefined;
  const { bits } = reverse[family];
  const pattern = family === 4 ? /^(0|[1-9]\d{0,2})$/ : /^[0-9a-f]$/i;
  const labels = name.slice(0, -2).reverse();
  const length = labels.length * bits;
  const digits = labels.map((label) => (pattern.test(label) ? Number.parseInt(label, reverse[family].base) : -1));
  if (length > ipWidth(family) || digits.some((digit) => digit < 0 || digit >= 1 << bits)) return undefined;
  const spelt = digits.reduce((sum, digit) => (sum << BigInt(bits)) | BigInt(digit), 0n);
  return prefixOf({ family, value: spelt << BigInt(ipWidth(family) - length) }, length);
}

/** How many labels name the zone that a subnet's addresses lie in: as few as fit inside the subnet; a small subnet takes the zone above the last label. */
export function reverseZoneLabels({ family, length }: IpPrefix): number {
  const { bits } = reverse[family];
  return Math.min(ipWidth(family) / bits - 1, Math.max(1, Math.ceil(length / bits)));
}

const lower = (letter: string): string => letter.toLowerCase();
const decimalEscape = (character: string): string => `\\${character.charCodeAt(0).toString().padStart(3, '0')}`;
