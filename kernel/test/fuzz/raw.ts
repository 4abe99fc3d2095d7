/** Requests as bytes on a unix socket, with what no client library would send. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { errorCodes } from '../../contract/system/index.ts';
import { listenOnSocket } from '../../src/api/server.ts';
import { below, choose, type Random } from '../robustness/generator.ts';
import type { Sent } from './mutations.ts';

export interface RawOutcome {
  readonly sent: Sent;
  /** Of the first answer; 0: the connection was closed without one. */
  readonly status: number;
  readonly problem: string | null;
}

/** An answer that does not end is none that should. */
const patienceMs = 250;
const statuses: readonly number[] = [100, 200, 201, ...Object.values(errorCodes)];

export class RawClient {
  readonly #path: string;
  readonly #folder: string;
  readonly #random: Random;

  private constructor(folder: string, random: Random) {
    this.#folder = folder;
    this.#path = join(folder, 'api.sock');
    this.#random = random;
  }

  static async open(app: FastifyInstance, random: Random): Promise<RawClient> {
    const client = new RawClient(mkdtempSync(join(tmpdir(), 'weft-fuzz-')), random);
    await listenOnSocket(app, client.#path);
    return client;
  }

  async close(): Promise<void> {
    rmSync(this.#folder, { recursive: true });
  }

  async send(sent: Sent): Promise<RawOutcome> {
    const said = (await this.#exchange(asBytes(sent, this.#random))).toString('latin1');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(said)?.[1] ?? 0);
    const outcome = (problem: string | null): RawOutcome => ({ sent, status, problem });
    if (said !== '' && status === 0) return outcome(`no HTTP answer: ${said.slice(0, 200)}`);
    if (status !== 0 && (!statuses.includes(status) || status === 500)) return outcome(`raw: status ${status}: ${said.slice(0, 300)}`);
    const isProblem = status >= 400 && sent.method !== 'HEAD';
    if (isProblem && !/^content-type: application\/problem\+json/im.test(said))
      return outcome(`raw: no problem document: ${said.slice(0, 300)}`);
    return outcome(null);
  }

  #exchange(bytes: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      const socket = createConnection(this.#path);
      const end = (): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(Buffer.concat(chunks));
      };
      const timer = setTimeout(end, patienceMs);
      socket.on('data', (chunk) => chunks.push(chunk));
      // the other end may hang up on what it reads, which is its right
      socket.on('error', end);
      socket.on('close', end);
      socket.write(bytes);
      socket.end();
    });
  }
}

/** Headers and framing, mostly right. */
function asBytes({ method, url, headers, body = Buffer.alloc(0) }: Sent, random: Random): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const framing = choose(random, framings)(body, random);
  const begin = random() < 0.9 ? `${method} ${url} HTTP/1.1` : choose(random, oddStarts)(method, url);
  const head = [begin, 'host: weft', ...lines, ...framing.lines].join(random() < 0.95 ? '\r\n' : '\n');
  const whole = Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), framing.body]);
  if (random() > 0.1) return whole;
  const at = below(random, whole.length);
  return Buffer.concat([whole.subarray(0, at), Buffer.from([below(random, 256)]), whole.subarray(at + 1)]);
}

const oddStarts: readonly ((method: string, url: string) => string)[] = [
  (method, url) => `${method} ${url} HTTP/1.0`,
  (method, url) => `${method} ${url} HTTP/9.9`,
  (method, url) => `${method}  ${url}  HTTP/1.1`,
  (_method, url) => `BREW ${url} HTTP/1.1`,
  (method) => `${method} http://elsewhere/v1/status HTTP/1.1`,
  (method) => `${method} * HTTP/1.1`,
  (method, url) => `${method} ${url}${'y'.repeat(20_000)} HTTP/1.1`,
  (_method, url) => url,
  () => '',
];

type Framing = (body: Buffer, random: Random) => { readonly lines: readonly string[]; readonly body: Buffer };

const framings: readonly Framing[] = [
  (body) => ({ lines: [`content-length: ${body.length}`], body }),
  (body) => ({ lines: ['transfer-encoding: chunked'], body: chunked(body) }),
  (body, random) => ({ lines: ['transfer-encoding: chunked'], body: chunked(body).subarray(0, below(random, body.length + 8)) }),
  (body) => ({ lines: ['transfer-encoding: chunked'], body: Buffer.concat([Buffer.from('FFFFFFFFFFFFFFFFF\r\n'), body]) }),
  (body) => ({ lines: ['transfer-encoding: chunked'], body: Buffer.concat([Buffer.from('-1;x="y"\r\n'), body]) }),
  (body) => ({ lines: [`content-length: ${body.length}`, 'transfer-encoding: chunked'], body: chunked(body) }),
  (body) => ({ lines: [`content-length: ${body.length + 5}`], body }),
  (body) => ({ lines: [`content-length: ${Math.max(0, body.length - 5)}`], body }),
  (body) => ({ lines: ['content-length: -1'], body }),
  (body) => ({ lines: ['content-length: 1', `content-length: ${body.length}`], body }),
  (body) => ({ lines: [`content-length: ${body.length}`, 'expect: 100-continue'], body }),
  (body) => ({ lines: [`content-length: ${body.length}`, 'connection: upgrade', 'upgrade: websocket'], body }),
  (body) => ({
    lines: [`content-length: ${body.length}`, ...Array.from({ length: 150 }, (_, index) => `x-${index}: ${'z'.repeat(200)}`)],
    body,
  }),
];

function chunked(body: Buffer): Buffer {
  const middle = Math.floor(body.length / 2);
  const chunks = [body.subarray(0, middle), body.subarray(middle)].filter((chunk) => chunk.length > 0);
  const parts = chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}
