import test, { type ExecutionContext } from 'ava';
import { type Caller, type Handlers, memoryPair } from '../../bus/index.ts';
import { type KernelCalls, limitsOf, type ObjectEvent, type PluginCalls } from '../../contract/system/index.ts';
import { Pipeline } from '../apply/index.ts';
import { book, makeWorld, shelf, type TestWorld } from '../apply/test/world.ts';
import type { PluginState, PluginToRun } from '../supervisor/index.ts';
import { Control } from './control.ts';
import { Enablement } from './enablement.ts';
import { PluginLinks } from './plugin-links.ts';
import { kernelCallsFor } from './serve.ts';

/** A kernel whose plugins sit in this very process, behind channels that encode every message. */
interface House extends Omit<TestWorld, 'pipeline' | 'admitter'> {
  readonly pipeline: Pipeline;
  readonly links: PluginLinks;
  readonly enablement: Enablement;
  readonly control: Control;
  readonly wanted: PluginToRun[][];
  readonly disabled: string[][];
  readonly broken: string[][];
  /** What is missed, by plugin. */
  readonly missed: Map<string, string | null>;
  readonly restarted: string[];
  readonly forgiven: string[];
  /** Brings a plugin's process up to `ready`. */
  start(plugin: string, serves?: Partial<Handlers<PluginCalls>>): Promise<{ kernel: Caller<KernelCalls>; disconnect: () => void }>;
}

async function makeHouse(t: ExecutionContext): Promise<House> {
  const world = await makeWorld();
  t.teardown(world.close);
  const { store, registry } = world;
  const enablement = new Enablement(store, registry, { library: { quiet: false } });
  const links = new PluginLinks(enablement);
  const pipeline = new Pipeline(store, registry, links);
  const wanted: PluginToRun[][] = [];
  const disabled: string[][] = [];
  const broken: string[][] = [];
  const restarted: string[] = [];
  const forgiven: string[] = [];
  const state = (name: string): PluginState => ({
    name,
    phase: links.isReady(name) ? 'ready' : 'starting',
    reason: '',
    since: '',
    pid: null,
    restarts: 0,
  });
  const supervision = {
    setWanted: (plugins: readonly PluginToRun[], names: readonly string[], others: readonly string[]) => {
      wanted.push([...plugins]);
      disabled.push([...names]);
      broken.push([...others]);
    },
    restart: (name: string) => void restarted.push(name),
    forgive: (name: string) => void forgiven.push(name),
    state,
  };
  const missed = new Map<string, string | null>();
  const control = new Control({
    registry,
    enablement,
    links,
    supervision,
    refusals: { counts: () => [] },
    limits: { labels: { memoryMib: 777 } },
    enforcement: { memory: 'watch', cpu: 'none', tasks: 'user' },
    entryOf: (folder) => `${folder}/index.ts`,
    tellMissed: (plugin, text) => void missed.set(plugin, text),
    forwarderMetrics: () => Promise.resolve('# of the forwarder'),
  });
  const session = { store, registry, pipeline, links, onReady: () => undefined };

  const start: House['start'] = async (name, serves = {}) => {
    const plugin = registry.plugin(name);
    if (plugin === undefined) throw new Error(`no plugin ${name}`);
    const handlers: Handlers<PluginCalls> = {
      ping: () => ({ lag: 0 }),
      admit: () => ({ patches: [], refusals: [] }),
      operation: ({ input }) => ({ echo: input }),
      'operation.stream': async function* () {
        yield { one: 1 };
      },
      metrics: () => ({ text: `# of ${name}` }),
      disable: () => ({}),
      ...serves,
    };
    const pair = memoryPair<KernelCalls, PluginCalls>(
      { name: 'kernel', handlers: kernelCallsFor(plugin, session), onDisconnect: () => links.gone(name) },
      { name, handlers },
    );
    links.attach(name, pair.a);
    pair.connect();
    t.teardown(pair.disconnect);
    await pair.b.call('hello', { name, manifestHash: plugin.manifestHash, pid: 1 });
    await pair.b.call('ready', {});
    return { kernel: pair.b, disconnect: pair.disconnect };
  };
  const apply: TestWorld['apply'] = (documents, more) => world.apply.call(null, documents, more);
  return { ...world, apply, pipeline, links, enablement, control, wanted, disabled, broken, missed, restarted, forgiven, start };
}

const user = { kind: 'user', name: 'alice' } as const;
const request = { remove: [], cascade: false, missingOk: false, dryRun: false, subject: user };
const shelfA = { key: { kind: 'Shelf', project: 'default', name: 'a' }, spec: { width: 80, place: 'hall' }, labels: {}, shared: false };

