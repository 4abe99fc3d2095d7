/** Hears of denials from the forwarder for as long as the plugin runs. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Flow } from '@weft/kernel/contract/net';
import { type PluginContext, toWeftError } from '@weft/kernel/sdk';

const againMs = 200;

/** Calls back with what was denied, and with how many more were, until `signal` aborts. A forwarder that is away is asked again. */
export async function watchDenials(
  { forwarder, log }: Pick<PluginContext<unknown>, 'forwarder' | 'log'>,
  signal: AbortSignal,
  heard: (flows: readonly Flow[], lost: number) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      let before = 0;
      for await (const { flows, lost } of forwarder.watchFlows({}, signal)) {
        heard(
          flows.filter(({ event }) => event === 'denied'),
          lost - before,
        );
        before = lost;
      }
    } catch (thrown) {
      log.debug({ error: toWeftError(thrown) }, 'no news of denials for now');
    }
    await pause(againMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
