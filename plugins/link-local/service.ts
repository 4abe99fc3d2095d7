/** One LinkLocalService at work: leads who asks to an upstream, and knows how it goes. */
import type { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { DatagramAsker } from '@weft/kernel/sdk';
import type { LinkLocalConfig } from './config.ts';
import type { LinkLocalServiceSpec } from './kinds.ts';
import type { Names, Unusable } from './names.ts';
import type { Sessions } from './sessions.ts';
import { relayTcp } from './tcp.ts';
import { UdpRelay } from './udp.ts';
import { type Endpoint, nameOf, type Upstreams } from './upstreams.ts';

/** What became of who asked. */
export type Outcome = 'connected' | 'no-upstream' | 'no-room';

export interface ServiceParts {
  readonly config: LinkLocalConfig;
  readonly names: Names;
  readonly upstreams: Upstreams;
  readonly sessions: Sessions;
  /** Its upstreams failed or answer again. */
  readonly onHealth: () => void;
}

export interface UpstreamState {
  readonly upstream: string;
  readonly state: 'up' | 'down';
  /** Why it is down; empty when it is up. */
  readonly error: string;
}

/** Datagrams that wait for the address of a name. */
const mostWaiting = 256;

export class Service {
  readonly #parts: ServiceParts;
  readonly #udp: UdpRelay;
  readonly #clients = new Set<Socket>();
  #spec: LinkLocalServiceSpec;
  #waiting = 0;
  /** What could not be asked when names were resolved last. */
  #unusable: readonly Unusable[] = [];
  #open = 0;
  #total = 0;

  constructor(spec: LinkLocalServiceSpec, parts: ServiceParts) {
    const { config, upstreams, onHealth } = parts;
    this.#spec = spec;
    this.#parts = parts;
    const udp = { idleMs: config.udpIdleSeconds * 1000, upstreams, onHealth };
    this.#udp = new UdpRelay({ ...udp, begin: (port) => this.#begin(port), end: (port) => this.#end(port) });
  }

  /** Sessions now, and since the plugin started. */
  get sessions(): { readonly open: number; readonly total: number } {
    return { open: this.#open, total: this.#total };
  }

  set spec(spec: LinkLocalServiceSpec) {
    // A VM that always asks from one socket would stay with an upstream of before for ever.
    if (!isDeepStrictEqual(spec.upstreams, this.#spec.upstreams)) this.#udp.close();
    this.#spec = spec;
  }

  /** Resolves when the connection is over. */
  async connection(client: Socket, port: number): Promise<Outcome> {
    if (!this.#begin(port)) {
      reset(client);
      return 'no-room';
    }
    this.#clients.add(client);
    try {
      const { config, upstreams, onHealth } = this.#parts;
      const joined = await relayTcp(client, await this.#endpoints(), upstreams, config, onHealth);
      return joined ? 'connected' : 'no-upstream';
    } finally {
      this.#clients.delete(client);
      this.#end(port);
    }
  }

  async datagram(data: Buffer, asker: DatagramAsker, reply: (data: Buffer) => void): Promise<Outcome> {
    if (this.#udp.goOn(data, asker, reply)) return 'connected';
    if (this.#waiting >= mostWaiting) return 'no-room';
    this.#waiting += 1;
    const endpoints = await this.#endpoints();
    this.#waiting -= 1;
    if (endpoints.length === 0) return 'no-upstream';
    // Another datagram may have begun the session meanwhile.
    return this.#udp.goOn(data, asker, reply) || this.#udp.begin(data, asker, reply, endpoints) ? 'connected' : 'no-room';
  }

  async states(): Promise<readonly UpstreamState[]> {
    const { names, upstreams } = this.#parts;
    const { endpoints, unusable } = await names.resolve(this.#spec.upstreams);
    return [
      ...endpoints.map((endpoint): UpstreamState => {
        const { failures, error } = upstreams.of(endpoint);
        return { upstream: nameOf(endpoint), state: failures > 0 ? 'down' : 'up', error };
      }),
      ...unusable.map(({ upstream, why }): UpstreamState => ({ upstream, state: 'down', error: why })),
    ];
  }

  /** Ends all its sessions. */
  close(): void {
    this.#udp.close();
    for (const client of this.#clients) client.resetAndDestroy();
  }

  async #endpoints(): Promise<readonly Endpoint[]> {
    const { endpoints, unusable } = await this.#parts.names.resolve(this.#spec.upstreams);
    if (!isDeepStrictEqual(unusable, this.#unusable)) this.#parts.onHealth();
    this.#unusable = unusable;
    return endpoints;
  }

  #begin(port: number): boolean {
    if (!this.#parts.sessions.begin(port)) return false;
    this.#open += 1;
    this.#total += 1;
    return true;
  }

  #end(port: number): void {
    this.#parts.sessions.end(port);
    this.#open -= 1;
  }
}

/** Cuts a connection off that nothing was done with. */
export function reset(client: Socket): void {
  client.on('error', () => undefined);
  client.resetAndDestroy();
}
