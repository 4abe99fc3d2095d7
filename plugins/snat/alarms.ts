/** Alarms of this plugin: ports that find no outside port, pools that are nearly used up, a block log that cannot be written. */
import type { NatEvent } from '@weft/kernel/contract/net';
import type { PluginContext } from '@weft/kernel/sdk';
import type { PortName } from './log/watch.ts';

type Alarm = Parameters<PluginContext<unknown>['alarm']>[1];

/** Without another one for so long it is over. */
const calmMs = 60_000;
/** Ports that have an alarm of their own; one more tells of the others. */
const mostPorts = 20;
const others = 'exhausted.others';
/** Percent of a pool from which on the alarm is raised, and below which it is cleared. */
const low = 90;
const calm = 80;
const mostPools = 20;

export interface PoolUse {
  readonly id: number;
  /** PROJECT/NAME */
  readonly name: string;
  readonly ports: number;
  readonly blocked: number;
}

export class SnatAlarms {
  readonly #alarm: PluginContext<unknown>['alarm'];
  readonly #now: () => number;
  /** Alarms that stand, by key, and when their cause was last seen. */
  readonly #standing: Map<string, number>;
  #unnamed = new Map<number, number>();
  #toldOfOthers = '';

  /** @param standing keys of alarms that are left from an earlier life: they go when their cause does not come back */
  constructor(alarm: PluginContext<unknown>['alarm'], standing: readonly string[], now: () => number) {
    this.#alarm = alarm;
    this.#now = now;
    this.#standing = new Map(standing.map((key) => [key, now()]));
  }

  /** A new flow of a port found no outside port. */
  exhausted({ insidePort, address }: NatEvent, { project, port }: PortName): void {
    const key = `exhausted.${insidePort}`;
    const own = [...this.#standing.keys()].filter((each) => each.startsWith('exhausted.') && each !== others).length;
    if (!this.#standing.has(key) && own >= mostPorts) {
      this.#unnamed.set(insidePort, this.#now());
      this.#raise(others, 'snat', `${this.#unnamed.size} more ports find no outside port for new flows; weft nat-log shows which`);
      return;
    }
    const who = port === '' ? `port ${insidePort}, whose object is gone,` : `${project}/${port}`;
    const why = 'it has all blocks that it may have (maxBlocksPerPort), or its pool has none left; weft nat and weft nat-pools show which';
    this.#raise(key, port === '' ? 'snat' : `Port/${project}/${port}`, `${who} finds no outside port of ${address} for new flows: ${why}`);
  }

  /** To be called now and then: what is over goes. */
  look(): void {
    const end = this.#now() - calmMs;
    this.#unnamed = new Map([...this.#unnamed].filter(([, seen]) => seen > end));
    for (const [key, seen] of this.#standing) if (key.startsWith('exhausted.') && seen <= end) this.#clear(key);
  }

  pools(uses: readonly PoolUse[]): void {
    const there = new Set<string>();
    for (const { id, name, ports, blocked } of uses) {
      const key = `pool-low.${id}`;
      const percent = ports === 0 ? 0 : (blocked * 100) / ports;
      if (percent <= (this.#standing.has(key) ? calm : low)) continue;
      there.add(key);
      const known = [...this.#standing.keys()].filter((each) => each.startsWith('pool-low.')).length;
      const text = `more than ${low} % of the ${ports} outside ports of the pool are in blocks of ports: give it more addresses; weft nat-pools shows its use`;
      if (!this.#standing.has(key) && known < mostPools) this.#raise(key, `SnatPool/${name}`, text);
    }
    for (const key of this.#standing.keys()) if (key.startsWith('pool-low.') && !there.has(key)) this.#clear(key);
  }

  /** Undefined: the log is written again. */
  log(problem: string | undefined): void {
    const key = 'log';
    if (problem === undefined) {
      if (this.#standing.has(key)) this.#clear(key);
      return;
    }
    const text = `the block log cannot be written (${problem}): who has which outside ports is not recorded once the forwarder has told 8,192 more events; make room on the disk`;
    if (!this.#standing.has(key)) this.#raise(key, 'snat', text, 'critical');
  }

  #raise(key: string, subject: string, text: string, severity: NonNullable<Alarm>['severity'] = 'warning'): void {
    const isNew = !this.#standing.has(key) || (key === others && text !== this.#toldOfOthers);
    if (key === others) this.#toldOfOthers = text;
    this.#standing.set(key, this.#now());
    if (isNew) void this.#alarm(key, { severity, subject, text: text.slice(0, 2_000) });
  }

  #clear(key: string): void {
    this.#standing.delete(key);
    void this.#alarm(key, null);
  }
}
