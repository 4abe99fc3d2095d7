/** Packets that go to plugins and come from them, per second. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newKeyPair } from '@weft/kernel/bus';
import type { Figures, Part } from './figures.ts';
import type { HopTarget } from './hop.ts';
import { routedLoad, silentLoad } from './load.ts';
import type { PuntsOutput } from './punts-job.ts';
import { makePlace, perform, start } from './spawn.ts';

/** What became of the others. */
function noteOf({ received, dropped }: PuntsOutput): string {
  const reasons = Object.entries(dropped).map(([name, count]) => `${name} ${((count / received) * 100).toFixed(1)} %`);
  return `of ${(received / 1e6).toFixed(1)} M frames/s that came in; the rest dropped by name: ${reasons.join(', ')}`;
}

const punts = { group: 'rates', case: 'punts', unit: '/s', better: 'more' } as const;

async function measurePunts(figures: Figures, mode: 'pump' | 'tight', title: string): Promise<void> {
  const output = await perform({ name: 'punts', input: { mode } }, routedLoad());
  figures.add({ ...punts, title: 'Punts', variant: title, note: noteOf(output) }, output.perSecond);
}

/** The forwarder's process and another one, as host and plugin. */
async function measureHop(figures: Figures): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-rates-'));
  const hop: HopTarget = { path: join(folder, 'punt'), serverKeys: newKeyPair(), keys: newKeyPair(), joinMs: 700 };
  const place = makePlace();
  const plugin = start(place, { name: 'hop', input: hop });
  try {
    const output = await perform({ name: 'punts', input: { mode: 'bus', hop } }, routedLoad());
    const { records, perSecond } = await plugin.answer;
    const note = `${output.lostBatches} batches refused by the socket; ${records} of ${output.total} records arrived; ${noteOf(output)}`;
    figures.add({ ...punts, title: 'Punts', variant: 'over ZeroMQ to a plugin that reads each record', note }, perSecond);
  } finally {
    await plugin.kill();
    place.close();
    rmSync(folder, { recursive: true });
  }
}

async function measureInjects(figures: Figures, batch: number): Promise<void> {
  const { offered, taken, perSecond } = await perform({ name: 'injects', input: { batch } }, silentLoad);
  const note = `${((taken / offered) * 100).toFixed(1)} % of the offered frames were taken, the rest counted as dropped`;
  figures.add(
    {
      group: 'rates',
      case: 'injects',
      title: 'Injected frames that left',
      unit: '/s',
      better: 'more',
      variant: `${batch} a call`,
      size: batch,
      note,
    },
    perSecond,
  );
}

export const puntsPart: Part = {
  name: 'punts',
  run: async (figures, quick) => {
    await measurePunts(figures, 'pump', "read by the host's pump");
    if (!quick) await measurePunts(figures, 'tight', 'read without a pause: the limit');
    await measureHop(figures);
    for (const batch of quick ? [32] : [1, 32, 256]) await measureInjects(figures, batch);
  },
};
