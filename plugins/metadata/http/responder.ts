/** What each request gets: the plugin's own answer, or Nova's. */
import type { IncomingMessage } from 'node:http';
import { type Answer, type Ask, answer, refusal, type TokenRule, tokenAnswer } from '../builtin/answer.ts';
import { originForm, partsOf } from '../builtin/target.ts';
import type { Tokens } from '../builtin/token.ts';
import type { MetadataConfig } from '../config.ts';
import type { Directory } from '../directory.ts';
import { addressesOf, type Guest, instanceIdOf, projectIdOf } from '../guest.ts';
import type { Policy } from '../policy.ts';
import { forward, hasBody } from '../proxy/forward.ts';
import { type Identity, towardsNova } from '../proxy/headers.ts';
import type { Health } from '../proxy/health.ts';
import type { Upstreams } from '../proxy/upstreams.ts';
import type { Exchange } from './connection.ts';
import type { Visit } from './server.ts';
import type { Tally } from './tally.ts';

/** Of requests that the plugin answers itself: nothing needs one. */
const largestBody = 4_096;
const badPath = 'the path is not one that can be asked for';
const notSetUp = 'the metadata service behind this one is not set up; an operator finds out why with: weft get metadata';
const noInstanceId = 'no instance id: an operator must set instanceId of this port to the UUID of the server in Nova';
const mebibyte = 1024 * 1024;
/** A server that answers TRACE sends the signature back (RFC 9110 §9.3.8). */
const passingMethods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

export interface ResponderParts {
  readonly directory: Pick<Directory, 'policy' | 'sites'>;
  readonly tokens: Tokens;
  readonly upstreams: Pick<Upstreams, 'get'>;
  readonly health: Pick<Health, 'outcome'>;
  readonly tally: Pick<Tally, 'responded'>;
  readonly config: Pick<MetadataConfig, 'proxyBodyMib'>;
}

interface Turn extends Visit {
  readonly policy: Policy;
  readonly ask: Ask;
  readonly rule: TokenRule;
}

export class Responder {
  readonly #parts: ResponderParts;

  constructor(parts: ResponderParts) {
    this.#parts = parts;
  }

  /** Its body cannot be read: an answer that has begun is broken off. */
  malformed(exchange: Exchange): void {
    if (exchange.response.headersSent) exchange.request.socket.destroy();
    else send(exchange, refusal(400, 'the body of the request is malformed'));
  }

  visit(visit: Visit): void {
    const { request, response, connection, guest } = visit;
    const policy = this.#parts.directory.policy(guest.network);
    connection.account.mode = policy.mode;
    response.once('finish', () => this.#parts.tally.responded(policy.mode, response.statusCode));
    if (request.httpVersionMajor !== 1) {
      this.#send(visit, refusal(505, 'HTTP/1.1 is spoken here'));
      return;
    }
    const path = originForm(request.url ?? '');
    if (visit.excess !== undefined || path === undefined) {
      this.#send(visit, visit.excess === undefined ? refusal(400, badPath) : excessive(visit.excess));
      return;
    }
    const ask: Ask = { method: request.method ?? '', path, headers: request.headers };
    const rule = { tokens: this.#parts.tokens, holder: guest.port.metadata.uid, required: policy.requireToken };
    const turn: Turn = { ...visit, policy, ask, rule };
    if (policy.mode === 'proxy') connection.turn = connection.turn.then(() => this.#forward(turn));
    else if (policy.mode === 'none') this.#send(visit, refusal(404, 'there is no metadata service here'));
    else this.#answer(turn);
  }

  #answer(turn: Turn): void {
    const say = () => this.#send(turn, answer(turn.ask, this.#parts.directory.sites.of(turn.guest), turn.rule));
    if (!hasBody(turn.request)) say();
    else swallow(turn.request, (fits) => (fits ? say() : this.#send(turn, refusal(413, `a body may have ${largestBody} bytes here`))));
  }

  async #forward(turn: Turn): Promise<void> {
    const { request, response, connection, guest, policy, ask } = turn;
    if (response.destroyed || request.socket.destroyed) return;
    const metadata = policy.metadata;
    const upstream = metadata && this.#parts.upstreams.get(metadata);
    const obstacle = this.#obstacle(turn, upstream !== undefined);
    if (metadata === undefined || upstream === undefined || obstacle !== undefined) {
      this.#send(turn, obstacle ?? refusal(502, notSetUp));
      return;
    }
    const headers = towardsNova(request.rawHeaders, identityOf(guest, connection.address), upstream.nova, policy.requireToken);
    const refuse = (status: number, words: string) => this.#send(turn, refusal(status, words));
    const bodyLimit = this.#parts.config.proxyBodyMib * mebibyte;
    const { trouble } = await forward({ request, response, upstream, path: ask.path, headers, bodyLimit, refuse });
    if (trouble !== undefined) this.#parts.health.outcome(metadata, trouble);
    connection.account.note(response.statusCode, trouble ?? '');
  }

  /** What is answered without asking Nova. */
  #obstacle({ ask, rule, guest }: Turn, isSetUp: boolean): Answer | undefined {
    const parts = partsOf(ask.path);
    if (parts === undefined) return refusal(400, badPath);
    const aboutToken = rule.required ? tokenAnswer(ask, parts, rule) : undefined;
    if (aboutToken !== undefined) return aboutToken;
    if (ask.method === 'TRACE') return refusal(405, 'TRACE does not pass', [['Allow', passingMethods]]);
    if (!isSetUp) return refusal(502, notSetUp);
    return guest.port.spec.instanceId === undefined ? refusal(500, noInstanceId) : undefined;
  }

  #send(visit: Visit, given: Answer): void {
    send(visit, given);
    visit.connection.account.note(given.status, given.status >= 500 ? given.body.toString().trim() : '');
  }
}

function excessive(excess: NonNullable<Visit['excess']>): Answer {
  if (excess === 'fields') return refusal(431, 'the head of the request has too many fields');
  const last = excess === 'pending' ? [['Connection', 'close'] as const] : [];
  return refusal(429, 'too many requests from this port', [['Retry-After', '1'], ...last]);
}

function send({ request, response }: Exchange, { status, type, body, headers = [] }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const framing = status === 204 ? [] : ['Content-Type', type, 'Content-Length', `${body.length}`];
  // What is left of a body would be taken for the next request.
  const last = hasBody(request) && !request.complete ? ['Connection', 'close'] : [];
  response.writeHead(status, [...framing, ...headers.flat(), ...last]);
  response.end(request.method === 'HEAD' || status === 204 ? undefined : body);
}

/** Reads a body that nobody needs; tells once whether it is small enough. */
function swallow(request: IncomingMessage, done: (fits: boolean) => void): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    const before = bytes;
    bytes += chunk.length;
    if (before <= largestBody && bytes > largestBody) done(false);
  });
  request.on('end', () => {
    if (bytes <= largestBody) done(true);
  });
}

/** The address by which Nova knows the port, of the family that was asked if there is one. */
function identityOf(guest: Guest, asked: string): Identity {
  const [v4, v6] = ([4, 6] as const).map((family) => addressesOf(guest.port, family)[0]);
  const address = asked.includes(':') ? (v6 ?? v4) : (v4 ?? v6);
  return { instanceId: instanceIdOf(guest.port), tenantId: projectIdOf(guest), ...(address === undefined ? {} : { address }) };
}
