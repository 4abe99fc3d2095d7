/** An API on a test world, and a control that pretends to run its plugins. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { fail, limitsOf, type Manifest } from '../../../contract/system/index.ts';
import { Confirmations } from '../../apply/confirmations.ts';
import { makeWorld, type TestWorld } from '../../apply/test/world.ts';
import { sealed } from '../../backup/index.ts';
import type { Registry } from '../../registry/index.ts';
import { Tokens } from '../../rights/index.ts';
import { AuditLog } from '../audit.ts';
import { openapiOf } from '../openapi.ts';
import type { MetricsSource, OperationInput, PluginControl, PluginInfo, ProcessInfo } from '../plugin-control.ts';
import { type ApiOptions, buildApi } from '../server.ts';
import { type Answer, Conformance } from './conformance.ts';

export class PretendedControl implements PluginControl {
  readonly restarted: string[] = [];
  metrics: readonly MetricsSource[] = [];
  readonly #plugins = new Map<string, PluginInfo>();

  constructor(world: TestWorld) {
    for (const { name, manifest } of world.registry.plugins) {
      this.#plugins.set(name, {
        name,
        version: manifest?.version ?? '',
        summary: manifest?.summary ?? '',
        enabled: true,
        state: 'running',
        reason: '',
        pid: process.pid,
        restarts: 0,
        rssBytes: 1,
        needs: [],
        kinds: [],
        operations: [],
        settings: {},
        limits: limitsOf({}),
        enforcement: null,
        disabling: [],
      });
    }
  }

  list(): readonly PluginInfo[] {
    return [...this.#plugins.values()];
  }

  async change(name: string, wish: Parameters<PluginControl['change']>[1]): Promise<void> {
    const plugin = this.#plugins.get(name);
    if (plugin === undefined) throw new Error(`no plugin ${name}`);
    const enabled = wish.enabled ?? plugin.enabled;
    this.#plugins.set(name, { ...plugin, ...wish, enabled, state: enabled ? 'running' : 'disabled' });
  }

  restart(name: string): void {
    this.restarted.push(name);
  }

  refusals(): ReturnType<PluginControl['refusals']> {
    return [];
  }

  metricsSources(): readonly MetricsSource[] {
    return this.metrics;
  }

  forwarder(): ProcessInfo {
    return { state: 'running', pid: 1, restarts: 0, rssBytes: 1 };
  }

  async operation(plugin: string, call: OperationInput): Promise<unknown> {
    if (this.#plugins.get(plugin)?.enabled !== true) throw fail('UNAVAILABLE', `the plugin ${plugin} cannot answer: it is disabled`);
    return { asked: call };
  }

  async *stream(_plugin: string, call: OperationInput): AsyncGenerator<unknown> {
    if (call.file === true) return yield* [Buffer.from('a'), Buffer.from('file')];
    yield { first: call.name };
    yield { second: call.project };
    throw fail('UNAVAILABLE', 'the readers went away');
  }
}

const version = '9.9.9';
const descriptions = new WeakMap<Registry, Conformance>();

/** Throws when an answer is not one that the API's own description tells of. */
function assertDescribed(registry: Registry, { method = 'GET', url }: InjectOptions, answer: Answer): void {
  const conformance = descriptions.get(registry) ?? new Conformance(openapiOf(registry, version));
  descriptions.set(registry, conformance);
  const problem = conformance.problem(method, String(url), answer);
  if (problem !== null) throw new Error(problem);
}

export interface TestApi {
  readonly app: FastifyInstance;
  readonly world: TestWorld;
  readonly control: PretendedControl;
  readonly logDir: string;
  /** OpenAPI. */
  readonly description: object;
  /** User id of the caller. */
  uid: number | null;
  /** A request with a JSON body. */
  ask(
    method: NonNullable<InjectOptions['method']>,
    url: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>;
  /** What a stream says until it says this. */
  watch(url: string, until: RegExp, headers?: Record<string, string>): Promise<string>;
  /** POST /v1/apply with YAML. */
  yaml(text: string | Buffer, query?: string): Promise<LightMyRequestResponse>;
}

interface Options extends Partial<Pick<ApiOptions, 'audit' | 'onRoute'>> {
  /** Of plugins besides library and labels. */
  readonly manifests?: readonly Manifest[];
  /** Before there is an API. */
  readonly prepare?: (world: TestWorld) => void;
}

export async function makeApi(t: Pick<ExecutionContext, 'teardown'>, { prepare, manifests = [], ...more }: Options = {}): Promise<TestApi> {
  const world = await makeWorld(undefined, manifests);
  prepare?.(world);
  const control = new PretendedControl(world);
  const logDir = mkdtempSync(join(tmpdir(), 'weft-logs-'));
  const { store, registry, pipeline } = world;
  const confirmations = new Confirmations(store, pipeline);
  t.teardown(() => confirmations.close());
  const app = buildApi({
    store,
    registry,
    pipeline,
    confirmations,
    tokens: new Tokens(store, pipeline),
    plugins: control,
    version,
    maxWatchers: 20,
    backup: () => sealed(store.upkeep.backup({ program: version, time: '2026-01-01T00:00:00Z' })),
    audit: new AuditLog((line) => appendFileSync(join(logDir, 'audit.log'), line)),
    logDir,
    admins: [777],
    peerUid: () => api.uid,
    ...more,
  });
  const inject = async (asked: InjectOptions): Promise<LightMyRequestResponse> => {
    const answer = await app.inject(asked);
    assertDescribed(registry, asked, answer);
    return answer;
  };
  const api: TestApi = {
    app,
    world,
    control,
    logDir,
    description: openapiOf(registry, version),
    uid: 0,
    ask: (method, url, body, headers = {}) => {
      const payload = body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) };
      return inject({
        method,
        url,
        ...payload,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      });
    },
    watch: async (url, until, headers = {}) => {
      const asked = { method: 'GET', url, headers, payloadAsStream: true } as const;
      const response = await app.inject(asked);
      let said = '';
      for await (const chunk of response.stream()) {
        said += chunk;
        if (until.test(said)) break;
      }
      assertDescribed(registry, asked, { statusCode: response.statusCode, headers: response.headers, body: said });
      return said;
    },
    yaml: (text, query = '') =>
      inject({ method: 'POST', url: `/v1/apply${query}`, payload: text, headers: { 'content-type': 'application/yaml' } }),
  };
  t.teardown(async () => {
    await app.close();
    await world.close();
    rmSync(logDir, { recursive: true });
  });
  return api;
}
