import test, { type ExecutionContext } from 'ava';
import type { ObjectEvent, WeftError } from '../../contract/system/index.ts';
import { WeftFailure } from '../../contract/system/index.ts';
import { Registry } from '../registry/index.ts';
import { Confirmations } from './confirmations.ts';
import { Pipeline } from './pipeline.ts';
import { keyTo, machineKind, thing, workshop, workshopManifest } from './test/workshop.ts';
import { foundPlugin, makeWorld, type TestWorld } from './test/world.ts';

const alice = { kind: 'user', name: 'alice' } as const;
const machine = keyTo('Machine', 'm');

async function begin(t: ExecutionContext): Promise<TestWorld> {
  const world = await makeWorld(undefined, [workshopManifest]);
  t.teardown(world.close);
  return world;
}

function remove(world: TestWorld, ...keys: (typeof machine)[]): ReturnType<TestWorld['apply']> {
  return world.apply([], { remove: keys.map((key) => ({ key })) });
}

async function refusal(t: ExecutionContext, work: () => Promise<unknown>): Promise<WeftError> {
  return ((await t.throwsAsync(work, { instanceOf: WeftFailure })) as WeftFailure).error;
}

async function eventsAfter(world: TestWorld, since: number): Promise<string[]> {
  const { value = [] } = await world.store.watch(since, null).next();
  return (value as ObjectEvent[]).map(({ type, object }) => `${object.kind} ${object.metadata.name} ${type}`);
}

test('an object with a finalizer is marked, held, and goes when its plugin says so', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Machine', 'm')]);
  t.deepEqual(world.store.get(machine)?.metadata.finalizers, ['workshop']);
  const { revision, results } = await remove(world, machine);
  t.is(results[0]?.action, 'deleted');
  t.is(results[0]?.after?.metadata.deletedAt, world.store.get(machine)?.metadata.deletedAt);
  t.truthy(world.store.get(machine)?.metadata.deletedAt);
  t.deepEqual(await eventsAfter(world, revision - 1), ['Machine m updated']);
  const done = await world.pipeline.finalize([machine], 'workshop');
  t.is(world.store.get(machine), undefined);
  t.deepEqual(await eventsAfter(world, done - 1), ['Machine m deleted']);
  t.is([...world.store.past()][0]?.subject, 'plugin:workshop');
});

test('the owner decides about the mark as about any delete, and is not asked when it lets go', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Machine', 'm')]);
  world.admitter.answer = () => ({
    patches: [],
    refusals: [{ object: 'Machine/default/m', pointer: '', message: 'runs', fix: 'stop it' }],
  });
  t.is((await refusal(t, () => remove(world, machine))).code, 'INVALID');
  t.is(world.store.get(machine)?.metadata.deletedAt, undefined);
  world.admitter.answer = () => ({ patches: [], refusals: [] });
  await remove(world, machine);
  const [change] = world.admitter.asked.at(-1)?.request.changes ?? [];
  t.is(change?.op, 'delete');
  t.truthy(change?.after?.metadata.deletedAt, 'it sees that the object stays');
  const asked = world.admitter.asked.length;
  await world.pipeline.finalize([machine], 'workshop');
  t.is(world.admitter.asked.length, asked);
});

test('what is being deleted is not changed, not created anew, not referred to; deleted again it is unchanged', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Machine', 'm'), thing('Machine', 'n')]);
  await remove(world, machine);
  for (const more of [{}, { subject: workshop }]) {
    const error = await refusal(t, () => world.apply([thing('Machine', 'm', { note: 'x' })], more));
    t.is(error.code, 'CONFLICT');
    t.regex(error.message, /Machine\/default\/m is being deleted: workshop still puts away/);
    t.regex(error.fix ?? '', /weft get Machine m/);
  }
  const dangling = await refusal(t, () => world.apply([thing('Part', 'p', { machine: 'm' })]));
  t.is(dangling.code, 'INVALID');
  t.is(dangling.errors?.[0]?.pointer, '/spec/machine');
  t.regex(dangling.message, /is being deleted/);
  t.regex(dangling.fix ?? '', /: n$/, 'what may be named instead');
  const { revision } = world.store;
  const again = await remove(world, machine);
  t.is(again.results[0]?.action, 'unchanged');
  t.is(again.revision, revision);
});

test('a status may be written until the end', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Machine', 'm')]);
  await remove(world, machine);
  await world.pipeline.setStatus([{ key: machine, status: { phase: 'Pending' } }], workshop);
  t.deepEqual(world.store.get(machine)?.status, { phase: 'Pending' });
  t.truthy(world.store.get(machine)?.metadata.deletedAt);
});

test('what a dying object refers to waits for it, the project included', async (t) => {
  const world = await begin(t);
  const project = { kind: 'Project', name: 'tenant' };
  const metadata = { project: 'tenant' };
  await world.apply([
    { kind: 'Project', metadata: { name: 'tenant' } },
    thing('Part', 'p', {}, metadata),
    thing('Part', 'free', {}, metadata),
    thing('Tool', 't', { part: 'p' }, metadata),
  ]);
  t.is((await refusal(t, () => remove(world, project))).code, 'REFERENCED');
  const { results } = await world.apply([], { remove: [{ key: project }], cascade: true });
  t.deepEqual(results.map(({ action, key, after }) => `${key.name} ${action} ${after === null ? 'gone' : 'stays'}`).sort(), [
    'free deleted gone',
    'p deleted stays',
    't deleted stays',
    'tenant deleted stays',
  ]);
  t.is((await refusal(t, () => world.apply([thing('Part', 'late', {}, metadata)]))).errors?.[0]?.pointer, '/metadata/project');
  const before = world.store.revision;
  await world.pipeline.finalize([{ kind: 'Tool', project: 'tenant', name: 't' }], 'workshop');
  t.deepEqual((await eventsAfter(world, before)).sort(), ['Part p deleted', 'Project tenant deleted', 'Tool t deleted']);
});

