/**
 * Identity associations: what a client asks addresses or prefixes for (RFC 9915 §21.4 to §21.6, §21.21, §21.22). Pure; nothing throws on bytes from a VM.
 *
 *   IA_NA, IA_PD   IAID 4 · T1 4 · T2 4 · options        IA_TA   IAID 4 · options
 *   IA Address     address 16 · preferred lifetime 4 · valid lifetime 4 · options
 *   IA Prefix      preferred lifetime 4 · valid lifetime 4 · prefix length 1 · prefix 16 · options
 */
import { readOptions, writeOptions } from './codec.ts';
import { type Option, optionCodes, uint32 } from './option.ts';

export interface IdentityAssociation {
  /** `optionCodes.iaNa`, `.iaTa` or `.iaPd`. */
  readonly code: number;
  readonly iaid: number;
  /** Values of its IA Address options (IA_NA, IA_TA) or IA Prefix options (IA_PD), as they came. */
  readonly leases: readonly Buffer[];
}

export interface Lifetimes {
  readonly preferredSeconds: number;
  readonly validSeconds: number;
}

const headBytes: Readonly<Record<number, number>> = { [optionCodes.iaNa]: 12, [optionCodes.iaTa]: 4, [optionCodes.iaPd]: 12 };
const addressBytes = 16;
const leaseBytes: Readonly<Record<number, number>> = { [optionCodes.iaAddress]: 24, [optionCodes.iaPrefix]: 25 };

export const isIa = (code: number): boolean => headBytes[code] !== undefined;

/** Undefined when it, or an option in it, is cut short. */
export function readIa([code, value]: Option): IdentityAssociation | undefined {
  const head = headBytes[code] ?? value.length + 1;
  const options = value.length < head ? undefined : readOptions(value.subarray(head));
  if (options === undefined) return undefined;
  const leaseCode = code === optionCodes.iaPd ? optionCodes.iaPrefix : optionCodes.iaAddress;
  const leases = options.filter(([each]) => each === leaseCode).map(([, lease]) => lease);
  const shortest = leaseBytes[leaseCode] ?? 0;
  if (leases.some((lease) => lease.length < shortest || readOptions(lease.subarray(shortest)) === undefined)) return undefined;
  return { code, iaid: value.readUInt32BE(0), leases };
}

/** The address of an IA Address option. */
export const addressIn = (lease: Buffer): Buffer => lease.subarray(0, addressBytes);

/** An IA with these options in it; T1 and T2 in seconds, 0: as the client likes. An IA_TA has none. */
export function writeIa({ code, iaid }: Pick<IdentityAssociation, 'code' | 'iaid'>, options: readonly Option[], t1 = 0, t2 = 0): Option {
  const head = code === optionCodes.iaTa ? uint32(iaid) : uint32(iaid, t1, t2);
  return [code, Buffer.concat([head, writeOptions(options)])];
}

export function iaAddress(address: Buffer, { preferredSeconds, validSeconds }: Lifetimes): Option {
  return [optionCodes.iaAddress, Buffer.concat([address, uint32(preferredSeconds, validSeconds)])];
}

/** The same address or prefix with lifetimes of 0: it is not to be used any more. */
export function ended(code: number, lease: Buffer): Option {
  if (code !== optionCodes.iaPd) return iaAddress(addressIn(lease), { preferredSeconds: 0, validSeconds: 0 });
  return [optionCodes.iaPrefix, Buffer.concat([Buffer.alloc(8), lease.subarray(8, leaseBytes[optionCodes.iaPrefix])])];
}
