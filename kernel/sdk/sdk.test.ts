import test from 'ava';
import { pino } from 'pino';
import Type from 'typebox';
import { memoryPair } from '../bus/index.ts';
import type { ForwarderCalls, PortState, PuntRecord, Row } from '../contract/net/index.ts';
import { fail, type KernelCalls, type ObjectKey, type PluginCalls } from '../contract/system/index.ts';
import { ProcessMetrics } from '../metrics/index.ts';
import { Counter, definePlugin, type Plugin, type PluginContext } from './index.ts';
import { hashManifest, manifestOf, renderManifest } from './manifest.ts';
import { noServicePort } from './no-service-port.ts';
import { Runtime } from './runtime.ts';
import { FakeForwarder, FakeKernel, makeObject, startPlugin, type TestPlugin } from './testing/index.ts';

const config = Type.Object({ greeting: Type.String({ default: 'hello' }) }, { additionalProperties: false });
type Context = PluginContext<{ greeting: string }>;

/** A plugin whose behaviour each test gives. */
function plugin(start: (context: Context) => Plugin | Promise<Plugin> = () => ({})) {
  return definePlugin({
    name: 'greeter',
    summary: 'greets',
    config,
    kinds: [
      {
        kind: 'Greeting',
        plural: 'greetings',
        scope: 'project',
        summary: 'a greeting',
        schemaVersion: 1,
        spec: Type.Object({ to: Type.String() }),
        status: Type.Object({}),
        references: [],
        columns: [],
      },
    ],
    puntClasses: [{ name: 'wave', rate: 1, burst: 1, portRate: 1, portBurst: 1 }],
    grants: { rows: ['vrf', 'route'], reads: ['Port'] },
    start,
  });
}

/** Starts it with a handle on its context. */
async function started(behaviour: (context: Context) => Plugin = () => ({}), options: Parameters<typeof startPlugin>[1] = {}) {
  const held: { context?: Context } = {};
  const running = await startPlugin(
    plugin((context) => {
      held.context = context;
      return behaviour(context);
    }),
    options,
  );
  if (held.context === undefined) throw new Error('not started');
  return { running, context: held.context };
}

const vrf = (id: number): Row => ({ table: 'vrf', id });
const vrfIds = (running: TestPlugin): number[] =>
  running.forwarder
    .rows('vrf')
    .map((row) => row.id)
    .sort((a, b) => a - b);
const greeting = (name: string) => makeObject('Greeting', name, { to: 'you' });
const keyOfGreeting = (name: string): ObjectKey => ({ kind: 'Greeting', project: 'default', name });

test('starts with the cache filled, settings defaulted, and says ready', async (t) => {
  const { running, context } = await started(() => ({}), { objects: [greeting('a')] });
  t.deepEqual(context.config, { greeting: 'hello' });
  t.is(context.objects.list('Greeting').length, 1);
  t.is(running.kernel.readies, 1);
  await running.stop();
});

test('knows which plugins are installed, and ends when it has decided by that and another kernel has others', async (t) => {
  const { running, context } = await started(() => ({}), { installed: ['policy'] });
  const greeted = async (...installed: string[]): Promise<void> => {
    running.kernelAway();
    running.kernel.installed = installed;
    await running.kernelBack();
  };
  await greeted('policy', 'dns');
  t.deepEqual(context.installed, ['greeter', 'policy', 'dns'], 'nobody has asked before');
  await greeted('dns', 'policy');
  await t.throwsAsync(greeted('dns'), { message: /other plugins are installed/ });
});

test('its metrics: calls, rows, frames, and its own', async (t) => {
  const { running, context } = await started();
  const waved = new Counter({ name: 'weft_greeter_waves_total', help: 'Waves that were answered', registers: [context.metrics] });
  context.punts.on('wave', (records) => {
    for (const record of records) {
      context.punts.inject([record]);
      waved.inc();
    }
  });
  await context.rows.replace([vrf(1), vrf(2)]);
  await running.punt('wave', { port: 1, frame: Buffer.alloc(60) });
  const text = await running.metrics();
  for (const line of [
    'weft_plugin_rows_sent_total 2',
    'weft_plugin_punted_frames_total{class="wave"} 1',
    'weft_plugin_injected_frames_total 1',
    'weft_greeter_waves_total 1',
    'weft_bus_calls_total{peer="kernel",method="ready",code="ok"} 1',
    'weft_bus_calls_total{peer="forwarder",method="rows.apply",code="ok"} 1',
  ])
    t.true(text.includes(`${line}\n`), line);
  await running.stop();
});

