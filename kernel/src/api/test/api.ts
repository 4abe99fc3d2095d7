/** An API on a test world, and a control that pretends to run its plugins. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { fail } from '../../../contract/system/index.ts';
import { Confirmations } from '../../apply/confirmations.ts';
import { makeWorld, type TestWorld } from '../../apply/test/world.ts';
import { Tokens } from '../../rights/index.ts';
import type { OperationInput, PluginControl, PluginInfo, ProcessInfo } from '../plugin-control.ts';
import { buildApi } from '../server.ts';

export class PretendedControl implements PluginControl {
  readonly restarted: string[] = [];
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

export interface TestApi {
  readonly app: FastifyInstance;
  readonly world: TestWorld;
  readonly control: PretendedControl;
  readonly logDir: string;
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

export async function makeApi(t: ExecutionContext): Promise<TestApi> {
  const world = await makeWorld();
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
    version: '9.9.9',
    logDir,
    admins: [777],
    peerUid: () => api.uid,
  });
  const api: TestApi = {
    app,
    world,
    control,
    logDir,
    uid: 0,
    ask: (method, url, body, headers = {}) => {
      const payload = body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) };
      return app.inject({
        method,
        url,
        ...payload,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      });
    },
    watch: async (url, until, headers = {}) => {
      const response = await app.inject({ method: 'GET', url, headers, payloadAsStream: true });
      let said = '';
      for await (const chunk of response.stream()) {
        said += chunk;
        if (until.test(said)) break;
      }
      return said;
    },
    yaml: (text, query = '') =>
      app.inject({ method: 'POST', url: `/v1/apply${query}`, payload: text, headers: { 'content-type': 'application/yaml' } }),
  };
  t.teardown(async () => {
    await app.close();
    await world.close();
    rmSync(logDir, { recursive: true });
  });
  return api;
}
