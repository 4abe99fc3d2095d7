/** Lines of the block log (RFC 6888 §4): which port of a VM had which outside ports, from when to when. Never what it did with them. */

type EntryEvent = 'assigned' | 'released' | 'exhausted' | 'held' | 'lost' | 'restarted' | 'begun';

/** Outside ports `first` to `last` of an address, and who has them. */
export interface Block {
  readonly project: string;
  readonly port: string;
  /** Number of the port in the forwarder. */
  readonly id: number;
  readonly address: string;
  readonly first: number;
  readonly last: number;
  /** RFC 3339. */
  readonly since: string;
}

/**
 * `held`: a block that a port had when the file was begun; `lost`: so many events nobody was told of; `restarted`: the forwarder began without its
 * memory, all blocks ended; `begun`: a file of the log begins.
 */
export interface Entry extends Partial<Block> {
  /** RFC 3339, milliseconds. */
  readonly time: string;
  readonly event: EntryEvent;
  /** exhausted: name of the protocol. */
  readonly protocol?: string;
  /** lost: how many. */
  readonly count?: number;
  /** Of the forwarder's event; of `begun` the last one before, and its time. */
  readonly sequence?: number;
  readonly sequenceTime?: string;
}

/** The last event that stands in the log. */
export interface Position {
  readonly sequence: number;
  readonly timeMs: number;
}

export const blockName = ({ address, first }: Pick<Block, 'address' | 'first'>): string => `${address} ${first}`;

export const timeText = (timeMs: number): string => new Date(Math.floor(timeMs)).toISOString();

export function lineOf(entry: Entry): string {
  return `${JSON.stringify(entry)}\n`;
}

/** Undefined for what is no line of the log, such as one that was torn. */
export function entryOf(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<Entry> | null;
    return typeof entry?.time === 'string' && typeof entry.event === 'string' ? (entry as Entry) : undefined;
  } catch {
    return undefined;
  }
}

/** What the blocks are once this has happened. */
export function applyEntry(open: Map<string, Block>, entry: Entry): void {
  const { event, address, first, last, project = '', port = '', id = 0, time, since = time } = entry;
  if (event === 'restarted' || event === 'begun') open.clear();
  if (address === undefined || first === undefined || last === undefined) return;
  const block = { project, port, id, address, first, last, since };
  if (event === 'assigned' || event === 'held') open.set(blockName(block), block);
  if (event === 'released') open.delete(blockName(block));
}
