/** One TCP connection of a VM, joined to one of an upstream. */
import { connect, type Socket } from 'node:net';
import { type Endpoint, nameOf, type Upstreams } from './upstreams.ts';

export interface TcpSettings {
  readonly connectTimeoutMs: number;
  readonly tcpIdleSeconds: number;
}

const keepAliveMs = 60_000;

/**
 * Joins `client`, which is paused, to the first of `endpoints` that takes a connection, and resets it when none does. Resolves when both ends are closed,
 * with whether there was an upstream. What one side ends, the other is told; nothing is kept but what the sockets hold.
 */
export async function relayTcp(
  client: Socket,
  endpoints: readonly Endpoint[],
  upstreams: Upstreams,
  settings: TcpSettings,
  onHealth: () => void,
): Promise<boolean> {
  // One that is gone again before an upstream was found.
  client.on('error', () => client.destroy());
  const upstream = await connectToAny(client, endpoints, upstreams, settings.connectTimeoutMs, onHealth);
  if (upstream === undefined) {
    client.resetAndDestroy();
    return false;
  }
  upstream.on('error', () => client.resetAndDestroy());
  client.on('error', () => upstream.resetAndDestroy());
  client.on('close', () => upstream.destroySoon());
  upstream.on('close', () => client.destroySoon());
  for (const socket of [client, upstream]) socket.setNoDelay().setTimeout(settings.tcpIdleSeconds * 1000, () => socket.destroy());
  // A VM that is gone says nothing, and would keep its place until the connection is idle for too long.
  client.setKeepAlive(true, keepAliveMs);
  client.pipe(upstream);
  upstream.pipe(client);
  await Promise.all([closed(client), closed(upstream)]);
  return true;
}

async function connectToAny(
  client: Socket,
  endpoints: readonly Endpoint[],
  upstreams: Upstreams,
  timeoutMs: number,
  onHealth: () => void,
): Promise<Socket | undefined> {
  for (const endpoint of upstreams.order(endpoints)) {
    if (client.destroyed) return undefined;
    try {
      const socket = await connectTo(endpoint, timeoutMs);
      if (upstreams.answered(endpoint)) onHealth();
      if (!client.destroyed) return socket;
      socket.destroy();
    } catch (thrown) {
      upstreams.failed(endpoint, `${nameOf(endpoint)}: ${(thrown as Error).message}`);
      onHealth();
    }
  }
  return undefined;
}

/** Rejects when it is refused, unreachable, or takes longer than `timeoutMs`. */
function connectTo({ address, port }: Endpoint, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, allowHalfOpen: true });
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

function closed(socket: Socket): Promise<void> {
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()));
}
