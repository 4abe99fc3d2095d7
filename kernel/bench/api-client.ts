/** Clients of an HTTP server on a unix socket: one question, load on several connections, and streams that are only counted. */
import { type ClientRequest, request } from 'node:http';
import autocannon, { type Request, type Result } from 'autocannon';

const questionMs = 30_000;

/** The answer's text; throws an Error with it when the status is not 2xx. */
export function ask(socketPath: string, method: string, path: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const question = request({ socketPath, method, path, headers, timeout: questionMs }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        const { statusCode = 0 } = answer;
        if (statusCode >= 200 && statusCode < 300) resolve(text);
        else reject(new Error(`${method} ${path}: ${statusCode} ${text.slice(0, 500)}`));
      });
    });
    question.once('timeout', () => question.destroy(new Error(`${method} ${path}: no answer within ${questionMs / 1000} s`)));
    question.once('error', reject);
    question.end(body);
  });
}

export interface Load {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** The value that `share` of the values do not exceed; NaN without values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/**
 * Each connection asks again as soon as it was answered. Throws an Error when any request fails: figures with failures mean nothing.
 * @param next makes the requests, one after the other
 */
export async function hammer(socketPath: string, seconds: number, connections: number, next: () => Request): Promise<Load> {
  const first = next();
  const options = {
    url: 'http://localhost',
    socketPath,
    duration: seconds,
    // when it looks at the clock, too
    sampleInt: 50,
    connections,
    requests: [{ ...first, setupRequest: (known: Request) => ({ ...known, ...next() }) }],
  };
  const times: number[] = [];
  const begin = performance.now();
  let end = begin;
  const result = await new Promise<Result>((resolve, reject) => {
    const run = autocannon(options, (error: Error | null, outcome) => (error === null ? resolve(outcome) : reject(error)));
    // its own latencies are whole milliseconds
    run.on('response', (_client, _status, _bytes, milliseconds) => {
      times.push(milliseconds);
      end = performance.now();
    });
  });
  const failed = result.non2xx + result.errors + result.timeouts;
  if (failed > 0 || times.length === 0)
    throw new Error(`${first.method} ${first.path}: ${failed} requests failed, ${times.length} answered`);
  return { perSecond: (times.length / (end - begin)) * 1000, p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

/** Counts how often a text occurs in a stream that is cut anywhere. */
export class Occurrences {
  readonly #sought: Buffer;
  #rest: Buffer = Buffer.alloc(0);
  count = 0;

  constructor(sought: string) {
    this.#sought = Buffer.from(sought);
  }

  add(chunk: Buffer): void {
    const text = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let found = text.indexOf(this.#sought); found >= 0; found = text.indexOf(this.#sought, at)) {
      this.count += 1;
      at = found + this.#sought.length;
    }
    this.#rest = text.subarray(Math.max(at, text.length - this.#sought.length + 1));
  }
}

/** Several streams of the same question. */
export class Watchers {
  readonly #requests: ClientRequest[] = [];
  readonly #counters: Occurrences[] = [];
  #heard: (() => void) | undefined;
  #failure: Error | undefined;

  /** Resolves when all streams have begun. @param mark occurs once in each event */
  async open(count: number, mark: string, question: { socketPath: string; method: string; path: string; body?: string }): Promise<void> {
    const begun = Array.from({ length: count }, () => this.#one(mark, question));
    await Promise.all(begun);
  }

  #one(mark: string, { body, ...options }: { socketPath: string; method: string; path: string; body?: string }): Promise<void> {
    const counter = new Occurrences(mark);
    this.#counters.push(counter);
    return new Promise((resolve, reject) => {
      const stream = request({ ...options, agent: false }, (answer) => {
        if (answer.statusCode !== 200) reject(new Error(`${options.method} ${options.path}: ${answer.statusCode}`));
        answer.on('error', (error) => this.#fail(error));
        answer.on('data', (chunk: Buffer) => {
          counter.add(chunk);
          resolve();
          this.#heard?.();
        });
      });
      stream.on('error', (error) => {
        reject(error);
        this.#fail(error);
      });
      stream.end(body);
      this.#requests.push(stream);
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#heard?.();
  }

  /** Events that the slowest watcher has. */
  get fewest(): number {
    return Math.min(...this.#counters.map(({ count }) => count));
  }

  /** Resolves when each watcher has at least so many events. */
  async all(events: number, timeoutMs = 30_000): Promise<void> {
    const timer = setTimeout(() => this.#fail(new Error(`a watcher has ${this.fewest} of ${events} events`)), timeoutMs);
    try {
      while (this.fewest < events) {
        if (this.#failure !== undefined) throw this.#failure;
        await new Promise<void>((resolve) => {
          this.#heard = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#heard = undefined;
    for (const stream of this.#requests.splice(0)) stream.on('error', () => undefined).destroy();
  }
}
