/**
 * `flows.watch`: what happens to flows, as it happens. The library's rings are read only while somebody watches, and every watcher gets everything.
 * Lives in the main isolate, so that streams outlive a Worker.
 */
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { Flow, ForwarderCalls } from '@weft/kernel/contract/net';
import type { InOf, ItemOf } from '@weft/kernel/contract/system';
import type { Forwarder } from '../binding/index.ts';
import { flowInWords } from './flows.ts';

type Item = ItemOf<ForwarderCalls, 'flows.watch'>;
type Library = Pick<Forwarder, 'flowEvents' | 'flowStatsRead' | 'dropName'>;

const intervalMs = 100;
/** What is not read in an interval waits in the library's rings, and is lost there when they are full. */
const partsPerInterval = 32;
/** Denials that who does not follow is told of: 2,000 a second of all ports together. */
const denialsPerInterval = 200;
/** What a slow reader may leave unread; the oldest go first. */
const mostWaiting = 10_000;
const flowsPerItem = 1_000;

interface Watcher {
  readonly follow: boolean;
  /** What it may still be told in this interval. */
  allowance: number;
  waiting: Flow[];
  /** All that it did not get: thrown away because it was slow, or lost in the library since it began. */
  lost: number;
  wake: () => void;
}

export class FlowWatch {
  readonly #library: Library;
  readonly #watchers = new Set<Watcher>();
  /** In the library, as last seen. */
  #lost = 0n;
  #polling = false;
  #stopped = false;

  constructor(library: Library) {
    this.#library = library;
  }

  /** The first item is empty: of what happens from then on nothing is missing that `lost` does not count. It ends when the reader stops. */
  async *watch({ follow = false }: InOf<ForwarderCalls, 'flows.watch'>, signal: AbortSignal): AsyncGenerator<Item> {
    const watcher: Watcher = { follow: follow === true, allowance: denialsPerInterval, waiting: [], lost: 0, wake: () => undefined };
    this.#begin(watcher);
    const wake = (): void => watcher.wake();
    signal.addEventListener('abort', wake, { once: true });
    try {
      yield { flows: [], lost: 0 };
      for (let told = 0; !signal.aborted; ) {
        if (watcher.waiting.length === 0 && watcher.lost === told) {
          await new Promise<void>((resolve) => Object.assign(watcher, { wake: resolve }));
          continue;
        }
        told = watcher.lost;
        yield { flows: watcher.waiting.splice(0, flowsPerItem), lost: told };
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#end(watcher);
    }
  }

  /** Nothing is asked of the library any more. */
  stop(): void {
    this.#stopped = true;
  }

  #begin(watcher: Watcher): void {
    // What happened before is for the others; and from here on the library tells what this one wants.
    this.#collect(watcher.follow);
    this.#countLost();
    this.#watchers.add(watcher);
    if (!this.#polling) void this.#poll();
  }

  #end(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (watcher.follow && !this.#stopped) this.#collect();
  }

  async #poll(): Promise<void> {
    this.#polling = true;
    while (this.#watchers.size > 0) {
      await pause(intervalMs);
      for (const watcher of this.#watchers) watcher.allowance = denialsPerInterval;
      for (let part = 0; part < partsPerInterval && !this.#stopped && this.#readPart(); part++) await turn();
      if (!this.#stopped) this.#countLost();
    }
    this.#polling = false;
  }

  #collect(follow = false): void {
    for (let part = 0; part < partsPerInterval && this.#readPart(follow); part++);
  }

  /** Whether more may wait. */
  #readPart(follow = false): boolean {
    const watchers = [...this.#watchers];
    const packed = this.#library.flowEvents(follow || watchers.some((watcher) => watcher.follow));
    if (packed.length === 0) return false;
    if (watchers.length === 0) return true;
    const flows = packed.map((flow) => flowInWords(flow, this.#library));
    const denied = flows.filter(({ event }) => event === 'denied');
    for (const watcher of watchers) give(watcher, watcher.follow ? flows : allowed(watcher, denied));
    return true;
  }

  #countLost(): void {
    const { eventsLost } = this.#library.flowStatsRead();
    const more = Number(eventsLost - this.#lost);
    this.#lost = eventsLost;
    if (more === 0) return;
    for (const watcher of this.#watchers) {
      watcher.lost += more;
      watcher.wake();
    }
  }
}

function allowed(watcher: Watcher, denied: readonly Flow[]): readonly Flow[] {
  const told = denied.slice(0, watcher.allowance);
  watcher.allowance -= told.length;
  watcher.lost += denied.length - told.length;
  return told;
}

function give(watcher: Watcher, flows: readonly Flow[]): void {
  watcher.waiting.push(...flows);
  watcher.lost += watcher.waiting.splice(0, watcher.waiting.length - mostWaiting).length;
  watcher.wake();
}
