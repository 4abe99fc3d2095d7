/** Allowed address pairs of ports: further addresses and prefixes that a VM may use, each with the MAC address that goes with it. */
import {
  type AddressPair,
  formatIp,
  formatPrefix,
  type IpPrefix,
  isHostPrefix,
  type Port,
  parseIp,
  prefixCovers,
  prefixOf,
} from '@weft/kernel/contract/net';
import type { Problem } from './admission/refusals.ts';
import { linkLocal, notUnicast, readPrefix } from './subnet.ts';

export interface Pair {
  readonly prefix: IpPrefix;
  /** Lower case; absent: the port's. */
  readonly mac?: string;
}

/** An address, or a canonical prefix of addresses that hosts use; pushes a problem and returns undefined otherwise. */
export function readPair({ address: text, mac }: AddressPair, pointer: string, problems: Problem[]): Pair | undefined {
  const prefix = text.includes('/') ? readPrefix(text, `${pointer}/address`, problems) : readAddress(text, `${pointer}/address`, problems);
  if (!prefix) return undefined;
  const taboo = notUnicast.find((range) => prefixCovers(range, prefix));
  if (taboo) {
    const message = `${text} lies in ${formatPrefix(taboo)}, which no host may send from`;
    problems.push({ pointer: `${pointer}/address`, message, fix: 'write a unicast address or prefix' });
    return undefined;
  }
  return { prefix, ...(mac === undefined ? {} : { mac: mac.toLowerCase() }) };
}

/** The pairs of a port that admission let pass. */
export function pairsOf(port: Port): readonly Pair[] {
  return (port.spec.allowedAddressPairs ?? []).flatMap((pair) => readPair(pair, '', []) ?? []);
}

/** The one address of a pair that is no range, canonical. */
export function pairAddress({ prefix }: Pair): string | undefined {
  return isHostPrefix(prefix) ? formatIp({ family: prefix.family, value: prefix.first }) : undefined;
}

/** A pair on the link only: it may be used there, but nothing routes to it. */
export function isLinkLocal({ prefix }: Pair): boolean {
  return linkLocal.some((range) => prefixCovers(range, prefix));
}

function readAddress(text: string, pointer: string, problems: Problem[]): IpPrefix | undefined {
  const address = parseIp(text);
  if (address) return prefixOf(address);
  problems.push({
    pointer,
    message: `${text} is not an IP address`,
    fix: 'write an address or a prefix, such as 10.1.0.100 or 10.9.0.0/24',
  });
  return undefined;
}
