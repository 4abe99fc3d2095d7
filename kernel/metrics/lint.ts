/** The rules for names of metrics: those of Prometheus (prometheus.io/docs/practices/naming, `promtool check metrics`) and the house's. */
import type { Registry } from 'prom-client';

export interface MetricSpec {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

/** What a registry has, by name; nothing is collected. */
export function metricsIn(registry: Registry): MetricSpec[] {
  const specs = registry.getMetricsAsArray() as unknown as MetricSpec[];
  return [...specs].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const rules: readonly [broken: (metric: MetricSpec) => boolean, sentence: string][] = [
  [({ name }) => !/^weft(_[a-z0-9]+)+$/.test(name), 'a name is weft_ and snake case'],
  [({ help }) => !/^[A-Z0-9].{8,}[^.]$/.test(help), 'a help text is a sentence without a full stop'],
  [({ name, type }) => (type === 'counter') !== name.endsWith('_total'), 'counters, and only they, end with _total'],
  [({ name }) => /_(count|sum|bucket|info)$/.test(name), 'a name does not end as those that are derived from it'],
  [({ name }) => /_(counter|gauge|histogram|summary)(_|$)/.test(name), 'a name does not say its type'],
  [({ name }) => /_(ms|us|ns|millis|milliseconds|microseconds|nanoseconds|minutes|hours|days)(_|$)/.test(name), 'time is in seconds'],
  [({ name }) => /_(kb|mb|gb|kib|mib|gib|kilobytes|megabytes|bits)(_|$)/.test(name), 'amounts of data are in bytes'],
  [({ name }) => /_(percent|pct)(_|$)/.test(name), 'shares are ratios from 0 to 1'],
  [({ name }) => /_(secs?|s|b)(_total)?$/.test(name), 'units are written out'],
  [({ name, type }) => type === 'histogram' && !/_(seconds|bytes)$/.test(name), 'a histogram ends with its unit'],
  [({ labelNames }) => labelNames.some((label) => !/^[a-z][a-z_]*$/.test(label)), 'labels are snake case'],
  [({ labelNames }) => labelNames.some((label) => ['le', 'quantile', 'process'].includes(label)), 'le, quantile and process are taken'],
];

/** What is wrong with a metric; nothing, when all is well. */
export function lintMetric(metric: MetricSpec): string[] {
  return rules.filter(([broken]) => broken(metric)).map(([, sentence]) => `${metric.name}: ${sentence}`);
}
