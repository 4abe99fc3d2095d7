/** Numbered flows between VMs, or VMs and the outside (appliance/traffic/services/flows.c): each first packet, and each answer, is looked for at its other end. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Appliance, top } from './appliance.ts';
import type { Vms } from './vms.ts';

const program = join(top, 'appliance/traffic/build/flows');

/** A VM whose port sends and counts raw frames: its kernel has no address and answers nothing. */
export interface RawVm {
  readonly vm: string;
  readonly mac: string;
  readonly address: string;
}

export interface SentFlows {
  readonly sent: number;
  readonly refused: number;
  readonly seconds: number;
  readonly rate: number;
}

interface Count {
  readonly received: number;
  readonly distinct: number;
}

/** `open`: first packets; `back`: what answers them. */
export interface CountedFlows {
  readonly open: Count;
  readonly back: Count;
}

/** What a machine outside saw of flows that it answered. */
export interface AnsweredFlows {
  readonly received: number;
  readonly distinct: number;
  /** 5-tuples that were those of two flows. */
  readonly shared: number;
  /** Flows that came with another 5-tuple than before. */
  readonly moved: number;
}

/** Whom to send to what is routed: a gateway, with an address behind it. */
export function beyondGateway(address: string): RawVm {
  return { vm: '', mac: '00:00:5e:00:01:00', address };
}

/** A port of the network in a new VM, ready. */
export async function addRawVm(
  appliance: Appliance,
  vms: Vms,
  { vm, mac, address, ...spec }: RawVm & { readonly network: string; readonly securityGroups?: readonly string[] },
): Promise<RawVm> {
  const { netns } = await vms.add(vm);
  const binding = { type: 'netns', netns, interface: 'eth0' };
  await appliance.apply([{ kind: 'Port', metadata: { name: vm }, spec: { ...spec, mac, addresses: [address], binding } }]);
  await appliance.must(['wait', 'Port', vm, '--for=ready', '--timeout=20s']);
  return { vm, mac, address };
}

/** Sends to the end of `options` (count=N) or until stopped. */
export function sendFlows(vms: Vms, from: RawVm, to: RawVm, options: readonly string[], way = 'eth0') {
  const sender = vms.start(from.vm, [program, 'send', way, from.mac, from.address, to.mac, to.address, ...options]);
  const parse = (text: string): SentFlows => JSON.parse(text) as SentFlows;
  return { ended: sender.ended.then(parse), stop: async () => parse(await sender.stop()) };
}

/** Counts what arrives at a VM while `work` runs, and half a second longer. */
export async function countedAt<T>(vms: Vms, at: RawVm, work: () => Promise<T>): Promise<{ counted: CountedFlows; result: T }> {
  const { counted, result } = await countedAtAll(vms, [at], work);
  return { counted: counted[0] as CountedFlows, result };
}

/** Lets a machine answer each flow from now on; `stop` tells what it saw. */
export async function answerFlows(vms: Vms, vm: string, link: string): Promise<{ stop(): Promise<AnsweredFlows> }> {
  const answerer = vms.start(vm, [program, 'answer', link]);
  await sleep(500);
  return { stop: async () => JSON.parse(await answerer.stop()) as AnsweredFlows };
}

/** Counts at several VMs while `work` runs. */
export async function countedAtAll<T>(
  vms: Vms,
  all: readonly RawVm[],
  work: () => Promise<T>,
): Promise<{ counted: readonly CountedFlows[]; result: T }> {
  const counters = all.map((at) => vms.start(at.vm, [program, 'count', 'eth0']));
  try {
    await sleep(500);
    const result = await work();
    await sleep(500);
    return { counted: await Promise.all(counters.map(async (counter) => JSON.parse(await counter.stop()) as CountedFlows)), result };
  } finally {
    for (const counter of counters) await counter.stop();
  }
}
