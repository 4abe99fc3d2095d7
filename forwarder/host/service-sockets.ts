/**
 * Hands sockets of service ports to their plugins. A plugin asks over its own channel and is answered with a ticket; the descriptor goes to whoever
 * shows the ticket at the plugin's `service.sock`, once. Anybody else who reaches that socket gets nothing.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { type ForwarderCalls, protocols, servicePortId } from '@weft/kernel/contract/net';
import { fail, type InOf, type OutOf } from '@weft/kernel/contract/system';
import type { Forwarder } from '../binding/index.ts';
import { refusal } from './refusals.ts';

type Wish = InOf<ForwarderCalls, 'service.socket'>;

const ticketBytes = 32;
const ticketMs = 5_000;
/** Of one plugin that wait for their descriptor to be taken. */
const mostTickets = 16;
/** Connections of one plugin's socket; who shows its ticket at once is served before it is the oldest. */
const mostConnections = 16;
const connectionMs = 1_000;

interface Ticket {
  readonly descriptor: number;
  readonly timer: NodeJS.Timeout;
  /** A plugin that died before it took this one asks for the same again. */
  readonly what: string;
}

interface Plugin {
  readonly owner: number;
  readonly server: Server;
  readonly tickets: Map<string, Ticket>;
  /** Oldest first. */
  readonly connections: Set<Socket>;
}

export interface ServiceSocketsOptions {
  readonly forwarder: Pick<Forwarder, 'serviceSocket' | 'serviceNamespace' | 'serviceHand'>;
  /** Somebody showed no ticket, or a wrong one. */
  readonly onStranger: (plugin: string) => void;
}

export class ServiceSockets {
  readonly #options: ServiceSocketsOptions;
  readonly #plugins = new Map<string, Plugin>();

  constructor(options: ServiceSocketsOptions) {
    this.#options = options;
  }

  /** From now on the plugin may ask, and its socket is at `path`. Fine when it is there already. */
  async open(name: string, owner: number, path: string): Promise<void> {
    if (this.#plugins.has(name)) return;
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    const plugin: Plugin = { owner, server: createServer(), tickets: new Map(), connections: new Set() };
    plugin.server.on('connection', (socket) => this.#accept(name, plugin, socket));
    await new Promise<void>((resolve, reject) => plugin.server.once('error', reject).listen(path, resolve));
    // Plugins have uids of their own; the tickets guard the socket.
    chmodSync(path, 0o666);
    this.#plugins.set(name, plugin);
  }

  close(name: string): void {
    const plugin = this.#plugins.get(name);
    if (plugin === undefined) return;
    this.#plugins.delete(name);
    plugin.server.close();
    for (const socket of plugin.connections) socket.destroy();
    for (const ticket of [...plugin.tickets.keys()]) discard(plugin, ticket);
  }

  closeAll(): void {
    for (const name of [...this.#plugins.keys()]) this.close(name);
  }

  /** Throws FORBIDDEN, INVALID, CONFLICT (the address is taken), UNAVAILABLE (the service port is not there yet, or too many tickets). */
  ask(name: string, wish: Wish): OutOf<ForwarderCalls, 'service.socket'> {
    const plugin = this.#plugin(name);
    const { protocol, l4Port, address = '' } = wish;
    if (protocol !== 'tcp' && protocol !== 'udp') throw fail('INVALID', `protocol ${String(protocol)} is neither tcp nor udp`);
    const what = `${protocol} ${l4Port} ${address}`;
    for (const [ticket, open] of plugin.tickets) if (open.what === what) discard(plugin, ticket);
    if (plugin.tickets.size >= mostTickets) throw fail('UNAVAILABLE', `${mostTickets} sockets wait to be taken`, 'take them first');
    const descriptor = this.#socket(plugin.owner, protocols[protocol], l4Port, address);
    const ticket = randomBytes(ticketBytes).toString('hex');
    plugin.tickets.set(ticket, { descriptor, what, timer: setTimeout(() => discard(plugin, ticket), ticketMs) });
    return { ticket, ...this.namespace(name) };
  }

  /** Throws FORBIDDEN, UNAVAILABLE. */
  namespace(name: string): OutOf<ForwarderCalls, 'service.namespace'> {
    const { owner } = this.#plugin(name);
    const namespace = this.#options.forwarder.serviceNamespace(owner);
    if (namespace === 0n) throw fail('UNAVAILABLE', 'the service port is not there yet', 'try again in a moment');
    return { port: servicePortId(owner), namespace: String(namespace) };
  }

  #plugin(name: string): Plugin {
    const plugin = this.#plugins.get(name);
    if (plugin === undefined) throw fail('FORBIDDEN', `${name} has no service port`, 'add servicePort: true to its grants');
    return plugin;
  }

  #socket(owner: number, protocol: number, l4Port: number, address: string): number {
    try {
      return this.#options.forwarder.serviceSocket(owner, protocol, l4Port, address);
    } catch (thrown) {
      throw refusal(thrown);
    }
  }

  #accept(name: string, plugin: Plugin, socket: Socket): void {
    let shown = '';
    plugin.connections.add(socket);
    const [oldest] = plugin.connections;
    if (plugin.connections.size > mostConnections) oldest?.destroy();
    socket.setEncoding('latin1');
    socket.setTimeout(connectionMs, () => socket.destroy());
    // Whoever goes early has nothing to lose here.
    socket.on('error', () => undefined);
    socket.once('close', () => plugin.connections.delete(socket));
    socket.on('data', (text: string) => {
      shown += text;
      if (shown.length < 2 * ticketBytes) return;
      socket.removeAllListeners('data');
      if (!this.#hand(plugin, shown, socket)) this.#options.onStranger(name);
      socket.end();
    });
  }

  #hand(plugin: Plugin, shown: string, socket: Socket): boolean {
    const ticket = plugin.tickets.get(shown);
    const connection = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
    if (ticket === undefined || connection === undefined || connection < 0) return false;
    try {
      this.#options.forwarder.serviceHand(connection, ticket.descriptor);
      return true;
    } catch {
      // It has gone, and asks again.
      return true;
    } finally {
      discard(plugin, shown);
    }
  }
}

/** The socket is closed here; who took it has it still. */
function discard({ tickets }: Plugin, name: string): void {
  const ticket = tickets.get(name);
  if (ticket === undefined) return;
  tickets.delete(name);
  clearTimeout(ticket.timer);
  closeSync(ticket.descriptor);
}
