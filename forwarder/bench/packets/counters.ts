/** The load device's counters and the frames it wrote down: bytes → figures. Layout: load/README.md. */
import { readFileSync } from 'node:fs';

/** Of one port of the load, since its start; cycles are of the TSC. */
interface PortCounters {
  /** Frames that the program got. */
  readonly received: number;
  /** Frames that the program gave. */
  readonly sent: number;
  readonly tscNow: number;
  readonly harnessPackets: number;
  readonly harnessCycles: number;
  readonly excludedCycles: number;
  readonly calibrationCycles: number;
  readonly calibrationRuns: number;
  readonly polls: number;
  readonly emptyPolls: number;
  readonly opened: number;
  readonly turned: number;
  readonly overflow: number;
  readonly sentBytes: number;
  readonly handledBack: number;
}

export interface Counters {
  readonly tscHz: number;
  /** All first phases ended. */
  readonly steady: boolean;
  readonly ports: readonly PortCounters[];
  /** Frames by latency, in buckets: see `bucketEnd`. */
  readonly latencies: readonly number[];
}

const magic = 'WLOAD001';
const portOffset = 256;
const portBytes = 256;
const histogramOffset = 4096;
const buckets = 1024;
const bucketsPerOctave = 16;
const ports = 2;
const histogramBytes = buckets * 8;
const wholeBytes = histogramOffset + ports * histogramBytes;

/** Undefined as long as the load has not begun. */
export function readCounters(file: string): Counters | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return parseCounters(bytes);
}

export function parseCounters(bytes: Buffer): Counters | undefined {
  if (bytes.length < wholeBytes || bytes.toString('latin1', 0, magic.length) !== magic) return undefined;
  const at = (offset: number) => Number(bytes.readBigUInt64LE(offset));
  return {
    tscHz: at(8),
    steady: at(24) === 1,
    ports: Array.from({ length: ports }, (_, port) => parsePort((index) => at(portOffset + portBytes * port + 8 * index))),
    // Noted where a frame leaves: of a flow that is turned round, at either port.
    latencies: Array.from(
      { length: buckets },
      (_, bucket) => at(histogramOffset + 8 * bucket) + at(histogramOffset + histogramBytes + 8 * bucket),
    ),
  };
}

function parsePort(at: (index: number) => number): PortCounters {
  return {
    received: at(0),
    sent: at(1),
    tscNow: at(2),
    harnessPackets: at(3),
    harnessCycles: at(4),
    excludedCycles: at(5),
    calibrationCycles: at(6),
    calibrationRuns: at(7),
    polls: at(8),
    emptyPolls: at(9),
    opened: at(10),
    turned: at(11),
    overflow: at(12),
    sentBytes: at(13),
    handledBack: at(14),
  };
}

/** The first latency, in cycles, that is no longer counted in this bucket. */
export function bucketEnd(bucket: number): number {
  const next = bucket + 1;
  if (next < 2 * bucketsPerOctave) return next;
  return (bucketsPerOctave + (next % bucketsPerOctave)) * 2 ** (Math.floor(next / bucketsPerOctave) - 1);
}

/** Latency in µs below which so large a part of the frames stayed, of those counted between two readings. NaN: none was counted. */
export function latency(before: Counters, after: Counters, part: number): number {
  const counts = after.latencies.map((count, bucket) => count - (before.latencies[bucket] ?? 0));
  const wanted = counts.reduce((sum, count) => sum + count, 0) * part;
  let seen = 0;
  const bucket = counts.findIndex((count) => {
    seen += count;
    return count > 0 && seen >= wanted;
  });
  return bucket < 0 ? Number.NaN : (bucketEnd(bucket) / after.tscHz) * 1e6;
}
