/** The forwarder's metrics: what all ports together received, sent, punted and dropped, and what the process itself uses. */
import { Counter, Gauge, ProcessMetrics, type Registry } from '@weft/kernel/metrics';
import type { Drop, FlowStats, Forwarder, PortStats } from '../binding/index.ts';
import { portState } from './port-watch.ts';

export type Readings = Pick<Forwarder, 'portsRead' | 'statsRead' | 'dropsRead' | 'dropName' | 'flowStatsRead'>;

/** Each metric, its help, and the counter of a port that it adds up. */
const sums = [
  ['weft_forwarder_received_packets_total', 'Packets that came in through ports', 'rxPackets'],
  ['weft_forwarder_received_bytes_total', 'Bytes that came in through ports', 'rxBytes'],
  ['weft_forwarder_sent_packets_total', 'Packets that left through ports', 'txPackets'],
  ['weft_forwarder_sent_bytes_total', 'Bytes that left through ports', 'txBytes'],
  ['weft_forwarder_punted_packets_total', 'Packets that were handed to plugins', 'punted'],
  ['weft_forwarder_injected_packets_total', 'Packets that plugins sent', 'injected'],
] as const;

/** The same of the table of flows as a whole. */
const flowSums = [
  ['weft_forwarder_flows_added_total', 'Flows that began', 'added'],
  ['weft_forwarder_flows_expired_total', 'Flows that were forgotten after their time', 'expired'],
  ['weft_forwarder_flows_evicted_total', 'Half-open flows that had to go for new ones', 'evicted'],
  ['weft_forwarder_flows_redecided_total', 'Times that a flow was decided anew because rules changed', 'redecided'],
  [
    'weft_forwarder_flow_events_lost_total',
    'Beginnings, ends and denials of flows that nobody was told of: they found no room or were too many',
    'eventsLost',
  ],
] as const;

/** By how much counters grew. Each begins anew when its port does, and goes with it: what was counted stays counted. */
class Growth {
  readonly #former = new Map<string, bigint>();

  of(counter: string, now: bigint): number {
    const former = this.#former.get(counter) ?? 0n;
    this.#former.set(counter, now);
    return Number(now < former ? now : now - former);
  }

  /** Forgets the counters that are gone. */
  keep(counters: ReadonlySet<string>): void {
    for (const counter of this.#former.keys()) if (!counters.has(counter)) this.#former.delete(counter);
  }
}

export class ForwarderMetrics {
  readonly process = new ProcessMetrics();
  readonly #forwarder: Readings;
  readonly #workerEnds: Counter;
  readonly #ports: Gauge<'state'>;
  readonly #sums: readonly { readonly counter: Counter; readonly field: (typeof sums)[number][2]; readonly growth: Growth }[];
  readonly #flows: Gauge;
  readonly #flowCapacity: Gauge;
  readonly #flowSums: readonly { readonly counter: Counter; readonly field: (typeof flowSums)[number][2] }[];
  readonly #flowGrowth = new Growth();
  readonly #dropped: readonly { readonly counter: Counter<'reason'>; readonly unit: 'packets' | 'bytes'; readonly growth: Growth }[];

  constructor(forwarder: Readings) {
    const { registry } = this.process;
    this.#forwarder = forwarder;
    this.#workerEnds = counterIn(registry, 'weft_forwarder_worker_restarts_total', 'Ends of the Worker that nobody asked for');
    this.#ports = new Gauge({ name: 'weft_forwarder_ports', help: 'Ports by state', labelNames: ['state'], registers: [registry] });
    this.#sums = sums.map(([name, help, field]) => ({ counter: counterIn(registry, name, help), field, growth: new Growth() }));
    this.#flows = new Gauge({ name: 'weft_forwarder_flows', help: 'Flows that are remembered', registers: [registry] });
    this.#flowCapacity = new Gauge({ name: 'weft_forwarder_flows_capacity', help: 'Flows that fit', registers: [registry] });
    this.#flowSums = flowSums.map(([name, help, field]) => ({ counter: counterIn(registry, name, help), field }));
    this.#dropped = (['packets', 'bytes'] as const).map((unit) => ({
      counter: new Counter({
        name: `weft_forwarder_dropped_${unit}_total`,
        help: `Dropped ${unit}, by reason`,
        labelNames: ['reason'],
        registers: [registry],
      }),
      unit,
      growth: new Growth(),
    }));
  }

  /** The Worker ended and is replaced. */
  workerEnded(): void {
    this.#workerEnds.inc();
  }

  text(): Promise<string> {
    this.#addPorts(this.#forwarder.statsRead());
    this.#addDrops(this.#forwarder.dropsRead());
    this.#addFlows(this.#forwarder.flowStatsRead());
    const states = this.#forwarder.portsRead().map((port) => portState(port).state);
    for (const state of ['pending', 'up', 'down'] as const) this.#ports.set({ state }, states.filter((one) => one === state).length);
    return this.process.registry.metrics();
  }

  #addPorts(stats: readonly PortStats[]): void {
    const keyOf = ({ id, generation }: PortStats): string => `${id}/${generation}`;
    const keys = new Set(stats.map(keyOf));
    for (const { counter, field, growth } of this.#sums) {
      for (const port of stats) counter.inc(growth.of(keyOf(port), port[field]));
      growth.keep(keys);
    }
  }

  #addFlows(stats: FlowStats): void {
    this.#flows.set(Number(stats.used));
    this.#flowCapacity.set(Number(stats.capacity));
    for (const { counter, field } of this.#flowSums) counter.inc(this.#flowGrowth.of(field, stats[field]));
  }

  #addDrops(drops: readonly Drop[]): void {
    const keyOf = ({ port, reason }: Drop): string => `${port}/${reason}`;
    const keys = new Set(drops.map(keyOf));
    for (const { counter, unit, growth } of this.#dropped) {
      for (const drop of drops) counter.inc({ reason: this.#forwarder.dropName(drop.reason) }, growth.of(keyOf(drop), drop[unit]));
      growth.keep(keys);
    }
  }
}

function counterIn(registry: Registry, name: string, help: string): Counter {
  return new Counter({ name, help, registers: [registry] });
}
