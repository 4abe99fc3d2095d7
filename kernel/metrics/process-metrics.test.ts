import test from 'ava';
import { type Handlers, memoryPair } from '../bus/index.ts';
import { fail, type Stream, type Unary } from '../contract/system/index.ts';
import { parseExposition } from './exposition.ts';
import { lintMetric, metricsIn } from './lint.ts';
import { ProcessMetrics } from './process-metrics.ts';

interface Toy {
  readonly double: Unary<number, number>;
  readonly count: Stream<number, number>;
}

const handlers: Handlers<Toy> = {
  double: async (input) => {
    if (input < 0) throw fail('INVALID', 'negative');
    return 2 * input;
  },
  count: async function* (input) {
    for (let at = 0; at < input; at += 1) yield at;
  },
};

test('both ends of a channel count calls and answers by method and code', async (t) => {
  const metrics = new ProcessMetrics();
  const link = memoryPair<object, Toy>(
    { name: 'client', handlers: {} },
    { name: 'server', handlers: metrics.handlers(handlers, 'client') },
  );
  link.connect();
  const caller = metrics.caller(link.a, 'server');
  t.is(await caller.call('double', 4), 8);
  await t.throwsAsync(caller.call('double', -1), { message: 'negative' });
  for await (const item of caller.stream('count', 2)) t.true(item < 2);
  const text = await metrics.registry.metrics();
  for (const line of [
    'weft_bus_calls_total{peer="server",method="double",code="ok"} 1',
    'weft_bus_calls_total{peer="server",method="double",code="INVALID"} 1',
    'weft_bus_calls_total{peer="server",method="count",code="ok"} 1',
    'weft_bus_requests_total{peer="client",method="double",code="INVALID"} 1',
    'weft_bus_requests_total{peer="client",method="count",code="ok"} 1',
    'weft_bus_call_duration_seconds_count{peer="server",method="double"} 1',
    'weft_bus_request_duration_seconds_count{peer="client",method="double"} 1',
  ])
    t.true(text.includes(`${line}\n`), line);
});

test('a process tells memory, CPU and delays, in a text that the kernel reads', async (t) => {
  const metrics = new ProcessMetrics();
  metrics.watchProcess();
  metrics.watchRefusals(() => [{ peer: 'dns', act: 'flood', count: 3 }]);
  const families = new Map(parseExposition(await metrics.registry.metrics(), 'me').map(({ name, samples }) => [name, samples]));
  const value = (name: string): number => Number(families.get(name)?.[0]?.split(' ')[1]);
  t.true(value('weft_process_resident_memory_bytes') > 1_000_000);
  t.true(value('weft_process_cpu_seconds_total') > 0);
  t.true(Math.abs(value('weft_process_start_time_seconds') - Date.now() / 1000) < 600);
  t.true(value('weft_process_event_loop_delay_seconds') >= 0);
  t.true(value('weft_process_event_loop_utilization_ratio') <= 1);
  t.deepEqual(families.get('weft_bus_refusals_total'), ['weft_bus_refusals_total{process="me",peer="dns",act="flood"} 3']);
});

test('its names keep the rules, and the rules find what breaks them', (t) => {
  const metrics = new ProcessMetrics();
  metrics.watchProcess();
  metrics.watchRefusals(() => []);
  t.deepEqual(metricsIn(metrics.registry).flatMap(lintMetric), []);
  const good = { name: 'weft_things_total', help: 'Things that happened', type: 'counter', labelNames: ['kind'] };
  t.deepEqual(lintMetric(good), []);
  const broken: Partial<typeof good>[] = [
    { name: 'things_total' },
    { name: 'weft_Things_total' },
    { help: 'things' },
    { help: 'Things that happened.' },
    { name: 'weft_things' },
    { type: 'gauge' },
    { name: 'weft_wait_ms', type: 'gauge' },
    { name: 'weft_size_mib', type: 'gauge' },
    { name: 'weft_load_percent', type: 'gauge' },
    { name: 'weft_things_count', type: 'gauge' },
    { name: 'weft_gauge_of_things', type: 'gauge' },
    { name: 'weft_wait_secs', type: 'gauge' },
    { name: 'weft_wait', type: 'histogram' },
    { labelNames: ['le'] },
    { labelNames: ['Kind'] },
  ];
  for (const change of broken) t.true(lintMetric({ ...good, ...change }).length > 0, JSON.stringify(change));
});

test('a blocked event loop shows in its delay', async (t) => {
  const metrics = new ProcessMetrics();
  metrics.watchProcess();
  const delay = async (): Promise<number> => {
    const line = (await metrics.registry.metrics()).split('\n').find((one) => one.startsWith('weft_process_event_loop_delay_seconds '));
    return Number(line?.split(' ')[1]);
  };
  for (const end = performance.now() + 1_250; performance.now() < end; );
  t.true((await delay()) > 0.2);
});
