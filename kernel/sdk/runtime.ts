/** One running plugin: its context, its channels to kernel and forwarder, and what it serves. `run.ts` gives it sockets, `testing` memory. */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { BusClient, Caller, Handlers } from '../bus/index.ts';
import type { ForwarderCalls } from '../contract/net/index.ts';
import {
  type AdmissionReply,
  type AdmissionRequest,
  fail,
  formatKey,
  type KernelCalls,
  type ObjectKey,
  type PluginCalls,
  toWeftError,
} from '../contract/system/index.ts';
import type { ProcessMetrics } from '../metrics/index.ts';
import { LatestQueue } from './latest-queue.ts';
import { Cache } from './object-cache.ts';
import { ObjectFeed } from './object-feed.ts';
import type { OperationCall, Plugin, PluginContext, PluginDefinition, ServicePort } from './plugin.ts';
import { ForwarderView } from './ports.ts';
import { PuntDispatch, type RawPipe } from './punts.ts';
import { RowPublisher } from './row-set.ts';
import { Traffic } from './traffic.ts';

/** The ways out of the process. Each connects by itself and again after each loss. */
export interface Wires {
  kernel(handlers: Handlers<PluginCalls>, onConnect: () => void, onDisconnect: () => void): BusClient<KernelCalls>;
  forwarder(onConnect: () => void): BusClient<ForwarderCalls>;
  punts(onFrame: (frame: Buffer) => void): RawPipe;
  servicePort(view: ForwarderView, forwarder: Caller<ForwarderCalls>): ServicePort;
}

export interface RuntimeOptions {
  readonly definition: PluginDefinition;
  /** Checked against the definition's schema. */
  readonly config: unknown;
  readonly manifestHash: string;
  readonly stateDir: string;
  readonly log: Logger;
  readonly wires: Wires;
  readonly metrics: ProcessMetrics;
  /** Takes what must end the process: an exception in a listener, a refusal by the kernel. */
  readonly onFatal: (error: unknown) => void;
}

/** An object as the plugin saw it: its uid, when it was in the cache. */
type Seen = { readonly key: ObjectKey; readonly uid?: string };
type Status = Seen & { readonly status: Record<string, unknown> };
type Alarm = { readonly key: string; readonly alarm: Parameters<PluginContext<never>['alarm']>[1] };
type OperationHandler = (input: unknown, call: OperationCall) => unknown;

const statusBatch = 500;
const greetAgainMs = 1_000;

export class Runtime {
  readonly #options: RuntimeOptions;
  readonly #cache: Cache;
  readonly #kernel: BusClient<KernelCalls>;
  readonly #forwarder: BusClient<ForwarderCalls>;
  readonly #feed: ObjectFeed;
  readonly #rows: RowPublisher;
  readonly #punts: PuntDispatch;
  readonly #pipe: RawPipe;
  readonly #view: ForwarderView;
  readonly #servicePort: ServicePort;
  readonly #statuses: LatestQueue<Status>;
  readonly #finalized: LatestQueue<Seen>;
  readonly #alarms: LatestQueue<Alarm>;
  readonly #kernelOpen = Promise.withResolvers<void>();
  readonly #forwarderOpen = Promise.withResolvers<void>();
  /** As the kernel said first. */
  #installed: readonly string[] | undefined;
  #asksInstalled = false;
  #plugin: Plugin | null = null;

