/** What became of who asked, for Prometheus. */
import { Counter, Gauge, type Registry } from '@weft/kernel/sdk';

interface Counted {
  readonly sessions: number;
  readonly outcomes: ReadonlyMap<string, number>;
}

export function linkLocalMetrics(registry: Registry, counted: () => Counted = () => ({ sessions: 0, outcomes: new Map() })): void {
  const registers = [registry];
  new Gauge({
    name: 'weft_link_local_sessions',
    help: 'TCP connections and UDP sessions at present',
    registers,
    collect() {
      this.set(counted().sessions);
    },
  });
  new Counter({
    name: 'weft_link_local_requests_total',
    help: 'Connections that ended and datagrams that came, by what became of them',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset();
      for (const [outcome, count] of counted().outcomes) this.inc({ outcome }, count);
    },
  });
}
