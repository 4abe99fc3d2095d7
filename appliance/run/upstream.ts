/** A name server for tests: any name NAME<n>.example.net has one address, told with an hour to live. */
import { createSocket } from 'node:dgram';
import type { AddressInfo } from 'node:net';

export interface NameServer {
  readonly port: number;
  /** Queries that came so far. */
  queries(): number;
  close(): void;
}

/** Names and addresses that `startNameServer` knows. */
export function knownNames(count: number): readonly (readonly [name: string, address: string])[] {
  return Array.from({ length: count }, (_, n) => [`name${n}.example.net`, addressOf(n).join('.')] as const);
}

const addressOf = (n: number): readonly number[] => [198, 18, n >> 8, n & 255];

/** One answer of RFC 1035 §4.1: the question, in whatever case it came, and an A record that points back to it. */
function answerTo(query: Buffer): Buffer {
  const digits = /^name(\d+)$/i.exec(query.toString('latin1', 13, 13 + (query[12] ?? 0)))?.[1];
  const end = query.indexOf(0, 12) + 5;
  const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  const record = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, ...addressOf(Number(digits ?? 0))]);
  return Buffer.concat([head, query.subarray(12, end), record]);
}

export async function startNameServer(): Promise<NameServer> {
  const socket = createSocket('udp4');
  let count = 0;
  socket.on('message', (query, from) => {
    count += 1;
    socket.send(answerTo(query), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { port: (socket.address() as AddressInfo).port, queries: () => count, close: () => socket.close() };
}