test('a plugin may use what the operator says, else what its manifest says, else the usual', async (t) => {
  const house = await makeHouse(t);
  house.control.want();
  const limits = new Map(house.wanted.at(-1)?.map((plugin) => [plugin.name, plugin.limits]));
  t.is(limits.get('labels')?.memoryMib, 777);
  t.is(limits.get('labels')?.tasks, limitsOf({}).tasks);
  t.deepEqual(limits.get('library'), limitsOf({}));
  t.like(
    house.control.list().find(({ name }) => name === 'labels'),
    { limits: { memoryMib: 777 }, enforcement: { cpu: 'none' } },
  );
});

test('hello is refused to another name and to another manifest', async (t) => {
  const house = await makeHouse(t);
  const { kernel } = await house.start('library');
  await t.throwsAsync(kernel.call('hello', { name: 'labels', manifestHash: 'x', pid: 1 }), { message: /channel is that of library/ });
  await t.throwsAsync(kernel.call('hello', { name: 'library', manifestHash: 'old', pid: 1 }), {
    message: /not the one that the kernel has read/,
  });
});

test('hello names all plugins that are installed, also those that are not enabled', async (t) => {
  const house = await makeHouse(t);
  const { kernel } = await house.start('labels');
  const { manifestHash = '' } = house.registry.plugin('labels') ?? {};
  const { installed } = await kernel.call('hello', { name: 'labels', manifestHash, pid: 1 });
  t.deepEqual([...installed].sort(), house.registry.plugins.map(({ name }) => name).sort());
  t.true(installed.length > 1);
});

test('nothing is served before hello, nor after the process has gone', async (t) => {
  const house = await makeHouse(t);
  const { disconnect } = await house.start('library');
  t.is(house.links.unavailable('library'), null);
  disconnect();
  t.regex(house.links.unavailable('library') ?? '', /does not serve/);
  const plugin = house.registry.plugin('library');
  if (plugin === undefined) return t.fail();
  const calls = kernelCallsFor(plugin, { ...house, onReady: () => undefined });
  const context = { signal: new AbortController().signal };
  t.throws(() => calls['objects.list']({ kinds: ['Shelf'] }, context), { message: /has not said hello/ });
});

test('a plugin lists and watches its own kinds and those granted, no others', async (t) => {
  const house = await makeHouse(t);
  await house.apply([shelf('a'), book('b', 'a')]);
  const { kernel } = await house.start('labels');
  const { objects, revision } = await kernel.call('objects.list', { kinds: ['Book', 'Label'] });
  t.deepEqual(
    objects.map(({ metadata }) => metadata.name),
    ['b'],
  );
  t.is(revision, house.store.revision);
  await t.throwsAsync(kernel.call('objects.list', { kinds: ['Shelf'] }), { message: /labels may not read Shelf/ });
  await t.throwsAsync(kernel.stream('objects.watch', { kinds: ['Shelf'], since: 0 }).next(), { message: /may not read Shelf/ });
});

test('a list names the revision that it shows, also while a write is on its way to the disk, and a watch goes on from there', async (t) => {
  const house = await makeHouse(t);
  await house.start('library');
  const plugin = house.registry.plugin('library');
  if (plugin === undefined) return t.fail();
  const calls = kernelCallsFor(plugin, { ...house, onReady: () => undefined });
  const context = { signal: new AbortController().signal };
  for (let n = 0; n < 20; n += 1) {
    let written = false;
    const writing = house.apply([shelf(`s${n}`)]).then(() => {
      written = true;
    });
    while (!written) {
      await new Promise((resolve) => setImmediate(resolve));
      const { revision, objects } = await calls['objects.list']({ kinds: ['Shelf'] }, context);
      const latest = Math.max(0, ...objects.map(({ metadata }) => metadata.revision));
      if (latest > revision) t.fail(`shows revision ${latest}, says ${revision}`);
      t.notThrows(() => house.store.assertReachable(revision));
    }
    await writing;
  }
});

test('a watch gives each event once and in order, and ends with the plugin', async (t) => {
  const house = await makeHouse(t);
  const { kernel, disconnect } = await house.start('library');
  const seen: ObjectEvent[] = [];
  const watching = (async () => {
    for await (const batch of kernel.stream('objects.watch', { kinds: ['Shelf'], since: house.store.revision })) {
      seen.push(...batch);
      if (seen.length === 3) disconnect();
    }
  })();
  for (const name of ['a', 'b', 'c']) await house.apply([shelf(name)]);
  await t.throwsAsync(watching, { message: /went away/ });
  t.deepEqual(
    seen.map(({ object }) => object.metadata.name),
    ['a', 'b', 'c'],
  );
});

