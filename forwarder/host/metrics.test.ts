import { lintMetric, metricsIn } from '@weft/kernel/metrics';
import test from 'ava';
import type { Drop, FlowStats, PortStats } from '../binding/index.ts';
import { ForwarderMetrics } from './metrics.ts';

const idle = { txPackets: 0n, txBytes: 0n, injected: 0n, cloned: 0n, originated: 0n, sent: 0n, dropped: 0n, punted: 0n, rxBytes: 0n };
const port = (id: number, generation: number, rxPackets: bigint): PortStats => ({ ...idle, id, generation, rxPackets });
const drop = (at: number, reason: number, packets: bigint): Drop => ({ port: at, reason, packets, bytes: 100n * packets });

const noFlows: FlowStats = { capacity: 0n, used: 0n, added: 0n, expired: 0n, evicted: 0n, kept: 0n, redecided: 0n, eventsLost: 0n };

function world(now: { stats: PortStats[]; drops: Drop[]; flows?: FlowStats }) {
  const metrics = new ForwarderMetrics({
    statsRead: () => now.stats,
    dropsRead: () => now.drops,
    flowStatsRead: () => now.flows ?? noFlows,
    dropName: (reason) => `reason-${reason}`,
    portsRead: () => [
      { id: 1, generation: 1, slot: 1, state: 1, mac: '', reason: '' },
      { id: 2, generation: 1, slot: 2, state: 0, mac: '', reason: 'no link' },
    ],
  });
  const value = async (sample: string): Promise<number> =>
    Number(
      (await metrics.text())
        .split('\n')
        .find((line) => line.startsWith(`${sample} `))
        ?.split(' ')[1],
    );
  return { metrics, value };
}

test('sums over ports rise only, whichever ports come and go', async (t) => {
  const now = { stats: [port(1, 1, 10n), port(2, 1, 5n)], drops: [] };
  const { value } = world(now);
  const received = () => value('weft_forwarder_received_packets_total');
  t.is(await received(), 15);
  now.stats = [port(1, 1, 12n)];
  t.is(await received(), 17);
  now.stats = [port(1, 2, 3n), port(2, 2, 1n)];
  t.is(await received(), 21);
  t.is(await received(), 21);
});

test('drops are summed by reason', async (t) => {
  const { value } = world({ stats: [], drops: [drop(1, 7, 2n), drop(2, 7, 3n), drop(1, 8, 1n)] });
  t.is(await value('weft_forwarder_dropped_packets_total{reason="reason-7"}'), 5);
  t.is(await value('weft_forwarder_dropped_bytes_total{reason="reason-8"}'), 100);
});

test('flows in use, room for them, and what became of them', async (t) => {
  const now = { stats: [], drops: [], flows: { ...noFlows, capacity: 64n, used: 3n, added: 5n, expired: 2n } };
  const { value } = world(now);
  t.is(await value('weft_forwarder_flows'), 3);
  t.is(await value('weft_forwarder_flows_capacity'), 64);
  t.is(await value('weft_forwarder_flows_added_total'), 5);
  now.flows = { ...now.flows, used: 2n, added: 9n, expired: 7n, evicted: 4n, redecided: 6n, eventsLost: 8n };
  t.is(await value('weft_forwarder_flows'), 2);
  t.is(await value('weft_forwarder_flows_added_total'), 9);
  t.is(await value('weft_forwarder_flows_expired_total'), 7);
  t.is(await value('weft_forwarder_flows_evicted_total'), 4);
  t.is(await value('weft_forwarder_flows_redecided_total'), 6);
  t.is(await value('weft_forwarder_flow_events_lost_total'), 8);
});

test('ports by state, ends of the Worker', async (t) => {
  const { metrics, value } = world({ stats: [], drops: [] });
  metrics.workerEnded();
  t.is(await value('weft_forwarder_worker_restarts_total'), 1);
  t.is(
    (await value('weft_forwarder_ports{state="up"}')) +
      (await value('weft_forwarder_ports{state="pending"}')) +
      (await value('weft_forwarder_ports{state="down"}')),
    2,
  );
});

test('its names keep the rules', (t) => {
  t.deepEqual(metricsIn(world({ stats: [], drops: [] }).metrics.process.registry).flatMap(lintMetric), []);
});