  constructor(options: RuntimeOptions) {
    const { definition, wires, log, metrics, onFatal } = options;
    const traffic = new Traffic(metrics.registry);
    this.#options = options;
    this.#cache = new Cache(onFatal);
    const kernel = wires.kernel(
      metrics.handlers(this.#handlers(), 'kernel'),
      () => void this.#greetKernel(),
      () => {
        for (const queue of this.#queues()) queue.close();
      },
    );
    this.#kernel = { caller: metrics.caller(kernel.caller, 'kernel'), close: () => kernel.close() };
    const forwarder = wires.forwarder(() => void this.#greetForwarder());
    this.#forwarder = { caller: metrics.caller(forwarder.caller, 'forwarder'), close: () => forwarder.close() };
    const kinds = [...new Set([...(definition.kinds ?? []).map((kind) => kind.kind), ...(definition.grants?.reads ?? [])])];
    this.#feed = new ObjectFeed(this.#kernel.caller, kinds, this.#cache, log);
    this.#rows = new RowPublisher(this.#forwarder.caller, log, undefined, (rows) => traffic.sent(rows));
    this.#punts = new PuntDispatch(
      (definition.puntClasses ?? []).map((puntClass) => puntClass.name),
      traffic,
    );
    this.#pipe = wires.punts((frame) => this.#punts.receive(frame));
    this.#punts.attach(this.#pipe);
    this.#view = new ForwarderView(this.#forwarder.caller, log, onFatal);
    this.#servicePort = wires.servicePort(this.#view, this.#forwarder.caller);
    this.#statuses = new LatestQueue(
      statusBatch,
      (older, newer) => ({ ...newer, status: { ...older.status, ...newer.status } }),
      async (updates) => void (await this.#kernel.caller.call('objects.status', { updates })),
    );
    this.#finalized = new LatestQueue(
      statusBatch,
      (_, newer) => newer,
      async (seen) => {
        const keys = seen.map(({ key, uid }) => (uid === undefined ? key : { ...key, uid }));
        await this.#kernel.caller.call('objects.finalize', { keys });
      },
    );
    this.#alarms = new LatestQueue(
      1,
      (_, newer) => newer,
      async (alarms) => {
        for (const { key, alarm } of alarms) {
          if (alarm === null) await this.#kernel.caller.call('alarm.clear', { key });
          else await this.#kernel.caller.call('alarm.set', { key, ...alarm });
        }
      },
    );
  }

