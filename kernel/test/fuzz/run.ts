/** Sends mutated requests to an API with the shipped manifests, and collects what should not be. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { LightMyRequestResponse } from 'fastify';
import type { AdmissionReply, AdmissionRequest, Manifest } from '../../contract/system/index.ts';
import { makeApi, type TestApi } from '../../src/api/test/api.ts';
import { Conformance } from '../../src/api/test/conformance.ts';
import { below, choose, type Random, randomFrom } from '../robustness/generator.ts';
import { exampleOf } from './examples.ts';
import { mutated, type Sent } from './mutations.ts';
import { RawClient } from './raw.ts';
import { seedsFor } from './seeds.ts';

export interface Extent {
  readonly seed: number;
  /** Through the API's own entrance. */
  readonly requests: number;
  /** Bytes on a real socket. */
  readonly raw: number;
}

export interface Report {
  readonly statuses: Readonly<Record<string, number>>;
  /** What should not be; the same thing once. */
  readonly findings: readonly string[];
  /** Bytes of the heap in use, after the first tenth and at the end. */
  readonly heap: { readonly early: number; readonly late: number };
}

const plugins = join(import.meta.dirname, '../../../plugins');
const atOnce = 8;
/** For an answer that has an end. */
const patienceMs = 10_000;
/** For an answer that has none: a watch. */
const glanceMs = 15;
const mostFindings = 20;
/** A few requests are from those who may do little. */
const callers = [...Array.from({ length: 16 }, () => 0), 777, 1000, 1000, null];
const sweepEvery = 2_000;

