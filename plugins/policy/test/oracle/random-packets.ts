/** Packets at random, aimed at the edges of rules; conversations that go on, and what does not belong to them. */
import type { IpAddress, IpFamily } from '@weft/kernel/contract/net';
import { gatewayMac, type Port } from '../model/forwarding.ts';
import { icmpProtocol } from '../model/icmp.ts';
import { hasPorts, type Packet, tcpFlags } from '../model/packet.ts';
import type { Rule } from '../model/rules.ts';
import type { Dice } from './dice.ts';
import { address, edgesOf, icmpTypes, l4Ports, protocols } from './random-site.ts';
import type { Site } from './scenario.ts';
import { TcpTalk } from './tcp-talk.ts';

type Talk = { readonly kind: 'tcp'; readonly tcp: TcpTalk } | { readonly kind: 'other'; readonly packet: Packet };

const kept = 40;
const broadcast = 'ff:ff:ff:ff:ff:ff';
const multicast = {
  4: { mac: '01:00:5e:01:02:03', to: address('239.1.2.3') },
  6: { mac: '33:33:00:01:02:03', to: address('ff0e::1:2:3') },
};

export class PacketSource {
  readonly #dice: Dice;
  #talks: Talk[] = [];
  #queue: Packet[] = [];
  #site: Site;
  #fragmentId = 1;

  constructor(dice: Dice, site: Site) {
    this.#dice = dice;
    this.#site = site;
  }

  /** After a change: what was to be sent is forgotten. */
  set site(site: Site) {
    this.#site = site;
    this.#queue = [];
  }

