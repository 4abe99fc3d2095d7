/** Request → answer, for what the plugin answers itself. Pure: a request is read, and nothing is kept of it. */
import { partsOf } from './target.ts';
import { parseTtl, type Tokens } from './token.ts';
import type { Leaf } from './tree.ts';

export interface Ask {
  readonly method: string;
  /** Origin form: path and query. */
  readonly path: string;
  /** By lower-case name, as Node gives them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
  readonly headers?: readonly (readonly [string, string])[];
}

export interface TokenRule {
  readonly tokens: Tokens;
  /** uid of the port that asks. */
  readonly holder: string;
  readonly required: boolean;
}

export interface Sites {
  find(path: readonly string[]): Leaf | undefined;
}

const tokenHeader = 'x-aws-ec2-metadata-token';
const ttlHeader = 'x-aws-ec2-metadata-token-ttl-seconds';
const readMethods = 'GET, HEAD, OPTIONS';
const tokenMethods = 'PUT, OPTIONS';
const plain = 'text/plain; charset=utf-8';
const empty = Buffer.alloc(0);

/** An answer in words, for people who look with curl. */
export function refusal(status: number, words: string, headers: Answer['headers'] = []): Answer {
  return { status, type: plain, body: Buffer.from(`${status}: ${words}\n`), headers };
}

export function answer(ask: Ask, site: Sites, rule: TokenRule): Answer {
  const path = partsOf(ask.path);
  if (path === undefined) return refusal(400, 'the path is not one that can be asked for');
  const aboutToken = tokenAnswer(ask, path, rule);
  if (aboutToken !== undefined) return aboutToken;
  if (ask.method === 'OPTIONS') return { status: 204, type: plain, body: empty, headers: [['Allow', readMethods]] };
  if (ask.method !== 'GET' && ask.method !== 'HEAD') return notAllowed(readMethods);
  const leaf = site.find(path);
  return leaf === undefined ? refusal(404, 'there is no such item') : { status: 200, ...leaf };
}

/** What tokens have to say about a request: it is for one, or lacks one. Undefined: it may go on. */
export function tokenAnswer(ask: Ask, path: readonly string[], { tokens, holder, required }: TokenRule): Answer | undefined {
  if (path.length === 3 && path.join('/') === 'latest/api/token') return issue(ask, tokens, holder);
  const given = ask.headers[tokenHeader];
  if (given === undefined) return required ? refusal(401, 'a token is needed: PUT /latest/api/token gives one') : undefined;
  const holds = typeof given === 'string' && tokens.verify(holder, given);
  return holds ? undefined : refusal(401, 'the token does not hold (any more): PUT /latest/api/token gives one');
}

function issue({ method, headers }: Ask, tokens: Tokens, holder: string): Answer {
  if (method === 'OPTIONS') return { status: 204, type: plain, body: empty, headers: [['Allow', tokenMethods]] };
  if (method !== 'PUT') return notAllowed(tokenMethods);
  // A proxy that somebody talked into asking would add it.
  if (headers['x-forwarded-for'] !== undefined) return refusal(403, 'tokens are for who asks without a proxy');
  const ttl = headers[ttlHeader];
  const seconds = parseTtl(typeof ttl === 'string' ? ttl : undefined);
  if (seconds === undefined) return refusal(400, 'X-aws-ec2-metadata-token-ttl-seconds must be 1 to 21600');
  return { status: 200, type: plain, body: Buffer.from(tokens.issue(holder, seconds)), headers: [[ttlHeader, `${seconds}`]] };
}

function notAllowed(methods: string): Answer {
  return refusal(405, `the methods here are ${methods}`, [['Allow', methods]]);
}
