/** Every metric that a process of the tree can tell, from the classes that count. Nothing is counted here. */
import { join } from 'node:path';
import { ForwarderMetrics } from '../../forwarder/host/metrics.ts';
import { type MetricSpec, metricsIn, ProcessMetrics, Registry } from '../metrics/index.ts';
import type { PluginDefinition } from '../sdk/plugin.ts';
import { Traffic } from '../sdk/traffic.ts';
import { Metrics, scrapeUp } from '../src/api/metrics.ts';
import type { MetricGroup } from './reference-pages.ts';

const nothing = () => [];
const noFlows = { capacity: 0n, used: 0n, added: 0n, expired: 0n, evicted: 0n, kept: 0n, redecided: 0n, eventsLost: 0n };

export async function metricGroups(plugins: readonly string[]): Promise<MetricGroup[]> {
  const every = metricsOfEvery();
  const beside = ({ registry }: ProcessMetrics): MetricSpec[] =>
    metricsIn(registry).filter(({ name }) => !every.some((one) => one.name === name));
  const kernel = new Metrics({
    store: { revision: 0, counts: {}, list: nothing },
    plugins: {
      list: nothing,
      refusals: nothing,
      metricsSources: nothing,
      forwarder: () => ({ state: 'stopped', pid: null, restarts: 0, rssBytes: null }),
    },
  });
  const forwarder = new ForwarderMetrics({
    statsRead: nothing,
    dropsRead: nothing,
    portsRead: nothing,
    dropName: String,
    flowStatsRead: () => noFlows,
  });
  return [
    { owner: 'kernel', title: 'Every process', metrics: every },
    { owner: 'kernel', title: 'The kernel', metrics: [...beside(kernel.process), scrapeUp] },
    { owner: 'kernel', title: 'The forwarder', metrics: beside(forwarder.process) },
    { owner: 'kernel', title: 'Every plugin', metrics: metricsMadeBy((registry) => new Traffic(registry)) },
    ...(await Promise.all(plugins.map(groupOf))).filter(({ metrics }) => metrics.length > 0),
  ];
}

function metricsOfEvery(): MetricSpec[] {
  const metrics = new ProcessMetrics();
  metrics.watchProcess();
  metrics.watchRefusals(nothing);
  return metricsIn(metrics.registry);
}

function metricsMadeBy(make: (registry: Registry) => unknown): MetricSpec[] {
  const registry = new Registry();
  make(registry);
  return metricsIn(registry);
}

async function groupOf(plugin: string): Promise<MetricGroup> {
  const entry = join(import.meta.dirname, '..', '..', 'plugins', plugin, 'index.ts');
  const { default: definition } = (await import(entry)) as { default: PluginDefinition };
  return { owner: plugin, title: `Plugin ${plugin}`, metrics: metricsMadeBy((registry) => definition.metrics?.(registry)) };
}
