/** Questions put to upstreams over TCP (RFC 7766): connections are kept for a while, used for many questions at once, and bounded. */
import { connect, type Socket } from 'node:net';
import { FrameReader, framed } from '../message/frames.ts';
import type { Clock } from './clock.ts';
import type { Exchange, Exchanged } from './exchange.ts';
import { reasonOf } from './udp.ts';
import { formatUpstream, type Upstream } from './upstream.ts';

export interface TcpLimits {
  readonly connections: number;
  /** Of these to one upstream. */
  readonly perUpstream: number;
  /** Questions that wait on one connection; more open another. */
  readonly perConnection: number;
  readonly idleMs: number;
}

export const tcpLimits: TcpLimits = { connections: 64, perUpstream: 4, perConnection: 64, idleMs: 5000 };

const longestMessage = 0xffff;

type Accept<T> = (reply: Buffer) => T | undefined;

/** One question on a connection. */
interface Waiting {
  /** Whether the message is its reply. */
  take(bytes: Buffer): boolean;
  fail(reason: string): void;
}

interface Connection {
  readonly to: string;
  readonly socket: Socket;
  readonly waiting: Set<Waiting>;
  heardAt: number;
  /** It gave a message already. */
  served: boolean;
  /** Closes it and fails those that wait. */
  readonly gone: (reason: string) => void;
  stopIdling: () => void;
}

export class TcpTransport {
  readonly #clock: Clock;
  readonly #limits: TcpLimits;
  readonly #connections = new Set<Connection>();

  constructor(clock: Clock, limits = tcpLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#connections.size;
  }

  /** A connection that served before may close just when the next question goes out: that one gets a fresh connection (RFC 7766 §6.2.4). */
  readonly exchange: Exchange = async <T>(
    upstream: Upstream,
    query: Buffer,
    timeoutMs: number,
    accept: Accept<T>,
  ): Promise<Exchanged<T>> => {
    const connection = this.#connectionTo(upstream);
    if (connection === undefined) return { ok: false, reason: 'too many TCP connections' };
    const served = connection.served;
    const first = await this.#ask(connection, query, timeoutMs, accept);
    if (first.ok || !served || first.reason === 'timeout') return first;
    const fresh = this.#connectionTo(upstream);
    return fresh === undefined ? first : this.#ask(fresh, query, timeoutMs, accept);
  };

  close(): void {
    for (const connection of this.#connections) connection.gone('closed');
  }

  #ask<T>(connection: Connection, query: Buffer, timeoutMs: number, accept: Accept<T>): Promise<Exchanged<T>> {
    return new Promise((resolve) => {
      const sentAt = this.#clock.now();
      const finish = (result: Exchanged<T>): void => {
        cancel();
        connection.waiting.delete(waiting);
        this.#rest(connection);
        resolve(result);
      };
      const cancel = this.#clock.after(timeoutMs, () => {
        finish({ ok: false, reason: 'timeout' });
        // Who was silent all the time will not answer the others on this connection either.
        if (connection.heardAt < sentAt) connection.gone('timeout');
      });
      const waiting: Waiting = {
        take(bytes) {
          const value = accept(bytes);
          if (value !== undefined) finish({ ok: true, value });
          return value !== undefined;
        },
        fail: (reason) => finish({ ok: false, reason }),
      };
      connection.stopIdling();
      connection.waiting.add(waiting);
      connection.socket.write(framed(query));
    });
  }

  #connectionTo(upstream: Upstream): Connection | undefined {
    const to = formatUpstream(upstream);
    const own = [...this.#connections].filter((connection) => connection.to === to);
    const [idlest] = own.toSorted((a, b) => a.waiting.size - b.waiting.size);
    if (idlest !== undefined && idlest.waiting.size < this.#limits.perConnection) return idlest;
    if (own.length >= this.#limits.perUpstream) return undefined;
    if (this.#connections.size >= this.#limits.connections && !this.#dropIdle()) return undefined;
    return this.#open(upstream, to);
  }

  #open(upstream: Upstream, to: string): Connection {
    const socket = connect({ host: upstream.address, port: upstream.port, noDelay: true });
    const gone = (reason: string): void => {
      this.#connections.delete(connection);
      connection.stopIdling();
      socket.destroy();
      for (const waiting of connection.waiting) waiting.fail(reason);
    };
    const connection: Connection = {
      ...{ to, socket, gone, waiting: new Set(), served: false, heardAt: Number.NEGATIVE_INFINITY },
      stopIdling: () => undefined,
    };
    const reader = new FrameReader(longestMessage);
    socket.on('data', (chunk) => {
      reader.push(chunk);
      for (let bytes = reader.next(); bytes !== undefined; bytes = reader.next()) this.#deliver(connection, bytes);
    });
    socket.on('error', (error) => gone(reasonOf(error)));
    socket.on('end', () => gone('connection closed'));
    socket.on('close', () => gone('connection closed'));
    this.#connections.add(connection);
    return connection;
  }

  /** Replies may come in any order (RFC 7766 §7); what nobody waits for is dropped. */
  #deliver(connection: Connection, bytes: Buffer): void {
    connection.heardAt = this.#clock.now();
    connection.served = true;
    for (const waiting of connection.waiting) if (waiting.take(bytes)) return;
  }

  /** Without questions a connection is closed after a while. */
  #rest(connection: Connection): void {
    if (connection.waiting.size > 0 || connection.socket.destroyed) return;
    connection.stopIdling();
    connection.stopIdling = this.#clock.after(this.#limits.idleMs, () => connection.gone('idle'));
  }

  #dropIdle(): boolean {
    for (const connection of this.#connections) {
      if (connection.waiting.size > 0) continue;
      connection.gone('closed');
      return true;
    }
    return false;
  }
}
