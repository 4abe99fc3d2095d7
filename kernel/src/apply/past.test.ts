import test, { type ExecutionContext } from 'ava';
import { WeftFailure } from '../../contract/system/index.ts';
import { Confirmations } from './confirmations.ts';
import { systemSubject } from './subject.ts';
import { keyTo, thing, workshop, workshopManifest } from './test/workshop.ts';
import { book, makeWorld, shelf, type TestWorld } from './test/world.ts';

const alice = { kind: 'user', name: 'alice' } as const;

async function begin(t: ExecutionContext, retention?: number): Promise<TestWorld> {
  const world = await makeWorld(retention);
  t.teardown(world.close);
  return world;
}

function specs(world: TestWorld): Record<string, unknown> {
  return Object.fromEntries(['Shelf', 'Book'].flatMap((kind) => world.store.list(kind).map((one) => [one.metadata.name, one.spec])));
}

test('a rollback makes all objects what they were: changed, deleted and new ones, in whatever order they refer to each other', async (t) => {
  const world = await begin(t);
  const { revision } = await world.apply([shelf('a', { width: 10 }), book('b', 'a'), shelf('gone')]);
  const then = specs(world);
  await world.apply([shelf('new'), book('b', 'new'), shelf('a', { width: 20 }, { labels: { x: 'y' } })]);
  await world.apply([shelf('a', { width: 30 }), book('c', 'a')], {
    remove: [{ key: { kind: 'Shelf', project: 'default', name: 'gone' } }],
  });
  const dry = await world.pipeline.rollback(revision, true, alice);
  t.notDeepEqual(specs(world), then, 'a dry run changes nothing');
  const { results } = await world.pipeline.rollback(revision, false, alice);
  t.deepEqual(specs(world), then);
  t.deepEqual(
    results.map(({ key, action }) => `${key.name} ${action}`),
    dry.results.map(({ key, action }) => `${key.name} ${action}`),
  );
  t.is(world.store.get({ kind: 'Shelf', project: 'default', name: 'a' })?.metadata.labels, undefined);
  t.is([...world.store.past()][0]?.subject, 'user:alice');
});

test('a rollback leaves what a plugin manages to the plugin', async (t) => {
  const world = await begin(t);
  const { revision } = await world.apply([shelf('mine')]);
  await world.apply([shelf('made')], { subject: { kind: 'plugin', name: 'labels' } });
  await world.pipeline.setAlarm('library.fire', { severity: 'warning', subject: 'x', text: 'hot' });
  t.deepEqual((await world.pipeline.rollback(revision, false, alice)).results, []);
  t.is(world.store.counts.Alarm, 1);
});

test('of what a plugin manages a rollback, and a change that is taken back, bring back what users had set', async (t) => {
  const world = await makeWorld(undefined, [workshopManifest]);
  t.teardown(world.close);
  const spec = (): unknown => world.store.get(keyTo('Machine', 'm'))?.spec;
  await world.apply([thing('Machine', 'm', { model: 'fast', limits: { power: 9 } })], { subject: workshop });
  const { revision } = await world.apply([thing('Machine', 'm', { model: 'fast', note: 'mine', limits: { power: 9 } })]);
  await world.apply([thing('Machine', 'm', { model: 'faster', limits: { power: 7 } })], { subject: workshop });
  await world.apply([thing('Machine', 'm', { model: 'faster', note: 'other', limits: { power: 7, speed: 3 } })]);
  await world.pipeline.rollback(revision, false, alice);
  t.deepEqual(spec(), { model: 'faster', note: 'mine', limits: { power: 7 } });
  const { trial } = await world.apply([thing('Machine', 'm', { model: 'faster', limits: { power: 7, speed: 1 } })], { trialMs: 60_000 });
  await world.pipeline.revert(trial ?? t.fail());
  t.deepEqual(spec(), { model: 'faster', note: 'mine', limits: { power: 7 } });
  t.deepEqual((await world.pipeline.rollback(world.store.revision, false, alice)).results, []);
});

test('a rollback beyond the log, or to the future, is refused', async (t) => {
  const world = await begin(t);
  const refused = await t.throwsAsync(world.pipeline.rollback(99, false, alice), { instanceOf: WeftFailure });
  t.is((refused as WeftFailure).error.code, 'REVISION_GONE');
});

test('an unconfirmed change is taken back, also by a kernel that was started later', async (t) => {
  const world = await begin(t);
  await world.apply([shelf('a', { width: 10 }), shelf('b', { width: 10 })]);
  const then = specs(world);
  const { trial } = await world.apply([shelf('a', { width: 20 }), shelf('new')], { trialMs: 60_000 });
  t.truthy(trial);
  t.is(trial?.subject, 'user:alice');
  const died = new Confirmations(world.store, world.pipeline, () => Date.parse(trial?.until ?? '') - 1);
  died.watch();
  t.notDeepEqual(specs(world), then);
  died.close();
  const next = new Confirmations(world.store, world.pipeline, () => Date.parse(trial?.until ?? '') + 1);
  t.teardown(() => next.close());
  next.watch();
  await until(t, () => next.list().length === 0);
  await world.pipeline.idle();
  t.deepEqual(specs(world), then);
  t.is([...world.store.past()][0]?.subject, 'system:kernel');
});

