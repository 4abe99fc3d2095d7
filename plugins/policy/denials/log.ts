/** Denials in the log of the plugin, so many a second at most: a VM that scans must not fill it. */
import type { PluginContext } from '@weft/kernel/sdk';
import type { Denial } from './denial.ts';

type Log = Pick<PluginContext<unknown>['log'], 'info'>;

const burstSeconds = 10;

export class DenialLog {
  readonly #log: Log;
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  #tokens: number;
  #at: number;
  #unlogged = 0;

  /** @param nowMs a clock that only goes forward */
  constructor(log: Log, perSecond: number, nowMs: () => number) {
    this.#log = log;
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
    this.#tokens = perSecond * burstSeconds;
    this.#at = nowMs();
  }

  add({ text, groups: _groups, ...denial }: Denial): void {
    if (this.#perSecond === 0) return;
    const now = this.#nowMs();
    this.#tokens = Math.min(this.#perSecond * burstSeconds, this.#tokens + ((now - this.#at) * this.#perSecond) / 1000);
    this.#at = now;
    if (this.#tokens < 1) {
      this.#unlogged += 1;
      return;
    }
    this.#tokens -= 1;
    this.#log.info({ denial, ...(this.#unlogged === 0 ? {} : { unlogged: this.#unlogged }) }, text);
    this.#unlogged = 0;
  }
}
