/** Kinds of ICMP messages (RFC 792, RFC 950, RFC 4443) that flows tell apart. */
import type { IpFamily } from '@weft/kernel/contract/net';

const queries = {
  4: [
    [8, 0],
    [13, 14],
    [15, 16],
    [17, 18],
  ],
  6: [[128, 129]],
} as const;
const errors = { 4: [3, 4, 5, 11, 12], 6: [1, 2, 3, 4] } as const;

export const icmpProtocol = (family: IpFamily): number => (family === 4 ? 1 : 58);

/** The type of the query that a reply answers. */
export function queryOf(family: IpFamily, type: number): number | undefined {
  return queries[family].find(([, reply]) => reply === type)?.[0];
}

export const isQuery = (family: IpFamily, type: number): boolean => queries[family].some(([query]) => query === type);

export const isIcmpError = (family: IpFamily, type: number): boolean => errors[family].some((each) => each === type);

/** Neighbour discovery (RFC 4861) and multicast listener discovery (RFC 2710, RFC 3810), which no rule is asked about. */
export const isNeighborDiscovery = (type: number): boolean => (type >= 130 && type <= 137) || type === 143;