test('a whole chain waits for its last link, in whatever order it was deleted', async (t) => {
  const names = ['p', 'q', 'r'];
  for (const order of [names, names.toReversed()]) {
    const world = await begin(t);
    await world.apply([
      thing('Part', 'r'),
      thing('Part', 'q', { next: 'r' }),
      thing('Part', 'p', { next: 'q' }),
      thing('Tool', 't', { part: 'p' }),
    ]);
    await remove(world, keyTo('Tool', 't'), ...order.map((name) => keyTo('Part', name)));
    t.is(world.store.counts.Part, 3);
    await world.pipeline.finalize([keyTo('Tool', 't')], 'workshop');
    t.deepEqual(world.store.counts, { Project: 1 });
  }
});

test('dying objects that refer to each other in a circle go together', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Tool', 'a', { mate: 'b' }), thing('Tool', 'b', { mate: 'a' })]);
  const keys = [keyTo('Tool', 'a'), keyTo('Tool', 'b')];
  await remove(world, ...keys);
  await world.pipeline.finalize([keyTo('Tool', 'a')], 'workshop');
  t.is(world.store.counts.Tool, 2, 'b is still held, and refers to a');
  await world.pipeline.finalize([keyTo('Tool', 'b')], 'workshop');
  t.is(world.store.counts.Tool, undefined);
});

test('letting go of what is not there, not dying, or another one by now does nothing', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Machine', 'm')]);
  const { revision } = world.store;
  await world.pipeline.finalize([machine, keyTo('Machine', 'gone')], 'workshop');
  t.is(world.store.revision, revision);
  await remove(world, machine);
  await world.pipeline.finalize([{ ...machine, uid: 'of another one' }], 'workshop');
  await world.pipeline.finalize([machine], 'library');
  t.truthy(world.store.get(machine));
  await world.pipeline.finalize([{ ...machine, uid: world.store.get(machine)?.metadata.uid ?? '' }], 'workshop');
  t.is(world.store.get(machine), undefined);
});

test('objects from before the kind asked for it are held, too', async (t) => {
  const world = await begin(t);
  const { finalizer: _, ...without } = machineKind;
  const old = { ...workshopManifest, kinds: workshopManifest.kinds.map((kind) => (kind === machineKind ? without : kind)) };
  const earlier = new Pipeline(world.store, new Registry([foundPlugin(old)]), world.admitter);
  const wanted = { key: machine, spec: { model: 'basic', limits: {} }, labels: {}, shared: false };
  const request = { remove: [], cascade: false, missingOk: false, dryRun: false, subject: alice };
  await earlier.apply({ ...request, apply: [wanted, { ...wanted, key: keyTo('Machine', 'n') }] });
  t.is(world.store.get(machine)?.metadata.finalizers, undefined);
  t.is((await world.apply([thing('Machine', 'm')])).results[0]?.action, 'unchanged');
  await world.apply([thing('Machine', 'm', { note: 'x' })]);
  t.deepEqual(world.store.get(machine)?.metadata.finalizers, ['workshop']);
  await remove(world, keyTo('Machine', 'n'));
  t.truthy(world.store.get(keyTo('Machine', 'n')));
});

test('a plugin that was taken away holds nothing', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Machine', 'm'), thing('Tool', 't', { machine: 'm' })]);
  await remove(world, machine, keyTo('Tool', 't'));
  const later = new Pipeline(world.store, new Registry([]), world.admitter);
  await later.releaseForsaken();
  t.deepEqual(world.store.counts, { Project: 1 });
});

test('a rollback takes dying objects for deleted, and cannot bring them back before they are gone', async (t) => {
  const world = await begin(t);
  const none = world.store.revision;
  const { revision } = await world.apply([thing('Machine', 'm', { note: 'first' })]);
  const marked = await remove(world, machine);
  t.deepEqual((await world.pipeline.rollback(none, false, alice)).results, []);
  t.is((await refusal(t, () => world.pipeline.rollback(revision, false, alice))).code, 'UNAVAILABLE');
  await world.pipeline.finalize([machine], 'workshop');
  await world.pipeline.rollback(revision, false, alice);
  t.is(world.store.get(machine)?.spec.note, 'first');
  const { results } = await world.pipeline.rollback(marked.revision, false, alice);
  t.is(results[0]?.action, 'deleted');
  t.truthy(world.store.get(machine)?.metadata.deletedAt, 'a rollback deletes as anybody does');
});

test('a delete on trial is taken back once the object is gone', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Machine', 'm', { note: 'kept' })]);
  const { trial } = await world.apply([], { remove: [{ key: machine }], trialMs: 1 });
  const trials = new Confirmations(world.store, world.pipeline, () => Date.parse(trial?.until ?? '') + 1, 5);
  t.teardown(() => trials.close());
  trials.watch();
  await new Promise((resolve) => setTimeout(resolve, 30));
  t.is(trials.list().length, 1, 'it waits');
  await world.pipeline.finalize([machine], 'workshop');
  for (let round = 0; round < 200 && trials.list().length > 0; round += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  await world.pipeline.idle();
  t.is(world.store.get(machine)?.spec.note, 'kept');
  t.is(world.store.get(machine)?.metadata.deletedAt, undefined);
});
