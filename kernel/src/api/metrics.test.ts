import test from 'ava';
import { fail } from '../../contract/system/index.ts';
import { lintMetric, metricsIn } from '../../metrics/index.ts';
import { Metrics, type MetricsParts } from './metrics.ts';
import type { MetricsSource } from './plugin-control.ts';

const gauge = (name: string, value: number): string => `# HELP ${name} Some help\n# TYPE ${name} gauge\n${name} ${value}\n`;
const source = (process: string, read: MetricsSource['read']): MetricsSource => ({ process, read });

function metricsOf(sources: readonly MetricsSource[], onProblem?: (problem: string) => void): Metrics {
  const plugin = { name: 'dns', version: '1', summary: '', enabled: true, state: 'running', reason: '', pid: 1, restarts: 2, rssBytes: 3 };
  const parts = {
    store: { revision: 7, counts: { Port: 2 }, list: () => [{ status: { severity: 'critical' } }] },
    plugins: {
      list: () => [plugin],
      forwarder: () => ({ state: 'running', pid: 1, restarts: 4, rssBytes: 1 }),
      metricsSources: () => sources,
      refusals: () => [{ plugin: 'dns', act: 'flood', count: 5 }],
    },
    ...(onProblem === undefined ? {} : { onProblem }),
  };
  return new Metrics(parts as unknown as MetricsParts);
}

test('the text holds all processes, each sample with its process', async (t) => {
  const text = await metricsOf([
    source('dns', async () => gauge('weft_dns_zones', 3)),
    source('forwarder', async () => gauge('weft_x', 1)),
  ]).text();
  for (const line of [
    'weft_objects{process="kernel",kind="Port"} 2',
    'weft_alarms{process="kernel",severity="critical"} 1',
    'weft_plugin_restarts_total{process="kernel",plugin="dns"} 2',
    'weft_forwarder_restarts_total{process="kernel"} 4',
    'weft_bus_refusals_total{process="kernel",peer="dns",act="flood"} 5',
    'weft_dns_zones{process="dns"} 3',
    'weft_x{process="forwarder"} 1',
    'weft_scrape_up{process="kernel"} 1',
    'weft_scrape_up{process="dns"} 1',
  ])
    t.true(text.includes(`${line}\n`), line);
  const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  t.deepEqual(families, [...new Set(families)].sort());
});

test('a process that fails, hangs or talks nonsense is left out, the others stay; nonsense is told once', async (t) => {
  const problems: string[] = [];
  const late = (deadlineMs: number): Promise<string> => {
    t.true(deadlineMs <= 1_000);
    return Promise.reject(fail('DEADLINE', 'late'));
  };
  const metrics = metricsOf(
    [
      source('dead', () => Promise.reject(fail('UNAVAILABLE', 'gone'))),
      source('slow', late),
      source('mad', async () => `hello ${Math.random()}`),
      source('odd', async () => null as unknown as string),
      source('forger', async () => gauge('weft_scrape_up', 1)),
      source('liar', async () => gauge('weft_apply_duration_seconds', 1)),
      source('good', async () => gauge('weft_good', 1)),
    ],
    (problem) => problems.push(problem),
  );
  await metrics.text();
  const text = await metrics.text();
  for (const process of ['dead', 'slow', 'mad', 'odd', 'forger'])
    t.true(text.includes(`weft_scrape_up{process="${process}"} 0\n`), process);
  t.true(text.includes('weft_good{process="good"} 1\n'));
  t.false(text.includes('process="liar"} 1\n') && text.includes('weft_apply_duration_seconds{process="liar"}'));
  t.is(problems.length, 4, problems.join('\n'));
  t.regex(problems.join('\n'), /metrics of mad are left out: line 1/);
  t.is(text.split('weft_scrape_up{process="forger"}').length, 2);
  t.regex(problems.join('\n'), /liar says another type of weft_apply_duration_seconds/);
});

test('those who ask at the same time cost one reading', async (t) => {
  let reads = 0;
  const metrics = metricsOf([
    source('dns', async () => {
      reads += 1;
      return gauge('weft_dns_zones', reads);
    }),
  ]);
  const texts = await Promise.all([metrics.text(), metrics.text(), metrics.text()]);
  t.is(new Set(texts).size, 1);
  t.is(reads, 1);
  await metrics.text();
  t.is(reads, 2);
});

test('its names keep the rules', (t) => {
  t.deepEqual(metricsIn(metricsOf([]).process.registry).flatMap(lintMetric), []);
});
