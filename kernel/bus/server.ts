/**
 * The serving side of the bus: one DEALER socket per client and path. CURVE encrypts, and ZAP (ZeroMQ RFC 27) lets in only the current public key
 * of the client that the socket was made for: the ZAP domain of a socket is its client's name.
 */
import { chmod, mkdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Context, Dealer, Router } from 'zeromq';
import type { KeyPair } from '../contract/system/handoff.ts';
import type { Budget } from './budget.ts';
import { type Caller, Channel } from './channel.ts';
import { toZ85 } from './keys.ts';
import { queuedMessages, queuedRawFrames, rawMessageBytes, servedStreams, serverMessageBytes } from './limits.ts';
import { Link } from './link.ts';
import { Pace } from './pace.ts';
import { RawSocket } from './raw.ts';
import type { OnRefused } from './refusals.ts';
import type { Handlers } from './serving.ts';
import { checkPath } from './socket-path.ts';
import { Valve } from './valve.ts';

export interface ServeOptions<Served> {
  readonly client: string;
  /** Of the socket; its folder must exist. */
  readonly path: string;
  readonly handlers: Handlers<Served>;
  /** A new process of this client is there. */
  readonly onConnect?: () => void;
  readonly onDisconnect?: () => void;
  /** Hears of all that the client was refused. */
  readonly onRefused?: OnRefused;
  readonly silenceMs?: number;
  /** What the client may take of this process' time; default: `loopShare`. */
  readonly budget?: Budget;
}

export interface ServeRawOptions {
  readonly client: string;
  readonly path: string;
  readonly onFrame: (frame: Buffer) => void;
  readonly onRefused?: OnRefused;
}

export interface BusServerOptions {
  /** Somebody without the key of `client` tried to open its socket. */
  readonly onForeignKey?: (client: string) => void;
  /** Memory that may be taken by messages that are not whole yet, bytes; see `Valve`. */
  readonly unseenBytes?: number;
}

const defaultUnseenBytes = 384 * 1024 * 1024;

/** A served socket: stays the same object when its client gets a new key. */
interface Endpoint {
  readonly client: string;
  /** When the client's last message came, by `performance.now()`. */
  readonly heardAt: number;
  readonly onRefused: OnRefused;
  open(): Promise<void>;
  close(): Promise<void>;
}

interface SocketOptions {
  readonly client: string;
  readonly path: string;
  readonly raw: boolean;
}

const ignore: OnRefused = () => undefined;

export class BusServer {
  readonly #keys: KeyPair;
  readonly #context = new Context();
  readonly #zap: Router;
  readonly #clientKeys = new Map<string, string>();
  readonly #endpoints = new Set<Endpoint>();
  /** Connections of each client since its present process began. */
  readonly #connections = new Map<string, number>();
  readonly #onForeignKey: (client: string) => void;
  readonly #valve: Valve<Endpoint>;
  #changes: Promise<void> = Promise.resolve();

  private constructor(keys: KeyPair, { onForeignKey = () => undefined, unseenBytes = defaultUnseenBytes }: BusServerOptions) {
    this.#keys = keys;
    this.#onForeignKey = onForeignKey;
    this.#zap = new Router({ context: this.#context, linger: 0 });
    this.#valve = new Valve(
      { limit: unseenBytes },
      () => [...this.#endpoints],
      (endpoint) => this.#serialise(() => this.#reopen(endpoint)),
    );
  }

  /** @param keys the server's own pair, whose public key clients know. */
  static async open(keys: KeyPair, options: BusServerOptions = {}): Promise<BusServer> {
    const server = new BusServer(keys, options);
    await server.#zap.bind('inproc://zeromq.zap.01');
    void server.#authenticate();
    return server;
  }

