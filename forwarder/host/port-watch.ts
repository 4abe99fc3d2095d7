/** Who watches ports, and what each watcher has not been told yet. Lives in the main isolate, so that streams outlive a Worker. */

import type { ForwarderCalls, PortState } from '@weft/kernel/contract/net';
import type { ItemOf } from '@weft/kernel/contract/system';
import { links, type PortState as PackedPort } from '../binding/index.ts';

type Changes = ItemOf<ForwarderCalls, 'ports.watch'>;

/** A port's state in the words of the bus. */
export function portState({ id, generation, slot, state, mac, reason }: PackedPort): PortState {
  return { id, generation, slot, state: state === links.UP ? 'up' : state === links.DOWN ? 'down' : 'pending', mac, reason };
}

interface Watcher {
  readonly changed: Map<number, PortState>;
  readonly removed: Set<number>;
  wake: () => void;
}

export class PortWatch {
  readonly #read: () => readonly PackedPort[];
  #ports = new Map<number, PortState>();
  readonly #watchers = new Set<Watcher>();

  constructor(read: () => readonly PackedPort[]) {
    this.#read = read;
  }

  /** Reads all ports and tells the watchers what differs from the last time. */
  refresh(): void {
    const ports = new Map(this.#read().map((port) => [port.id, portState(port)]));
    const changed = [...ports.values()].filter((port) => !equal(port, this.#ports.get(port.id)));
    const removed = [...this.#ports.keys()].filter((id) => !ports.has(id));
    this.#ports = ports;
    if (changed.length + removed.length === 0) return;
    for (const watcher of this.#watchers) {
      for (const port of changed) {
        watcher.removed.delete(port.id);
        watcher.changed.set(port.id, port);
      }
      for (const id of removed) {
        watcher.changed.delete(id);
        watcher.removed.add(id);
      }
      watcher.wake();
    }
  }

  /** First item: all ports. Then changes, those of a slow reader joined into one: it holds each port at most once. */
  async *watch(signal: AbortSignal): AsyncGenerator<Changes> {
    const watcher: Watcher = { changed: new Map(), removed: new Set(), wake: () => undefined };
    this.#watchers.add(watcher);
    const stop = (): void => watcher.wake();
    signal.addEventListener('abort', stop, { once: true });
    try {
      this.refresh();
      watcher.changed.clear();
      watcher.removed.clear();
      yield { ports: [...this.#ports.values()], removed: [] };
      while (!signal.aborted) {
        if (watcher.changed.size + watcher.removed.size === 0)
          await new Promise<void>((resolve) => Object.assign(watcher, { wake: resolve }));
        if (signal.aborted) return;
        const item = { ports: [...watcher.changed.values()], removed: [...watcher.removed] };
        watcher.changed.clear();
        watcher.removed.clear();
        yield item;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.#watchers.delete(watcher);
    }
  }
}

function equal(a: PortState, b: PortState | undefined): boolean {
  if (b === undefined || a.generation !== b.generation || a.slot !== b.slot) return false;
  return a.state === b.state && a.mac === b.mac && a.reason === b.reason;
}
