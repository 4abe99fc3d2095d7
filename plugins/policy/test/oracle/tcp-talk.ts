/** Two ends of a TCP connection that mostly follow RFC 9293, and somebody who does not. */
import { type Packet, type TcpSegment, tcpFlags } from '../model/packet.ts';
import type { Dice } from './dice.ts';

const { syn, ack, fin, rst, psh } = tcpFlags;
const wrap = (number: number): number => number >>> 0;

interface End {
  next: number;
  /** What it has of the other's. */
  has: number;
  said: 'nothing' | 'syn' | 'open' | 'fin';
}

export class TcpTalk {
  readonly #dice: Dice;
  readonly #packet: Packet;
  readonly #ends: readonly [End, End];

  constructor(dice: Dice, packet: Packet) {
    this.#dice = dice;
    this.#packet = packet;
    const start = (): End => ({ next: dice.chance(10) ? 0xffff_fffe : dice.below(0x1_0000_0000), has: 0, said: 'nothing' });
    this.#ends = [start(), start()];
  }

  /** Mostly a SYN; at times an acknowledgement, as found in the middle. */
  first(): Packet {
    if (this.#dice.chance(80)) return this.next().packet;
    return this.#write(0, { flags: ack, seq: this.#ends[0].next, ack: this.#ends[1].next, length: 0 });
  }

  /** Some packet of it, in the direction of the first. */
  sample(): Packet {
    return this.#write(0, { flags: ack, seq: this.#ends[0].next, ack: this.#ends[0].has, length: 12 });
  }

  /** The next segment of one side. back: from the second end. */
  next(): { readonly packet: Packet; readonly back: boolean } {
    const direction = this.#ends[0].said === 'nothing' ? 0 : this.#dice.pick([0, 1] as const);
    const segment = this.#dice.chance(12) ? this.#strange(direction) : this.#proper(direction);
    return { packet: this.#write(direction, segment), back: direction === 1 };
  }

  #proper(direction: 0 | 1): TcpSegment {
    const [me, peer] = direction === 0 ? this.#ends : [this.#ends[1], this.#ends[0]];
    if (me.said === 'nothing' || me.said === 'syn') return this.#opening(me, peer);
    const seq = me.next;
    me.has = peer.next;
    if (me.said === 'fin') {
      // Over on both sides: begin anew, with other numbers.
      if (peer.said === 'fin' && this.#dice.chance(40)) return this.#anew(me, peer);
      return { flags: ack, seq, ack: me.has, length: 0 };
    }
    if (this.#dice.chance(12)) {
      me.said = 'fin';
      me.next = wrap(seq + 1);
      return { flags: fin | ack, seq, ack: me.has, length: 0 };
    }
    const length = this.#dice.pick([0, 0, 1, 12, 20]);
    me.next = wrap(seq + length);
    return { flags: length > 0 ? ack | psh : ack, seq, ack: me.has, length };
  }

  #opening(me: End, peer: End): TcpSegment {
    if (me.said === 'syn') {
      if (peer.said === 'nothing') return { flags: syn, seq: wrap(me.next - 1), ack: 0, length: 0 };
      me.said = 'open';
      me.has = peer.next;
      return { flags: ack, seq: me.next, ack: me.has, length: 0 };
    }
    const seq = me.next;
    const answers = peer.said !== 'nothing';
    me.next = wrap(seq + 1);
    me.said = answers ? 'open' : 'syn';
    me.has = answers ? peer.next : 0;
    return { flags: answers ? syn | ack : syn, seq, ack: me.has, length: 0 };
  }

  #anew(me: End, peer: End): TcpSegment {
    const seq = this.#dice.below(0x1_0000_0000);
    Object.assign(me, { next: wrap(seq + 1), has: 0, said: 'syn' });
    Object.assign(peer, { next: this.#dice.below(0x1_0000_0000), has: 0, said: 'nothing' });
    return { flags: syn, seq, ack: 0, length: 0 };
  }

  /** What an honest end would not send now. */
  #strange(direction: 0 | 1): TcpSegment {
    const [me, peer] = direction === 0 ? this.#ends : [this.#ends[1], this.#ends[0]];
    switch (this.#dice.below(4)) {
      case 0: // a reset that is right
        return { flags: rst | ack, seq: peer.has === 0 ? 0 : peer.has, ack: peer.next, length: 0 };
      case 1: // and one that is in the window only
        return { flags: rst, seq: wrap(peer.has + this.#dice.between(1, 1000)), ack: 0, length: 0 };
      case 2: // acknowledges what nobody sent
        return { flags: ack, seq: me.next, ack: wrap(peer.next + this.#dice.between(1, 100_000)), length: 0 };
      default: // a SYN in the middle
        return { flags: syn, seq: this.#dice.below(0x1_0000_0000), ack: 0, length: 0 };
    }
  }

  #write(direction: 0 | 1, tcp: TcpSegment): Packet {
    const { src, dst, srcPort = 0, dstPort = 0 } = this.#packet;
    return direction === 0 ? { ...this.#packet, tcp } : { ...this.#packet, src: dst, dst: src, srcPort: dstPort, dstPort: srcPort, tcp };
  }
}