  /** Resolves once the plugin serves and the kernel knows it. */
  async start(): Promise<void> {
    await Promise.all([this.#kernelOpen.promise, this.#forwarderOpen.promise]);
    this.#plugin = await this.#options.definition.start(this.#context());
    // A kernel that is away now is told when it is back.
    await this.#kernel.caller.call('ready', {}).catch((thrown) => this.#greetAgain(thrown, 'kernel', () => this.#greetKernel()));
  }

  async stop(): Promise<void> {
    await this.#plugin?.stop?.();
    this.close();
  }

  close(): void {
    this.#kernel.close();
    this.#forwarder.close();
    this.#pipe.close();
  }

  async #greetKernel(): Promise<void> {
    const { definition, manifestHash } = this.#options;
    try {
      const { installed } = await this.#kernel.caller.call('hello', { name: definition.name, manifestHash, pid: process.pid });
      this.#assertInstalled(installed);
      await this.#feed.connected();
      this.#kernelOpen.resolve();
      for (const queue of this.#queues()) queue.open();
      if (this.#plugin !== null) await this.#kernel.caller.call('ready', {});
    } catch (thrown) {
      this.#greetAgain(thrown, 'kernel', () => this.#greetKernel());
    }
  }

  /** A plugin that has asked which others there are decides by it for as long as it runs: it starts anew when that is not true any more. */
  #assertInstalled(installed: readonly string[]): void {
    this.#installed ??= installed;
    const same = isDeepStrictEqual(new Set(installed), new Set(this.#installed));
    if (this.#asksInstalled && !same) throw fail('INVALID', 'other plugins are installed than when this one started');
    this.#installed = installed;
  }

  async #greetForwarder(): Promise<void> {
    const { definition } = this.#options;
    try {
      const { puntClasses } = await this.#forwarder.caller.call('hello', { name: definition.name });
      this.#punts.number(puntClasses);
      this.#forwarderOpen.resolve();
      this.#rows.reconnected();
      void this.#view.watch();
    } catch (thrown) {
      this.#greetAgain(thrown, 'forwarder', () => this.#greetForwarder());
    }
  }

  /** A peer that is slow is greeted again in a moment, one that went away when it is back; any other failure is fatal. */
  #greetAgain(thrown: unknown, peer: 'kernel' | 'forwarder', greet: () => Promise<void>): void {
    const error = toWeftError(thrown);
    if (error.code === 'UNAVAILABLE') return;
    if (error.code === 'DEADLINE' || error.code === 'BUS_OVERLOADED') {
      this.#options.log.warn({ error }, `the ${peer} is slow to greet; trying again`);
      setTimeout(() => void greet(), greetAgainMs);
    } else this.#options.onFatal(thrown);
  }

  #context(): PluginContext<never> {
    const { definition, config, stateDir, log } = this.#options;
    const installed = (): readonly string[] => {
      this.#asksInstalled = true;
      return this.#installed ?? [];
    };
    return {
      name: definition.name,
      config: config as never,
      stateDir,
      log,
      get installed() {
        return installed();
      },
      metrics: this.#options.metrics.registry,
      objects: this.#cache,
      rows: this.#rows,
      punts: this.#punts,
      forwarder: this.#view,
      servicePort: this.#servicePort,
      setStatus: async (updates) => {
        await Promise.all(updates.map(({ key, status }) => this.#statuses.put(...this.#seen(key, { status }))));
      },
      finalize: async (keys) => {
        const seen = keys.filter(({ uid, ...key }) => uid === undefined || this.#cache.get(key)?.metadata.uid === uid);
        await Promise.all(seen.map(({ uid: _, ...key }) => this.#finalized.put(...this.#seen(key, {}))));
      },
      apply: async (objects, remove = []) => {
        await this.#kernel.caller.whenConnected();
        await this.#kernel.caller.call('objects.apply', { apply: objects, delete: remove });
      },
      alarm: (key, alarm) => this.#alarms.put(key, { key, alarm }),
    };
  }

  /** What is sent about an object, and its name in the queue: with the uid, so that what is meant for one object never reaches the next of its name. */
  #seen<T extends object>(key: ObjectKey, more: T): [string, Seen & T] {
    const uid = this.#cache.get(key)?.metadata.uid;
    return [`${formatKey(key)} ${uid ?? ''}`, { key, ...(uid === undefined ? {} : { uid }), ...more }];
  }

  #queues(): readonly Pick<LatestQueue<unknown>, 'open' | 'close'>[] {
    return [this.#statuses, this.#finalized, this.#alarms];
  }

  #handlers(): Handlers<PluginCalls> {
    return {
      ping: async () => {
        const asked = performance.now();
        await new Promise((resolve) => setImmediate(resolve));
        return { lag: performance.now() - asked };
      },
      admit: (request) => this.#admit(request),
      operation: ({ name, input, ...call }, { signal }) => this.#operation(name)(input, { ...call, signal }),
      'operation.stream': ({ name, input, ...call }, context) => this.#operationStream(name, input, { ...call, signal: context.signal }),
      metrics: async () => ({ text: await this.#options.metrics.registry.metrics() }),
      disable: async () => {
        await this.#plugin?.disable?.();
        await this.#rows.disable();
        return {};
      },
    };
  }

  async #admit(request: AdmissionRequest): Promise<AdmissionReply> {
    const plugin = this.#running();
    await this.#cache.reached(request.revision);
    return (await plugin.admit?.(request)) ?? { patches: [], refusals: [] };
  }

  async *#operationStream(name: string, input: unknown, call: OperationCall): AsyncGenerator<unknown> {
    const result = await this.#operation(name)(input, call);
    yield* result as AsyncIterable<unknown>;
  }

  #operation(name: string): OperationHandler {
    const handler = this.#running().operations?.[name];
    if (handler === undefined) throw fail('NOT_FOUND', `${this.#options.definition.name} serves no operation '${name}'`);
    return handler as OperationHandler;
  }

  #running(): Plugin {
    if (this.#plugin === null) throw fail('UNAVAILABLE', `${this.#options.definition.name} is starting`, 'retry in a moment');
    return this.#plugin;
  }
}
