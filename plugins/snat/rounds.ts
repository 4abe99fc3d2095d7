/** Looks at the forwarder now and then: what happened to blocks, and how much of the pools is in use. Nothing announces either. */
import { type Forwarder, type PluginContext, WeftFailure } from '@weft/kernel/sdk';
import type { SnatAlarms } from './alarms.ts';
import type { BlockWatch } from './log/watch.ts';
import type { PoolUses } from './pool-use.ts';

const everyMs = 1_000;
/** Rounds from one look at the pools to the next. */
const poolsEvery = 10;

interface Parts {
  readonly forwarder: Pick<Forwarder, 'natStats'>;
  readonly log: Pick<PluginContext<unknown>['log'], 'debug'>;
  readonly watch: BlockWatch;
  readonly uses: PoolUses;
  readonly alarms: SnatAlarms;
}

export class Rounds {
  readonly #parts: Parts;
  #count = 0;
  #running = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Goes round until the returned function is called. */
  begin(): () => void {
    void this.round();
    const timer = setInterval(() => void this.round(), everyMs);
    timer.unref();
    return () => clearInterval(timer);
  }

  async round(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      const { alarms } = this.#parts;
      await this.catchUp();
      if (this.#count % poolsEvery === 0) await this.#try(() => this.look());
      this.#count += 1;
      alarms.look();
    } finally {
      this.#running = false;
    }
  }

  /** Has the log tell of all that the forwarder knows, if it answers. */
  async catchUp(): Promise<void> {
    await this.#try(() => this.#events());
  }

  /** Asks how much of the pools is in use. */
  async look(): Promise<void> {
    const { forwarder, uses, alarms } = this.#parts;
    uses.set(await forwarder.natStats());
    alarms.pools(uses.pools());
  }

  async #events(): Promise<void> {
    const { watch, alarms } = this.#parts;
    try {
      await watch.poll();
    } catch (thrown) {
      const { syscall, code } = thrown as NodeJS.ErrnoException;
      if (syscall === undefined) throw thrown;
      // A disk that is full is no bug: the forwarder keeps the events for a while.
      alarms.log(`${code}`);
      return;
    }
    alarms.log(undefined);
  }

  /** A forwarder that is away is asked again. */
  async #try(ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
    } catch (thrown) {
      if (!(thrown instanceof WeftFailure)) throw thrown;
      this.#parts.log.debug({ error: thrown.message }, 'the forwarder says nothing of addresses for now');
    }
  }
}
