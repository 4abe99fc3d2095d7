/** What the forwarder tells about ports and counters. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Caller } from '../bus/index.ts';
import {
  type CaptureRequest,
  type Flow,
  type FlowFilter,
  type FlowStats,
  type ForwarderCalls,
  type NatAddressStats,
  type NatBlock,
  type NatEvent,
  type PortState,
  type RuleStats,
  readRows,
  type TableName,
  type TraceStep,
} from '../contract/net/index.ts';
import { toWeftError } from '../contract/system/errors.ts';
import type { Forwarder, RowOf } from './plugin.ts';

const retryMs = 200;

type Listener = Parameters<Forwarder['onPorts']>[0];

export class ForwarderView implements Forwarder {
  readonly #forwarder: Caller<ForwarderCalls>;
  readonly #log: Logger;
  readonly #onError: (error: unknown) => void;
  readonly #listeners: Listener[] = [];
  /** Ports as last told; null until the first answer. */
  #ports: Map<number, PortState> | null = null;
  #watching = false;

  /** @param onError takes what a listener throws. */
  constructor(forwarder: Caller<ForwarderCalls>, log: Logger, onError: (error: unknown) => void) {
    this.#forwarder = forwarder;
    this.#log = log;
    this.#onError = onError;
  }

  stats(ports?: readonly number[]): Promise<ForwarderCalls['stats.read']['out']> {
    return this.#forwarder.call('stats.read', ports === undefined ? {} : { ports });
  }

  drops(ports?: readonly number[]): Promise<ForwarderCalls['drops.read']['out']> {
    return this.#forwarder.call('drops.read', ports === undefined ? {} : { ports });
  }

  async rows<Name extends TableName>(table: Name): Promise<readonly RowOf<Name>[]> {
    const { rows } = await this.#forwarder.call('rows.read', { table });
    return readRows(table, rows).filter((row): row is RowOf<Name> => row.table === table);
  }

  capture(request: CaptureRequest, signal: AbortSignal): ReturnType<Forwarder['capture']> {
    return this.#forwarder.stream('ports.capture', request, { signal });
  }

  async trace(port: number, frame: Buffer): Promise<readonly TraceStep[]> {
    return (await this.#forwarder.call('ports.trace', { port, frame })).steps;
  }

  async *flows(filter: FlowFilter = {}): AsyncGenerator<readonly Flow[]> {
    for (let cursor: number | undefined = 0; cursor !== undefined; ) {
      const part: ForwarderCalls['flows.read']['out'] = await this.#forwarder.call('flows.read', { filter, cursor });
      if (part.flows.length > 0) yield part.flows;
      cursor = part.cursor;
    }
  }

  flowStats(): Promise<FlowStats> {
    return this.#forwarder.call('flows.stats', {});
  }

  watchFlows(request: { readonly follow?: boolean }, signal: AbortSignal): ReturnType<Forwarder['watchFlows']> {
    return this.#forwarder.stream('flows.watch', request, { signal });
  }

  async ruleStats(): Promise<readonly RuleStats[]> {
    return (await this.#forwarder.call('rules.stats', {})).rules;
  }

  async natStats(): Promise<readonly NatAddressStats[]> {
    return (await this.#forwarder.call('nat.stats', {})).addresses;
  }

  async *natBlocks(): AsyncGenerator<readonly NatBlock[]> {
    for (let cursor: number | undefined = 0; cursor !== undefined; ) {
      const part: ForwarderCalls['nat.blocks']['out'] = await this.#forwarder.call('nat.blocks', { cursor });
      if (part.blocks.length > 0) yield part.blocks;
      cursor = part.cursor;
    }
  }

  async natEvents(after: number): Promise<readonly NatEvent[]> {
    return (await this.#forwarder.call('nat.events', { after })).events;
  }

  onPorts(listener: Listener): void {
    this.#listeners.push(listener);
    const known = this.#ports;
    if (known !== null) queueMicrotask(() => this.#call(listener, [...known.values()], []));
    void this.watch();
  }

  /** Follows the ports while the forwarder is there, if anybody listens. */
  async watch(): Promise<void> {
    if (this.#watching) return;
    this.#watching = true;
    for (let failures = 0; this.#listeners.length > 0 && this.#forwarder.connected; failures += 1) {
      // At once after a first failure: that is a reconnect.
      if (failures > 1) await sleep(retryMs);
      try {
        await this.#follow();
      } catch (thrown) {
        this.#log.debug({ error: toWeftError(thrown) }, 'no news of ports for now');
      }
    }
    this.#watching = false;
  }

  async #follow(): Promise<void> {
    let first = true;
    for await (const { ports, removed } of this.#forwarder.stream('ports.watch', {})) {
      this.#tell(ports, first ? this.#missing(ports) : removed, first);
      first = false;
    }
  }

  /** Ports that went while this plugin could not hear of it. */
  #missing(ports: readonly PortState[]): number[] {
    const present = new Set(ports.map((port) => port.id));
    return [...(this.#ports?.keys() ?? [])].filter((id) => !present.has(id));
  }

  #tell(ports: readonly PortState[], removed: readonly number[], whole: boolean): void {
    const known = whole || this.#ports === null ? new Map<number, PortState>() : this.#ports;
    for (const id of removed) known.delete(id);
    for (const port of ports) known.set(port.id, port);
    this.#ports = known;
    for (const listener of this.#listeners) this.#call(listener, ports, removed);
  }

  #call(listener: Listener, ports: readonly PortState[], removed: readonly number[]): void {
    try {
      listener(ports, removed);
    } catch (thrown) {
      this.#onError(thrown);
    }
  }
}
