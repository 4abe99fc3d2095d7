/** The name servers of the outside: which they are, and one question put to one of them over a UDP socket of its own. */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

export interface Upstream {
  readonly address: string;
  readonly port: number;
}

type Exchanged<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Sends `query` and waits until `accept` takes a reply (undefined: not ours, wait on), the time is over, or the upstream is unreachable. Never rejects. */
export type Exchange = <T>(
  upstream: Upstream,
  query: Buffer,
  timeoutMs: number,
  accept: (reply: Buffer) => T | undefined,
) => Promise<Exchanged<T>>;

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`; undefined when it is none of these. */
export function parseUpstream(text: string): Upstream | undefined {
  const [, bracketed, bare, port] = /^(?:\[([^\]]+)\]|([^:[\]]+|[^[\]]*:[^[\]]*:[^[\]]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = bracketed ?? bare ?? '';
  const number = Number(port ?? 53);
  return isIP(address) !== 0 && number > 0 && number < 65_536 ? { address, port: number } : undefined;
}

/** The `nameserver` lines of a resolv.conf, in order. */
export function parseResolvConf(text: string): readonly Upstream[] {
  return text.split('\n').flatMap((line) => {
    const [keyword, address = ''] = line.trim().split(/\s+/);
    return keyword === 'nameserver' && isIP(address.replace(/%.*$/, '')) !== 0 ? [{ address, port: 53 }] : [];
  });
}

const rereadMs = 60_000;

/** The host's own name servers, read again after a minute so that a changed network of the host is noticed. */
export function hostUpstreams(path: string, now: () => number): () => readonly Upstream[] {
  let readAt = Number.NEGATIVE_INFINITY;
  let upstreams: readonly Upstream[] = [];
  return () => {
    if (now() - readAt < rereadMs) return upstreams;
    readAt = now();
    try {
      upstreams = parseResolvConf(readFileSync(path, 'utf8'));
    } catch {
      // No resolver file, no upstreams: queries for outside names get SERVFAIL.
      upstreams = [];
    }
    return upstreams;
  };
}

/**
 * Each exchange has a socket, hence a source port, of its own (RFC 5452 §9.2). The socket is connected, so the system drops datagrams from any
 * other source and tells of a closed port at once.
 */
export const exchangeOverUdp: Exchange = (upstream, query, timeoutMs, accept) =>
  new Promise((resolve) => {
    const socket = createSocket(isIP(upstream.address.replace(/%.*$/, '')) === 6 ? 'udp6' : 'udp4');
    let timer: NodeJS.Timeout | undefined;
    let done = false;
    const finish = (result: Parameters<typeof resolve>[0]): void => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      socket.close();
      resolve(result);
    };
    timer = setTimeout(() => finish({ ok: false, reason: 'timeout' }), timeoutMs);
    socket.on('error', (error) => finish({ ok: false, reason: error.message }));
    socket.on('message', (reply) => {
      const value = accept(reply);
      if (value !== undefined) finish({ ok: true, value });
    });
    socket.connect(upstream.port, upstream.address, (error?: Error) => {
      if (done) return;
      if (error !== undefined) finish({ ok: false, reason: error.message });
      else socket.send(query, (failed) => failed && finish({ ok: false, reason: failed.message }));
    });
  });
