/** Domain names (RFC 1035 §3.1) as labels, their text form, and the names of addresses. */

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
  return name.map((label) => label.replace(/[A-Z]/g, lower).replace(/[\\.]/g, '\\$&')).join('.');
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

/** Whether `name` is `ancestor` or below it. */
export function isWithin(name: Name, ancestor: Name): boolean {
  return name.length >= ancestor.length && nameKey(name.slice(name.length - ancestor.length)) === nameKey(ancestor);
}

/** `11.0.1.10.in-addr.arpa` of 10.1.0.11 (RFC 1035 §3.5). */
export function reverseName(address: string): Name {
  return [...address.split('.').reverse(), 'in-addr', 'arpa'];
}

/**
 * The octets that a name below in-addr.arpa spells, most significant first: four for an address, fewer for a zone above.
 * Undefined for any other name.
 */
export function reverseOctets(name: Name): readonly number[] | undefined {
  const labels = name.slice(0, -2);
  if (name.length < 2 || labels.length > 4 || nameKey(name.slice(-2)) !== 'in-addr.arpa') return undefined;
  const octets = labels.reverse();
  return octets.every((label) => /^(0|[1-9]\d{0,2})$/.test(label) && Number(label) < 256) ? octets.map(Number) : undefined;
}

const lower = (letter: string): string => letter.toLowerCase();
const decimalEscape = (character: string): string => `\\${character.charCodeAt(0).toString().padStart(3, '0')}`;
