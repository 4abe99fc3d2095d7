import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { lintMetric } from '../metrics/index.ts';
import { metricGroups } from './metric-groups.ts';
import { metricsPage } from './reference-pages.ts';

const top = join(import.meta.dirname, '..', '..');
const plugins = readdirSync(join(top, 'plugins'), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

test('every metric of every process keeps the rules for names, and no two have one name', async (t) => {
  const metrics = (await metricGroups(plugins)).flatMap((group) => group.metrics);
  t.true(metrics.length > 30);
  t.deepEqual(metrics.flatMap(lintMetric), []);
  const names = metrics.map(({ name }) => name);
  t.deepEqual(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
  );
});

test('the page names each with its labels and meaning', async (t) => {
  const page = metricsPage(await metricGroups(plugins));
  t.regex(page, /\| `weft_bus_calls_total` \| counter \| `peer` `method` `code` \| Calls made on the bus/);
});
