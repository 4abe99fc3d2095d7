/** The connected plugins: who serves, and the calls that the kernel makes to them. */
import type { Caller } from '../../bus/index.ts';
import { type AdmissionReply, type AdmissionRequest, fail, type PluginCalls } from '../../contract/system/index.ts';
import type { OperationInput } from '../api/index.ts';
import type { Admitter } from '../apply/index.ts';
import type { Enablement } from './enablement.ts';

const admissionDeadlineMs = 5_000;
const operationDeadlineMs = 30_000;
const disableDeadlineMs = 2_000;

interface Link {
  readonly caller: Caller<PluginCalls>;
  /** It said hello with the manifest that is registered. */
  greeted: boolean;
  ready: boolean;
}

export class PluginLinks implements Admitter {
  readonly #enablement: Enablement;
  readonly #links = new Map<string, Link>();

  constructor(enablement: Enablement) {
    this.#enablement = enablement;
  }

  /** The channel of a plugin, for as long as the kernel runs; processes come and go at its other end. */
  attach(plugin: string, caller: Caller<PluginCalls>): void {
    this.#links.set(plugin, { caller, greeted: false, ready: false });
  }

  greeted(plugin: string): void {
    const link = this.#links.get(plugin);
    if (link !== undefined) link.greeted = true;
  }

  /** @returns whether this is news */
  ready(plugin: string): boolean {
    const link = this.#links.get(plugin);
    if (link === undefined || link.ready) return false;
    link.ready = true;
    return true;
  }

  gone(plugin: string): void {
    const link = this.#links.get(plugin);
    if (link === undefined) return;
    link.greeted = false;
    link.ready = false;
  }

  isGreeted(plugin: string): boolean {
    return this.#links.get(plugin)?.greeted ?? false;
  }

  isReady(plugin: string): boolean {
    return this.#links.get(plugin)?.ready ?? false;
  }

  unavailable(plugin: string): string | null {
    return this.#enablement.obstacle(plugin) ?? (this.isReady(plugin) ? null : 'it does not serve at the moment');
  }

  admit(plugin: string, request: AdmissionRequest): Promise<AdmissionReply> {
    return this.#caller(plugin).call('admit', request, { deadlineMs: admissionDeadlineMs });
  }

  ping(plugin: string, deadlineMs: number): Promise<{ lag: number }> {
    return this.#caller(plugin).call('ping', {}, { deadlineMs });
  }

  async metrics(plugin: string, deadlineMs: number): Promise<string> {
    return (await this.#caller(plugin).call('metrics', {}, { deadlineMs })).text;
  }

  /** The plugin takes its rows out of the forwarder; one that does not serve is not asked. */
  async disable(plugin: string): Promise<void> {
    if (this.isReady(plugin)) await this.#caller(plugin).call('disable', {}, { deadlineMs: disableDeadlineMs });
  }

  async operation(plugin: string, call: OperationInput, signal: AbortSignal): Promise<unknown> {
    this.#assertServes(plugin);
    return await this.#caller(plugin).call('operation', call, { deadlineMs: operationDeadlineMs, signal });
  }

  async *stream(plugin: string, call: OperationInput, signal: AbortSignal): AsyncGenerator<unknown> {
    this.#assertServes(plugin);
    yield* this.#caller(plugin).stream('operation.stream', call, { signal });
  }

  #assertServes(plugin: string): void {
    const reason = this.unavailable(plugin);
    if (reason !== null)
      throw fail('UNAVAILABLE', `the plugin ${plugin} cannot answer: ${reason}`, `weft plugin describe ${plugin}; enable it, or retry`);
  }

  #caller(plugin: string): Caller<PluginCalls> {
    const link = this.#links.get(plugin);
    if (link === undefined) throw fail('UNAVAILABLE', `the plugin ${plugin} is not connected`, `weft plugin describe ${plugin}`);
    return link.caller;
  }
}
