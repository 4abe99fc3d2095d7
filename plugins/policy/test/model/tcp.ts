/**
 * What one sees of a TCP connection (RFC 9293) from the middle: whether it is opening, open, half closed or over. Segments that do not
 * belong to it change nothing.
 */
import { type TcpSegment, tcpFlags } from './packet.ts';

export type TcpState = 'opening' | 'established' | 'closing' | 'closed';

interface End {
  /** A SYN was seen that began it. */
  syn: boolean;
  /** The sequence number behind all that it sent. */
  sent?: number;
  /** What it acknowledged last. */
  acked?: number;
  fin: boolean;
  finAcked: boolean;
}

const after = (seq: number, bytes: number): number => (seq + bytes) >>> 0;
/** Whether a comes after b, round the circle (RFC 9293 §3.4). */
const isLater = (a: number, b: number): boolean => ((a - b) | 0) > 0;
/** Bytes that may be under way: before both sides know each other's window scale (RFC 7323 §2.2), and at most (§2.3). */
const windows = { opening: 65_535, largest: 2 ** 30 };

export class TcpConnection {
  readonly #ends: readonly [End, End] = [
    { syn: false, fin: false, finAcked: false },
    { syn: false, fin: false, finAcked: false },
  ];
  #open = false;
  #reset = false;

  get state(): TcpState {
    const [a, b] = this.#ends;
    if (this.#reset || (a.finAcked && b.finAcked)) return 'closed';
    if (!this.#open) return 'opening';
    return a.fin || b.fin ? 'closing' : 'established';
  }

  /** direction 0: of the first segment. */
  take(direction: 0 | 1, segment: TcpSegment): void {
    const [me, peer] = direction === 0 ? this.#ends : [this.#ends[1], this.#ends[0]];
    const has = (flag: keyof typeof tcpFlags) => (segment.flags & tcpFlags[flag]) !== 0;
    if (has('rst')) {
      this.#takeReset(peer, segment, has('ack'));
      return;
    }
    const end = after(segment.seq, segment.length + Number(has('syn')) + Number(has('fin')));
    if (has('syn')) {
      if (this.#open || (has('ack') && !this.#isAcceptable(segment.ack, peer))) return;
      // A connection that is first seen with the answer to a SYN was found in its middle.
      me.syn ||= direction === 1 || !has('ack');
      me.sent = end;
    } else if (me.sent === undefined || isLater(end, me.sent)) {
      me.sent = end;
    }
    me.fin ||= has('fin');
    if (has('ack')) this.#takeAck(me, peer, segment.ack);
    this.#openWhenBoth();
  }

  /** RFC 5961 §3.2: at the very number that its receiver expects; in answer to a SYN, when it acknowledges it (RFC 9293 §3.10.7.3). */
  #takeReset(peer: End, { seq, ack }: TcpSegment, acknowledges: boolean): void {
    if (peer.acked !== undefined) this.#reset ||= seq === peer.acked;
    else if (peer.syn) this.#reset ||= acknowledges && ack === peer.sent;
  }

  /** Nothing that the peer did not send, nor what it sent long ago (RFC 5961 §5). */
  #isAcceptable(ack: number, peer: End): boolean {
    if (peer.sent === undefined) return true;
    if (isLater(ack, peer.sent)) return false;
    return this.#open || after(peer.sent, -ack) <= (peer.syn ? windows.opening : windows.largest);
  }

  /** A FIN is the last thing sent. */
  #takeAck(me: End, peer: End, ack: number): void {
    if (!this.#isAcceptable(ack, peer)) return;
    if (me.acked === undefined || !this.#open || isLater(ack, me.acked)) me.acked = ack;
    if (peer.fin && ack === peer.sent) peer.finAcked = true;
  }

  /** Both SYNs are acknowledged; or its beginning was not seen, and both sides speak. */
  #openWhenBoth(): void {
    const [first, second] = this.#ends;
    const isAnswered = (me: End, peer: End) => peer.sent !== undefined && me.acked !== undefined && this.#isAcceptable(me.acked, peer);
    if (first.syn && !second.syn) return;
    this.#open ||= isAnswered(first, second) && isAnswered(second, first);
  }
}
