/** TCP and UDP servers over descriptors that are open already, which say who asks. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { isIpv4, type PortState } from '../../contract/net/index.ts';
import type { Asker, DatagramAsker } from '../plugin.ts';
import type { Callers } from './callers.ts';
import { localAddress } from './descriptor.ts';
import { readIdentity } from './identity.ts';

/** As many as the forwarder allows the kernel to hold. */
const backlog = 1024;
/** Of all listeners of a plugin together, whose process may open some 8,000 files. */
const mostConnections = 4_096;

export interface ServerSocket {
  close(): void;
}

type OnConnection = (socket: Socket, asker: Asker) => void;
type OnDatagram = (data: Buffer, asker: DatagramAsker, reply: (data: Buffer) => void) => void;

export class Servers {
  readonly #callers: Callers;
  readonly #log: Logger;
  #connections = 0;

  constructor(callers: Callers, log: Logger) {
    this.#callers = callers;
    this.#log = log;
  }

  async tcp(descriptor: number, onConnection: OnConnection): Promise<ServerSocket> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => this.#accept(socket, onConnection));
    const listening = once(server, 'listening');
    server.listen({ fd: descriptor }, backlog);
    await listening;
    // No descriptor is left for the next connection: it is refused, and that is all.
    server.on('error', (error) => this.#log.warn({ reason: error.message }, 'a connection was not taken'));
    return { close: () => void server.close() };
  }

  #accept(socket: Socket, onConnection: OnConnection): void {
    // An error is followed by `close`; without a listener it would end the process.
    socket.on('error', () => undefined);
    if (this.#connections >= mostConnections) {
      socket.resetAndDestroy();
      return;
    }
    this.#connections += 1;
    socket.once('close', () => {
      this.#connections -= 1;
    });
    const address = localAddress(socket);
    const identity = readIdentity(socket.remoteAddress ?? '');
    if (address === undefined || identity === undefined) {
      socket.resetAndDestroy();
      return;
    }
    Object.defineProperty(socket, 'localAddress', { value: address });
    const serve = (port: PortState | undefined): void => {
      if (port === undefined) socket.resetAndDestroy();
      else if (!socket.destroyed) onConnection(socket, { port: port.id, generation: port.generation, address });
    };
    const known = this.#callers.find(identity);
    if (known === undefined) void this.#callers.whenKnown(identity).then(serve);
    else serve(known);
  }

  /** @param address in its one text form */
  async udp(descriptor: number, address: string, onDatagram: OnDatagram): Promise<ServerSocket> {
    const family = isIpv4(address) ? 4 : 6;
    // What it is asked for is an address always.
    const lookup = (name: string, _options: unknown, done: (error: null, address: string, family: number) => void): void =>
      done(null, name, family);
    const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', lookup });
    let open = true;
    const listening = once(socket, 'listening');
    socket.bind({ fd: descriptor });
    await listening;
    socket.on('error', (error) => this.#log.warn({ reason: error.message }, 'a datagram was lost'));
    socket.on('message', (data, from) => {
      const reply = (answer: Buffer): void => {
        if (open) socket.send(answer, from.port, from.address, () => undefined);
      };
      this.#receive(from, address, (asker) => onDatagram(data, asker, reply));
    });
    return {
      close: () => {
        open = false;
        socket.close();
      },
    };
  }

  #receive({ address: source, port: l4Port }: RemoteInfo, address: string, take: (asker: DatagramAsker) => void): void {
    const identity = readIdentity(source);
    if (identity === undefined) return;
    const serve = (port: PortState | undefined): void => {
      if (port !== undefined) take({ port: port.id, generation: port.generation, address, peer: `${source} ${l4Port}` });
    };
    const known = this.#callers.find(identity);
    if (known === undefined) void this.#callers.whenKnown(identity).then(serve);
    else serve(known);
  }
}
