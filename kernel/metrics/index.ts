/** Metrics: what each process counts, and how the text of all becomes one. Nothing else imports prom-client. */
export { Counter, Gauge, Histogram, Registry } from 'prom-client';
export { type Family, type Joined, joinFamilies, parseExposition } from './exposition.ts';
export { lintMetric, type MetricSpec, metricsIn } from './lint.ts';
export { ProcessMetrics } from './process-metrics.ts';
