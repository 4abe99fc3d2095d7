/** One Nova as the proxy reaches it: a bounded set of kept connections. */
import http from 'node:http';
import https from 'node:https';
import type { DeniedPrefixes } from '@weft/kernel/sdk';
import { Addresses } from './addresses.ts';
import { bareHost, type Nova } from './nova.ts';

const keptIdle = 16;
/** A kept connection that nobody uses ends then: there may be as many Novas as networks. */
const idleMs = 15_000;

export class Upstream {
  readonly nova: Nova;
  /** Scheme, host and port: how it is called in messages. */
  readonly origin: string;
  readonly #agent: http.Agent;

  constructor(nova: Nova, sockets: number, denied: DeniedPrefixes) {
    const { ca, certificate, key } = nova;
    this.nova = nova;
    this.origin = nova.url.origin;
    const { lookup } = new Addresses(denied);
    const options = { keepAlive: true, maxSockets: sockets, maxFreeSockets: keptIdle, timeout: idleMs, lookup };
    const tls = { ...(ca === undefined ? {} : { ca }), ...(certificate === undefined ? {} : { cert: certificate, key }) };
    this.#agent = nova.url.protocol === 'https:' ? new https.Agent({ ...options, ...tls }) : new http.Agent(options);
  }

  /** @param path origin form, as the VM asked; it goes behind the path of nova.url */
  request(method: string, path: string, headers: readonly string[]): http.ClientRequest {
    const { protocol, port, pathname } = this.nova.url;
    const hostname = bareHost(this.nova.url);
    const common = { protocol, hostname, port, method, path: `${pathname.replace(/\/$/, '')}${path}`, headers, agent: this.#agent };
    return protocol === 'https:' ? https.request(common) : http.request(common);
  }

  /** Requests under way go on; nothing is kept behind them. */
  retire(): void {
    Object.assign(this.#agent, { maxFreeSockets: 0 });
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }
}
