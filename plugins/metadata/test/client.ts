/** HTTP as VMs speak it, over the connections that a started plugin is given. */
import { once } from 'node:events';
import http, { type IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { TestPlugin } from '@weft/kernel/sdk/testing';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface Wish {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: Buffer;
  /** Service address; default the IPv4 one. */
  readonly address?: string;
}

export function dial(plugin: TestPlugin, port: number, address = '169.254.169.254'): Promise<Socket> {
  return plugin.servicePort.connect(80, { port, generation: 1, address });
}

/** One request on a connection of its own. */
export async function fetchOnce(plugin: TestPlugin, port: number, path: string, wish: Wish = {}): Promise<Reply> {
  const socket = await dial(plugin, port, wish.address);
  try {
    return await fetchOn(socket, path, wish);
  } finally {
    socket.destroy();
  }
}

export async function fetchOn(socket: Socket, path: string, { method = 'GET', headers = {}, body }: Wish = {}): Promise<Reply> {
  const request = http.request({ createConnection: () => socket, method, path, headers: { Host: '169.254.169.254', ...headers } });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const whole = Buffer.concat(chunks);
  return { status: response.statusCode ?? 0, headers: response.headers, body: whole, text: whole.toString() };
}

/** Bytes as they are; resolves with all that comes back until the other side ends, or `until` is in it so many times. */
export async function speak(socket: Socket, bytes: string | Buffer, until?: RegExp, times = 1): Promise<string> {
  let heard = '';
  const ended = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (until !== undefined && heard.split(until).length > times) resolve();
    });
    for (const event of ['end', 'close', 'error'] as const) socket.on(event, () => resolve());
  });
  socket.write(bytes);
  await ended;
  return heard;
}
