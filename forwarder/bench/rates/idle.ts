/** What the first packet after a silence waits longer than others: the packet thread sleeps meanwhile. By ping, which passes the forwarder twice. */

import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { median } from '../../../kernel/bench/measurement.ts';
import type { Figures, Part, Subject } from './figures.ts';

import { ip, withNamespaces } from './namespaces.ts';
import { makePlace, start } from './spawn.ts';

const run = promisify(execFile);
const silenceSeconds = 2.2;
const lightSeconds = 0.002;
const addresses = ['10.77.0.1', '10.77.0.2'] as const;

type Pair = readonly [string, string];

/** Round trips in µs. Throws an Error when an answer is missing. */
async function ping(namespace: string, count: number, interval: number): Promise<number[]> {
  const words = ['netns', 'exec', namespace, 'ping', '-n', '-W', '1', '-c', String(count), '-i', String(interval), addresses[1]];
  const { stdout } = await run('ip', words, { maxBuffer: 4 * 2 ** 20 });
  const times = parsePing(stdout);
  if (times.length !== count)
    throw new Error(`${count - times.length} of ${count} pings from ${namespace} were not answered: ${stdout.slice(-300)}`);
  return times;
}

/** What ping prints → round trips in µs. */
export function parsePing(text: string): number[] {
  return [...text.matchAll(/ time=([\d.]+) ms/g)].map(([, ms]) => Number(ms) * 1e3);
}

/** Both ends know each other: nothing but pings passes. */
async function settle(pair: Pair): Promise<void> {
  const macs: string[] = [];
  for (const [n, namespace] of pair.entries()) {
    ip(namespace, 'link', 'set', 'e0', 'up');
    ip(namespace, 'addr', 'add', `${addresses[n]}/24`, 'dev', 'e0');
    const { stdout } = await run('ip', ['-n', namespace, '-j', 'link', 'show', 'e0']);
    macs.push((JSON.parse(stdout) as { readonly address: string }[])[0]?.address ?? '');
  }
  for (const [n, namespace] of pair.entries())
    ip(namespace, 'neigh', 'replace', addresses[1 - n] ?? '', 'lladdr', macs[1 - n] ?? '', 'dev', 'e0', 'nud', 'permanent');
}

async function measurePair(figures: Figures, contestant: string, pair: Pair, quick: boolean): Promise<void> {
  await ping(pair[0], 20, lightSeconds);
  const light = await ping(pair[0], quick ? 200 : 500, lightSeconds);
  await sleep(silenceSeconds * 1e3);
  const first = await ping(pair[0], quick ? 2 : 4, silenceSeconds);
  const subject: Subject = {
    group: 'rates',
    case: 'idle-first',
    title: 'Round trip by ping between two namespaces',
    unit: 'µs',
    better: 'less',
    contestant,
  };
  figures.add({ ...subject, variant: 'light load, 500/s' }, median(light));
  figures.add({ ...subject, variant: 'first packet after 2 s of silence' }, median(first));
}

async function measureIdle(figures: Figures, quick: boolean): Promise<void> {
  await withNamespaces(4, async ([a = '', b = '', c = '', d = '']) => {
    const place = makePlace();
    const forwarder = start(place, { name: 'idle', input: { namespaces: [a, b] } });
    try {
      await forwarder.answer;
      ip(c, 'link', 'add', 'e0', 'type', 'veth', 'peer', 'name', 'e0', 'netns', d);
      for (const pair of [
        [a, b],
        [c, d],
      ] as const)
        await settle(pair);
      // One second apart, so that neither breaks the other's silence.
      const weft = measurePair(figures, 'weft', [a, b], quick);
      await sleep(silenceSeconds * 500);
      const linux = measurePair(figures, 'linux veth', [c, d], quick);
      await Promise.all([weft, linux]);
    } finally {
      await forwarder.kill();
      place.close();
    }
  });
}

export const idlePart: Part = { name: 'idle', run: measureIdle };
