/** An API of a few objects behind a unix socket, and a run of the command against it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Io } from '../io.ts';
import { run } from '../run.ts';

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly type: string;
  readonly body: string;
}

/** Answers one request: a JSON body, or whatever it writes itself when it returns nothing. */
export type Route = (request: Request, response: ServerResponse) => unknown;

export class FakeApi {
  readonly folder = mkdtempSync(join(tmpdir(), 'weft-cli-'));
  readonly requests: Request[] = [];
  readonly #routes: Readonly<Record<string, Route>>;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  /** Routes by `METHOD /path`, without the query. */
  constructor(routes: Readonly<Record<string, Route>>) {
    this.#routes = { 'GET /v1/kinds': () => kinds, 'GET /v1/operations': () => operations, ...routes };
  }

  get address(): string {
    return `unix:${join(this.folder, 'api.sock')}`;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(join(this.folder, 'api.sock'), resolve));
    return this;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.folder, { recursive: true });
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = incoming.url ?? '';
    const method = incoming.method ?? '';
    const request = { method, path, type: incoming.headers['content-type'] ?? '', body: await text(incoming) };
    this.requests.push(request);
    const route = this.#routes[`${method} ${path.split('?')[0]}`];
    if (route === undefined)
      return problem(response, 404, { code: 'NOT_FOUND', detail: `${path} does not exist`, fix: 'name one that does' });
    const body = route(request, response);
    if (body !== undefined) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }
}

export function problem(response: ServerResponse, status: number, document: object): undefined {
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ status, ...document }));
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What the command handed over to, when it did. */
  readonly exec: readonly string[];
}

class HandedOver extends Error {}

/** One run of the command; `stop` interrupts it as soon as its output holds that text. */
export async function weft(
  api: string,
  args: readonly string[],
  options: { stdin?: string; terminal?: boolean; stop?: string; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const controller = new AbortController();
  let out = '';
  let err = '';
  let exec: readonly string[] = [];
  const io: Io = {
    env: { WEFT_API: api, ...options.env },
    stdin: Object.assign(Readable.from([Buffer.from(options.stdin ?? '')]), { isTTY: options.terminal === true }),
    terminal: options.terminal === true,
    signal: controller.signal,
    out: (said) => {
      out += said;
      if (options.stop !== undefined && out.includes(options.stop)) controller.abort();
    },
    err: (said) => {
      err += said;
    },
    run: (program, programArgs) => spawnSync(program, programArgs).status ?? 1,
    exec: (program, programArgs) => {
      exec = [program, ...programArgs];
      throw new HandedOver();
    },
  };
  const code = await run(args, io);
  return { code, out, err: exec.length > 0 ? '' : err, exec };
}

export function port(name: string, phase: string, project = 'default', revision = 7): object {
  const metadata = { name, project, uid: `uid-${name}`, revision, generation: 1, createdAt: '2026-01-02T03:04:05Z', labels: {} };
  const spec = { network: 'red', addresses: ['10.1.0.11', '10.1.0.12'] };
  return { apiVersion: 'weft/v1', kind: 'Port', metadata, spec, status: { phase, reason: phase === 'Active' ? '' : 'no link' } };
}

const kinds = [
  {
    kind: 'Port',
    plugin: 'network',
    plural: 'ports',
    aliases: ['p'],
    scope: 'project',
    summary: 'An interface of a VM.',
    schemaVersion: 1,
    spec: {
      type: 'object',
      required: ['network', 'binding'],
      properties: {
        network: { type: 'string', description: 'Its network.' },
        mtu: { type: 'integer', minimum: 68, maximum: 9000, default: 1500, description: 'MTU, bytes.' },
        rules: { type: 'array', maxItems: 8, items: { type: 'object', properties: { direction: { enum: ['ingress', 'egress'] } } } },
        binding: {
          description: 'Where packets come from.',
          anyOf: [
            { type: 'object', properties: { type: { const: 'none' } } },
            { type: 'object', required: ['vlan'], properties: { type: { const: 'vlan' }, vlan: { type: 'integer', description: 'Tag.' } } },
          ],
        },
      },
    },
    status: { type: 'object', properties: { phase: { enum: ['Active', 'Pending'], description: 'How it is.' } } },
    references: [],
    columns: [
      { title: 'Addresses', pointer: '/spec/addresses' },
      { title: 'Phase', pointer: '/status/phase' },
      { title: 'Reason', pointer: '/status/reason', wide: true },
    ],
  },
  {
    kind: 'Project',
    plugin: 'kernel',
    plural: 'projects',
    scope: 'system',
    summary: 'A tenant.',
    schemaVersion: 1,
    spec: { type: 'object', properties: {} },
    status: { type: 'object', properties: { uuid: { type: 'string' } } },
    references: [],
    columns: [],
  },
];

const operations = [
  {
    plugin: 'network',
    name: 'drops.list',
    summary: 'Dropped packets',
    stream: false,
    input: { type: 'object', properties: { port: { type: 'string' }, maxItems: { type: 'integer' }, all: { type: 'boolean' } } },
    output: {},
    cli: {
      verb: 'drops',
      columns: [
        { title: 'Port', pointer: '/port' },
        { title: 'Packets', pointer: '/packets' },
      ],
    },
  },
  {
    plugin: 'network',
    name: 'events',
    summary: 'What happens',
    stream: true,
    input: { type: 'object', properties: {} },
    output: {},
    cli: { verb: 'events', columns: [{ title: 'What', pointer: '/what' }] },
  },
  {
    plugin: 'network',
    name: 'record',
    summary: 'What is said',
    stream: true,
    input: { type: 'object', required: ['room'], properties: { room: { type: 'string' }, count: { type: 'integer' } } },
    output: {},
    cli: { verb: 'record', argument: 'room', columns: [{ title: 'What', pointer: '/what' }] },
    file: { mediaType: 'audio/x-voice' },
  },
  {
    plugin: 'network',
    name: 'busy',
    summary: 'Who is busy',
    stream: true,
    input: { type: 'object', properties: {} },
    output: {},
    cli: { verb: 'busy', refresh: true, columns: [{ title: 'Who', pointer: '/who' }] },
  },
  {
    plugin: 'network',
    name: 'guests',
    summary: 'Who is there',
    stream: true,
    input: { type: 'object', properties: { follow: { type: 'boolean' } } },
    output: {},
    cli: { verb: 'guests', parts: { endless: 'follow' }, columns: [{ title: 'Who', pointer: '/who' }] },
  },
  { plugin: 'network', name: 'hidden', summary: 'No verb', stream: false, input: {}, output: {} },
];
