/** Lists of domain names as options carry them: each a sequence of labels and a zero (RFC 1035 §3.1), in order. Names that admission let pass. */

/** Without compression: DHCPv6 (RFC 8415 §10) and router advertisements (RFC 8106 §5.2). */
export function domainList(names: readonly string[]): Buffer {
  return Buffer.concat(names.map((name) => Buffer.concat([...labelsOf(name).map(labelBytes), Buffer.alloc(1)])));
}

/** A pointer has 14 bits (RFC 1035 §4.1.4). */
const farthest = 0x3fff;

/** With pointers to where the rest of a name stands already, counted from the start of the list (RFC 3397 §2). */
export function compressedDomainList(names: readonly string[]): Buffer {
  const places = new Map<string, number>();
  const parts: Buffer[] = [];
  let at = 0;
  const put = (bytes: Buffer): void => {
    parts.push(bytes);
    at += bytes.length;
  };
  for (const name of names) {
    let labels = labelsOf(name);
    for (; labels.length > 0 && !places.has(suffixOf(labels)); labels = labels.slice(1)) {
      if (at <= farthest) places.set(suffixOf(labels), at);
      put(labelBytes(labels[0] ?? ''));
    }
    const place = places.get(suffixOf(labels));
    put(place === undefined ? Buffer.alloc(1) : Buffer.from([0xc0 | (place >> 8), place & 0xff]));
  }
  return Buffer.concat(parts);
}

const labelsOf = (name: string): string[] => name.split('.').filter((label) => label !== '');
const suffixOf = (labels: readonly string[]): string => labels.join('.').toLowerCase();

function labelBytes(label: string): Buffer {
  const bytes = Buffer.from(label, 'latin1');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}
