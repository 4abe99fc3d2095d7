/** One question put to one upstream over UDP. */
import { createSocket } from 'node:dgram';
import type { Exchange } from './exchange.ts';
import { familyOf } from './upstream.ts';

/**
 * Each exchange has a socket, hence a source port, of its own (RFC 5452 §9.2). The socket is connected, so the system drops datagrams from any
 * other source and tells of a closed port at once.
 */
export const exchangeOverUdp: Exchange = (upstream, query, timeoutMs, accept) =>
  new Promise((resolve) => {
    const socket = createSocket(familyOf(upstream) === 6 ? 'udp6' : 'udp4');
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
    socket.on('error', (error) => finish({ ok: false, reason: reasonOf(error) }));
    socket.on('message', (reply) => {
      const value = accept(reply);
      if (value !== undefined) finish({ ok: true, value });
    });
    socket.connect(upstream.port, upstream.address, (error?: Error) => {
      if (done) return;
      if (error !== undefined) finish({ ok: false, reason: reasonOf(error) });
      else socket.send(query, (failed) => failed && finish({ ok: false, reason: reasonOf(failed) }));
    });
  });

/** The system's word for what went wrong, such as ECONNREFUSED. */
export function reasonOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
