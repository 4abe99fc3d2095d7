/** A name server with real sockets, one port over UDP and TCP, that does what a script says; a kind one unless told otherwise. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { buildDns, type DnsMessage, parseDns } from '../message/codec.ts';
import { FrameReader, framed } from '../message/frames.ts';
import type { Upstream } from '../resolver/upstream.ts';

export interface NastyQuery {
  readonly query: DnsMessage;
  readonly bytes: Buffer;
  readonly tcp: boolean;
  /** Sends a reply with these fields changed, or bytes as they are. */
  reply(more?: Partial<DnsMessage> | Buffer): void;
  /** TCP: ends the connection by a reset. */
  reset(): void;
  /** TCP: the connection itself. */
  readonly socket: Socket | undefined;
}

export type Script = (query: NastyQuery) => void;

/** A kind reply: 192.0.2.80 to every question for A. */
export function answersOf(query: DnsMessage): Partial<DnsMessage> {
  return {
    answers: query.questions.filter(({ type }) => type === 1).map((asked) => ({ ...asked, ttl: 30, data: Buffer.from([192, 0, 2, 80]) })),
  };
}

export const kind: Script = ({ query, reply }) => reply(answersOf(query));

export async function nastyServer(t: ExecutionContext, script: Script, options: { readonly tcp?: boolean; readonly udp?: boolean } = {}) {
  const heard: NastyQuery[] = [];
  let connections = 0;
  const take = (one: NastyQuery): void => {
    heard.push(one);
    script(one);
  };
  const bytesOf = (query: DnsMessage, more: Partial<DnsMessage> | Buffer = {}): Buffer =>
    Buffer.isBuffer(more) ? more : buildDns({ ...query, response: true, ...more });
  const open = new Set<Socket>();
  const tcp = createServer((socket) => {
    connections += 1;
    open.add(socket);
    const reader = new FrameReader(0xffff);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    socket.on('data', (chunk) => {
      reader.push(chunk);
      for (let bytes = reader.next(); bytes !== undefined; bytes = reader.next()) {
        const asked = bytes;
        const query = parseDns(bytes);
        const reply = (more?: Partial<DnsMessage> | Buffer) => socket.write(framed(bytesOf(query, more)));
        take({ query, bytes: asked, tcp: true, reply, reset: () => socket.resetAndDestroy(), socket });
      }
    });
  });
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as { port: number };
  const udp = createSocket('udp4');
  udp.on('message', (bytes, from) => {
    if (options.udp === false) return;
    const query = parseDns(bytes);
    const reply = (more?: Partial<DnsMessage> | Buffer) => udp.send(bytesOf(query, more), from.port, from.address);
    take({ query, bytes: Buffer.from(bytes), tcp: false, reply, reset: () => undefined, socket: undefined });
  });
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  const closeAll = (): void => {
    for (const socket of open) socket.destroy();
  };
  const closeTcp = (): void => {
    tcp.close();
    closeAll();
  };
  if (options.tcp === false) closeTcp();
  t.teardown(() => {
    udp.close();
    closeTcp();
  });
  const upstream: Upstream = { address: '127.0.0.1', port };
  return { upstream, heard, connections: () => connections, cut: closeAll };
}
