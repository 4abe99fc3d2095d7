/** HTTP to the API, over its unix socket or TLS. Nothing else of the command opens a connection. */
import { readFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, type RequestOptions, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { text } from 'node:stream/consumers';
import { CommandFailure, exitCodes, failure, fromProblem } from './errors.ts';

const defaultApi = 'unix:/run/weft/api.sock';
/** The API answers or refuses long before. */
export const longestAnswerMs = 60_000;
/** What OpenSSL and Node say of a certificate that nobody known has signed. */
const untrusted: readonly string[] = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
];

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Sent as JSON; or as it is, with `contentType`. */
  readonly body?: unknown;
  readonly contentType?: string;
  /** What the call is about, for error lines; default: the path. */
  readonly about?: string;
  readonly signal?: AbortSignal;
}

export interface ServerEvent {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

interface Address {
  /** As the user knows it. */
  readonly text: string;
  readonly socket?: string;
  readonly url?: URL;
}

/** Nothing answers at the API's address: exit 1; a watch that had begun tries again. */
export class Unreachable extends CommandFailure {}

export class Client {
  readonly #address: Address;
  readonly #answerMs: number;
  readonly #requests = new Set<ClientRequest>();
  #closed = false;
  readonly #token: string | undefined;
  readonly #tls: Readonly<Partial<Record<'ca' | 'cert' | 'key', Buffer>>>;

  /**
   * `WEFT_API` is the address, `WEFT_TOKEN` the token, `WEFT_CA` the file of the certificate to trust, `WEFT_CERT` and `WEFT_KEY` those of the caller's
   * own. Throws a usage error for an address of another form or a file that cannot be read.
   * @param answerMs what an answer may take; a stream its beginning
   */
  constructor(env: Readonly<Record<string, string | undefined>>, answerMs: number = longestAnswerMs) {
    this.#answerMs = answerMs;
    this.#address = parseAddress(env.WEFT_API ?? defaultApi);
    this.#token = env.WEFT_TOKEN || undefined;
    const files = { ca: env.WEFT_CA, cert: env.WEFT_CERT, key: env.WEFT_KEY };
    this.#tls = Object.fromEntries(Object.entries(files).flatMap(([name, file]) => (file ? [[name, readPem(name, file)]] : [])));
  }

