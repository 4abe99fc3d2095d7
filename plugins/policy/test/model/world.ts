/**
 * Networks, ports, groups and flows as a whole: takes changes, packets and time in turn, and says what becomes of each packet. Written
 * from the definition of the product and the RFCs, not from its C code. What is decided where: rules.ts (what groups allow), objects.ts
 * (what SecurityGroups mean), flows.ts and icmp.ts (which packets belong together), tcp.ts, fragments.ts, time.ts (how long), stamps.ts
 * (when a decision holds no more), forwarding.ts (where a packet goes).
 */
import type { IpAddress } from '@weft/kernel/contract/net';
import { type Flow, FlowTable, type Kind, kindOf, stateOf } from './flows.ts';
import { type Network, type Port, wayOf } from './forwarding.ts';
import { Fragments } from './fragments.ts';
import { frameLength } from './frame.ts';
import { icmpProtocol, isIcmpError, isNeighborDiscovery } from './icmp.ts';
import { isLaterFragment, type Packet, tcpFlags } from './packet.ts';
import { type Decision, decide, type FirstPacket, type Groups } from './rules.ts';
import { Stamps } from './stamps.ts';
import { TcpConnection } from './tcp.ts';
import { lifetimeOf } from './time.ts';

export type TcpPickup = 'forward' | 'either' | 'never';

/** What became of packets: where each left, or why it was dropped; one that waits is in neither. */
export interface Outcome {
  readonly left: readonly { readonly port: number; readonly packet: Packet }[];
  readonly dropped: readonly string[];
  /** Something may have been answered by a gateway, or told by an error: what else left does not matter. */
  readonly spoke?: boolean;
}

const nothing: Outcome = { left: [], dropped: [] };
const join = (a: Outcome, b: Outcome): Outcome => ({
  left: [...a.left, ...b.left],
  dropped: [...a.dropped, ...b.dropped],
  spoke: (a.spoke ?? false) || (b.spoke ?? false),
});
const dropped = (reason: string, count = 1): Outcome => ({ left: [], dropped: Array<string>(count).fill(reason) });
const isIgmp = 2;
/** Drops before a flow is looked for. */
const unlooked: ReadonlySet<string> = new Set(['not-routed', 'not-bridged', 'not-attached']);
/** Drops that routers tell senders of. */
const told: ReadonlySet<string> = new Set(['no-route', 'no-neighbor', 'invalid-address', 'not-routed']);

export class World {
  readonly flows = new FlowTable();
  readonly #fragments = new Fragments();
  readonly #stamps = new Stamps();
  readonly #pickup: TcpPickup;
  #networks: readonly Network[] = [];
  #ports: readonly Port[] = [];
  #groups: Groups = new Map();
  #now = 0;

  constructor(pickup: TcpPickup) {
    this.#pickup = pickup;
  }

  get ports(): readonly Port[] {
    return this.#ports;
  }

