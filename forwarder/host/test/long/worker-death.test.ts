/** 10,000 packets/s between two machines, sequence-checked, while the Worker is killed 50 times: none is lost. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import type { FaultCalls } from '../../faults.ts';
import { type Machine, ping } from '../machines.ts';
import { makeNetwork, untilPing } from '../network.ts';

const pace = join(import.meta.dirname, '../../../../appliance/traffic/build/pace');
const rate = 10_000;
const seconds = 70;

/** Runs the traffic tool in a machine; resolves with the counts it printed. */
function traffic(machine: Machine, args: readonly string[]) {
  const child = spawn('ip', ['netns', 'exec', machine.netns, pace, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  const counts = new Promise<Record<string, number>>((resolve) => child.on('close', () => resolve(JSON.parse(output))));
  return { counts, stop: () => child.kill('SIGTERM') };
}

test('no packet of 10,000/s is lost while the Worker is killed 50 times', async (t) => {
  const { launcher, network, machines } = await makeNetwork(t, { debug: { faults: true } });
  const [from, to] = machines;
  await untilPing(from, to.address);
  const faults = network.caller as unknown as { call(method: keyof FaultCalls, input: unknown): Promise<unknown> };
  const { pid } = launcher;
  const receiver = traffic(to, ['recv', '7000']);
  await pause(300);
  const sender = traffic(from, ['send', to.address, '7000', String(rate), String(seconds)]);
  const started = performance.now();
  for (let kills = 1; kills <= 50; kills++) {
    await faults.call('debug.killWorker', {});
    while ((await network.caller.call('stats.read', {}).catch(() => undefined)) === undefined) await pause(10);
  }
  t.log(`50 kills took ${((performance.now() - started) / 1000).toFixed(1)} s of a ${seconds} s stream`);
  const { sent } = await sender.counts;
  await pause(500);
  receiver.stop();
  const received = await receiver.counts;
  t.log(JSON.stringify({ sent, ...received }));
  t.is(received.received, sent);
  t.is(received.duplicated, 0);
  t.is(launcher.pid, pid);
  t.is(await ping(from, to.address, 10), 0);
});
