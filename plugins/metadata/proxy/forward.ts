/** One request to Nova and its answer back, streamed in both directions. */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { failureText, forbiddenText, notHttpText, timeoutText } from './failures.ts';
import { towardsVm } from './headers.ts';
import type { Upstream } from './upstream.ts';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly upstream: Upstream;
  /** Origin form. */
  readonly path: string;
  /** As they go out. */
  readonly headers: readonly string[];
  /** Bytes of the request's body. */
  readonly bodyLimit: number;
  /** Answers in words: nothing has been sent yet. */
  readonly refuse: (status: number, words: string) => void;
}

/** `trouble`: what the operator must look at; null: Nova does its work. Undefined: nothing was learnt, as the VM broke it off. */
export interface Outcome {
  readonly trouble: string | null | undefined;
}

const unreachable = 'the metadata service behind this one cannot be used; an operator finds out why with: weft get metadata';
const late = 'the metadata service behind this one did not answer in time; an operator finds out why with: weft get metadata';

/** Resolves when nothing is under way any more; never rejects. */
export function forward(exchange: Exchange): Promise<Outcome> {
  return new Promise((resolve) => new Forwarding(exchange, resolve).start());
}

class Forwarding {
  readonly #exchange: Exchange;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #hasBody: boolean;
  #outgoing: ClientRequest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #over = false;

  constructor(exchange: Exchange, resolve: (outcome: Outcome) => void) {
    this.#exchange = exchange;
    this.#resolve = resolve;
    this.#hasBody = hasBody(exchange.request);
  }

  start(): void {
    this.#exchange.response.once('close', () => this.#responseClosed());
    this.#send(true);
    if (this.#hasBody) this.#pass();
  }

  #send(mayRepeat: boolean): void {
    const { request, upstream, path, headers } = this.#exchange;
    const outgoing = upstream.request(request.method ?? 'GET', path, [...headers, ...framing(request)]);
    this.#outgoing = outgoing;
    this.#wait();
    outgoing.once('response', (answer) => this.#answer(answer));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // A kept connection that Nova closed just now: it has not seen the request.
      const again = mayRepeat && outgoing.reusedSocket && !this.#hasBody && isSafe(request) && error.code === 'ECONNRESET';
      if (again && !this.#over) this.#send(false);
      else this.#fail(502, unreachable, failureText(upstream.origin, error.code));
    });
    if (!this.#hasBody) outgoing.end();
  }

  /** The body, as fast as Nova takes it, up to the limit. */
  #pass(): void {
    const { request, bodyLimit } = this.#exchange;
    request.on('data', (chunk: Buffer) => {
      this.#sent += chunk.length;
      if (this.#over) return;
      if (this.#sent > bodyLimit) this.#fail(413, `a body may have ${bodyLimit} bytes`, undefined);
      else if (this.#outgoing?.write(chunk) === false) request.pause();
      this.#wait();
    });
    this.#outgoing?.on('drain', () => request.resume());
    request.on('end', () => {
      this.#outgoing?.end();
      this.#wait();
    });
  }

  #answer(answer: IncomingMessage): void {
    const { response, upstream } = this.#exchange;
    if (this.#over) return void answer.resume();
    const status = answer.statusCode ?? 0;
    // Node's parser lets them pass, and throws when they are to be written (RFC 9110 §15; a 101 would open a tunnel).
    if (status < 200 || status > 599) {
      this.#fail(502, unreachable, notHttpText(upstream.origin));
      return;
    }
    const headers = towardsVm(answer.rawHeaders);
    // The rest of a body that Nova did not want is not read to its end.
    if (this.#hasBody && !this.#exchange.request.complete) headers.push('Connection', 'close');
    response.writeHead(status, headers);
    answer.on('data', () => this.#wait());
    answer.once('error', () => this.#fail(502, unreachable, failureText(upstream.origin, 'ECONNRESET')));
    answer.once('end', () => this.#finish(status === 403 ? forbiddenText(upstream.origin) : null));
    answer.pipe(response);
  }

  /** Begins to wait for the next sign of life. */
  #wait(): void {
    clearTimeout(this.#timer);
    if (!this.#over) this.#timer = setTimeout(() => this.#late(), this.#exchange.upstream.nova.timeoutMs);
  }

  #late(): void {
    const { request, response, upstream } = this.#exchange;
    const vmIsSlow = (this.#hasBody && !request.complete && !request.isPaused()) || response.writableNeedDrain;
    if (vmIsSlow) this.#fail(408, 'the rest of the request did not come in time', undefined);
    else this.#fail(504, late, timeoutText(upstream.origin, upstream.nova.timeoutMs));
  }

  /** The VM has its answer, or went away. */
  #responseClosed(): void {
    if (this.#over) return;
    this.#outgoing?.destroy();
    this.#finish(undefined);
  }

  #fail(status: number, words: string, trouble: string | undefined): void {
    if (this.#over) return;
    this.#finish(trouble);
    this.#outgoing?.destroy();
    const { response, refuse } = this.#exchange;
    if (response.headersSent) response.destroy();
    else refuse(status, words);
  }

  #finish(trouble: string | null | undefined): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#resolve({ trouble });
  }
}

/** A request has a body when it says how long it is (RFC 9112 §6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] !== undefined && headers['content-length'] !== '0');
}

/** How the body is framed on the connection to Nova; the VM's Content-Length has passed with its other headers. */
function framing({ headers, method }: IncomingMessage): readonly string[] {
  if (headers['transfer-encoding'] !== undefined) return ['Transfer-Encoding', 'chunked'];
  const unsaid = headers['content-length'] === undefined && ['POST', 'PUT', 'PATCH'].includes(method ?? '');
  return unsaid ? ['Content-Length', '0'] : [];
}

function isSafe({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}