  /** Lets a client in, or changes its key: then its sockets are made anew, so that a holder of the old key is out at once. */
  setKey(client: string, publicKey: string): Promise<void> {
    return this.#serialise(async () => {
      const former = this.#clientKeys.get(client);
      if (former === publicKey) return;
      this.#clientKeys.set(client, publicKey);
      if (former === undefined) return;
      for (const endpoint of this.#of(client)) await this.#reopen(endpoint);
      this.#connections.delete(client);
    });
  }

  /** Closes and removes the client's sockets and forgets its key. */
  remove(client: string): Promise<void> {
    return this.#serialise(async () => {
      this.#clientKeys.delete(client);
      for (const endpoint of this.#of(client)) {
        this.#endpoints.delete(endpoint);
        await endpoint.close();
      }
    });
  }

  /** Serves `Served` to one client; the returned caller reaches what that client serves. */
  async channel<Served, Remote>(options: ServeOptions<Served>): Promise<Caller<Remote>> {
    const { client, path, onRefused = ignore } = options;
    const link = new Link({ role: 'server', ...options });
    const send: ConstructorParameters<typeof Channel<Served, Remote>>[0]['send'] = (frame) => link.send(frame);
    const channel = new Channel<Served, Remote>({ peer: client, maxStreams: servedStreams, ...options, send });
    link.join(channel);
    await this.#add({
      client,
      onRefused,
      get heardAt() {
        return link.heardAt;
      },
      open: async () => link.attach(await this.#bind({ client, path, raw: false })),
      close: () => shut(link.detach(), path),
    });
    return channel;
  }

  /** A socket of raw frames for one client. */
  async raw({ client, path, onFrame, onRefused = ignore }: ServeRawOptions): Promise<RawSocket> {
    const raw = new RawSocket(onFrame, new Pace(onRefused));
    await this.#add({
      client,
      onRefused,
      get heardAt() {
        return raw.heardAt;
      },
      open: async () => raw.attach(await this.#bind({ client, path, raw: true })),
      close: () => shut(raw.detach(), path),
    });
    return raw;
  }

  async close(): Promise<void> {
    for (const client of new Set([...this.#endpoints].map((endpoint) => endpoint.client))) await this.remove(client);
    this.#valve.close();
    this.#zap.close();
  }

  async #reopen(endpoint: Endpoint): Promise<void> {
    // It may have been removed while this waited for its turn.
    if (!this.#endpoints.has(endpoint)) return;
    // Its client has to come back once more.
    this.#connections.set(endpoint.client, (this.#connections.get(endpoint.client) ?? 0) - 1);
    await endpoint.close();
    await endpoint.open();
  }

  #of(client: string): Endpoint[] {
    return [...this.#endpoints].filter((endpoint) => endpoint.client === client);
  }

  #add(endpoint: Endpoint): Promise<void> {
    return this.#serialise(async () => {
      await endpoint.open();
      this.#endpoints.add(endpoint);
    });
  }

  #serialise(change: () => Promise<void>): Promise<void> {
    const done = this.#changes.then(change);
    this.#changes = done.catch(() => undefined);
    return done;
  }

  async #bind({ client, path, raw }: SocketOptions): Promise<Dealer> {
    checkPath(path);
    const queued = raw ? queuedRawFrames : queuedMessages;
    const socket = new Dealer({
      context: this.#context,
      curveServer: true,
      curveSecretKey: this.#keys.secretKey,
      zapDomain: client,
      linger: 0,
      maxMessageSize: raw ? rawMessageBytes : serverMessageBytes,
      receiveHighWaterMark: queued,
      // Punts are dropped when their plugin does not take them, and a batch of them is small.
      ...(raw ? { sendTimeout: 0 } : { sendHighWaterMark: queued }),
    });
    await mkdir(dirname(path), { recursive: true });
    await socket.bind(`ipc://${path}`);
    // Clients have uids of their own; the keys guard the socket.
    await chmod(path, 0o666);
    return socket;
  }

  /** A process connects once to each of its sockets. */
  #connected(client: string): void {
    const connections = (this.#connections.get(client) ?? 0) + 1;
    this.#connections.set(client, connections);
    const endpoints = this.#of(client);
    if (connections <= endpoints.length) return;
    endpoints[0]?.onRefused('reconnect', 'it connects once more: its connection was cut, as by a message too large, or it opens several');
  }

  /** Answers libzmq's question for each handshake. 300 tells the peer to try again: its new key may not have been announced yet. */
  async #authenticate(): Promise<void> {
    try {
      for await (const [identity, delimiter, version, request, domain, , , , key] of this.#zap) {
        const client = domain?.toString() ?? '';
        const welcome = key !== undefined && key.length === 32 && toZ85(key) === this.#clientKeys.get(client);
        if (welcome) this.#connected(client);
        else this.#onForeignKey(client);
        const verdict = welcome ? ['200', 'OK'] : ['300', 'not the key of this client'];
        await this.#zap.send([identity, delimiter, version, request, ...verdict, '', ''] as Buffer[]);
      }
    } catch (thrown) {
      if (!this.#zap.closed) throw thrown;
    }
  }
}

/**
 * Not by `unbind`: when the client closes at the same moment, that aborts the process (libzmq 4.3.5, pipe.cpp: assertion on _state), and a client
 * chooses its moment. The file is ours to remove: libzmq leaves it, however the socket ends.
 */
async function shut(socket: Dealer | null, path: string): Promise<void> {
  if (socket === null) return;
  socket.close();
  await unlink(path).catch(() => undefined);
}