  next(): Packet {
    for (let tries = 0; tries < 50; tries++) {
      const packet = this.#queue.shift() ?? this.#draw();
      if (packet && this.#site.ports.some(({ id }) => id === packet.port)) return packet;
    }
    return this.#first();
  }

  #draw(): Packet | undefined {
    const dice = this.#dice;
    const sort = dice.below(100);
    if (sort < 30 || this.#talks.length === 0) return this.#begin();
    if (sort < 75) return this.#goOn();
    if (sort < 87) return this.#error();
    if (sort < 92) return this.#fragmented();
    if (sort < 96) return this.#flooded();
    return this.#odd();
  }

  #portOf(packet: Packet, end: 'src' | 'dst'): Port | undefined {
    return this.#site.ports.find((port) =>
      port.addresses.some((each) => each.family === packet.family && each.value === packet[end].value),
    );
  }

  /** Where a frame from one port to another goes first. */
  #macTo(from: Port, to: Port | undefined): string {
    return to && from.network === to.network && this.#dice.chance(80) ? to.mac : gatewayMac;
  }

  #pair(): readonly [Port, Port] {
    const from = this.#dice.pick(this.#site.ports);
    const vrf = (port: Port) => this.#site.networks.find(({ id }) => id === port.network)?.vrf;
    const near = this.#site.ports.filter((port) => port !== from && vrf(port) === vrf(from));
    return [from, near.length > 0 && !this.#dice.chance(3) ? this.#dice.pick(near) : this.#dice.pick(this.#site.ports)];
  }

  #addressOf(port: Port, family: IpFamily, rules: readonly Rule[]): IpAddress {
    const own = port.addresses.filter((each) => each.family === family);
    const edges = rules.flatMap(({ remote }) =>
      remote && 'prefix' in remote && remote.prefix.family === family ? edgesOf(remote.prefix) : [],
    );
    const isForeign = (each: IpAddress) =>
      port.routes.some((prefix) => prefix.family === family && each.value >= prefix.first && each.value <= prefix.last);
    const foreign = [...port.routes.filter((prefix) => prefix.family === family).flatMap(edgesOf), ...edges].filter(isForeign);
    if (foreign.length > 0 && this.#dice.chance(60)) return this.#dice.pick(foreign);
    return own[0] ?? address(family === 4 ? '10.1.0.200' : '2001:db8:1::200');
  }

  /** The first packet of a conversation, at an edge of a rule that one of its ports has. */
  #first(): Packet {
    const dice = this.#dice;
    const [from, to] = this.#pair();
    const rulesOf = ({ memberships = [] }: Port) => memberships.flatMap(({ group }) => this.#site.groups.get(group) ?? []);
    const rules = [...rulesOf(from), ...rulesOf(to)];
    const rule = rules.length > 0 && dice.chance(75) ? dice.pick(rules) : undefined;
    const family = rule && dice.chance(92) ? rule.family : dice.pick([4, 6] as const);
    const drawn = rule && rule.protocol !== 0 && dice.chance(90) ? rule.protocol : dice.pick(protocols);
    const protocol = drawn === 1 || drawn === 58 ? icmpProtocol(family) : drawn;
    const value = rule && dice.chance(85) ? dice.pick([rule.least, rule.most, rule.least - 1, rule.most + 1]) : dice.pick(l4Ports);
    const base = {
      port: from.id,
      srcMac: from.mac,
      dstMac: this.#macTo(from, to),
      family,
      src: this.#addressOf(from, family, rules),
      dst: this.#addressOf(to, family, rules),
      protocol,
      payload: dice.below(24),
    };
    if (protocol === icmpProtocol(family)) return { ...base, icmp: this.#icmp(family, value) };
    if (!hasPorts(protocol)) return base;
    const ports = { srcPort: dice.between(40_000, 40_007), dstPort: Math.min(65_535, Math.max(0, value)) };
    return protocol === 6
      ? { ...base, ...ports, payload: 0, tcp: { flags: tcpFlags.syn, seq: dice.below(0x1_0000_0000), ack: 0, length: 0 } }
      : { ...base, ...ports };
  }

  /** No errors here: they quote something. */
  #icmp(family: IpFamily, value: number): NonNullable<Packet['icmp']> {
    const dice = this.#dice;
    const errors = family === 4 ? [3, 4, 5, 11, 12] : [1, 2, 3, 4];
    const [type, code] =
      dice.chance(60) && value >= 0 && value < 65_536
        ? [value >> 8, value & 0xff]
        : [dice.pick(icmpTypes[family]), dice.chance(85) ? 0 : dice.below(4)];
    // What neighbour discovery and listener discovery hold is another matter.
    const isOwn = family === 6 && type >= 130 && type <= 143;
    return { type: errors.includes(type) || isOwn ? (family === 4 ? 8 : 128) : type, code, id: dice.between(1, 4) };
  }

  #begin(): Packet {
    const packet = this.#first();
    const dice = this.#dice;
    if (packet.tcp) {
      const tcp = new TcpTalk(dice, packet);
      this.#keep({ kind: 'tcp', tcp });
      const segment = tcp.first();
      return segment;
    }
    this.#keep({ kind: 'other', packet });
    return packet;
  }

  #keep(talk: Talk): void {
    this.#talks.push(talk);
    if (this.#talks.length > kept) this.#talks.splice(this.#dice.below(this.#talks.length), 1);
  }

  /** The same again, or its answer. */
  #goOn(): Packet | undefined {
    const talk = this.#dice.pick(this.#talks);
    if (talk.kind === 'other') return this.#dice.chance(50) ? this.#again(talk.packet) : this.#answer(talk.packet);
    const { packet, back } = talk.tcp.next();
    return back ? this.#turned(packet) : this.#again(packet);
  }

  /** From whichever port has the address now. */
  #again(packet: Packet): Packet {
    return { ...packet, payload: packet.tcp ? 0 : this.#dice.below(24) };
  }

  /** A packet written in the direction of the answer, with the ports and MAC addresses that go with it. */
  #turned(packet: Packet): Packet | undefined {
    const to = this.#site.ports.find(({ id }) => id === packet.port);
    const from = this.#portOf(packet, 'src') ?? this.#routerOf(packet.src);
    return from && to && { ...packet, port: from.id, srcMac: from.mac, dstMac: this.#macTo(from, to) };
  }

  #routerOf({ family, value }: IpAddress): Port | undefined {
    return this.#site.ports.find(({ routes }) =>
      routes.some((prefix) => prefix.family === family && value >= prefix.first && value <= prefix.last),
    );
  }

  #answer(packet: Packet): Packet | undefined {
    const { src, dst, srcPort, dstPort, icmp, family } = packet;
    const replies: Readonly<Record<number, number>> = family === 4 ? { 8: 0, 13: 14, 15: 16, 17: 18 } : { 128: 129 };
    const reply = icmp && (this.#dice.chance(90) ? (replies[icmp.type] ?? icmp.type) : icmp.type);
    return this.#turned({
      ...this.#again(packet),
      src: dst,
      dst: src,
      ...(srcPort === undefined || dstPort === undefined ? {} : { srcPort: dstPort, dstPort: srcPort }),
      ...(icmp && reply !== undefined ? { icmp: { ...icmp, type: reply } } : {}),
    });
  }

  /** About a packet of a conversation, from anyone who may have seen it; or made up. */
  #error(): Packet | undefined {
    const dice = this.#dice;
    const talk = dice.pick(this.#talks);
    const there = talk.kind === 'other' ? talk.packet : talk.tcp.sample();
    const about = dice.chance(60) ? there : this.#answer(there);
    if (!about) return undefined;
    const to = this.#portOf(about, 'src');
    const from = dice.chance(60) ? (this.#portOf(about, 'dst') ?? dice.pick(this.#site.ports)) : dice.pick(this.#site.ports);
    const { family } = about;
    const types = family === 4 ? [3, 4, 5, 11, 12] : [1, 2, 3, 4];
    const icmp = { type: dice.pick(types), code: dice.below(3), id: 0 };
    const src = this.#addressOf(from, family, []);
    const base = {
      port: from.id,
      srcMac: from.mac,
      dstMac: this.#macTo(from, to),
      family,
      src,
      protocol: icmpProtocol(family),
      payload: 0,
    };
    const quoted = this.#quoted(about);
    return {
      ...base,
      dst: dice.chance(92) ? about.src : this.#addressOf(dice.pick(this.#site.ports), family, []),
      icmp: { ...icmp, quote: { packet: quoted, bytes: quoted.fragment || dice.chance(90) ? 8 + dice.below(3) * 4 : dice.below(8) } },
    };
  }

  #quoted(about: Packet): Packet {
    const dice = this.#dice;
    const long = { ...about, payload: 32 };
    if (dice.chance(85)) return long;
    if (dice.chance(30)) return { ...long, fragment: { id: 9, offset: 8, more: false, bytes: 24 } };
    if (dice.chance(30) && long.srcPort !== undefined) return { ...long, srcPort: long.srcPort ^ 1 };
    const { family, src, dst } = about;
    const { tcp: _tcp, srcPort: _src, dstPort: _dst, ...rest } = long;
    return { ...rest, src, dst, family, protocol: icmpProtocol(family), icmp: { type: family === 4 ? 3 : 1, code: 1, id: 0 } };
  }

  /** A datagram in pieces, in any order, some lost. */
  #fragmented(): Packet | undefined {
    const dice = this.#dice;
    const start = this.#first();
    if (start.tcp) return undefined;
    const payload = 8 * dice.between(4, 12) + dice.below(8);
    const whole = { ...start, payload };
    const header = hasPorts(whole.protocol)
      ? whole.protocol === 33
        ? 16
        : whole.protocol === 132
          ? 12
          : 8
      : whole.protocol === icmpProtocol(whole.family)
        ? 8
        : 0;
    const length = header + payload;
    const id = this.#fragmentId++ & 0xffff;
    const cuts = [
      ...new Set([0, ...Array.from({ length: dice.between(1, 3) }, () => 8 * dice.between(2, Math.floor(length / 8) - 1))]),
    ].sort((a, b) => a - b);
    const pieces = cuts.map((offset, index) => ({
      id,
      offset,
      more: index + 1 < cuts.length,
      bytes: (cuts[index + 1] ?? length) - offset,
    }));
    const sent = pieces.filter(() => !dice.chance(10));
    if (dice.chance(50)) sent.sort(() => dice.below(3) - 1);
    this.#queue.push(...sent.map((fragment) => ({ ...whole, fragment })));
    return this.#queue.shift();
  }

  #flooded(): Packet {
    const packet = this.#first();
    const { mac, to } = multicast[packet.family];
    if (this.#dice.chance(30)) return { ...packet, dstMac: broadcast };
    if (this.#dice.chance(30)) return { ...packet, dstMac: '02:99:99:99:99:99' };
    return { ...packet, dstMac: mac, dst: to };
  }

  /** Forged, to the gateway, to nobody. */
  #odd(): Packet {
    const dice = this.#dice;
    const packet = this.#first();
    if (dice.chance(40)) return { ...packet, src: this.#addressOf(dice.pick(this.#site.ports), packet.family, []) };
    const nobody = packet.family === 4 ? dice.pick(['10.1.0.250', '192.0.2.1']) : dice.pick(['2001:db8:1::fff', '2001:db8:99::1']);
    return { ...packet, dstMac: gatewayMac, dst: address(nobody) };
  }
}