  /** One change of everything, seen as a whole. What belonged to a port that is gone is gone. */
  change(networks: readonly Network[], ports: readonly Port[], groups: Groups): void {
    const isThere = (generation: number) => ports.some((port) => port.generation === generation);
    for (const flow of this.flows.all()) if (!flow.between.every(isThere)) this.flows.end(flow);
    for (const { generation } of this.#ports) if (!isThere(generation)) this.#fragments.forget(generation);
    this.#networks = networks;
    this.#ports = ports;
    this.#groups = groups;
    this.#stamps.change(ports, groups);
  }

  pass(seconds: number): Outcome {
    this.#now += seconds;
    for (const flow of this.flows.all()) if (this.#now - flow.seen >= lifetimeOf(flow, this.isDenied(flow))) this.flows.end(flow);
    return dropped('fragment-unknown', this.#fragments.pass(this.#now).length);
  }

  receive(packet: Packet): Outcome {
    const from = this.#ports.find(({ id }) => id === packet.port);
    if (!from) throw new Error(`There is no port ${packet.port}`);
    if (this.isSpoofed(packet, from)) return dropped('spoofed-address');
    const way = wayOf(packet, from, this.#networks, this.#ports);
    if ('dropped' in way) {
      if (!unlooked.has(way.dropped)) this.noteDrop(packet, from, way.dropped);
      return { ...dropped(way.dropped), spoke: told.has(way.dropped) };
    }
    if ('answered' in way) return { ...nothing, spoke: true };
    if ('copies' in way) return this.flood(packet, from, way.copies);
    return this.toPort(packet, from, way.to);
  }

  /** What a port with rules sends may belong to a flow, also when it is dropped before its way out is known. */
  noteDrop(packet: Packet, from: Port, reason: string): void {
    if (packet.fragment || !from.asks) return;
    const found = this.flows.find(kindOf(packet).tuple, from.generation);
    if (found) found.flow.lastDrop = reason;
  }

  isSpoofed({ src }: Packet, from: Port): boolean {
    return (
      from.isSecured && !from.owns.some((prefix) => prefix.family === src.family && src.value >= prefix.first && src.value <= prefix.last)
    );
  }

  /** Each copy is judged alone, and nothing is remembered. Fragments are followed as soon as one of the ports has rules. */
  flood(packet: Packet, from: Port, copies: readonly Port[]): Outcome {
    const follows = packet.fragment !== undefined && (from.asks || copies.some(({ asks }) => asks));
    if (!follows) return this.copy(packet, packet, from, copies);
    const entered = this.#fragments.enter(packet, from.generation, this.#now);
    switch (entered.kind) {
      case 'dropped':
        return dropped(entered.reason, 1 + entered.waiting.length);
      case 'waits':
        return nothing;
      case 'later':
        return this.copy(packet, entered.first, from, copies);
      default: {
        const own = this.copy(packet, packet, from, copies);
        if (entered.kind === 'whole') return own;
        const waiting = this.#fragments.decided(packet, from.generation, undefined, this.#now);
        return waiting.map((each) => this.copy(each, packet, from, copies)).reduce(join, own);
      }
    }
  }

  copy(packet: Packet, headers: Packet, from: Port, copies: readonly Port[]): Outcome {
    if (copies.length === 0) return dropped('no-listener');
    const verdicts = copies.map((to) => ({
      to,
      verdict: this.isAsked(headers, from, to) ? this.judge(kindOf(headers), headers, from, to).verdict : 'allow',
    }));
    return {
      left: verdicts.filter(({ verdict }) => verdict === 'allow').map(({ to }) => ({ port: to.id, packet })),
      dropped: verdicts.filter(({ verdict }) => verdict !== 'allow').map(({ verdict }) => verdict),
    };
  }

  isAsked({ family, protocol, icmp }: Packet, from: Port, to: Port): boolean {
    if (!from.asks && !to.asks) return false;
    if (family === 4 && protocol === isIgmp) return false;
    return !(protocol === icmpProtocol(6) && family === 6 && icmp !== undefined && isNeighborDiscovery(icmp.type));
  }

  toPort(packet: Packet, from: Port, to: Port): Outcome {
    if (!this.isAsked(packet, from, to)) return { left: [{ port: to.id, packet }], dropped: [] };
    const entered = this.#fragments.enter(packet, from.generation, this.#now);
    switch (entered.kind) {
      case 'dropped':
        return dropped(entered.reason, 1 + entered.waiting.length);
      case 'waits':
        return nothing;
      case 'later':
        return this.outcomeOf(packet, to, this.step(packet, entered.first, from, to));
      default: {
        const reason = this.step(packet, packet, from, to);
        const own = this.outcomeOf(packet, to, reason);
        if (entered.kind === 'whole') return own;
        const waiting = this.#fragments.decided(packet, from.generation, reason, this.#now);
        return waiting
          .map((each) => (reason === undefined ? this.outcomeOf(each, to, this.step(each, packet, from, to)) : dropped(reason)))
          .reduce(join, own);
      }
    }
  }

  outcomeOf(packet: Packet, to: Port, reason: string | undefined): Outcome {
    return reason === undefined ? { left: [{ port: to.id, packet }], dropped: [] } : dropped(reason);
  }

  /** Why it is dropped; undefined: it passes. `headers` is the packet that tells the ports: its datagram's first fragment, or itself. */
  step(packet: Packet, headers: Packet, from: Port, to: Port): string | undefined {
    const { icmp, family, protocol } = headers;
    if ([from, to].some(({ asks, memberships }) => asks && memberships === undefined)) {
      const found = this.flows.find(kindOf(headers).tuple, from.generation);
      if (found) found.flow.lastDrop = 'policy-pending';
      return 'policy-pending';
    }
    if (icmp && protocol === icmpProtocol(family) && isIcmpError(family, icmp.type)) return this.stepError(packet, headers, from, to);
    const kind = kindOf(headers);
    const found = this.flows.find(kind.tuple, from.generation);
    if (found === undefined) return this.stepFirst(packet, headers, kind, from, to);
    const { flow, direction } = found;
    const isElsewhere = flow.between[direction === 0 ? 1 : 0] !== to.generation;
    if (isElsewhere || (beginsAnew(packet) && stateOf(flow) === 'closed')) {
      this.flows.end(flow);
      return this.stepFirst(packet, headers, kind, from, to);
    }
    return this.stepFlow(flow, direction, packet);
  }

  /** The packet belongs to a flow: what rules say of it now, in the direction of its first packet. */
  stepFlow(flow: Flow, direction: 0 | 1, packet: Packet, isError = false): string | undefined {
    const [a, b] = flow.between.map((generation) => this.#ports.find((port) => port.generation === generation));
    if (!a || !b) throw new Error('A flow outlived its port');
    const { verdict } = this.judgeFirst(flow.first, a, b, flow.either ? flow.tuple.srcPort : undefined);
    // What an error meets is not remembered: it is no packet of the conversation.
    if (verdict !== 'policy-pending' && !isError) flow.deniedBy = verdict === 'policy-denied' ? this.stampsOf(flow) : undefined;
    if (verdict !== 'allow') {
      flow.lastDrop = verdict;
      if (this.#now - flow.seen >= lifetimeOf(flow, this.isDenied(flow))) this.flows.end(flow);
      return verdict;
    }
    const count = flow.counts[direction];
    count.packets++;
    count.bytes += frameLength(packet);
    if (packet.tcp && !isError && !isLaterFragment(packet)) flow.tcp?.take(direction, packet.tcp);
    // Nor does an error keep it alive (RFC 5508 REQ-6).
    if (!isError) flow.seen = this.#now;
    return undefined;
  }

  stampsOf({ between }: Flow): string {
    const ends = between.map((generation) => this.#ports.find((port) => port.generation === generation));
    return ends.map((port) => port && this.#stamps.of(port)).join();
  }

  /** By the rules of now: others would decide it anew. */
  isDenied(flow: Flow): boolean {
    return flow.deniedBy !== undefined && flow.deniedBy === this.stampsOf(flow);
  }

  stepFirst(packet: Packet, headers: Packet, kind: Kind, from: Port, to: Port): string | undefined {
    const isMidStream = headers.tcp !== undefined && (headers.tcp.flags & tcpFlags.syn) === 0;
    if (isMidStream && this.#pickup === 'never') return 'tcp-mid-stream';
    const either = isMidStream && this.#pickup === 'either';
    const first = firstPacket(kind, headers);
    const { verdict } = this.judgeFirst(first, from, to, either ? kind.tuple.srcPort : undefined);
    if (verdict !== 'allow') return verdict;
    if (kind.begins === 'answer') return undefined;
    const flow: Flow = {
      tuple: kind.tuple,
      between: [from.generation, to.generation],
      first,
      either,
      oneWay: kind.begins === 'one-way',
      ...(packet.protocol === 6 ? { tcp: new TcpConnection() } : {}),
      deniedBy: undefined,
      counts: [
        { packets: 1, bytes: frameLength(packet) },
        { packets: 0, bytes: 0 },
      ],
      seen: this.#now,
    };
    if (packet.tcp) flow.tcp?.take(0, packet.tcp);
    this.flows.add(flow);
    return undefined;
  }

  /**
   * An ICMP error belongs to the flow that it quotes, when it goes to the sender of what it quotes, and comes from the other end or from a port that
   * nobody asks (a router between them).
   */
  stepError(packet: Packet, headers: Packet, from: Port, to: Port): string | undefined {
    const { quote } = headers.icmp ?? {};
    if (!quote || quote.bytes < 8 || isErrorItself(quote.packet)) return 'icmp-error-invalid';
    const found = this.quoted(headers, quote.packet, to);
    const other = found?.direction === 0 ? 1 : 0;
    const maySpeak = !from.asks || found?.flow.between[other] === from.generation;
    if (found && maySpeak) return this.stepFlow(found.flow, other, packet, true);
    const { verdict } = this.judge(kindOf(headers), headers, from, to);
    return verdict === 'allow' ? undefined : verdict;
  }

  quoted({ dst, family }: Packet, packet: Packet, to: Port): ReturnType<FlowTable['find']> {
    if (packet.family !== family || !isSame(packet.src, dst) || isLaterFragment(packet)) return undefined;
    return this.flows.find(kindOf(packet).tuple, to.generation);
  }

  judge(kind: Kind, packet: Packet, from: Port, to: Port): Decision {
    return decide(this.#groups, from, to, firstPacket(kind, packet));
  }

  /** `answered`: the port that answers would go to, when they may be the ones that are allowed. */
  judgeFirst(first: FirstPacket, from: Port, to: Port, answered: number | undefined): Decision {
    const decision = decide(this.#groups, from, to, first);
    if (decision.verdict !== 'policy-denied' || answered === undefined) return decision;
    return decide(this.#groups, to, from, { ...first, src: first.dst, dst: first.src, value: answered });
  }
}

const isSame = (a: IpAddress, b: IpAddress): boolean => a.family === b.family && a.value === b.value;
const beginsAnew = ({ tcp }: Packet): boolean => tcp !== undefined && (tcp.flags & (tcpFlags.syn | tcpFlags.ack)) === tcpFlags.syn;
const isErrorItself = ({ icmp, family, protocol }: Packet): boolean =>
  icmp !== undefined && protocol === icmpProtocol(family) && isIcmpError(family, icmp.type);

function firstPacket({ value }: Kind, { family, protocol, src, dst }: Packet): FirstPacket {
  return { family, protocol, value, src, dst };
}
