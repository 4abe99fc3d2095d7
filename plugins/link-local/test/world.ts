/** Networks and ports of two tenants with the same addresses, services, and servers to lead to. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Port, VirtualNetwork } from '@weft/kernel/contract/net';
import { makeObject } from '@weft/kernel/sdk/testing';
import type { ExecutionContext } from 'ava';
import type { LinkLocalService, LinkLocalServiceSpec } from '../kinds.ts';

export function network(project: string, id: number, cidr = '10.1.0.0/24'): VirtualNetwork {
  const spec = { subnets: [{ cidr, dhcp: true }], forwarding: 'l2_l3' as const };
  return makeObject<VirtualNetwork>('VirtualNetwork', 'red', spec, { project, status: { id, vni: 5000 + id, mtu: 1450, gateways: [] } });
}

export function port(project: string, id: number): Port {
  const spec = { network: 'red', portSecurity: true, binding: { type: 'none' } as const };
  const status = { id, mac: '02:00:00:00:00:01', addresses: ['10.1.0.11'], reason: '', since: '' };
  return makeObject<Port>('Port', `vm${id}`, spec, { project, status });
}

/** Two tenants: networks 1 and 2, ports 11 and 12. */
export const tenants = [network('a', 1), network('b', 2), port('a', 11), port('b', 12)];

export function service(project: string, name: string, spec: Partial<LinkLocalServiceSpec>, shared = false): LinkLocalService {
  const whole = { address: '169.254.169.123', port: 8080, protocol: 'tcp' as const, upstreams: [], ...spec };
  const object = makeObject<LinkLocalService>('LinkLocalService', name, whole, { project, status: {} });
  return shared ? { ...object, metadata: { ...object.metadata, shared } } : object;
}

/** A TCP server that says its name, then echoes. */
export async function tcpServer(t: ExecutionContext, name: string) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.write(`${name} `);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port: number } = server.address() as AddressInfo;
  return { server, upstream: { address: '127.0.0.1', port: number } };
}

/** A UDP server that answers `NAME: what was asked`; nothing while `silent`. */
export async function udpServer(t: ExecutionContext, name: string) {
  const socket = createSocket('udp4');
  const state = { silent: false };
  socket.on('message', (data, from) => {
    if (!state.silent) socket.send(`${name}: ${data}`, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  return { state, upstream: { address: '127.0.0.1', port: socket.address().port } };
}
