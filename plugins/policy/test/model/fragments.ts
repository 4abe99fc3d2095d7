/** Datagrams in fragments: the first one decides, those before it wait for it. */
import { hasPorts, isLaterFragment, type Packet } from './packet.ts';
import { fragmentKeep, fragmentWait } from './time.ts';

interface Datagram {
  /** Of its port. */
  readonly entered: number;
  /** Units of 8 bytes that came. */
  readonly parts: Set<number>;
  total?: number;
  waiting: Packet[];
  /** The first fragment, and why it was dropped, if it was. */
  first?: Packet;
  dropped?: string;
  since: number;
}

export type Entered =
  | { readonly kind: 'whole' }
  | { readonly kind: 'first' }
  | { readonly kind: 'later'; readonly first: Packet }
  | { readonly kind: 'waits' }
  | { readonly kind: 'dropped'; readonly reason: string; readonly waiting: readonly Packet[] };

const unit = 8;

export class Fragments {
  readonly #datagrams = new Map<string, Datagram>();

  #key({ src, dst, family, protocol, fragment }: Packet, entered: number): string {
    return [entered, src.value, dst.value, family, family === 4 ? protocol : 0, fragment?.id].join(' ');
  }

  /** Before the packet is decided. */
  enter(packet: Packet, entered: number, now: number): Entered {
    const { fragment } = packet;
    if (fragment === undefined || (fragment.offset === 0 && !fragment.more)) return { kind: 'whole' };
    const key = this.#key(packet, entered);
    const datagram = this.#datagrams.get(key) ?? { entered, parts: new Set(), waiting: [], since: now };
    this.#datagrams.set(key, datagram);
    if (datagram.dropped) return { kind: 'dropped', reason: datagram.dropped, waiting: [] };
    if (!this.#take(datagram, packet)) {
      this.#datagrams.delete(key);
      return { kind: 'dropped', reason: 'fragment-invalid', waiting: datagram.waiting };
    }
    if (!isLaterFragment(packet)) return { kind: 'first' };
    if (datagram.first === undefined) {
      datagram.waiting.push(packet);
      return { kind: 'waits' };
    }
    const { first } = datagram;
    this.#forgetComplete(key, datagram);
    return { kind: 'later', first };
  }

  /** What becomes of a first fragment; those that waited for it go the same way. */
  decided(packet: Packet, entered: number, dropped: string | undefined, now: number): readonly Packet[] {
    const key = this.#key(packet, entered);
    const datagram = this.#datagrams.get(key);
    if (!datagram) return [];
    const { waiting } = datagram;
    Object.assign(datagram, { first: packet, waiting: [], since: now }, dropped === undefined ? {} : { dropped });
    this.#forgetComplete(key, datagram);
    return waiting;
  }

  /** Those that waited too long. */
  pass(now: number): readonly Packet[] {
    const over = [...this.#datagrams].filter(([, { since, first }]) => now - since >= (first ? fragmentKeep : fragmentWait));
    for (const [key] of over) this.#datagrams.delete(key);
    return over.flatMap(([, { waiting }]) => waiting);
  }

  /** Those of a port that went. */
  forget(entered: number): void {
    for (const [key, datagram] of this.#datagrams) if (datagram.entered === entered) this.#datagrams.delete(key);
  }

  /** False: it overlaps another (RFC 5722), lies behind the end, or is too short to hold the ports (RFC 1858). */
  #take(datagram: Datagram, { fragment, protocol }: Packet): boolean {
    if (!fragment) return true;
    const { offset, bytes, more } = fragment;
    if (offset === 0 && bytes < (protocol === 6 ? 20 : hasPorts(protocol) || protocol === 1 || protocol === 58 ? 8 : 0)) return false;
    const [first, end] = [offset / unit, Math.ceil((offset + bytes) / unit)];
    const units = Array.from({ length: end - first }, (_, index) => first + index);
    if (units.some((each) => datagram.parts.has(each) || each >= (datagram.total ?? Number.POSITIVE_INFINITY))) return false;
    if (!more) {
      if (datagram.total !== undefined || [...datagram.parts].some((each) => each >= end)) return false;
      datagram.total = end;
    }
    for (const each of units) datagram.parts.add(each);
    return true;
  }

  #forgetComplete(key: string, { parts, total, first }: Datagram): void {
    if (first !== undefined && parts.size === total) this.#datagrams.delete(key);
  }
}
