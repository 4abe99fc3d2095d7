/** The HTTP surface: connections of VMs, held to bounds of number, rate and time. What is answered is `responder.ts`'s business. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Asker } from '@weft/kernel/sdk';
import type { MetadataConfig } from '../config.ts';
import type { Directory } from '../directory.ts';
import type { Guest } from '../guest.ts';
import { Account } from './account.ts';
import { Connection, type Exchange } from './connection.ts';
import type { RefusalReason, Tally } from './tally.ts';
import { type ParseError, rawAnswer, statusOf } from './words.ts';

const largestHead = 8_192;
/** Fields of a head: each costs memory beside its bytes. */
const mostFields = 100;
const sweepMs = 1_000;

export interface Visit extends Exchange {
  readonly connection: Connection;
  readonly guest: Guest;
  /** Why it is not answered: too many at once, which is also the last of its connection; too fast; too many fields in its head. */
  readonly excess: 'rate' | 'pending' | 'fields' | undefined;
}

export interface Handlers {
  visit(visit: Visit): void;
  /** The body of a request that waits for its answer cannot be read. */
  malformed(exchange: Exchange): void;
}

export class MetadataServer {
  readonly #directory: Pick<Directory, 'guest'>;
  readonly #config: MetadataConfig;
  readonly #tally: Tally;
  readonly #handlers: Handlers;
  readonly #http: Server;
  readonly #connections = new Map<Socket, Connection>();
  readonly #accounts = new Map<number, Account>();
  #sweeper: NodeJS.Timeout | undefined;

  constructor(directory: Pick<Directory, 'guest'>, config: MetadataConfig, tally: Tally, handlers: Handlers) {
    this.#directory = directory;
    this.#config = config;
    this.#tally = tally;
    this.#handlers = handlers;
    // Time is kept by the sweep: Node's own watch runs only in servers that listen themselves.
    this.#http = createServer({ maxHeaderSize: largestHead, keepAliveTimeout: config.headSeconds * 1000, keepAliveTimeoutBuffer: 0 });
    // Node drops what is beyond without a word: one more shows that there was.
    this.#http.maxHeadersCount = mostFields + 1;
    this.#http.on('request', (request, response) => this.#request(request, response));
    this.#http.on('clientError', (error: ParseError, socket) => this.#malformed(error, socket as Socket));
    this.#http.on('connect', (_request, socket) =>
      this.#malformed({ code: 'HPE_INVALID_METHOD', rawPacket: Buffer.from('CONNECT *') }, socket as Socket),
    );
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Ports that were heard of, and still exist. */
  get accounts(): Iterable<Account> {
    return this.#accounts.values();
  }

  accept(socket: Socket, asker: Asker): void {
    const now = performance.now();
    const guest = this.#directory.guest(asker.port);
    const account = guest && this.#accountOf(asker.port, guest, now);
    const reason = account === undefined ? 'unknown' : this.#excess(account, now);
    if (account === undefined || reason !== undefined) {
      this.#refused(reason ?? 'unknown', account);
      socket.resetAndDestroy();
      return;
    }
    const connection = new Connection(socket, account, asker, now + this.#config.headSeconds * 1000);
    this.#connections.set(socket, connection);
    account.connections.add(connection);
    socket.once('close', () => this.#closed(connection));
    // Node's own listeners leave a socket that it takes for a tunnel, and a response whose VM has gone.
    socket.on('error', () => socket.destroy());
    socket.setNoDelay(true);
    this.#http.emit('connection', socket);
    socket.resume();
    this.#sweeper ??= setInterval(() => this.#sweep(), sweepMs).unref();
  }

  /** The port with this uid is no more: nobody may go on in its name. */
  portGone(uid: string): void {
    for (const [number, account] of this.#accounts) {
      if (account.uid !== uid) continue;
      this.#accounts.delete(number);
      for (const { socket } of account.connections) socket.destroy();
    }
  }

  stop(): void {
    clearInterval(this.#sweeper);
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #excess(account: Account, now: number): RefusalReason | undefined {
    const { connectionsPerPort, connections } = this.#config;
    if (account.connections.size >= connectionsPerPort || this.#connections.size >= connections) return 'connections';
    return account.bucket.take(now) ? undefined : 'rate';
  }

  #accountOf(number: number, guest: Guest, now: number): Account {
    const known = this.#accounts.get(number);
    if (known?.uid === guest.port.metadata.uid) return known;
    if (known !== undefined) this.portGone(known.uid);
    const account = new Account(guest, this.#config.requestRate, this.#config.requestBurst, now);
    this.#accounts.set(number, account);
    return account;
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const now = performance.now();
    const connection = this.#connections.get(request.socket);
    const guest = connection && this.#directory.guest(connection.port);
    if (connection === undefined || guest?.port.metadata.uid !== connection.account.uid || connection.isFull) {
      request.socket.destroy();
      return;
    }
    const { account } = connection;
    account.requests += 1;
    account.pending += 1;
    const exchange = { request, response };
    const { requestSeconds, headSeconds } = this.#config;
    connection.begin(exchange, now + requestSeconds * 1000);
    response.on('error', () => request.socket.destroy());
    response.once('close', () => {
      account.pending -= 1;
      const ended = performance.now();
      connection.end(exchange, { head: ended + headSeconds * 1000, next: ended + requestSeconds * 1000 });
    });
    const excess = this.#excessOf(request, account, now);
    if (excess === 'pending') connection.stopReading();
    if (excess === 'fields') this.#refused('malformed', account);
    else if (excess !== undefined) this.#refused(excess, account);
    this.#handlers.visit({ request, response, connection, guest, excess });
  }

  #excessOf({ rawHeaders }: IncomingMessage, account: Account, now: number): Visit['excess'] {
    if (account.pending > this.#config.pendingPerPort) return 'pending';
    if (!account.bucket.take(now)) return 'rate';
    return rawHeaders.length > 2 * mostFields ? 'fields' : undefined;
  }

  #malformed(error: ParseError, socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || error.code === 'ECONNRESET' || error.code === 'EPIPE') {
      socket.destroy();
      return;
    }
    // It was told already, and goes: half a head, say, that was too slow.
    if (connection.isOver) return;
    this.#refused('malformed', connection.account);
    const broken = connection.breakOff(rawAnswer(statusOf(error)));
    if (broken !== undefined) this.#handlers.malformed(broken);
  }

  #sweep(): void {
    const now = performance.now();
    for (const connection of this.#connections.values()) {
      if (!connection.isLate(now)) continue;
      const isSlow = connection.hasBegun && !connection.isOver;
      if (isSlow) this.#refused('slow', connection.account);
      connection.cutOff(isSlow ? rawAnswer(408) : '');
    }
    if (this.#connections.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #closed(connection: Connection): void {
    this.#connections.delete(connection.socket);
    connection.account.connections.delete(connection);
  }

  #refused(reason: RefusalReason, account?: Account): void {
    this.#tally.refused(reason);
    if (account !== undefined) account.refused += 1;
  }
}
