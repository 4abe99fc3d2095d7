/** Brings what the forwarder tells of blocks into the log, once, in order, and says what is missing. */
import type { NatBlock, NatEvent } from '@weft/kernel/contract/net';
import { protocolName } from '@weft/kernel/contract/net';
import type { Forwarder } from '@weft/kernel/sdk';
import type { BlockLog } from './block-log.ts';
import { type Block, blockName, type Entry, timeText } from './entry.ts';

/** Project and name of a port. */
export interface PortName {
  readonly project: string;
  readonly port: string;
}

interface Parts {
  readonly forwarder: Pick<Forwarder, 'natEvents' | 'natBlocks'>;
  readonly log: BlockLog;
  /** Undefined: the Port is gone. */
  readonly nameOf: (id: number) => PortName | undefined;
  /** Told of every event that is in the log now. */
  readonly heard: (event: NatEvent, name: PortName) => void;
  readonly now: () => number;
}

export class BlockWatch {
  readonly #parts: Parts;
  /** Of events, since the plugin started. */
  lost = 0;
  told = 0;
  /** What the log says that ports have may be wrong: after a gap, and when an earlier life ended in one. */
  #unsure = true;
  #running: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Takes what is new. Rejects when the forwarder is away, or the log cannot be written: nothing is lost by that as long as the forwarder keeps it. */
  poll(): Promise<void> {
    this.#running ??= this.#poll().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #poll(): Promise<void> {
    const { forwarder, log } = this.#parts;
    while (!log.closed) {
      const { sequence } = log.position;
      // The last one again: it says whether the forwarder still counts as it did.
      const events = await forwarder.natEvents(Math.max(0, sequence - 1));
      const { fresh, isAnew, lost } = this.#compare(events);
      if (isAnew) log.append([{ time: timeText(this.#parts.now()), event: 'restarted', sequence: 0 }]);
      else if (fresh.length > 0) this.#take(fresh, lost);
      if (!isAnew && fresh.length === 0) break;
    }
    // Only now, as what is told of the past would contradict the present.
    if (this.#unsure) await this.#reconcile();
  }

  #compare(events: readonly NatEvent[]): { readonly fresh: readonly NatEvent[]; readonly isAnew: boolean; readonly lost: number } {
    const { sequence, timeMs } = this.#parts.log.position;
    const [first] = events;
    if (sequence === 0) return { fresh: events, isAnew: false, lost: first === undefined ? 0 : first.sequence - 1 };
    const isAnew = first === undefined || first.sequence < sequence || (first.sequence === sequence && Math.floor(first.timeMs) !== timeMs);
    if (isAnew) return { fresh: [], isAnew, lost: 0 };
    if (first.sequence === sequence) return { fresh: events.slice(1), isAnew, lost: 0 };
    return { fresh: events, isAnew, lost: first.sequence - sequence - 1 };
  }

  #take(events: readonly NatEvent[], lost: number): void {
    const { log, heard } = this.#parts;
    const missing: Entry[] = lost > 0 ? [{ time: timeText(events[0]?.timeMs ?? 0), event: 'lost', count: lost }] : [];
    const named = events.map((event) => ({ event, name: this.#nameOf(event) }));
    log.append([...missing, ...named.map(({ event, name }) => entryOf(event, name))]);
    this.#unsure ||= lost > 0;
    this.lost += lost;
    this.told += events.length;
    for (const { event, name } of named) heard(event, name);
  }

  /** What ports have is what the forwarder says that they have. */
  async #reconcile(): Promise<void> {
    const { forwarder, log, now } = this.#parts;
    const gone = new Map(log.open);
    const come: Entry[] = [];
    for await (const blocks of forwarder.natBlocks()) {
      for (const block of blocks) {
        const known = gone.get(blockName(block));
        if (known?.id === block.insidePort) gone.delete(blockName(block));
        else come.push({ time: timeText(block.timeMs), event: 'assigned', ...this.#blockOf(block) });
      }
    }
    const time = timeText(now());
    log.append([...[...gone.values()].map(({ since: _, ...block }): Entry => ({ time, event: 'released', ...block })), ...come]);
    this.#unsure = false;
  }

  #blockOf(block: NatBlock): Omit<Block, 'since'> {
    const { insidePort: id, address, first, last } = block;
    return { ...this.#nameOf(block), id, address, first, last };
  }

  /** A port that is gone is called as it was when it got the block. */
  #nameOf(block: NatBlock): PortName {
    const { log, nameOf } = this.#parts;
    const known = log.open.get(blockName(block));
    if (known?.id === block.insidePort && known.port !== '') return { project: known.project, port: known.port };
    return nameOf(block.insidePort) ?? { project: '', port: '' };
  }
}

function entryOf(event: NatEvent, name: PortName): Entry {
  const { timeMs, event: what, insidePort: id, address, first, last, sequence } = event;
  const common = { time: timeText(timeMs), event: what, ...name, id, address } as const;
  return what === 'exhausted' ? { ...common, protocol: protocolName(event.protocol), sequence } : { ...common, first, last, sequence };
}
