/** A plugin's service port in tests: its sockets are real ones on the loopback, and a test says who speaks. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { canonicalIp } from '../../contract/net/index.ts';
import { fail } from '../../contract/system/index.ts';
import type { Asker, ServiceListener, ServicePort } from '../plugin.ts';

type OnConnection = Parameters<ServicePort['listenTcp']>[1];
type OnDatagram = Parameters<ServicePort['bindUdp']>[2];

export class FakeServicePort implements ServicePort {
  readonly #tcp = new Map<number, OnConnection>();
  readonly #udp = new Map<string, OnDatagram>();
  readonly #sockets = new Set<Socket>();

  async listenTcp(l4Port: number, onConnection: OnConnection): Promise<ServiceListener> {
    return listener(this.#tcp, l4Port, onConnection, `TCP port ${l4Port}`);
  }

  async bindUdp(address: string, l4Port: number, onDatagram: OnDatagram): Promise<ServiceListener> {
    return listener(this.#udp, `${canonicalIp(address)} ${l4Port}`, onDatagram, `UDP port ${l4Port} of ${address}`);
  }

  /** A connection of a VM; throws ECONNREFUSED where nobody listens. Returns the VM's end. */
  async connect(l4Port: number, asker: Asker): Promise<Socket> {
    const onConnection = this.#tcp.get(l4Port);
    if (onConnection === undefined) throw Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const client = connect((server.address() as { port: number }).port, '127.0.0.1');
    const [socket] = (await accepted) as [Socket];
    server.close();
    for (const end of [client, socket]) {
      this.#sockets.add(end);
      end.once('close', () => this.#sockets.delete(end));
    }
    onConnection(socket, asker);
    return client;
  }

  /** A datagram of a VM; resolves with the first answer. Throws ECONNREFUSED where nobody is bound. */
  datagram(l4Port: number, asker: Asker, data: Buffer, peer = 'vm'): Promise<Buffer> {
    const onDatagram = this.#udp.get(`${canonicalIp(asker.address)} ${l4Port}`);
    if (onDatagram === undefined) return Promise.reject(Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' }));
    return new Promise((resolve) => onDatagram(Buffer.from(data), { ...asker, peer }, (answer) => resolve(Buffer.from(answer))));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function listener<Key, Handler>(handlers: Map<Key, Handler>, key: Key, handler: Handler, what: string): ServiceListener {
  if (handlers.has(key)) throw fail('CONFLICT', `${what} is taken already`);
  handlers.set(key, handler);
  return {
    close: async () => {
      handlers.delete(key);
    },
  };
}
