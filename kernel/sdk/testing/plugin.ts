/** Starts a plugin in memory and lets a test play the world around it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import type { TSchema } from 'typebox';
import { type Caller, memoryPair } from '../../bus/index.ts';
import type { ForwarderCalls, PortState, PuntRecord } from '../../contract/net/index.ts';
import {
  type AdmissionReply,
  type Change,
  defaultProject,
  formatKey,
  type KernelCalls,
  keyOf,
  type ObjectKey,
  type PluginCalls,
  type WeftObject,
} from '../../contract/system/index.ts';
import { ProcessMetrics } from '../../metrics/index.ts';
import type { PluginDefinition } from '../plugin.ts';
import { Runtime, type Wires } from '../runtime.ts';
import { checkSettings } from '../settings.ts';
import { FakeForwarder } from './forwarder.ts';
import { FakeKernel } from './kernel.ts';
import { FakeServicePort } from './service-port.ts';
import { assertStatus } from './status.ts';

export interface StartOptions {
  readonly config?: object;
  /** Objects that are in the store when the plugin starts. */
  readonly objects?: readonly WeftObject<object, object>[];
  /** Names of other plugins that are installed. */
  readonly installed?: readonly string[];
  readonly ports?: readonly (Partial<PortState> & { id: number })[];
  /** Default: a folder of its own, removed by `stop`. */
  readonly stateDir?: string;
  /** Default: silent. */
  readonly log?: Logger;
}

/** Returns once the plugin is ready. Rejects with what its start throws. */
export async function startPlugin<Config extends TSchema>(
  definition: PluginDefinition<Config>,
  options: StartOptions = {},
): Promise<TestPlugin> {
  const plugin = new TestPlugin(definition as unknown as PluginDefinition, options);
  try {
    await plugin.begin();
  } catch (thrown) {
    plugin.dispose();
    throw thrown;
  }
  return plugin;
}

type Linked = { connect(): void; disconnect(): void };

export class TestPlugin {
  readonly kernel = new FakeKernel();
  readonly forwarder: FakeForwarder;
  /** Where its TCP and UDP servers are reached. */
  readonly servicePort = new FakeServicePort();
  /** What ended the plugin: in production its process would have died. */
  fatal: unknown = null;
  readonly #runtime: Runtime;
  readonly #stateDir: string;
  readonly #ownsStateDir: boolean;
  #kernelLink: (Linked & { b: Caller<PluginCalls> }) | null = null;
  #forwarderLink: Linked | null = null;
  #punted: (frame: Buffer) => void = () => undefined;

