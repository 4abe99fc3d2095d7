/** Tells the operator in time that the forwarder's table of flows fills up. Nothing announces that, so it is looked at now and then. */
import type { FlowStats } from '@weft/kernel/contract/net';
import type { PluginContext } from '@weft/kernel/sdk';

const key = 'flow-table';
const everyMs = 10_000;
/** Percent of the table from which on the alarm is raised, and below which it is cleared. */
const full = 90;
const calm = 80;

export class FlowAlarm {
  readonly #stats: () => Promise<FlowStats>;
  readonly #alarm: PluginContext<unknown>['alarm'];
  /** Undefined: what stands from before is not known. */
  #raised: boolean | undefined;

  constructor(stats: () => Promise<FlowStats>, alarm: PluginContext<unknown>['alarm']) {
    this.#stats = stats;
    this.#alarm = alarm;
  }

  /** Looks until the returned function is called. */
  watch(): () => void {
    // A forwarder that is away has no table; the next look tells.
    const look = (): void => void this.look().catch(() => undefined);
    look();
    const timer = setInterval(look, everyMs);
    timer.unref();
    return () => clearInterval(timer);
  }

  async look(): Promise<void> {
    const { used, capacity } = await this.#stats();
    const percent = (used * 100) / capacity;
    const raised = percent >= (this.#raised === true ? calm : full);
    if (raised === this.#raised) return;
    const text = `more than ${full} % of the ${capacity} flows that fit are in use: raise the forwarder's flows/pairs; weft flows shows who has so many`;
    await this.#alarm(key, raised ? { severity: 'warning', subject: 'flows', text } : null);
    this.#raised = raised;
  }
}