test('a confirmed change stays; deciding twice is an error', async (t) => {
  const world = await begin(t);
  const trials = new Confirmations(world.store, world.pipeline);
  t.teardown(() => trials.close());
  const { trial } = await world.apply([shelf('a')], { trialMs: 60_000 });
  await trials.confirm(trial?.to ?? 0);
  t.is(world.store.counts.Shelf, 1);
  await t.throwsAsync(trials.confirm(trial?.to ?? 0), { message: /is on trial/ });
  await t.throwsAsync(trials.revert(trial?.to ?? 0), { message: /is on trial/ });
});

test('what somebody changed after the change on trial is left alone', async (t) => {
  const world = await begin(t);
  await world.apply([shelf('a', { width: 10 }), shelf('b', { width: 10 })]);
  const { trial } = await world.apply([shelf('a', { width: 20 }), shelf('b', { width: 20 })], { trialMs: 60_000 });
  await world.apply([shelf('b', { width: 30 })]);
  const trials = new Confirmations(world.store, world.pipeline);
  await trials.revert(trial?.to ?? 0);
  t.like(specs(world), { a: { width: 10 }, b: { width: 30 } });
});

test('a plugin that is away delays taking back; one that refuses makes an alarm, which goes when somebody decides', async (t) => {
  const world = await begin(t);
  await world.apply([shelf('a', { width: 10 })]);
  const { trial } = await world.apply([shelf('a', { width: 20 })], { trialMs: 1 });
  const trials = new Confirmations(world.store, world.pipeline, () => Date.parse(trial?.until ?? '') + 1, 5);
  t.teardown(() => trials.close());
  world.admitter.down.set('library', 'it starts');
  trials.watch();
  await new Promise((resolve) => setTimeout(resolve, 30));
  t.like(specs(world), { a: { width: 20 } });
  world.admitter.answer = () => ({
    patches: [],
    refusals: [{ object: 'Shelf/default/a', pointer: '/spec/width', message: 'is nailed', fix: 'draw the nails' }],
  });
  world.admitter.down.clear();
  await until(t, () => trials.list()[0]?.failed !== undefined);
  const [alarm] = world.store.list('Alarm');
  t.regex(String(alarm?.status.text), /is nailed.*weft confirm/);
  await trials.confirm(trial?.to ?? 0);
  t.is(world.store.list('Alarm').length, 0);
  t.like(specs(world), { a: { width: 20 } });
});

test('a dry run and an apply that changes nothing are not on trial', async (t) => {
  const world = await begin(t);
  await world.apply([shelf('a')], { subject: systemSubject });
  t.is((await world.apply([shelf('a')], { trialMs: 1 })).trial, undefined);
  t.is((await world.apply([shelf('b')], { trialMs: 1, dryRun: true })).trial, undefined);
  t.is(world.store.settings('trial/').size, 0);
});

test('only one change is on trial at a time', async (t) => {
  const world = await begin(t);
  const { trial } = await world.apply([shelf('a')], { trialMs: 60_000 });
  const refused = await t.throwsAsync(world.apply([shelf('b')], { trialMs: 60_000 }), { instanceOf: WeftFailure });
  t.is((refused as WeftFailure).error.code, 'CONFLICT');
  t.regex(String(refused?.message), new RegExp(`the change ${trial?.to} is still on trial`));
  await world.apply([shelf('b')]);
});

test('a change that was confirmed while its revert waited stays, and the revert says so', async (t) => {
  const world = await begin(t);
  await world.apply([shelf('a', { width: 10 })]);
  const { trial } = await world.apply([shelf('a', { width: 20 })], { trialMs: 60_000 });
  const trials = new Confirmations(world.store, world.pipeline);
  t.teardown(() => trials.close());
  const [confirmed, reverted] = await Promise.allSettled([trials.confirm(trial?.to ?? 0), trials.revert(trial?.to ?? 0)]);
  t.is(confirmed.status, 'fulfilled');
  t.is(reverted.status, 'rejected');
  t.like(specs(world), { a: { width: 20 } });
});

test('a revert takes nothing along that others have made since', async (t) => {
  const world = await begin(t);
  const { trial } = await world.apply([shelf('new')], { trialMs: 60_000 });
  await world.apply([book('theirs', 'new')]);
  const trials = new Confirmations(world.store, world.pipeline);
  t.teardown(() => trials.close());
  const refused = await t.throwsAsync(trials.revert(trial?.to ?? 0), { instanceOf: WeftFailure });
  t.is((refused as WeftFailure).error.code, 'REFERENCED');
  t.deepEqual(Object.keys(specs(world)).sort(), ['new', 'theirs']);
});

test('the log keeps what a trial needs, however short it is', async (t) => {
  const world = await begin(t, 100);
  await world.apply([shelf('a', { width: 10 })]);
  const { trial } = await world.apply([shelf('a', { width: 20 })], { trialMs: 60_000 });
  for (let round = 0; round < 15; round += 1)
    await world.apply(Array.from({ length: 10 }, (_, n) => shelf(`s${n}`, { width: 100 + round })));
  const trials = new Confirmations(world.store, world.pipeline);
  t.teardown(() => trials.close());
  await trials.revert(trial?.to ?? 0);
  t.like(specs(world), { a: { width: 10 } });
});

test('a rollback leaves objects alone that are as they were, whatever happened to their kind', async (t) => {
  const world = await begin(t);
  const { revision } = await world.apply([shelf('a')]);
  await world.pipeline.setStatus([{ key: { kind: 'Shelf', project: 'default', name: 'a' }, status: { full: true } }], alice);
  t.deepEqual((await world.pipeline.rollback(revision, false, alice)).results, []);
});

async function until(t: ExecutionContext, holds: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.fail('it did not come true');
}
