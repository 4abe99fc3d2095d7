/** The appliance with the hostile plugin beside the shipped ones, and what the tests ask of it. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { Appliance, top } from '../run/appliance.ts';

export interface Outcome {
  readonly name: string;
  readonly refused: boolean;
  readonly text: string;
}

const folders = [join(top, 'plugins'), join(top, 'appliance/test/plugins-hostile')];

export function hostileAppliance(settings: object = {}): Appliance {
  return new Appliance({ settings: JSON.stringify({ pluginDirs: folders, ...settings }) });
}

/** A request to the API; `body` is parsed when it is JSON. */
export function ask(appliance: Appliance, method: string, path: string, input?: object): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const headers = input === undefined ? {} : { 'content-type': 'application/json' };
    const asked = request({ socketPath: appliance.api.replace('unix:', ''), method, path, headers }, (response) => {
      let text = '';
      response.on('data', (part) => (text += part));
      response.once('end', () => {
        const isJson = (response.headers['content-type'] ?? '').includes('json');
        resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
      });
    });
    asked.once('error', reject);
    asked.end(input === undefined ? undefined : JSON.stringify(input));
  });
}

/** One plugin's operation by the API; throws what it answers when that is not 200. */
export async function operation<T>(appliance: Appliance, name: string, input: object): Promise<T> {
  const { status, body } = await ask(appliance, 'POST', `/v1/default/operations/${name}`, input);
  if (status !== 200) throw new Error(`${name}: ${status} ${JSON.stringify(body)}`);
  return body as T;
}

/** Somebody on the host, outside of Weft, whom no plugin shall reach. */
export async function strangers(name: string): Promise<{ abstractSocket: string; tcpPort: number; close(): void }> {
  const listen = (options: object): Promise<Server> =>
    new Promise((resolve, reject) => {
      const server = createServer((socket) => socket.end());
      server.once('error', reject);
      server.listen(options, () => resolve(server));
    });
  const abstractSocket = `\0${name}`;
  const servers = [await listen({ path: abstractSocket }), await listen({ port: 0, host: '127.0.0.1' })];
  const address = servers[1]?.address();
  const tcpPort = typeof address === 'object' && address !== null ? address.port : 0;
  return { abstractSocket, tcpPort, close: () => servers.forEach((server) => void server.close()) };
}

/** Counts of refusals of a plugin by act, those of kernel and forwarder together. */
export async function refusals(appliance: Appliance, plugin: string): Promise<Map<string, number>> {
  const { body } = await ask(appliance, 'GET', '/metrics');
  const counts = new Map<string, number>();
  for (const [, labels = '', value] of String(body).matchAll(/^weft_bus_refusals_total\{([^}]*)\} (\d+)$/gm)) {
    const label = (name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    if (label('peer') === plugin) counts.set(label('act'), (counts.get(label('act')) ?? 0) + Number(value));
  }
  return counts;
}

/** Lines that a process logged about refusals of a plugin, by act. */
export function loggedRefusals(appliance: Appliance, process: string, plugin: string): Map<string, number> {
  const lines = readFileSync(join(appliance.stateDir, 'log', `${process}.log`), 'utf8').split('\n');
  const acts = lines.flatMap((line) => {
    if (!line.includes('"refused"')) return [];
    const entry = JSON.parse(line) as { plugin?: string; act?: string; msg?: string };
    return entry.msg === 'refused' && entry.plugin === plugin && entry.act !== undefined ? [entry.act] : [];
  });
  return new Map([...Map.groupBy(acts, (act) => act)].map(([act, all]) => [act, all.length]));
}
