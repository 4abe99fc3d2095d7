/** A Nova metadata API of a few instances, which answers only requests that prove to come from a proxy with the shared secret. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface NovaInstance {
  readonly id: string;
  /** The project's id, as `X-Tenant-ID` has it. */
  readonly tenant: string;
  /** Body by path below `/openstack/VERSION/`. */
  readonly documents: Readonly<Record<string, string>>;
}

/** What reached it, believed or not. */
export interface NovaRequest {
  readonly path: string;
  readonly status: number;
  /** Each header as often as it came, names in lower case. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

const versions = '2012-08-10\n2015-10-15\n2018-08-27\nlatest';

export class Nova {
  readonly requests: NovaRequest[] = [];
  readonly #secret: string;
  readonly #instances: () => readonly NovaInstance[];
  readonly #server: Server;

  constructor(secret: string, instances: () => readonly NovaInstance[]) {
    this.#secret = secret;
    this.#instances = instances;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** Listens on the host's loopback; the URL to give to a Metadata object. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const instance = this.#believed(request);
    const body = instance === undefined ? undefined : this.#body(instance, request.url ?? '/');
    response.statusCode = instance === undefined ? 403 : body === undefined ? 404 : 200;
    const headers = Object.fromEntries(Object.entries(request.headersDistinct).map(([name, values]) => [name, values ?? []]));
    this.requests.push({ path: request.url ?? '/', status: response.statusCode, headers });
    response.end(body);
  }

  /** As Nova does: the signature is over the instance id, and the tenant must be the instance's. */
  #believed({ headersDistinct }: IncomingMessage): NovaInstance | undefined {
    const [id, signature, tenant] = ['x-instance-id', 'x-instance-id-signature', 'x-tenant-id'].map((name) => headersDistinct[name]?.[0]);
    if (id === undefined || signature === undefined) return undefined;
    const wanted = Buffer.from(createHmac('sha256', this.#secret).update(id).digest('hex'));
    const given = Buffer.from(signature);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
    return this.#instances().find((instance) => instance.id === id && instance.tenant === tenant);
  }

  #body({ documents }: NovaInstance, path: string): string | undefined {
    if (/^\/openstack\/?$/.test(path)) return versions;
    return documents[/^\/openstack\/[^/]+\/(.+)$/.exec(path)?.[1] ?? ''];
  }
}