function shippedManifests(): Manifest[] {
  const files = readdirSync(plugins, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return files.flatMap(({ name }) => {
    if (name === 'node_modules') return [];
    return [JSON.parse(readFileSync(join(plugins, name, 'manifest.json'), 'utf8')) as Manifest];
  });
}

/** What owners would say: every object gets a status that fits. */
function admit({ world }: TestApi, request: AdmissionRequest): AdmissionReply {
  const patches = request.changes.flatMap(({ key, after }) => {
    const schema = world.registry.kind(key.kind)?.spec.status;
    return after === null || schema === undefined ? [] : [{ key, status: exampleOf(schema) as Record<string, unknown> }];
  });
  return { patches, refusals: [] };
}

function answerOperations({ world, control }: TestApi): void {
  const answerOf = (plugin: string, name: string): unknown =>
    exampleOf(world.registry.requireOperation(`${plugin}.${name}`).spec.output, true);
  control.operation = async (plugin, { name }) => answerOf(plugin, name);
  control.stream = async function* (plugin, { name, file }) {
    yield file === true ? Buffer.from('part') : answerOf(plugin, name);
  };
}

/** The shipped manifests, with stand-ins for what their plugins would say. */
export async function pretendedApi(t: Pick<ExecutionContext, 'teardown'>): Promise<TestApi> {
  const api = await makeApi(t, { manifests: shippedManifests() });
  api.world.admitter.answer = (plugin, request) => {
    const own = request.changes.filter(({ key }) => api.world.registry.kind(key.kind)?.plugin === plugin);
    return admit(api, { ...request, changes: own });
  };
  answerOperations(api);
  return api;
}

export async function fuzzApi(t: Pick<ExecutionContext, 'teardown'>, extent: Extent): Promise<Report> {
  const api = await pretendedApi(t);
  await api.ask('PUT', '/v1/projects/red', { spec: {} });
  await api.ask('POST', '/v1/roles', {
    metadata: { name: 'viewers' },
    spec: { role: 'viewer', projects: ['red'], subjects: ['uid:1000'] },
  });
  return await new Fuzzer(api, randomFrom(extent.seed)).run(extent);
}

class Fuzzer {
  readonly #api: TestApi;
  readonly #random: Random;
  readonly #conformance: Conformance;
  readonly #statuses: Record<string, number> = {};
  readonly #findings = new Set<string>();
  /** What findings have in common: one of each is enough. */
  readonly #sorts = new Set<string>();

  constructor(api: TestApi, random: Random) {
    this.#api = api;
    this.#random = random;
    this.#conformance = new Conformance(api.description);
  }

  async run({ requests, raw }: Extent): Promise<Report> {
    const seeds = seedsFor(this.#api.world.registry);
    let early = 0;
    for (let done = 0; done < requests && this.#findings.size < mostFindings; done += atOnce) {
      this.#api.uid = choose(this.#random, callers);
      await Promise.all(Array.from({ length: atOnce }, () => this.#one(mutated(seeds, this.#random))));
      if (done % sweepEvery === 0) await this.#sweep();
      if (early === 0 && done >= requests / 10) early = heapInUse();
    }
    this.#api.uid = 0;
    await this.#raw(raw, seeds);
    await this.#sweep();
    await this.#assertReadable();
    return { statuses: this.#statuses, findings: [...this.#findings], heap: { early, late: heapInUse() } };
  }

  async #one(sent: Sent): Promise<void> {
    const late = AbortSignal.timeout(patienceMs);
    const answer = await Promise.race([this.#answered(sent), aborted(late)]).catch((thrown: unknown) => `threw ${String(thrown)}`);
    if (typeof answer === 'string') this.#find(sent, answer);
    else this.#judge(sent, answer);
  }

  async #answered({ method, url, headers, body }: Sent): Promise<{ response: LightMyRequestResponse; said: string }> {
    const payload = body === undefined ? {} : { payload: body };
    const response = await this.#api.app.inject({ method: method as 'GET', url, headers, ...payload, payloadAsStream: true });
    const stream = response.stream();
    if (!isEndless(url, response)) return { response, said: await readAll(stream) };
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    await sleep(glanceMs);
    // what the socket of a caller that leaves would say
    response.raw.res.emit('close');
    stream.destroy();
    // what is there of the last event may be half of it
    const said = Buffer.concat(chunks).toString();
    return { response, said: said.slice(0, said.lastIndexOf('\n\n') + 1) };
  }

  #judge(sent: Sent, { response, said }: { response: LightMyRequestResponse; said: string }): void {
    const { statusCode, headers } = response;
    this.#statuses[statusCode] = (this.#statuses[statusCode] ?? 0) + 1;
    const problem = this.#conformance.problem(sent.method, asSent(sent.url), { statusCode, headers, body: said });
    if (problem !== null) this.#find(sent, problem);
    if (statusCode >= 500 && statusCode !== 503) this.#find(sent, `${statusCode} ${said.slice(0, 500)}`);
    if (Object.hasOwn(Object.prototype, 'polluted')) this.#find(sent, 'the prototype of all objects was changed');
  }

  #find({ method, url, headers, body }: Sent, what: string): void {
    const sort = what.replace(/^.*?→/, '').slice(0, 60);
    if (this.#sorts.has(sort)) return;
    this.#sorts.add(sort);
    const text = JSON.stringify(body?.toString('latin1').slice(0, 500) ?? '');
    this.#findings.add(`${what}\n  ${method} ${url} ${JSON.stringify(headers)} ${text}`);
  }

  async #raw(count: number, seeds: Parameters<typeof mutated>[0]): Promise<void> {
    if (count === 0) return;
    const client = await RawClient.open(this.#api.app, this.#random);
    for (let done = 0; done < count && this.#findings.size < mostFindings; done += atOnce) {
      const all = Array.from({ length: atOnce }, () => client.send(mutated(seeds, this.#random)));
      for (const { problem, sent, status } of await Promise.all(all)) {
        this.#statuses[`raw ${status}`] = (this.#statuses[`raw ${status}`] ?? 0) + 1;
        if (problem !== null) this.#find(sent, problem);
      }
    }
    await client.close();
  }

  /** Takes all objects away, so that what grows does not grow by them. */
  async #sweep(): Promise<void> {
    this.#api.uid = 0;
    for (const { to } of (await this.#api.ask('GET', '/v1/trials')).json<{ items: { to: number }[] }>().items)
      await this.#api.ask('POST', `/v1/trials/${to}/confirm`);
    for (const plugin of this.#api.control.list()) await this.#api.ask('PUT', `/v1/plugins/${plugin.name}`, { enabled: true });
    const kept = ['default', 'red', 'viewers'];
    const { store, registry } = this.#api.world;
    const all = registry.kinds.filter(({ spec }) => spec.kind !== 'Alarm').flatMap(({ spec }) => store.list(spec.kind));
    const keys = all
      .filter(({ metadata }) => !kept.includes(metadata.name))
      .map(({ kind, metadata: { name, project } }) => (project === undefined ? { kind, name } : { kind, project, name }));
    const answer = await this.#api.ask('POST', '/v1/apply', { objects: [], delete: keys, cascade: true });
    if (answer.statusCode !== 200) this.#findings.add(`the objects cannot be deleted: ${answer.body.slice(0, 1_000)}`);
  }

  async #assertReadable(): Promise<void> {
    for (const { spec } of this.#api.world.registry.kinds) {
      const path = spec.scope === 'system' ? `/v1/${spec.plural}` : `/v1/-/${spec.plural}`;
      const { statusCode } = await this.#api.ask('GET', path);
      if (statusCode !== 200) this.#findings.add(`${path} answers ${statusCode} afterwards`);
    }
  }
}

/** Without dots that the client itself resolves. */
function asSent(url: string): string {
  const { pathname, search } = new URL(`http://weft${url}`);
  return pathname + search;
}

function isEndless(url: string, { headers }: LightMyRequestResponse): boolean {
  const type = String(headers['content-type'] ?? '');
  return (type.startsWith('text/event-stream') && url.startsWith('/v1/watch')) || (type.includes('ndjson') && url.includes('follow'));
}

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(`no answer within ${patienceMs} ms`)));
}

/** After a collection where Node allows one: --expose-gc. */
function heapInUse(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

export function randomSeed(): number {
  return below(Math.random, 1_000_000);
}