  constructor(definition: PluginDefinition, options: StartOptions) {
    this.forwarder = new FakeForwarder(
      definition.grants?.rows ?? [],
      (definition.puntClasses ?? []).map((puntClass) => puntClass.name),
    );
    this.kernel.kinds = definition.kinds ?? [];
    this.kernel.installed = options.installed ?? [];
    this.#ownsStateDir = options.stateDir === undefined;
    this.#stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), `weft-${definition.name}-`));
    for (const object of options.objects ?? []) this.kernel.put(object);
    this.forwarder.setPorts(options.ports ?? []);
    this.#runtime = new Runtime({
      definition,
      config: checkSettings(definition.name, definition.config, options.config ?? {}),
      manifestHash: 'test',
      stateDir: this.#stateDir,
      log: options.log ?? pino({ level: 'silent' }),
      metrics: new ProcessMetrics(),
      wires: this.#wires(definition.name),
      onFatal: (thrown) => {
        this.fatal ??= thrown;
      },
    });
  }

  /** Connects both ends; resolves when the plugin is ready. */
  async begin(): Promise<void> {
    this.#kernelLink?.connect();
    this.#forwarderLink?.connect();
    await this.#runtime.start();
    await this.settle();
  }

  /** Waits until nothing is on its way any more: for what follows from puts, punts and calls without timers. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (this.fatal !== null) throw this.fatal;
  }

  /** Waits for what needs time (retries, the plugin's own timers); throws after 5 s. */
  async until(condition: () => boolean): Promise<void> {
    const end = performance.now() + 5_000;
    while (!condition()) {
      if (this.fatal !== null) throw this.fatal;
      if (performance.now() > end) throw new Error('the condition did not come true within 5 s');
      await sleep(5);
    }
  }

  /** Creates or changes an object and lets the plugin react. */
  async put<T extends WeftObject<object, object>>(object: T): Promise<T> {
    const stored = this.kernel.put(object);
    await this.settle();
    return stored;
  }

  async remove(key: ObjectKey): Promise<void> {
    this.kernel.remove(key);
    await this.settle();
  }

  /** Asks the plugin about changes; commits nothing. `null` as second of a pair deletes the object. */
  admit(changes: readonly Change[], options: { dryRun?: boolean; revision?: number } = {}): Promise<AdmissionReply> {
    const { dryRun = false, revision = this.kernel.revision } = options;
    return this.#plugin().call('admit', { revision, dryRun, changes });
  }

  /**
   * A write as the kernel does it: asks the plugin about creating or changing `objects` and deleting `remove`; when it refuses nothing, the
   * objects are stored with the status it gave. Returns the plugin's answer.
   */
  async write(objects: readonly WeftObject<object, object>[], remove: readonly ObjectKey[] = []): Promise<AdmissionReply> {
    const changes = [...objects.map((object) => this.#change(object as WeftObject)), ...remove.map((key) => this.#deletion(key))];
    const reply = await this.admit(changes);
    if (reply.refusals.length > 0) return reply;
    for (const { after, key } of changes) {
      if (after === null) this.kernel.remove(key);
      else {
        const patch = reply.patches.find((candidate) => formatKey(candidate.key) === formatKey(key));
        const status = { ...after.status, ...patch?.status };
        assertStatus(this.kernel.kinds, key, status, patch?.status ?? {});
        this.kernel.put({ ...after, status });
      }
    }
    await this.settle();
    return reply;
  }

  /** Frames of a punt class arrive. */
  async punt(puntClass: string, ...records: (Partial<PuntRecord> & { port: number; frame: Buffer })[]): Promise<void> {
    this.#punted(this.forwarder.batch(puntClass, records));
    await this.settle();
  }

  /** Changes ports and lets the plugin react. */
  async ports(states: readonly (Partial<PortState> & { id: number })[], removed: readonly number[] = []): Promise<void> {
    this.forwarder.setPorts(states, removed);
    await this.settle();
  }

  operation(name: string, input: unknown = {}, project: string = defaultProject): Promise<unknown> {
    return this.#plugin().call('operation', { name, project, input });
  }

  operationStream(name: string, input: unknown = {}, project: string = defaultProject, file = false): AsyncIterableIterator<unknown> {
    return this.#plugin().stream('operation.stream', { name, project, input, ...(file ? { file } : {}) });
  }

  /** What it tells the kernel of itself: Prometheus text. */
  async metrics(): Promise<string> {
    return (await this.#plugin().call('metrics', {})).text;
  }

  /** What `weft plugin disable` does. */
  async disable(): Promise<void> {
    await this.#plugin().call('disable', {});
  }

  kernelAway(): void {
    this.#kernelLink?.disconnect();
  }

  async kernelBack(): Promise<void> {
    this.#kernelLink?.connect();
    await this.settle();
  }

  forwarderAway(): void {
    this.#forwarderLink?.disconnect();
  }

  /** The forwarder restarted; its rows are still there, as the state memory keeps them. */
  async forwarderBack(): Promise<void> {
    this.#forwarderLink?.connect();
    await this.settle();
  }

  /** An orderly stop; removes the state folder. Throws what ended the plugin before. */
  async stop(): Promise<void> {
    await this.#runtime.stop();
    this.dispose();
    if (this.fatal !== null) throw this.fatal;
  }

  /** Drops everything without an orderly stop. */
  dispose(): void {
    this.#runtime.close();
    this.servicePort.close();
    if (this.#ownsStateDir) rmSync(this.#stateDir, { recursive: true, force: true });
  }

  #plugin(): Caller<PluginCalls> {
    if (this.#kernelLink === null) throw new Error('the plugin has not connected');
    return this.#kernelLink.b;
  }

  #change(after: WeftObject): Change {
    const key = keyOf(after);
    const before = this.kernel.objects.get(formatKey(key)) ?? null;
    return { op: before === null ? 'create' : 'update', key, before, after: { ...after, status: before?.status ?? after.status } };
  }

  #deletion(key: ObjectKey): Change {
    return { op: 'delete', key, before: this.kernel.objects.get(formatKey(key)) ?? null, after: null };
  }

  #wires(name: string): Wires {
    return {
      kernel: (handlers, onConnect, onDisconnect) => {
        const link = memoryPair<PluginCalls, KernelCalls>(
          { name, handlers, onConnect, onDisconnect },
          { name: 'kernel', handlers: this.kernel.handlers() },
        );
        this.#kernelLink = link;
        return { caller: link.a, close: () => link.disconnect() };
      },
      forwarder: (onConnect) => {
        const link = memoryPair<object, ForwarderCalls>(
          { name, handlers: {}, onConnect },
          { name: 'forwarder', handlers: this.forwarder.handlers() },
        );
        this.#forwarderLink = link;
        return { caller: link.a, close: () => link.disconnect() };
      },
      servicePort: () => this.servicePort,
      punts: (onFrame) => {
        this.#punted = (frame) => {
          try {
            onFrame(frame);
          } catch (thrown) {
            this.fatal ??= thrown;
          }
        };
        return { send: (frame) => this.forwarder.inject(frame), close: () => undefined };
      },
    };
  }
}
