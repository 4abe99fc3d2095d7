import test, { type ExecutionContext } from 'ava';
import { type WeftError, WeftFailure } from '../../contract/system/index.ts';
import { keyTo, thing, workshop, workshopManifest } from './test/workshop.ts';
import { makeWorld, type TestWorld } from './test/world.ts';

const byMachine = { ownerReferences: [{ kind: 'Machine', name: 'm' }] };

async function begin(t: ExecutionContext): Promise<TestWorld> {
  const world = await makeWorld(undefined, [workshopManifest]);
  t.teardown(world.close);
  return world;
}

async function refusal(t: ExecutionContext, work: () => Promise<unknown>): Promise<WeftError> {
  return ((await t.throwsAsync(work, { instanceOf: WeftFailure })) as WeftFailure).error;
}

function names(reply: Awaited<ReturnType<TestWorld['apply']>>): string[] {
  return reply.results.map(({ key, action }) => `${key.name} ${action}`).sort();
}

test('a plugin names owners, also of its own request, in any order; the kernel adds their uid', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Part', 'p', {}, { ownerReferences: [{ kind: 'Part', name: 'q' }] }), thing('Part', 'q')], {
    subject: workshop,
  });
  const uid = world.store.get(keyTo('Part', 'q'))?.metadata.uid;
  t.deepEqual(world.store.get(keyTo('Part', 'p'))?.metadata.ownerReferences, [{ kind: 'Part', name: 'q', uid: String(uid) }]);
  const again = [thing('Part', 'p', {}, { ownerReferences: [{ kind: 'Part', name: 'q' }] })];
  t.deepEqual(names(await world.apply(again, { subject: workshop })), ['p unchanged']);
  await world.apply([thing('Part', 'p')], { subject: workshop });
  t.is(world.store.get(keyTo('Part', 'p'))?.metadata.ownerReferences, undefined, 'left out, there are none');
});

test('an owner must be there, and a document must name it in full', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Site', 's'), thing('Machine', 'm')]);
  await world.apply([], { remove: [{ key: keyTo('Machine', 'm') }] });
  const apply = (ownerReferences: unknown, kind = 'Part') =>
    world.apply([thing(kind, 'p', {}, { ownerReferences })], { subject: workshop });
  for (const [given, pointer] of [
    [[{ kind: 'Part', name: 'none' }], '/metadata/ownerReferences/0/name'],
    [
      [
        { kind: 'Site', name: 's' },
        { kind: 'Machine', name: 'm' },
      ],
      '/metadata/ownerReferences/1/name',
    ],
    [[{ kind: 'Part' }], '/metadata/ownerReferences/0'],
    ['x', '/metadata/ownerReferences'],
  ] as const) {
    const error = await refusal(t, () => apply(given));
    t.is(error.code, 'INVALID');
    t.is(error.errors?.[0]?.pointer, pointer);
  }
  await apply([{ kind: 'Site', name: 's' }]);
});

test('users neither give nor take owners; what they read they may write back', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Machine', 'm')]);
  await world.apply([thing('Part', 'p', {}, byMachine)], { subject: workshop });
  const read = world.store.get(keyTo('Part', 'p'));
  t.deepEqual(names(await world.apply([read])), ['p unchanged']);
  t.deepEqual(names(await world.apply([thing('Part', 'p')])), ['p unchanged']);
  for (const document of [thing('Part', 'own', {}, byMachine), thing('Part', 'p', {}, { ownerReferences: [] })]) {
    const error = await refusal(t, () => world.apply([document]));
    t.is(error.code, 'INVALID');
    t.is(error.errors?.[0]?.pointer, '/metadata/ownerReferences');
  }
});

test('what is owned goes with the last of its owners, in the same transaction and through admission', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Site', 's'), thing('Part', 'q')]);
  const both = {
    ownerReferences: [
      { kind: 'Site', name: 's' },
      { kind: 'Part', name: 'q' },
    ],
  };
  await world.apply([thing('Part', 'p', {}, both)], { subject: workshop });
  await world.apply([thing('Part', 'pp', {}, { ownerReferences: [{ kind: 'Part', name: 'p' }] })], { subject: workshop });
  t.deepEqual(names(await world.apply([], { remove: [{ key: keyTo('Part', 'q') }] })), ['q deleted']);
  await world.apply([thing('Part', 'q')]);
  const reply = await world.apply([], { remove: [{ key: keyTo('Site', 's') }] });
  t.deepEqual(names(reply), ['p deleted', 'pp deleted', 's deleted'], 'another object of the name is no owner');
  t.is(world.admitter.asked.at(-1)?.request.changes.length, 3);
  t.is([...world.store.past()][2]?.transaction, reply.revision);
});

test('what refers to something owned keeps its owner, unless it is taken along', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Site', 's')]);
  await world.apply([thing('Part', 'p', {}, { ownerReferences: [{ kind: 'Site', name: 's' }] })], { subject: workshop });
  await world.apply([thing('Part', 'mine', { next: 'p' })]);
  const remove = [{ key: keyTo('Site', 's') }];
  const error = await refusal(t, () => world.apply([], { remove }));
  t.is(error.code, 'REFERENCED');
  t.regex(error.message, /Part\/default\/p: is used by Part\/default\/mine/);
  t.deepEqual(names(await world.apply([], { remove, cascade: true })), ['mine deleted', 'p deleted', 's deleted']);
});

test('an owner that is dying counts as gone; what it owns is held by its own finalizer', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Machine', 'm')]);
  await world.apply([thing('Tool', 't', { machine: 'm' }, byMachine), thing('Part', 'p', {}, byMachine)], { subject: workshop });
  t.deepEqual(names(await world.apply([], { remove: [{ key: keyTo('Machine', 'm') }] })), ['m deleted', 'p deleted', 't deleted']);
  t.is(world.store.get(keyTo('Part', 'p')), undefined);
  await world.pipeline.finalize([keyTo('Machine', 'm')], 'workshop');
  t.truthy(world.store.get(keyTo('Machine', 'm')), 'the tool refers to it');
  await world.pipeline.finalize([keyTo('Tool', 't')], 'workshop');
  t.deepEqual(world.store.counts, { Project: 1 });
});

test('what is owned cannot be written in the request that deletes its owner', async (t) => {
  const world = await begin(t);
  await world.apply([thing('Site', 's')]);
  await world.apply([thing('Part', 'p', {}, { ownerReferences: [{ kind: 'Site', name: 's' }] })], { subject: workshop });
  const error = await refusal(t, () => world.apply([thing('Part', 'p')], { remove: [{ key: keyTo('Site', 's') }] }));
  t.regex(error.message, /is applied, and goes with its last owner Site\/s/);
});
