/** A Nova metadata API as far as a proxy sees it: checks headers and signature as Nova does, and writes down what reached it. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import https, { type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly raw: readonly string[];
  readonly bytes: number;
}

export type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

export class FakeNova {
  readonly seen: Seen[] = [];
  /** Connections that were made. */
  connections = 0;
  /** Answers what passed the checks; default: the instance id as text. */
  handler: Handler = (request, response) => void response.end(`${request.headers['x-instance-id']}`);
  readonly #secret: string;
  readonly #server: Server;
  readonly #scheme: string;

  constructor(secret: string, tls?: ServerOptions) {
    this.#secret = secret;
    this.#scheme = tls === undefined ? 'http' : 'https';
    const listener: RequestListener = (request, response) => void this.#serve(request, response);
    this.#server = tls === undefined ? http.createServer(listener) : https.createServer(tls, listener);
    this.#server.on('connection', () => {
      this.connections += 1;
    });
  }

  async listen(host = '127.0.0.1', port = 0): Promise<string> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    const address = this.#server.address() as AddressInfo;
    return `${this.#scheme}://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // the proxy broke it off
    }
    const body = Buffer.concat(chunks);
    this.seen.push({ method: request.method ?? '', url: request.url ?? '', raw: request.rawHeaders, bytes: body.length });
    const problem = this.#problem(request);
    if (problem === undefined) this.handler(request, response, body);
    else response.writeHead(problem[0]).end(problem[1]);
  }

  /** As MetadataRequestHandler of Nova decides it. */
  #problem({ headersDistinct }: IncomingMessage): readonly [number, string] | undefined {
    for (const name of ['x-instance-id', 'x-tenant-id', 'x-instance-id-signature'])
      if (headersDistinct[name]?.length !== 1) return [400, `${name} is there ${headersDistinct[name]?.length ?? 0} times`];
    const [id = ''] = headersDistinct['x-instance-id'] ?? [];
    const expected = createHmac('sha256', this.#secret).update(id).digest('hex');
    return headersDistinct['x-instance-id-signature']?.[0] === expected ? undefined : [403, 'Invalid proxy request signature.'];
  }
}
