/** The table of flows: which packets belong together, and what is known of them. */
import { type IpAddress, type IpFamily, ipWidth } from '@weft/kernel/contract/net';
import { icmpProtocol, isQuery, queryOf } from './icmp.ts';
import { hasPorts, type Packet } from './packet.ts';
import type { FirstPacket } from './rules.ts';
import type { TcpConnection, TcpState } from './tcp.ts';

/** What packets of one direction have in common, but for the port that they enter through. */
export interface Tuple {
  readonly family: IpFamily;
  readonly protocol: number;
  readonly src: IpAddress;
  readonly dst: IpAddress;
  readonly srcPort: number;
  readonly dstPort: number;
}

/** What a packet could be to flows. */
export interface Kind {
  readonly tuple: Tuple;
  /** What rules are asked about. */
  readonly value: number;
  /** `both`: answers belong to its flow. `one-way`: nothing comes back. `answer`: begins none. */
  readonly begins: 'both' | 'one-way' | 'answer';
}

export function kindOf(packet: Packet): Kind {
  const { family, protocol, src, dst, icmp } = packet;
  const tuple = (srcPort: number, dstPort: number): Tuple => ({ family, protocol, src, dst, srcPort, dstPort });
  if (hasPorts(protocol)) {
    const { srcPort = 0, dstPort = 0 } = packet;
    return { tuple: tuple(srcPort, dstPort), value: dstPort, begins: 'both' };
  }
  if (protocol !== icmpProtocol(family) || icmp === undefined) return { tuple: tuple(0, 0), value: 0, begins: 'both' };
  const { type, code, id } = icmp;
  const value = type * 256 + code;
  const query = queryOf(family, type);
  if (code === 0 && isQuery(family, type)) return { tuple: tuple(id, value), value, begins: 'both' };
  if (code === 0 && query !== undefined) return { tuple: tuple(query * 256, id), value, begins: 'answer' };
  return { tuple: tuple(0, value), value, begins: value === 0 ? 'answer' : 'one-way' };
}

export const reversed = ({ src, dst, srcPort, dstPort, ...rest }: Tuple): Tuple => ({
  ...rest,
  src: dst,
  dst: src,
  srcPort: dstPort,
  dstPort: srcPort,
});

export interface Count {
  packets: number;
  bytes: number;
}

export interface Flow {
  readonly tuple: Tuple;
  /** Generation of the port that its first packet entered through, and of the one that it left through. */
  readonly between: readonly [number, number];
  readonly first: FirstPacket;
  /** Found in the middle of its connection: allowed when either direction is. */
  readonly either: boolean;
  readonly oneWay: boolean;
  readonly tcp?: TcpConnection;
  /** The rules of its ports when it was denied (stamps.ts); undefined: it was allowed. */
  deniedBy: string | undefined;
  lastDrop?: string;
  /** Of the first packet's direction, and of the other. */
  readonly counts: readonly [Count, Count];
  /** When a packet of it passed last, seconds. */
  seen: number;
}

const keyOf = ({ family, protocol, src, dst, srcPort, dstPort }: Tuple, entered: number): string =>
  [family, ipWidth(src.family), protocol, src.value, srcPort, dst.value, dstPort, entered].join(' ');

export class FlowTable {
  readonly #byKey = new Map<string, { readonly flow: Flow; readonly direction: 0 | 1 }>();

  find(tuple: Tuple, entered: number): { readonly flow: Flow; readonly direction: 0 | 1 } | undefined {
    return this.#byKey.get(keyOf(tuple, entered));
  }

  /** False: its two directions look the same, and nothing is remembered. Another flow that looked like it ends. */
  add(flow: Flow): boolean {
    const [forward, reverse] = [keyOf(flow.tuple, flow.between[0]), keyOf(reversed(flow.tuple), flow.between[1])];
    if (forward === reverse) return false;
    for (const key of [forward, reverse]) this.end(this.#byKey.get(key)?.flow);
    this.#byKey.set(forward, { flow, direction: 0 }).set(reverse, { flow, direction: 1 });
    return true;
  }

  end(flow: Flow | undefined): void {
    if (flow === undefined) return;
    this.#byKey.delete(keyOf(flow.tuple, flow.between[0]));
    this.#byKey.delete(keyOf(reversed(flow.tuple), flow.between[1]));
  }

  all(): readonly Flow[] {
    return [...this.#byKey.values()].filter(({ direction }) => direction === 0).map(({ flow }) => flow);
  }
}

export function stateOf(flow: Flow): TcpState {
  if (flow.tcp) return flow.tcp.state;
  return flow.counts[1].packets > 0 ? 'established' : 'opening';
}
