/** The paced, sequence-checked stream between two VMs (appliance/traffic/pace.c). */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { top } from './appliance.ts';
import type { Vms } from './vms.ts';

const pace = join(top, 'appliance/traffic/build/pace');
const port = 7_000;

/** What the receiver counted. */
interface Received {
  readonly received: number;
  readonly highest: number;
  readonly missing: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly longestGapMs: number;
}

export interface Outcome extends Received {
  readonly sent: number;
  /** Sent and never arrived, the tail included. */
  readonly lost: number;
}

/** Long enough for any test; the stream ends when `meanwhile` does. */
const longestSeconds = 3_600;

/** Sends `rate` packets/s from one VM to another as long as `meanwhile` takes, and half a second around it. */
export async function paced(
  vms: Vms,
  stream: { from: string; to: string; address: string; rate: number },
  meanwhile: () => Promise<void>,
): Promise<Outcome> {
  const receiver = vms.start(stream.to, [pace, 'recv', String(port)]);
  await sleep(300);
  const sender = vms.start(stream.from, [pace, 'send', stream.address, String(port), String(stream.rate), String(longestSeconds)]);
  try {
    await sleep(500);
    await meanwhile();
    await sleep(500);
  } finally {
    await sender.stop();
    await sleep(500);
    await receiver.stop();
  }
  const { sent } = JSON.parse(await sender.ended) as { sent: number };
  const received = JSON.parse(await receiver.ended) as Received;
  return { ...received, sent, lost: sent - received.received };
}
