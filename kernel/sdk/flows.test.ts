import test from 'ava';
import Type from 'typebox';
import type { Flow } from '../contract/net/index.ts';
import { WeftFailure } from '../contract/system/index.ts';
import { definePlugin, type PluginContext } from './index.ts';
import { startPlugin } from './testing/index.ts';

const flow = (fields: Partial<Flow> = {}): Flow => ({
  ...{ event: 'listed', timeMs: 1, state: 'established', action: 'allow' },
  ...{ fromPort: 1, fromGeneration: 1, toPort: 2, toGeneration: 1, protocol: 6, src: '10.0.0.1', dst: 'fd00::1', srcPort: 1, dstPort: 80 },
  ...{ packets: 0, bytes: 0, replyPackets: 0, replyBytes: 0, ageMs: 0, idleMs: 0 },
  ...fields,
});

async function started(rows: readonly string[] = ['rule']) {
  const held: { context?: PluginContext<object> } = {};
  const definition = definePlugin({
    name: 'greeter',
    summary: 'greets',
    config: Type.Object({}),
    grants: { rows },
    start: (context) => {
      held.context = context;
      return {};
    },
  });
  const running = await startPlugin(definition);
  if (held.context === undefined) throw new Error('not started');
  return { running, forwarder: held.context.forwarder };
}

async function all(parts: AsyncIterable<readonly Flow[]>): Promise<readonly Flow[]> {
  return (await Array.fromAsync(parts)).flat();
}

test('flows come in parts until there are no more', async (t) => {
  const { running, forwarder } = await started();
  running.forwarder.flows.all = Array.from({ length: 250 }, (_, srcPort) => flow({ srcPort }));
  t.deepEqual(
    (await Array.fromAsync(forwarder.flows())).map((part) => part.length),
    [100, 100, 50],
  );
  running.forwarder.flows.all = [];
  t.deepEqual(await all(forwarder.flows()), []);
  await running.stop();
});

test('a filter fits either end', async (t) => {
  const { running, forwarder } = await started();
  running.forwarder.flows.all = [flow(), flow({ toPort: 3, protocol: 17, dstPort: 53, src: '10.0.0.9' })];
  const count = async (filter: Parameters<typeof forwarder.flows>[0]): Promise<number> => (await all(forwarder.flows(filter))).length;
  t.is(await count({ port: 1 }), 2);
  t.is(await count({ port: 3 }), 1);
  t.is(await count({ protocol: 17 }), 1);
  t.is(await count({ address: 'FD00:0::1' }), 2);
  t.is(await count({ address: '10.0.0.9', l4Port: 53 }), 1);
  t.is(await count({ address: '10.0.0.9', l4Port: 80 }), 0);
  await running.stop();
});

test('who watches is told of denials, who follows of everything', async (t) => {
  const { running, forwarder } = await started();
  const abort = new AbortController();
  const denials = forwarder.watchFlows({}, abort.signal)[Symbol.asyncIterator]();
  const everything = forwarder.watchFlows({ follow: true }, abort.signal)[Symbol.asyncIterator]();
  t.deepEqual((await denials.next()).value, { flows: [], lost: 0 });
  t.deepEqual((await everything.next()).value, { flows: [], lost: 0 });
  t.deepEqual(running.forwarder.flows.watchers, { all: 2, following: 1 });
  const news = [flow({ event: 'began' }), flow({ event: 'denied', action: 'deny' })];
  running.forwarder.flows.tell(news, 7);
  t.deepEqual((await denials.next()).value, { flows: news.slice(1), lost: 7 });
  t.deepEqual((await everything.next()).value, { flows: news, lost: 7 });
  abort.abort();
  await running.until(() => running.forwarder.flows.watchers.all === 0);
  await running.stop();
});

test('counters of flows and rules', async (t) => {
  const { running, forwarder } = await started(['port']);
  running.forwarder.flows.stats = { ...running.forwarder.flows.stats, used: 5 };
  running.forwarder.flows.rules = [{ group: 1, number: 2, flows: 3, packets: 4, bytes: 5 }];
  t.is((await forwarder.flowStats()).used, 5);
  t.deepEqual(await forwarder.ruleStats(), [{ group: 1, number: 2, flows: 3, packets: 4, bytes: 5 }]);
  await running.stop();
});

test('a plugin that writes neither ports nor rules sees none of it', async (t) => {
  const { running, forwarder } = await started(['vrf']);
  for (const ask of [
    () => all(forwarder.flows()),
    () => forwarder.flowStats(),
    () => forwarder.ruleStats(),
    () => forwarder.watchFlows({}, AbortSignal.timeout(5_000))[Symbol.asyncIterator]().next(),
  ]) {
    const thrown = await t.throwsAsync(async () => ask());
    t.is(thrown instanceof WeftFailure ? thrown.error.code : undefined, 'FORBIDDEN');
  }
  await running.stop();
});
