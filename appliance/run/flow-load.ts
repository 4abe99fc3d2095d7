/** Numbered flows between VMs (appliance/traffic/services/flows.c): each first packet, and each answer, is looked for at its other end. */
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
  const counter = vms.start(at.vm, [program, 'count', 'eth0']);
  try {
    await sleep(300);
    const result = await work();
    await sleep(500);
    return { counted: JSON.parse(await counter.stop()) as CountedFlows, result };
  } finally {
    await counter.stop();
  }
}
