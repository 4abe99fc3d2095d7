/** One sample: a contestant is started, warms up, is watched for a window, and is stopped. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkFrames } from './check.ts';
import { type Counters, latency, readCounters } from './counters.ts';
import { countedPorts, loadSettings, type Traffic } from './load.ts';
import { readPcap } from './pcap.ts';
import type { Contestant, Scenario } from './scenario.ts';

/** Where a sample is taken. */
export interface Place {
  /** On tmpfs: writing the counters back to a disk would stall the packet thread. */
  readonly folder: string;
  readonly packetCpu: number;
  readonly controlCpu: number;
  readonly hugepages: boolean;
  readonly windowMs: number;
}

/** What is asked for. */
export interface Question {
  readonly scenario: Scenario;
  readonly traffic: Traffic;
}

export interface Sample {
  readonly mpps: number;
  /** TSC cycles per packet in the window. */
  readonly grossCycles: number;
  /** What the load itself costs, measured beside. */
  readonly harnessCycles: number;
  readonly netCycles: number;
  /** Cycles of the fixed loop: grows when the machine slows. */
  readonly calibration: number;
  /** µs at 50, 99 and 99.9 %; NaN without a rate. */
  readonly latency: readonly [number, number, number];
  readonly note?: string;
}

const warmUpMs = 700;
const beginMs = 30_000;
const pollMs = 10;
/** Frames that may be missing: those under way when the window began or ended. */
const lossAllowed = 0.01;
/** A harness that ran less often says little. */
const leastHarnessRuns = 1;

/** Throws an Error with the reason, in one sentence, when the contestant did not start or did not do its work. */
export async function takeSample(contestant: Contestant, question: Question, place: Place): Promise<Sample> {
  const folder = join(place.folder, 'sample');
  mkdirSync(folder);
  try {
    return await sampleIn(folder, contestant, question, place);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function sampleIn(folder: string, contestant: Contestant, { scenario, traffic }: Question, place: Place): Promise<Sample> {
  const { packetCpu, controlCpu, hugepages } = place;
  const files = { countersFile: join(folder, 'counters'), pcapFile: join(folder, 'frames.pcap') };
  const load = loadSettings(scenario, traffic);
  const running = await contestant.start({ scenario, load, ...files, folder, packetCpu, controlCpu, hugepages });
  try {
    await steady(files.countersFile, countedPorts(scenario, traffic));
    await sleep(warmUpMs);
    const before = current(files.countersFile);
    await sleep(place.windowMs);
    const after = current(files.countersFile);
    checkWork({ scenario, traffic }, files.pcapFile);
    const sample = figures({ scenario, traffic }, before, after);
    return running.note === undefined ? sample : { ...sample, note: running.note };
  } finally {
    await running.stop();
  }
}

function current(file: string): Counters {
  const counters = readCounters(file);
  if (counters === undefined) throw new Error('the load has no counters: was load.so preloaded?');
  return counters;
}

async function steady(file: string, counted: readonly number[]): Promise<void> {
  let counters: Counters | undefined;
  for (const end = Date.now() + beginMs; Date.now() < end; await sleep(pollMs)) {
    counters = readCounters(file);
    if (counters?.steady && counted.every((port) => (counters?.ports[port]?.sent ?? 0) > 0)) return;
  }
  if (counters === undefined) throw new Error('the load did not begin: was load.so preloaded?');
  const [first, second] = counters.ports;
  const seen = `port 0 received ${first?.received}, sent ${first?.sent}, opened ${first?.opened}; port 1 received ${second?.received}, sent ${second?.sent}`;
  throw new Error(`no steady traffic after ${beginMs} ms: ${seen}`);
}

function checkWork({ scenario, traffic }: Question, pcapFile: string): void {
  const wrong = checkFrames(scenario, countedPorts(scenario, traffic).length > 1, readPcap(pcapFile));
  if (wrong !== undefined) throw new Error(`it did not do its work: ${wrong}`);
}

/** Figures of a window. Throws an Error when packets were lost or the load could not measure itself. */
export function figures({ scenario, traffic }: Question, before: Counters, after: Counters): Sample {
  const grown = (port: number, key: keyof Counters['ports'][number]) => (after.ports[port]?.[key] ?? 0) - (before.ports[port]?.[key] ?? 0);
  const counted = countedPorts(scenario, traffic);
  const packets = counted.reduce((sum, port) => sum + grown(port, 'sent'), 0);
  const received = grown(0, 'received') + (counted.length > 1 ? grown(1, 'received') : 0);
  if (packets < received * (1 - lossAllowed)) throw new Error(`only ${packets} of ${received} packets came out`);
  const cycles = grown(0, 'tscNow') - grown(0, 'excludedCycles');
  if (!(packets > 0 && cycles > 0)) throw new Error(`nothing came out in the window: ${packets} packets, ${cycles} cycles`);
  if (grown(0, 'calibrationRuns') < leastHarnessRuns || grown(0, 'harnessPackets') === 0) {
    throw new Error('the load did not measure itself in the window');
  }
  const grossCycles = cycles / packets;
  const harnessCycles = grown(0, 'harnessCycles') / grown(0, 'harnessPackets');
  return {
    mpps: after.tscHz / grossCycles / 1e6,
    grossCycles,
    harnessCycles,
    netCycles: grossCycles - harnessCycles,
    calibration: grown(0, 'calibrationCycles') / grown(0, 'calibrationRuns'),
    latency: [latency(before, after, 0.5), latency(before, after, 0.99), latency(before, after, 0.999)],
  };
}
