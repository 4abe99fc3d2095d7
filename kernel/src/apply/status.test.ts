import test, { type ExecutionContext } from 'ava';
import { type WeftError, WeftFailure } from '../../contract/system/index.ts';
import { keyTo, thing, workshop, workshopManifest } from './test/workshop.ts';
import { makeWorld, type TestWorld } from './test/world.ts';

const part = keyTo('Part', 'p');

async function begin(t: ExecutionContext): Promise<TestWorld> {
  const world = await makeWorld(undefined, [workshopManifest]);
  t.teardown(world.close);
  await world.apply([thing('Part', 'p'), thing('Part', 'q')]);
  return world;
}

async function refusal(t: ExecutionContext, work: () => Promise<unknown>): Promise<WeftError> {
  return ((await t.throwsAsync(work, { instanceOf: WeftFailure })) as WeftFailure).error;
}

test('a status that does not fit is refused with all that came with it', async (t) => {
  const world = await begin(t);
  const { revision } = world.store;
  const updates = [
    { key: keyTo('Part', 'q'), status: { phase: 'Active' } },
    { key: part, status: { phase: 'Broken', colour: 'red' } },
  ];
  const error = await refusal(t, () => world.pipeline.setStatus(updates, workshop));
  t.is(error.code, 'INVALID');
  t.deepEqual(error.errors?.map(({ object, pointer }) => `${object} ${pointer}`).sort(), [
    'Part/default/p /status/colour',
    'Part/default/p /status/phase',
  ]);
  t.is(world.store.revision, revision, 'nothing was stored');
});

test('a status may be incomplete, but what is there cannot be taken away when it is required', async (t) => {
  const world = await begin(t);
  await world.pipeline.setStatus([{ key: part, status: { phase: 'Active' } }], workshop);
  await world.pipeline.setStatus([{ key: part, status: { serial: 1 } }], workshop);
  const error = await refusal(t, () => world.pipeline.setStatus([{ key: part, status: { serial: null } }], workshop));
  t.is(error.errors?.[0]?.pointer, '/status/serial');
});

test('a status is for the object that the writer saw', async (t) => {
  const world = await begin(t);
  const uid = world.store.get(part)?.metadata.uid ?? '';
  await world.apply([], { remove: [{ key: part }] });
  await world.apply([thing('Part', 'p')]);
  await world.pipeline.setStatus([{ key: part, uid, status: { phase: 'Active' } }], workshop);
  t.deepEqual(world.store.get(part)?.status, {});
  await world.pipeline.setStatus([{ key: part, uid: world.store.get(part)?.metadata.uid ?? '', status: { phase: 'Active' } }], workshop);
  t.deepEqual(world.store.get(part)?.status, { phase: 'Active' });
});

test('a plugin that decides on a status that does not fit has made a mistake', async (t) => {
  const world = await begin(t);
  world.admitter.answer = (_, { changes }) => ({ patches: changes.map(({ key }) => ({ key, status: { serial: 'one' } })), refusals: [] });
  const { revision } = world.store;
  const error = await refusal(t, () => world.apply([thing('Part', 'r')]));
  t.is(error.code, 'INTERNAL');
  t.regex(error.message, /the plugin workshop made a mistake: it gave Part\/default\/r a status whose \/status\/serial/);
  t.is(world.store.revision, revision);
});