test('a kernel that is too busy to hear that the plugin is ready is told again', async (t) => {
  const kernel = new FakeKernel();
  const forwarder = new FakeForwarder([], []);
  let busy = 1;
  const handlers: ReturnType<FakeKernel['handlers']> = {
    ...kernel.handlers(),
    ready: (input, call) => {
      if (busy-- > 0) throw fail('BUS_OVERLOADED', 'too much at once');
      return kernel.handlers().ready(input, call);
    },
  };
  const links: { connect(): void; disconnect(): void }[] = [];
  const runtime = new Runtime({
    ...{ definition: plugin() as never, config: {}, manifestHash: '', stateDir: '', log: pino({ enabled: false }) },
    metrics: new ProcessMetrics(),
    onFatal: (thrown) => t.fail(String(thrown)),
    wires: {
      kernel: (served, onConnect, onDisconnect) => {
        const link = memoryPair<PluginCalls, KernelCalls>(
          { name: 'greeter', handlers: served, onConnect, onDisconnect },
          { name: 'kernel', handlers },
        );
        links.push(link);
        return { caller: link.a, close: link.disconnect };
      },
      forwarder: (onConnect) => {
        const link = memoryPair<object, ForwarderCalls>(
          { name: 'greeter', handlers: {}, onConnect },
          { name: 'forwarder', handlers: forwarder.handlers() },
        );
        links.push(link);
        return { caller: link.a, close: link.disconnect };
      },
      servicePort: () => noServicePort,
      punts: () => ({ send: () => undefined, close: () => undefined }),
    },
  });
  t.teardown(() => runtime.close());
  for (const link of links) link.connect();
  await runtime.start();
  while (kernel.readies === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  t.is(kernel.readies, 1);
});

test('a setting that does not fit is refused by name', async (t) => {
  const failure = await t.throwsAsync(startPlugin(plugin(), { config: { greeting: 5 } }));
  t.regex(failure.message, /^plugins\.greeter\.greeting: /);
  await t.throwsAsync(startPlugin(plugin(), { config: { greting: 'x' } }), { message: /plugins\.greeter/ });
});

test('tells of changes once at start and after each event', async (t) => {
  const heard: string[][] = [];
  const { running } = await started(
    (context) => {
      context.objects.onChange((changed) => {
        heard.push(changed.map((key) => key.name));
      });
      return {};
    },
    { objects: [greeting('a')] },
  );
  await running.put(greeting('b'));
  await running.remove(keyOfGreeting('a'));
  t.deepEqual(heard, [['a'], ['b'], ['a']]);
  await running.stop();
});

test('resumes the watch after the kernel was away, and says ready again', async (t) => {
  const { running, context } = await started();
  running.kernelAway();
  running.kernel.put(greeting('meanwhile'));
  await running.kernelBack();
  t.truthy(context.objects.get(keyOfGreeting('meanwhile')));
  t.is(running.kernel.readies, 2);
  await running.stop();
});

test('lists anew when the log no longer reaches back, and notices what was deleted', async (t) => {
  const { running, context } = await started(() => ({}), { objects: [greeting('old')] });
  const heard: string[] = [];
  context.objects.onChange((changed) => {
    heard.push(...changed.map((key) => key.name));
  });
  await running.settle();
  running.kernelAway();
  running.kernel.remove(keyOfGreeting('old'));
  running.kernel.put(greeting('new'));
  running.kernel.logFloor = running.kernel.revision;
  await running.kernelBack();
  await running.until(() => context.objects.get(keyOfGreeting('new')) !== undefined);
  t.is(context.objects.get(keyOfGreeting('old')), undefined);
  t.deepEqual(heard, ['old', 'new', 'old']);
  await running.stop();
});

test('an exception in a listener ends the plugin', async (t) => {
  const { running, context } = await started();
  context.objects.onChange((changed) => {
    if (changed.length > 0) throw new Error('broken');
  });
  await t.throwsAsync(running.put(greeting('a')), { message: 'broken' });
  running.dispose();
});

test('sends differences only', async (t) => {
  const { running, context } = await started();
  await context.rows.replace([vrf(1), vrf(2)]);
  await context.rows.replace([vrf(2), vrf(3)]);
  t.deepEqual(vrfIds(running), [2, 3]);
  t.is(running.forwarder.generations, 1);
  t.is(running.forwarder.changes, 4);
  await context.rows.replace([vrf(3), vrf(2)]);
  t.is(running.forwarder.applies, 2);
  await context.rows.update([vrf(9)], [{ table: 'vrf', id: 2 }]);
  t.deepEqual(vrfIds(running), [3, 9]);
  await running.stop();
});

test('after a reconnect publishes everything under a new generation and sweeps the rest', async (t) => {
  const { running, context } = await started();
  await context.rows.replace([vrf(1), vrf(2)]);
  running.forwarderAway();
  const waiting = context.rows.update([vrf(3)], [{ table: 'vrf', id: 1 }]);
  await running.forwarderBack();
  await waiting;
  t.deepEqual(vrfIds(running), [2, 3]);
  t.true(running.forwarder.generations >= 2);
  await running.stop();
});

test('reads back what the forwarder has of a table', async (t) => {
  const { running, context } = await started();
  const route: Row = { table: 'route', vrf: 1, prefixLength: 64, address: '2001:db8::', source: 10, nexthop: 5 };
  await context.rows.replace([vrf(1), vrf(2), route]);
  t.deepEqual(await context.forwarder.rows('route'), [route]);
  t.is((await context.forwarder.rows('vrf')).length, 2);
  t.deepEqual(await context.forwarder.rows('learned_mac'), []);
  running.forwarderAway();
  await t.throwsAsync(context.forwarder.rows('vrf'));
});

test('a refused row is rejected, undone, and does not stop later changes', async (t) => {
  const { running, context } = await started();
  await context.rows.replace([vrf(1)]);
  running.forwarder.refuse = (row) => (row.table === 'vrf' && row.id === 13 ? 'vrf.id 13 is unlucky' : null);
  const refused = context.rows.update([vrf(13), vrf(2)], []);
  const fine = context.rows.update([vrf(3)], []);
  await t.throwsAsync(refused, { message: 'vrf.id 13 is unlucky' });
  await fine;
  t.deepEqual(vrfIds(running), [1, 3]);
  await t.throwsAsync(context.rows.update([{ table: 'mac', bridge: 1, mac: '02:00:00:00:00:01', port: 1 }], []), {
    message: /may not write rows of table mac/,
  });
  await running.stop();
});

test('a large set travels in batches and is published at once', async (t) => {
  const { running, context } = await started();
  await context.rows.replace(Array.from({ length: 2_500 }, (_, index) => vrf(index + 1)));
  t.is(running.forwarder.rows().length, 2_500);
  t.is(running.forwarder.applies, 3);
  await running.stop();
});

test('disable sweeps the rows, and later ones are ignored', async (t) => {
  const { running, context } = await started();
  await context.rows.replace([vrf(1)]);
  await running.disable();
  await context.rows.update([vrf(2)], []);
  t.deepEqual(running.forwarder.rows(), []);
  await running.stop();
});

test('punts reach the handler of their class, injections come out', async (t) => {
  const heard: { port: number; text: string }[] = [];
  const { running, context } = await started((inner) => {
    inner.punts.on('wave', (records: Iterable<PuntRecord>) => {
      for (const record of records) {
        heard.push({ port: record.port, text: record.frame.toString() });
        inner.punts.inject([{ port: record.port, generation: record.generation, frame: Buffer.from('back') }]);
      }
    });
    return {};
  });
  await running.punt('wave', { port: 7, generation: 3, frame: Buffer.from('one') }, { port: 8, frame: Buffer.from('two') });
  t.deepEqual(heard, [
    { port: 7, text: 'one' },
    { port: 8, text: 'two' },
  ]);
  t.like(running.forwarder.injected[0], { port: 7, generation: 3 });
  t.is(running.forwarder.injected[1]?.frame.toString(), 'back');
  t.is(context.punts.classNumber('wave'), 1);
  t.throws(() => context.punts.on('nod', () => undefined), { message: /'nod' is not a punt class/ });
  await running.stop();
});

test('ports are told whole at first and after a reconnect, then as changes', async (t) => {
  const heard: [number[], readonly number[]][] = [];
  const { running } = await started(
    (context) => {
      context.forwarder.onPorts((ports: readonly PortState[], removed) => heard.push([ports.map((port) => port.id), removed]));
      return {};
    },
    { ports: [{ id: 1 }, { id: 2 }] },
  );
  await running.ports([{ id: 2, state: 'down' }], [1]);
  running.forwarderAway();
  running.forwarder.setPorts([{ id: 3 }], [2]);
  await running.forwarderBack();
  await running.until(() => heard.length === 3);
  t.deepEqual(heard, [
    [[1, 2], []],
    [[2], [1]],
    [[3], [2]],
  ]);
  await running.stop();
});

test('statuses wait for the kernel, merged per object', async (t) => {
  const { running, context } = await started(() => ({}), { objects: [greeting('a')] });
  running.kernelAway();
  const first = context.setStatus([{ key: keyOfGreeting('a'), status: { phase: 'Pending', reason: 'x' } }]);
  const second = context.setStatus([{ key: keyOfGreeting('a'), status: { phase: 'Active' } }]);
  await running.kernelBack();
  await Promise.all([first, second]);
  t.deepEqual(running.kernel.status(keyOfGreeting('a')), { phase: 'Active', reason: 'x' });
  await context.setStatus([{ key: keyOfGreeting('a'), status: { reason: null } }]);
  t.deepEqual(running.kernel.status(keyOfGreeting('a')), { phase: 'Active' });
  await running.stop();
});

test('alarms are raised and cleared', async (t) => {
  const { running, context } = await started();
  await context.alarm('full', { severity: 'warning', subject: 'pool', text: 'it is full' });
  t.deepEqual([...running.kernel.alarms.keys()], ['full']);
  await context.alarm('full', null);
  t.is(running.kernel.alarms.size, 0);
  await running.stop();
});

test('admission sees the committed world, and what it patches is stored', async (t) => {
  const { running, context } = await started(() => ({
    admit: ({ changes }) => ({
      patches: changes.map(({ key }) => ({ key, status: { known: context.objects.list('Greeting').length } })),
      refusals: [],
    }),
  }));
  running.kernel.put(greeting('a'));
  const reply = await running.write([greeting('b')]);
  t.deepEqual(reply.patches, [{ key: keyOfGreeting('b'), status: { known: 1 } }]);
  t.deepEqual(running.kernel.status(keyOfGreeting('b')), { known: 1 });
  await running.stop();
});

test('operations answer once or as a stream; refusals keep their code', async (t) => {
  const { running } = await started(() => ({
    operations: {
      greet: ({ to }: { to: string }, { project }) => ({ text: `${project}: hello ${to}` }),
      count: async function* ({ to }: { to: number }) {
        for (let n = 1; n <= to; n++) yield n;
      },
      record: async function* (_input: object, { file }) {
        yield file === true ? Buffer.from('bytes') : 'words';
      },
      refuse: () => {
        throw fail('CONFLICT', 'not now');
      },
    },
  }));
  t.deepEqual(await running.operation('greet', { to: 'you' }), { text: 'default: hello you' });
  t.deepEqual(await Array.fromAsync(running.operationStream('count', { to: 3 })), [1, 2, 3]);
  t.deepEqual(await Array.fromAsync(running.operationStream('record')), ['words']);
  t.deepEqual(await Array.fromAsync(running.operationStream('record', {}, 'default', true)), [Buffer.from('bytes')]);
  t.like(await t.throwsAsync(running.operation('refuse')), { error: { code: 'CONFLICT' } });
  t.like(await t.throwsAsync(running.operation('dance')), { error: { code: 'NOT_FOUND' } });
  await running.stop();
});

test('the manifest is the definition as plain data, and the same each time', (t) => {
  const manifest = manifestOf(plugin() as never, '1.2.3');
  t.deepEqual(manifest.grants, { rows: ['vrf', 'route'], reads: ['Port'], writes: [] });
  t.like(manifest, { name: 'greeter', version: '1.2.3', kinds: [{ spec: { type: 'object', required: ['to'] } }] });
  t.is(renderManifest(manifest), renderManifest(manifestOf(plugin() as never, '1.2.3')));
  t.is(hashManifest('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