  /** Breaks off whatever is under way; nothing more is asked. */
  close(): void {
    this.#closed = true;
    for (const request of this.#requests) request.destroy(this.#late());
  }

  /** One request, its JSON answer. Throws CommandFailure for every refusal. */
  async json<T>(path: string, call: Call = {}): Promise<T> {
    const response = await this.#open(path, call, 'application/json');
    const body = await this.#whole(response, call);
    try {
      return JSON.parse(body) as T;
    } catch {
      throw failure('the API answered something that is not JSON', `${this.#address.text} ${path}`, 'check that WEFT_API names a Weft API');
    }
  }

  /** A text answer. */
  async text(path: string, call: Call = {}): Promise<string> {
    return await this.#whole(await this.#open(path, call, 'text/plain'), call);
  }

  /** Lines of a text answer, as they come. */
  async *lines(path: string, call: Call = {}): AsyncGenerator<string> {
    const response = await this.#open(path, call, 'text/plain');
    try {
      yield* linesOf(response);
    } catch (cause) {
      throw this.#broken(cause, call);
    } finally {
      response.destroy();
    }
  }

  /** A file, part by part, as it comes. Throws when the connection breaks before its end. */
  async *bytes(path: string, call: Call = {}): AsyncGenerator<Buffer> {
    const response = await this.#open(path, call, 'application/octet-stream');
    try {
      for await (const part of response) yield part as Buffer;
    } catch (cause) {
      throw this.#broken(cause, call);
    } finally {
      response.destroy();
    }
  }

  /** Server-sent events (WHATWG HTML §9.2), as they come; ends when the server ends or breaks off. */
  async *events(path: string, call: Call = {}): AsyncGenerator<ServerEvent> {
    const response = await this.#open(path, call, 'text/event-stream');
    let event = { id: '', event: 'message', data: '' };
    try {
      for await (const line of linesOf(response)) {
        if (line === '') {
          if (event.data !== '') yield readEvent(event, call.about ?? path);
          event = { id: event.id, event: 'message', data: '' };
          continue;
        }
        const { name, value } = splitField(line);
        if (name === 'data') event.data += (event.data === '' ? '' : '\n') + value;
        else if (name === 'id' || name === 'event') event[name] = value;
      }
    } catch (cause) {
      throw this.#broken(cause, call);
    } finally {
      response.destroy();
    }
  }

  async #open(path: string, call: Call, accept: string): Promise<IncomingMessage> {
    const response = await this.#send(path, call, accept);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    const where = call.about ?? path;
    throw fromProblem(parseProblem(await this.#whole(response, call)), status, where);
  }

  async #whole(response: IncomingMessage, call: Call): Promise<string> {
    const timer = setTimeout(() => response.destroy(this.#late()), this.#answerMs);
    try {
      return await text(response);
    } catch (cause) {
      throw call.signal?.aborted === true ? cause : this.#unreachable(cause as NodeJS.ErrnoException);
    } finally {
      clearTimeout(timer);
    }
  }

  #send(path: string, call: Call, accept: string): Promise<IncomingMessage> {
    const raw = call.contentType !== undefined;
    const body = call.body === undefined ? undefined : raw ? (call.body as string | Buffer) : JSON.stringify(call.body);
    const headers: Record<string, string> = { accept };
    if (body !== undefined) {
      headers['content-type'] = call.contentType ?? 'application/json';
      headers['content-length'] = String(Buffer.byteLength(body));
    }
    if (this.#token !== undefined) headers.authorization = `Bearer ${this.#token}`;
    const options: RequestOptions = {
      method: call.method ?? 'GET',
      headers,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const { socket, url } = this.#address;
    const begin = (): ClientRequest =>
      url === undefined
        ? requestPlain({ ...options, socketPath: socket, path }, resolve)
        : requestTls(new URL(path, url), { ...options, ...this.#tls }, resolve);
    const sent = begun(begin, this.#address);
    const timer = setTimeout(() => sent.destroy(this.#late()), this.#answerMs);
    this.#requests.add(sent);
    sent.once('close', () => this.#requests.delete(sent));
    if (this.#closed) sent.destroy(this.#late());
    sent.once('response', () => clearTimeout(timer));
    sent.once('error', (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(call.signal?.aborted === true ? cause : this.#unreachable(cause));
    });
    sent.end(body);
    return promise;
  }

  #late(): Error {
    return new Error(`no answer within ${this.#answerMs / 1000} s`);
  }

  /** A connection that broke while an answer was read. */
  #broken(cause: unknown, call: Call): unknown {
    if (cause instanceof CommandFailure) return cause;
    const code = (cause as NodeJS.ErrnoException).code;
    return call.signal?.aborted !== true && typeof code === 'string' ? this.#unreachable(cause as NodeJS.ErrnoException) : cause;
  }

  #unreachable(cause: NodeJS.ErrnoException): CommandFailure {
    const where = this.#address.text;
    if (cause.code === 'EACCES' || cause.code === 'EPERM')
      return failure('you may not talk to Weft', where, 'run the command as root, or ask the operator for access');
    const gone = cause.code === 'ECONNREFUSED' || cause.code === 'ENOENT';
    if (gone && this.#address.socket !== undefined)
      return unreachable('Weft is not running here', where, 'start it with: weft up, or name its API in WEFT_API');
    if (cause.code === 'ERR_TLS_CERT_ALTNAME_INVALID')
      return failure(
        `its certificate is for other addresses: ${cause.message}`,
        where,
        'use an address that is in it, or make a new one: remove tls/ in the state directory and restart',
      );
    if (untrusted.includes(cause.code ?? ''))
      return failure(
        `its certificate is not trusted: ${cause.message}`,
        where,
        'name the file of its certificate in WEFT_CA (on the appliance: tls/certificate.pem)',
      );
    return unreachable(`no connection to Weft: ${cause.message}`, where, 'check WEFT_API and, on the appliance, weft status');
  }
}

function readPem(name: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw failure((cause as Error).message, `WEFT_${name.toUpperCase()}`, 'name a PEM file', exitCodes.usage);
  }
}

/** Node refuses at once what cannot stand in a request: characters of a token, files that hold no certificate or key. */
function begun(begin: () => ClientRequest, { text }: Address): ClientRequest {
  try {
    return begin();
  } catch (cause) {
    const fix = 'correct WEFT_TOKEN, WEFT_CA, WEFT_CERT, WEFT_KEY (PEM files) or WEFT_API';
    throw failure((cause as Error).message, text, fix, exitCodes.usage);
  }
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const lines = (rest + chunk).split(/\r?\n/);
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function unreachable(what: string, where: string, fix: string): Unreachable {
  return new Unreachable([{ what, where, fix }]);
}

function parseAddress(text: string): Address {
  if (text.startsWith('unix:/')) return { text, socket: text.slice('unix:'.length) };
  if (text.startsWith('https://') && URL.canParse(text)) return { text, url: new URL(text) };
  throw failure(`"${text}" is not an API address`, 'WEFT_API', 'use unix:/path or https://host:port', exitCodes.usage);
}

/** An event named `error` carries a problem document and ends the stream. */
function readEvent(event: { id: string; event: string; data: string }, about: string): ServerEvent {
  const data = parseEvent(event.data, about);
  if (event.event === 'error') throw fromProblem(data as object, 500, about);
  return { ...event, data };
}

function parseEvent(text: string, about: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw failure('the API sent an event that is not JSON', about, 'check that WEFT_API names a Weft API');
  }
}

function parseProblem(body: string): object {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

function splitField(line: string): { name: string; value: string } {
  const colon = line.indexOf(':');
  if (colon < 0) return { name: line, value: '' };
  const value = line.slice(colon + 1);
  return { name: line.slice(0, colon), value: value.startsWith(' ') ? value.slice(1) : value };
}