test('a plugin writes own kinds and granted ones, as its manager; status only of its own', async (t) => {
  const house = await makeHouse(t);
  await house.start('library');
  const { kernel } = await house.start('labels');
  const key = { kind: 'Shelf', project: 'default', name: 'made' };
  await kernel.call('objects.apply', { apply: [{ kind: 'Shelf', metadata: { name: 'made' } }], delete: [] });
  t.is(house.store.get(key)?.metadata.managedBy, 'labels');
  await t.throwsAsync(kernel.call('objects.apply', { apply: [{ kind: 'Book', metadata: { name: 'x' } }], delete: [] }), {
    message: /labels may not write Book/,
  });
  await t.throwsAsync(kernel.call('objects.status', { updates: [{ key, status: { x: 1 } }] }), {
    message: /does not own Shelf\/default\/made/,
  });
  await kernel.call('objects.apply', { apply: [], delete: [key, { ...key, name: 'never-there' }] });
  t.is(house.store.get(key), undefined);
});

test('the owner writes status', async (t) => {
  const house = await makeHouse(t);
  await house.apply([shelf('a')]);
  const { kernel } = await house.start('library');
  const { revision } = await kernel.call('objects.status', { updates: [{ key: shelfA.key, status: { phase: 'Active' } }] });
  t.is(revision, house.store.revision);
  t.deepEqual(house.store.get(shelfA.key)?.status, { phase: 'Active' });
});

test('alarms carry the plugin’s name, and come and go', async (t) => {
  const house = await makeHouse(t);
  const { kernel } = await house.start('library');
  await kernel.call('alarm.set', { key: 'dust', severity: 'warning', subject: 'Shelf/default/a', text: 'dusty' });
  t.is(house.store.get({ kind: 'Alarm', name: 'library.dust' })?.status.text, 'dusty');
  await kernel.call('alarm.clear', { key: 'dust' });
  t.is(house.store.counts.Alarm, undefined);
  await t.throwsAsync(kernel.call('alarm.clear', { key: 'No Name' }), { message: /not a valid name/ });
});

test('admission goes to the plugin and its patches come back', async (t) => {
  const house = await makeHouse(t);
  await house.start('library', {
    admit: ({ changes }) => ({ patches: changes.map(({ key }) => ({ key, status: { id: 1 } })), refusals: [] }),
  });
  const { results } = await house.pipeline.apply({ ...request, apply: [shelfA] });
  t.deepEqual(results[0]?.after?.status, { id: 1 });
});

test('a plugin that dies during admission makes the write unavailable', async (t) => {
  const house = await makeHouse(t);
  const asked = Promise.withResolvers<void>();
  const { disconnect } = await house.start('library', {
    admit: () => {
      asked.resolve();
      return new Promise(() => undefined);
    },
  });
  const writing = house.pipeline.apply({ ...request, apply: [shelfA] });
  await asked.promise;
  disconnect();
  await t.throwsAsync(writing, { message: /library.*went away/ });
  t.is(house.store.get(shelfA.key), undefined);
});

test('operations reach the plugin; streams end with the caller', async (t) => {
  const house = await makeHouse(t);
  const call = { name: 'count', project: 'default', input: { shelf: 'a' } };
  const { signal } = new AbortController();
  await t.throwsAsync(house.control.operation('library', call, signal), { message: /library cannot answer: it does not serve/ });
  await house.start('library');
  t.deepEqual(await house.control.operation('library', call, signal), { echo: { shelf: 'a' } });
  const items: unknown[] = [];
  for await (const item of house.control.stream('library', call, signal)) items.push(item);
  t.deepEqual(items, [{ one: 1 }]);
});

test('disabling sweeps first, then stops wanting; it survives a restart; enabling wants again', async (t) => {
  const house = await makeHouse(t);
  let swept = 0;
  await house.start('library', {
    disable: () => {
      swept += 1;
      t.is(house.wanted.length, 0, 'still running while it sweeps');
      return {};
    },
  });
  await house.control.change('library', { enabled: false });
  t.is(swept, 1);
  t.deepEqual(
    house.wanted.at(-1)?.map(({ name }) => name),
    ['labels'],
  );
  t.deepEqual(house.disabled.at(-1), ['library']);
  t.is(new Enablement(house.store, house.registry, {}).obstacle('library'), 'it is disabled', 'remembered');
  t.like(house.control.list()[0], { name: 'library', enabled: false, state: 'disabled' });
  await t.throwsAsync(house.pipeline.apply({ ...request, apply: [shelfA] }), { message: /it is disabled/ });
  await house.control.change('library', { enabled: true });
  t.deepEqual(
    house.wanted.at(-1)?.map(({ name }) => name),
    ['library', 'labels'],
  );
  t.deepEqual(house.disabled.at(-1), []);
  t.deepEqual(house.forgiven, ['library']);
});

