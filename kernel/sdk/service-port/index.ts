/**
 * The service port of a plugin process: asks the forwarder for sockets in the plugin's namespace (docs/decisions/0017), takes them, and opens them
 * again when the namespace behind the port is another one.
 */
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Caller } from '../../bus/index.ts';
import { canonicalIp, type ForwarderCalls, type PortState, parseIp } from '../../contract/net/index.ts';
import { fail, type InOf, toWeftError } from '../../contract/system/index.ts';
import type { Forwarder, ServiceListener, ServicePort } from '../plugin.ts';
import { Callers } from './callers.ts';
import { takeDescriptor } from './descriptor.ts';
import { type ServerSocket, Servers } from './sockets.ts';

/** What passes by itself: the forwarder starts, or is slow. */
const passingCodes: ReadonlySet<string> = new Set(['UNAVAILABLE', 'DEADLINE', 'BUS_OVERLOADED', 'CANCELLED']);
const retryMs = 100;

interface Wanted {
  readonly wish: InOf<ForwarderCalls, 'service.socket'>;
  readonly serve: (descriptor: number) => Promise<ServerSocket>;
  /** What there is of it, and in which namespace. */
  socket?: ServerSocket;
  namespace?: string;
  closed: boolean;
}

export interface NamespacePortOptions {
  readonly forwarder: Caller<ForwarderCalls>;
  readonly view: Pick<Forwarder, 'onPorts'>;
  /** Where tickets are shown. */
  readonly path: string;
  readonly log: Logger;
}

export class NamespacePort implements ServicePort {
  readonly #options: NamespacePortOptions;
  readonly #servers: Servers;
  readonly #wanted = new Map<string, Wanted>();
  /** Number of the service port; 0: not told yet. */
  #port = 0;
  #looking = Promise.resolve();

  constructor(options: NamespacePortOptions) {
    this.#options = options;
    this.#servers = new Servers(new Callers(options.view), options.log);
    options.view.onPorts((ports) => this.#hear(ports));
  }

  listenTcp(l4Port: number, onConnection: Parameters<ServicePort['listenTcp']>[1]): Promise<ServiceListener> {
    const serve = (descriptor: number): Promise<ServerSocket> => this.#servers.tcp(descriptor, onConnection);
    return this.#want(`TCP port ${l4Port}`, { wish: { protocol: 'tcp', l4Port }, serve, closed: false });
  }

  async bindUdp(address: string, l4Port: number, onDatagram: Parameters<ServicePort['bindUdp']>[2]): Promise<ServiceListener> {
    if (parseIp(address) === undefined)
      throw fail('INVALID', `'${address}' is no address to bind to`, 'give an IPv4 or IPv6 address without a zone');
    const at = canonicalIp(address);
    const serve = (descriptor: number): Promise<ServerSocket> => this.#servers.udp(descriptor, at, onDatagram);
    return this.#want(`UDP port ${l4Port} of ${at}`, { wish: { protocol: 'udp', l4Port, address: at }, serve, closed: false });
  }

  async #want(what: string, wanted: Wanted): Promise<ServiceListener> {
    if (this.#wanted.has(what)) throw fail('CONFLICT', `${what} is taken already`, 'close the other one first');
    this.#wanted.set(what, wanted);
    const close = async (): Promise<void> => {
      wanted.closed = true;
      wanted.socket?.close();
      delete wanted.socket;
      if (this.#wanted.get(what) === wanted) this.#wanted.delete(what);
    };
    try {
      await this.#open(wanted);
    } catch (thrown) {
      await close();
      throw thrown;
    }
    return { close };
  }

  /** Goes on until it is open or closed; rejects with what does not pass. */
  async #open(wanted: Wanted): Promise<void> {
    const { forwarder, path, log } = this.#options;
    for (let complaint = ''; !wanted.closed; await sleep(retryMs)) {
      try {
        await forwarder.whenConnected();
        const { ticket, port, namespace } = await forwarder.call('service.socket', wanted.wish);
        this.#port = port;
        return await this.#begin(wanted, namespace, await takeDescriptor(path, ticket));
      } catch (thrown) {
        const error = toWeftError(thrown);
        if (!passingCodes.has(error.code)) throw thrown;
        if (error.message !== complaint) log.debug({ error }, 'no socket from the service port yet; trying again');
        complaint = error.message;
      }
    }
  }

  async #begin(wanted: Wanted, namespace: string, descriptor: number): Promise<void> {
    if (wanted.closed) {
      closeSync(descriptor);
      return;
    }
    const former = wanted.socket;
    const socket = await wanted.serve(descriptor);
    former?.close();
    if (wanted.closed) socket.close();
    else Object.assign(wanted, { socket, namespace });
  }

  /** The forwarder is another one, or its service port was made anew: perhaps with another namespace. */
  #hear(ports: readonly PortState[]): void {
    const own = ports.find(({ id }) => id === this.#port);
    if (own?.state === 'up') this.#looking = this.#looking.then(() => this.#look());
  }

  async #look(): Promise<void> {
    const { forwarder, log } = this.#options;
    try {
      const { namespace } = await forwarder.call('service.namespace', {});
      const lost = [...this.#wanted.values()].filter((wanted) => wanted.socket !== undefined && wanted.namespace !== namespace);
      for (const wanted of lost) await this.#open(wanted);
      if (lost.length > 0)
        log.info({ sockets: lost.length }, 'the namespace of the service port is another one: its sockets are open again');
    } catch (thrown) {
      // News of the port come again with the next change of its state.
      if (!passingCodes.has(toWeftError(thrown).code)) throw thrown;
    }
  }
}
