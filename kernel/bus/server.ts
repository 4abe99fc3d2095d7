/**
 * The serving side of the bus: one DEALER socket per client and path. CURVE encrypts, and ZAP (ZeroMQ RFC 27) lets in only the current public key
 * of the client that the socket was made for: the ZAP domain of a socket is its client's name.
 */
import { chmod, unlink } from 'node:fs/promises';
import { Context, Dealer, Router } from 'zeromq';
import type { KeyPair } from '../contract/system/handoff.ts';
import { type Caller, Channel } from './channel.ts';
import { toZ85 } from './keys.ts';
import { Link } from './link.ts';
import { RawSocket } from './raw.ts';
import type { Handlers } from './serving.ts';
import { checkPath, maxMessageBytes } from './socket-path.ts';

export interface ServeOptions<Served> {
  readonly client: string;
  /** Of the socket; its folder must exist. */
  readonly path: string;
  readonly handlers: Handlers<Served>;
  /** A new process of this client is there. */
  readonly onConnect?: () => void;
  readonly onDisconnect?: () => void;
  readonly onMalformed?: (reason: string) => void;
  readonly silenceMs?: number;
}

export interface ServeRawOptions {
  readonly client: string;
  readonly path: string;
  readonly onFrame: (frame: Buffer) => void;
}

/** A served socket: stays the same object when its client gets a new key. */
interface Endpoint {
  readonly client: string;
  open(): Promise<void>;
  close(): Promise<void>;
}

export class BusServer {
  readonly #keys: KeyPair;
  readonly #context = new Context();
  readonly #zap: Router;
  readonly #clientKeys = new Map<string, string>();
  readonly #endpoints = new Set<Endpoint>();
  #changes: Promise<void> = Promise.resolve();

  private constructor(keys: KeyPair) {
    this.#keys = keys;
    this.#zap = new Router({ context: this.#context, linger: 0 });
  }

  /** @param keys the server's own pair, whose public key clients know. */
  static async open(keys: KeyPair): Promise<BusServer> {
    const server = new BusServer(keys);
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
      for (const endpoint of this.#of(client)) {
        await endpoint.close();
        await endpoint.open();
      }
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
    const link = new Link({ role: 'server', ...options });
    const channel = new Channel<Served, Remote>({ peer: options.client, ...options, send: (frame) => link.send(frame) });
    link.join(channel);
    await this.#add({
      client: options.client,
      open: async () => link.attach(await this.#bind(options.client, options.path)),
      close: () => unbind(link.detach(), options.path),
    });
    return channel;
  }

  /** A socket of raw frames for one client. */
  async raw(options: ServeRawOptions): Promise<RawSocket> {
    const raw = new RawSocket(options.onFrame);
    await this.#add({
      client: options.client,
      open: async () => raw.attach(await this.#bind(options.client, options.path, { sendTimeout: 0 })),
      close: () => unbind(raw.detach(), options.path),
    });
    return raw;
  }

  async close(): Promise<void> {
    for (const client of new Set([...this.#endpoints].map((endpoint) => endpoint.client))) await this.remove(client);
    this.#zap.close();
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

  async #bind(client: string, path: string, extra: { sendTimeout?: number } = {}): Promise<Dealer> {
    checkPath(path);
    const socket = new Dealer({
      context: this.#context,
      curveServer: true,
      curveSecretKey: this.#keys.secretKey,
      zapDomain: client,
      linger: 0,
      maxMessageSize: maxMessageBytes,
      ...extra,
    });
    await socket.bind(`ipc://${path}`);
    // Clients have uids of their own; the keys guard the socket.
    await chmod(path, 0o666);
    return socket;
  }

  /** Answers libzmq's question for each handshake. 300 tells the peer to try again: its new key may not have been announced yet. */
  async #authenticate(): Promise<void> {
    try {
      for await (const [identity, delimiter, version, request, domain, , , , key] of this.#zap) {
        const expected = this.#clientKeys.get(domain?.toString() ?? '');
        const welcome = key !== undefined && key.length === 32 && toZ85(key) === expected;
        const verdict = welcome ? ['200', 'OK'] : ['300', 'not the key of this client'];
        await this.#zap.send([identity, delimiter, version, request, ...verdict, '', ''] as Buffer[]);
      }
    } catch (thrown) {
      if (!this.#zap.closed) throw thrown;
    }
  }
}

async function unbind(socket: Dealer | null, path: string): Promise<void> {
  if (socket === null) return;
  // Awaited: libzmq removes the file when it has unbound, which must not hit the file of a later bind.
  await socket.unbind(`ipc://${path}`);
  socket.close();
  await unlink(path).catch(() => undefined);
}