test('wishes about a plugin that come at once are carried out one after the other, and none is lost', async (t) => {
  const house = await makeHouse(t);
  await house.start('library');
  await Promise.all([
    house.control.change('library', { enabled: false }),
    house.control.change('library', { settings: { quiet: true } }),
    house.control.change('library', { enabled: true }),
  ]);
  t.deepEqual(
    house.wanted.map((plugins) => plugins.map(({ name }) => name)),
    [['labels'], ['labels'], ['library', 'labels']],
    'stopped after it has swept, before it starts anew',
  );
  t.is(house.enablement.isEnabled('library'), true);
  t.deepEqual(house.enablement.settings('library'), { quiet: true });
});

for (const [what, disable] of [
  ['cannot sweep', () => Promise.reject(new Error('the forwarder is away'))],
  ['hangs', () => new Promise<Record<string, never>>(() => undefined)],
] as const)
  test(`a plugin that ${what} is disabled all the same; the forwarder is told to sweep`, async (t) => {
    const house = await makeHouse(t);
    await house.start('library', { disable });
    await house.control.change('library', { enabled: false });
    t.deepEqual(house.disabled.at(-1), ['library']);
    t.like(house.control.list()[0], { name: 'library', enabled: false, state: 'disabled' });
  });

test('a plugin that does not run is disabled as well', async (t) => {
  const house = await makeHouse(t);
  await house.control.change('library', { enabled: false });
  t.deepEqual(house.disabled.at(-1), ['library']);
});

test('settings come from the configuration, then from the API, with defaults; a change restarts the plugin', async (t) => {
  const house = await makeHouse(t);
  t.deepEqual(house.enablement.settings('library'), { quiet: false }, 'configured');
  await house.control.change('library', { settings: { quiet: true } });
  t.deepEqual(house.enablement.settings('library'), { quiet: true });
  t.deepEqual(house.restarted, ['library']);
  t.deepEqual(new Enablement(house.store, house.registry, {}).settings('library'), { quiet: true });
  const broken = new Enablement(house.store, house.registry, { labels: { colour: 'red' } });
  t.regex(broken.obstacle('labels') ?? '', /its setting \/colour unknown field "colour"/);
});

test('a plugin whose settings do not fit is not run and counts as failed until they do', async (t) => {
  const house = await makeHouse(t);
  await house.control.change('labels', { settings: { colour: 'red' } });
  t.deepEqual(
    house.wanted.at(-1)?.map(({ name }) => name),
    ['library'],
  );
  t.deepEqual([house.disabled.at(-1), house.broken.at(-1)], [[], ['labels']]);
  await house.control.change('labels', { settings: {} });
  t.deepEqual(house.broken.at(-1), []);
});

test('what disabling a plugin would do is told in sentences, and nothing once it is disabled', async (t) => {
  const house = await makeHouse(t);
  await house.start('library');
  await house.pipeline.apply({ ...request, apply: [shelfA] });
  const disabling = (): readonly string[] | undefined => house.control.list().find(({ name }) => name === 'library')?.disabling;
  t.deepEqual(disabling(), [
    'these objects stay, and nobody serves or changes them until it is enabled again: 1 Shelf',
    'plugins that need it do not work without it: labels',
  ]);
  await house.enablement.change('library', { enabled: false });
  t.deepEqual(disabling(), []);
});

test('a plugin that is missed while it is disabled is told of, until it is enabled again', async (t) => {
  const house = await makeHouse(t);
  house.control.want();
  t.deepEqual([...house.missed], [['labels', null]]);
  t.deepEqual(house.control.list().find(({ name }) => name === 'labels')?.disabling, ['books have no labels']);
  await house.control.change('labels', { enabled: false });
  t.is(house.missed.get('labels'), 'it is disabled: books have no labels; enable it: weft plugin enable labels');
  await house.control.change('labels', { enabled: true });
  t.deepEqual([...house.missed], [['labels', null]]);
});

test('a plugin lets go of its own kinds alone', async (t) => {
  const house = await makeHouse(t);
  const { kernel } = await house.start('library');
  await t.throwsAsync(kernel.call('objects.finalize', { keys: [{ kind: 'Label', project: 'default', name: 'x' }] }), {
    message: /library does not own Label\/default\/x/,
  });
  const { revision } = house.store;
  t.deepEqual(await kernel.call('objects.finalize', { keys: [shelfA.key] }), { revision });
});

test('a plugin names owners of kinds that it reads alone', async (t) => {
  const house = await makeHouse(t);
  const { kernel } = await house.start('labels');
  const owned = (kind: string) => ({ kind: 'Shelf', metadata: { name: 's', ownerReferences: [{ kind, name: 'b' }] } });
  await t.throwsAsync(kernel.call('objects.apply', { apply: [owned('Shelf')], delete: [] }), { message: /labels may not read Shelf/ });
  await t.throwsAsync(kernel.call('objects.apply', { apply: [owned('Book')], delete: [] }), { message: /Book\/default\/b does not exist/ });
});
