/** The sockets that the catalogue asks for: opened as services come, closed as they go. */
import type { PluginContext, ServiceListener } from '@weft/kernel/sdk';
import type { Broker } from './broker.ts';
import type { Entry } from './catalogue.ts';

type Host = Pick<PluginContext<unknown>, 'servicePort' | 'log'>;

export class Listeners {
  readonly #host: Host;
  readonly #broker: Pick<Broker, 'connection' | 'datagram'>;
  readonly #open = new Map<string, ServiceListener>();

  constructor(host: Host, broker: Pick<Broker, 'connection' | 'datagram'>) {
    this.#host = host;
    this.#broker = broker;
  }

  /** One call at a time. A TCP listener takes every address, a UDP socket has one. */
  async set(entries: Iterable<Entry>): Promise<void> {
    const wanted = new Map<string, () => Promise<ServiceListener>>();
    for (const { service, address } of entries) {
      const { protocol, port } = service.spec;
      if (protocol === 'tcp') wanted.set(`tcp ${port}`, () => this.#tcp(port));
      else wanted.set(`udp ${port} ${address}`, () => this.#udp(address, port));
    }
    for (const [name, listener] of this.#open) {
      if (wanted.has(name)) continue;
      this.#open.delete(name);
      await listener.close();
    }
    for (const [name, open] of wanted) if (!this.#open.has(name)) this.#open.set(name, await open());
  }

  #tcp(port: number): Promise<ServiceListener> {
    return this.#host.servicePort.listenTcp(port, (socket, asker) => void this.#broker.connection(socket, asker, port));
  }

  #udp(address: string, port: number): Promise<ServiceListener> {
    const take: Parameters<PluginContext<unknown>['servicePort']['bindUdp']>[2] = (data, asker, reply) =>
      void this.#broker.datagram(data, asker, reply, port);
    return this.#host.servicePort.bindUdp(address, port, take);
  }
}
