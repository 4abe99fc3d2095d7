/** DNS over TCP: who may connect, and whose place goes when there is none left. */
import type { Socket } from 'node:net';
import type { Asker } from '@weft/kernel/sdk';
import type { Answerer } from './answerer.ts';
import type { RateLimit } from './rate-limit.ts';
import { largestBytes } from './reply.ts';
import { TcpConnection } from './tcp-connection.ts';
import type { Directory } from './zone/directory.ts';

interface Host {
  readonly directory: Pick<Directory, 'view'>;
  readonly answerer: Pick<Answerer, 'answer'>;
  readonly limit: Pick<RateLimit, 'take' | 'charge'>;
  readonly now: () => number;
  readonly most: number;
  readonly mostPerPort: number;
  readonly idleMs: number;
}

export class TcpServer {
  /** `tcpRefused`: connections that found no place. `tcpDisplaced`: those that lost theirs to another port. */
  readonly counters = { tcpConnections: 0, tcpQueries: 0, tcpRefused: 0, tcpDisplaced: 0 };
  readonly #host: Host;
  /** By port, the oldest first. */
  readonly #connections = new Map<number, Set<TcpConnection>>();
  #count = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  accept(socket: Socket, { port }: Asker): void {
    if (!this.#makeRoom(port)) {
      this.counters.tcpRefused += 1;
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    this.counters.tcpConnections += 1;
    const connection = new TcpConnection(socket, {
      idleMs: this.#host.idleMs,
      waitMs: () => this.#host.limit.take(port, this.#host.now()),
      answer: (bytes) => this.#answer(bytes, port),
    });
    const own = this.#connections.get(port) ?? new Set();
    this.#connections.set(port, own.add(connection));
    this.#count += 1;
    socket.once('close', () => this.#forget(port, connection));
  }

  /** What is no question, or asked by nobody known, ends the connection. */
  #answer(bytes: Buffer, port: number): Buffer | Promise<Buffer> | null {
    const view = this.#host.directory.view(port);
    if (view === undefined) return null;
    this.counters.tcpQueries += 1;
    const reply = this.#host.answerer.answer({ bytes, port, view, overTcp: true }) ?? null;
    return reply instanceof Promise ? reply.then((late) => this.#charged(late, port)) : reply && this.#charged(reply, port);
  }

  /** A reply as long as fifty others takes as much time as they do. */
  #charged(reply: Buffer, port: number): Buffer {
    this.#host.limit.charge(port, Math.ceil(reply.length / largestBytes) - 1, this.#host.now());
    return reply;
  }

  /** A port with most connections gives one of them to a port that has fewer. */
  #makeRoom(port: number): boolean {
    const own = this.#connections.get(port)?.size ?? 0;
    if (own >= this.#host.mostPerPort) return false;
    if (this.#count < this.#host.most) return true;
    let [richest, most] = [port, own];
    for (const [each, { size }] of this.#connections) if (size > most) [richest, most] = [each, size];
    const [oldest] = this.#connections.get(richest) ?? [];
    if (most <= own + 1 || oldest === undefined) return false;
    this.counters.tcpDisplaced += 1;
    this.#forget(richest, oldest);
    oldest.close();
    return true;
  }

  #forget(port: number, connection: TcpConnection): void {
    const own = this.#connections.get(port);
    if (own?.delete(connection) !== true) return;
    this.#count -= 1;
    if (own.size === 0) this.#connections.delete(port);
  }
}
