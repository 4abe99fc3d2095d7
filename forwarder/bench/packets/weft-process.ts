/**
 * Weft as a contestant: libforwarder in a process of its own, as forwarder/host starts it, but with rows of a scenario in place of plugins.
 *
 *     node weft-process.ts '{"libforwarder": …, "scenario": …, "packetCpu": 1, "hugepages": true}'
 *
 * Says `ready` when all ports are up, and ends when its standard input does.
 */
import { randomUUID } from 'node:crypto';
import { openSync, unlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Forwarder, links } from '../../binding/index.ts';
import type { Scenario } from './scenario.ts';
import { portCount, weftBatches } from './weft-rows.ts';

export interface WeftJob {
  /** Path of libforwarder.so. */
  readonly libforwarder: string;
  readonly scenario: Scenario;
  readonly packetCpu: number;
  readonly hugepages: boolean;
}

const patienceMs = 10_000;
const stderr = 2;
/** EAL's number. */
const warning = 5;

/** The size of the host's default, which holds a million routes or MAC addresses. */
const stateMib = 512;
const memoryMib = 256;
/** Room for a million flows and for what endless ones leave, all from one port. */
const flows = { flowPairs: 4_194_304, flowPortPercent: 100 };

function start(job: WeftJob): Forwarder {
  const path = `/dev/shm/weft-bench-state-${randomUUID()}`;
  const stateFd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  const forwarder = new Forwarder(job.libforwarder);
  const sizes = { memoryMib, stateMib, packetThreads: 1, maxPorts: 16_384, ...flows };
  forwarder.start({
    ...sizes,
    cpu: job.packetCpu,
    stateFd,
    logFd: stderr,
    logLevel: warning,
    linkTag: 'bnc',
    hugepages: job.hugepages ? 1 : 0,
  });
  return forwarder;
}

async function portsUp(forwarder: Forwarder, count: number): Promise<void> {
  for (const end = Date.now() + patienceMs; ; await sleep(2)) {
    const ports = forwarder.portsRead();
    const waiting = ports.filter(({ state }) => state !== links.UP);
    if (ports.length === count && waiting.length === 0) return;
    if (Date.now() > end) throw new Error(`port ${waiting[0]?.id} is not up: ${waiting[0]?.reason}`);
  }
}

const job = JSON.parse(process.argv[2] ?? '') as WeftJob;
const forwarder = start(job);
const owner = forwarder.ownerOpen('bench');
const generation = forwarder.rowsBegin(owner);
// Last the networks with their ports: the load's first packet meets all routes.
const [networks, ...entries] = weftBatches(job.scenario);
for (const ops of [...entries, ...(networks === undefined ? [] : [networks])]) forwarder.rowsApply(owner, generation, ops);
await portsUp(forwarder, portCount(job.scenario));
process.stdout.write('ready\n');
for await (const words of process.stdin) process.stderr.write(words as Buffer);
forwarder.stop();
