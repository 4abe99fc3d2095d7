/** Router solicitations: which are valid (RFC 4861 §6.1.1), and to whom the answer goes. Pure; nothing throws on bytes from a VM. */
import { type Icmpv6Frame, parseIcmpv6Frame } from '@weft/kernel/contract/net';

const routerSolicitation = 133;
const sourceLinkLayerAddress = 1;
const reservedBytes = 4;

/** The solicitation in `frame`, or undefined when it is none, or one that a router must discard silently. */
export function parseSolicitation(frame: Buffer): Icmpv6Frame | undefined {
  const asked = parseIcmpv6Frame(frame);
  if (asked === undefined || asked.type !== routerSolicitation || asked.code !== 0 || asked.hopLimit !== 255) return undefined;
  if (asked.src.startsWith('ff') || asked.body.length < reservedBytes) return undefined;
  const types = optionTypes(asked.body.subarray(reservedBytes));
  if (types === undefined || (isUnspecified(asked) && types.includes(sourceLinkLayerAddress))) return undefined;
  return asked;
}

/** The asker has no address yet: only all nodes can be answered. */
export const isUnspecified = ({ src }: Icmpv6Frame): boolean => src === '::';

/** Undefined when one has no length, or is cut short. */
function optionTypes(options: Buffer): readonly number[] | undefined {
  const types: number[] = [];
  for (let at = 0; at < options.length; ) {
    const bytes = (options[at + 1] ?? 0) * 8;
    if (bytes === 0 || at + bytes > options.length) return undefined;
    types.push(options.readUInt8(at));
    at += bytes;
  }
  return types;
}
