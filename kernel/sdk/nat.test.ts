import test from 'ava';
import Type from 'typebox';
import type { NatEvent } from '../contract/net/index.ts';
import { WeftFailure } from '../contract/system/index.ts';
import { definePlugin, type PluginContext } from './index.ts';
import { startPlugin } from './testing/index.ts';

const block = { address: '192.0.2.1', first: 1_024, last: 1_535, port: 9, insidePort: 3, insideGeneration: 1, timeMs: 5 };
const event = (sequence: number): NatEvent => ({ ...block, sequence, event: 'assigned', protocol: 0 });

async function started(rows: readonly string[]) {
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

test('shared addresses, their blocks in parts, and events after a number', async (t) => {
  const { running, forwarder } = await started(['nat_address']);
  const { nat } = running.forwarder;
  const stats = { port: 9, pool: 1, address: '192.0.2.1', ports: 64, blocked: 64, tcp: 1, udp: 2, icmp: 3, host: false, exhausted: 4 };
  nat.addresses.push(stats);
  nat.blocks = Array.from({ length: 150 }, (_, n) => ({ ...block, first: n }));
  nat.events.push(event(1), event(2));
  t.deepEqual(await forwarder.natStats(), [stats]);
  const parts = await Array.fromAsync(forwarder.natBlocks());
  t.deepEqual(
    parts.map((part) => part.length),
    [100, 50],
  );
  t.deepEqual(parts.flat(), nat.blocks);
  t.deepEqual(await forwarder.natEvents(0), nat.events);
  t.deepEqual(await forwarder.natEvents(1), [event(2)]);
  t.deepEqual(await forwarder.natEvents(2), []);
  await running.stop();
});

test('a plugin that writes no shared addresses sees none of it', async (t) => {
  const { running, forwarder } = await started(['port']);
  for (const ask of [() => forwarder.natStats(), () => Array.fromAsync(forwarder.natBlocks()), () => forwarder.natEvents(0)]) {
    const thrown = await t.throwsAsync(async () => ask());
    t.is(thrown instanceof WeftFailure ? thrown.error.code : undefined, 'FORBIDDEN');
  }
  await running.stop();
});
