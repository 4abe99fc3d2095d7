/** The name servers of the outside: which they are. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

export interface Upstream {
  readonly address: string;
  readonly port: number;
}

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

/** `192.0.2.1`, `192.0.2.1:5353` or `[2001:db8::1]:5353`; the same text is the same upstream. */
export function formatUpstream({ address, port }: Upstream): string {
  if (port === 53) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export const familyOf = ({ address }: Upstream): number => isIP(address.replace(/%.*$/, ''));

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
