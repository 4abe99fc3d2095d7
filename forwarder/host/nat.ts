/** Shared addresses in words, and their calls. */
import { setImmediate } from 'node:timers/promises';
import { type ForwarderCalls, type NatAddressStats, type NatBlock, type NatEvent, readIp } from '@weft/kernel/contract/net';
import { fail, type InOf, type OutOf } from '@weft/kernel/contract/system';
import { type Forwarder, natEventKinds, type NatEvent as PackedEvent, type NatAddressStats as PackedStats } from '../binding/index.ts';

type Library = Pick<Forwarder, 'natStatsRead' | 'natBlocksRead' | 'natEventsRead'>;

const kinds = {
  [natEventKinds.ASSIGNED]: 'assigned',
  [natEventKinds.RELEASED]: 'released',
  [natEventKinds.EXHAUSTED]: 'exhausted',
} as const;
const nanosecondsPerMs = 1_000_000n;
/** Calls into C for one answer. */
const callsPerAnswer = 16;

export function natStats(library: Library): OutOf<ForwarderCalls, 'nat.stats'> {
  return { addresses: library.natStatsRead().map(statsInWords) };
}

export async function natBlocks(
  library: Library,
  { cursor = 0 }: InOf<ForwarderCalls, 'nat.blocks'>,
): Promise<OutOf<ForwarderCalls, 'nat.blocks'>> {
  const blocks: NatBlock[] = [];
  let next: number | undefined = within('cursor', cursor, 0xffff_ffff);
  for (let call = 0; next !== undefined && call < callsPerAnswer; call++) {
    // Other plugins' calls and a stop may come in between.
    if (call > 0) await setImmediate();
    const part: ReturnType<Library['natBlocksRead']> = library.natBlocksRead(next);
    blocks.push(...part.records.map(blockInWords));
    next = part.cursor;
  }
  return { blocks, ...(next === undefined ? {} : { cursor: next }) };
}

export function natEvents(library: Library, { after }: InOf<ForwarderCalls, 'nat.events'>): OutOf<ForwarderCalls, 'nat.events'> {
  return { events: library.natEventsRead(BigInt(within('after', after, Number.MAX_SAFE_INTEGER))).map(eventInWords) };
}

function statsInWords({ version: _version, host, address, exhausted, ...counts }: PackedStats): NatAddressStats {
  return { ...counts, address: readIp(address), host: host !== 0, exhausted: Number(exhausted) };
}

function blockInWords({ address, first, last, port, insidePort, insideGeneration, timeNs }: PackedEvent): NatBlock {
  return { address: readIp(address), first, last, port, insidePort, insideGeneration, timeMs: Number(timeNs / nanosecondsPerMs) };
}

function eventInWords(packed: PackedEvent): NatEvent {
  const event = kinds[packed.event as keyof typeof kinds];
  return { ...blockInWords(packed), sequence: Number(packed.sequence), event, protocol: packed.protocol };
}

function within(name: string, value: unknown, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw fail('INVALID', `/${name} is ${JSON.stringify(value)}`, `give a whole number from 0 to ${most}`);
}
