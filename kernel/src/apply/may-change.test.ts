import test, { type ExecutionContext } from 'ava';
import { type WeftError, WeftFailure } from '../../contract/system/index.ts';
import { keyTo, thing, workshop, workshopManifest } from './test/workshop.ts';
import { makeWorld, type TestWorld } from './test/world.ts';

const machine = keyTo('Machine', 'm');
const made = { model: 'fast', limits: { power: 9 } };

async function begin(t: ExecutionContext): Promise<TestWorld> {
  const world = await makeWorld(undefined, [workshopManifest]);
  t.teardown(world.close);
  await world.apply([thing('Machine', 'm', made, { labels: { hall: '1' } }), thing('Part', 'p')], { subject: workshop });
  return world;
}

async function refusal(t: ExecutionContext, work: () => Promise<unknown>): Promise<WeftError> {
  return ((await t.throwsAsync(work, { instanceOf: WeftFailure })) as WeftFailure).error;
}

test('users change the shared fields of what a plugin manages', async (t) => {
  const world = await begin(t);
  const spec = { ...made, note: 'careful', limits: { power: 9, speed: 3 } };
  const { results } = await world.apply([thing('Machine', 'm', spec, { labels: { hall: '1' } })]);
  t.is(results[0]?.action, 'updated');
  t.is(results[0]?.after?.metadata.managedBy, 'workshop');
});

test('the first field that is not shared is named', async (t) => {
  const world = await begin(t);
  const labels = { hall: '1' };
  for (const [document, pointer] of [
    [thing('Machine', 'm', { ...made, note: 'x', model: 'slow' }, { labels }), '/spec/model'],
    [thing('Machine', 'm', { ...made, limits: { power: 8, speed: 1 } }, { labels }), '/spec/limits/power'],
    [thing('Machine', 'm', made), '/metadata/labels/hall'],
    [thing('Machine', 'm', made, { labels, shared: true }), '/metadata/shared'],
    [thing('Part', 'p', { machine: 'm' }), '/spec/machine'],
  ] as const) {
    const error = await refusal(t, () => world.apply([document]));
    t.is(error.code, 'FORBIDDEN');
    t.is(error.errors?.[0]?.pointer, pointer);
    t.regex(error.message, /is managed by the plugin workshop/);
  }
  const error = await refusal(t, () => world.apply([thing('Machine', 'm', { ...made, model: 'slow' }, { labels })]));
  t.regex(error.fix ?? '', /\/spec\/note, \/spec\/limits\/speed/);
});

test('a shared field lets nobody delete the object, and no other plugin write it', async (t) => {
  const world = await begin(t);
  t.is((await refusal(t, () => world.apply([], { remove: [{ key: machine }] }))).code, 'FORBIDDEN');
  const labels = { kind: 'plugin', name: 'labels' } as const;
  t.is((await refusal(t, () => world.apply([thing('Machine', 'm', { ...made, note: 'x' })], { subject: labels }))).code, 'FORBIDDEN');
});

test('who may not delete an object is told what it goes with', async (t) => {
  const world = await begin(t);
  const owned = thing('Part', 'owned', {}, { ownerReferences: [{ kind: 'Machine', name: 'm' }] });
  await world.apply([owned], { subject: workshop });
  const { fix } = await refusal(t, () => world.apply([], { remove: [{ key: keyTo('Part', 'owned') }] }));
  t.regex(fix ?? '', /it goes with Machine m$/);
});

test('what users set stays when the plugin writes the object again', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Machine', 'm', { ...made, note: 'mine', limits: { power: 9, speed: 3 } }, { labels: { hall: '1' } })]);
  await world.apply([thing('Machine', 'm', { model: 'faster', limits: { power: 7, speed: 100 }, note: 'theirs' })], { subject: workshop });
  t.deepEqual(world.store.get(machine)?.spec, { model: 'faster', note: 'mine', limits: { power: 7, speed: 3 } });
});
