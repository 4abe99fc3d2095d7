/** What a way to an upstream is: one query there, one accepted reply back. */
import type { Upstream } from './upstream.ts';

export type Exchanged<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Sends `query` and waits until `accept` takes a reply (undefined: not ours, wait on), the time is over, or the upstream is unreachable. Never rejects. */
export type Exchange = <T>(
  upstream: Upstream,
  query: Buffer,
  timeoutMs: number,
  accept: (reply: Buffer) => T | undefined,
) => Promise<Exchanged<T>>;

/** The ways there are. */
export interface Transports {
  readonly udp: Exchange;
  readonly tcp: Exchange;
}
