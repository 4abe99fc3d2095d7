import test, { type ExecutionContext } from 'ava';
import { fail, type WeftError, WeftFailure } from '../../contract/system/index.ts';
import { book, makeWorld, shelf } from './test/world.ts';

async function refusal(t: ExecutionContext, work: () => Promise<unknown>): Promise<WeftError> {
  const thrown = await t.throwsAsync(work, { instanceOf: WeftFailure });
  return (thrown as WeftFailure).error;
}

test('creates, updates, leaves unchanged and deletes, each with before and after', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  const created = await world.apply([shelf('a'), book('b', 'a')]);
  t.deepEqual(
    created.results.map(({ action }) => action),
    ['created', 'created'],
  );
  t.deepEqual(created.results[0]?.after?.spec, { width: 80, place: 'hall' }, 'defaults are filled');
  const again = await world.apply([shelf('a', { width: 90 }), book('b', 'a')]);
  t.deepEqual(
    again.results.map(({ action }) => action),
    ['updated', 'unchanged'],
  );
  t.is(again.results[0]?.before?.spec.width, 80);
  t.is(again.results[0]?.after?.metadata.generation, 2);
  t.is(again.results[0]?.after?.metadata.revision, again.revision);
  t.is(again.results[0]?.after?.metadata.uid, created.results[0]?.after?.metadata.uid);
  const removed = await world.apply([], { remove: [{ key: { kind: 'Book', project: 'default', name: 'b' } }] });
  t.deepEqual(removed.results[0]?.action, 'deleted');
  t.is(world.store.get({ kind: 'Book', project: 'default', name: 'b' }), undefined);
});

test('an apply that changes nothing makes no event and asks no plugin', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  const { revision } = await world.apply([shelf('a')]);
  const asked = world.admitter.asked.length;
  t.is((await world.apply([shelf('a')])).revision, revision);
  t.is(world.admitter.asked.length, asked);
});

test('an omitted field returns to its default', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  await world.apply([shelf('a', { width: 90 }, { labels: { room: 'x' } })]);
  const { results } = await world.apply([shelf('a')]);
  t.is(results[0]?.after?.spec.width, 80);
  t.is(results[0]?.after?.metadata.labels, undefined);
});

test('what was read may be applied again; a stale one is refused when it would change something', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  const { results } = await world.apply([shelf('a')]);
  const read = results[0]?.after;
  t.is((await world.apply([read])).results[0]?.action, 'unchanged');
  await world.apply([shelf('a', { width: 90 })]);
  const error = await refusal(t, () => world.apply([read]));
  t.is(error.code, 'REVISION_MISMATCH');
});

test('a dangling reference names the field and what exists', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  await world.apply([shelf('top'), shelf('bottom')]);
  const { revision } = world.store;
  const error = await refusal(t, () => world.apply([shelf('new'), book('b', 'midle', ['c'])]));
  t.is(error.code, 'INVALID');
  t.deepEqual(
    error.errors?.map(({ object, pointer }) => [object, pointer]),
    [
      ['Book/default/b', '/spec/shelf'],
      ['Book/default/b', '/spec/see/0'],
    ],
  );
  t.regex(error.errors?.[0]?.fix ?? '', /bottom, new, top/);
  t.is(world.store.revision, revision, 'nothing was written');
});

test('objects of one request may refer to each other, in any order and in circles', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  const { results } = await world.apply([book('one', 'a', ['two']), book('two', 'a', ['one']), shelf('a')]);
  t.is(results.length, 3);
});

test('an object of another project may be referred to only when it is shared', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  await world.apply([{ kind: 'Project', metadata: { name: 'other' } }, shelf('own', {}, { project: 'other' })]);
  const refused = await refusal(t, () => world.apply([book('b', 'other/own')]));
  t.regex(refused.message, /belongs to another project and is not shared/);
  await world.apply([shelf('own', {}, { project: 'other', shared: true })]);
  await world.apply([book('b', 'other/own')]);
  const unshared = await refusal(t, () => world.apply([shelf('own', {}, { project: 'other' })]));
  t.is(unshared.code, 'REFERENCED');
});

test('a delete that would dangle names the dependants; cascade takes them, too', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  await world.apply([shelf('a'), book('b', 'a'), book('c', 'a', ['b']), { kind: 'Label', metadata: { name: 'l' }, spec: { book: 'c' } }]);
  const remove = [{ key: { kind: 'Shelf', project: 'default', name: 'a' } }];
  const error = await refusal(t, () => world.apply([], { remove }));
  t.is(error.code, 'REFERENCED');
  t.regex(error.message, /Book\/default\/b, Book\/default\/c/);
  t.regex(error.fix ?? '', /--cascade/);
  const { results } = await world.apply([], { remove, cascade: true });
  t.deepEqual(results.map(({ key }) => key.name).sort(), ['a', 'b', 'c', 'l']);
  t.deepEqual(world.store.counts, { Project: 1 });
});

test('a name that a kind implies may be referred to from its project, whether an object has it or not', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  const tenant = { kind: 'Project', metadata: { name: 'tenant' } };
  const { results } = await world.apply([tenant, book('a', 'floor', [], { project: 'tenant' }), book('b', 'floor')]);
  t.is(results.length, 3);
  const foreign = await refusal(t, () => world.apply([book('c', 'tenant/floor')]));
  t.is(foreign.errors?.[0]?.pointer, '/spec/shelf');
  await world.apply([shelf('floor')]);
  await world.apply([book('b', 'floor', ['b'])]);
  t.is((await refusal(t, () => world.apply([book('d', 'flooor')]))).errors?.[0]?.pointer, '/spec/shelf');
});

test('a delete together with all its dependants, or with what takes their reference away, is no problem', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  await world.apply([shelf('a'), shelf('z'), book('b', 'a'), book('c', 'a')]);
  const keys = [
    { kind: 'Shelf', project: 'default', name: 'a' },
    { kind: 'Book', project: 'default', name: 'b' },
  ];
  await world.apply([book('c', 'z')], { remove: keys.map((key) => ({ key })) });
  t.deepEqual(world.store.counts, { Book: 1, Project: 1, Shelf: 1 });
});

test('a project must exist, and stays while it has objects', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  const missing = await refusal(t, () => world.apply([shelf('a', {}, { project: 'nowhere' })]));
  t.deepEqual(missing.errors?.[0]?.pointer, '/metadata/project');
  await world.apply([shelf('a', {}, { project: 'tenant' }), { kind: 'Project', metadata: { name: 'tenant' } }]);
  const used = await refusal(t, () => world.apply([], { remove: [{ key: { kind: 'Project', name: 'tenant' } }] }));
  t.is(used.code, 'REFERENCED');
  const always = await refusal(t, () => world.apply([], { remove: [{ key: { kind: 'Project', name: 'default' } }] }));
  t.regex(always.message, /is always there/);
  const reserved = await refusal(t, () => world.apply([{ kind: 'Project', metadata: { name: 'plugins' } }]));
  t.deepEqual(reserved.errors?.[0]?.pointer, '/metadata/name');
  t.regex(String(world.store.get({ kind: 'Project', name: 'tenant' })?.status.uuid), /^[0-9a-f-]{36}$/);
});

test('alarms are the system’s', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  const error = await refusal(t, () => world.apply([{ kind: 'Alarm', metadata: { name: 'x' } }]));
  t.is(error.code, 'FORBIDDEN');
});

test('owners are asked once, in the order of needs, with their part and what earlier owners patched', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  world.admitter.answer = (plugin, { changes }) => ({
    patches:
      plugin === 'library' ? changes.filter(({ key }) => key.kind === 'Book').map(({ key }) => ({ key, status: { signature: 7 } })) : [],
    refusals: [],
  });
  const label = { kind: 'Label', metadata: { name: 'l' }, spec: { book: 'b' } };
  const { results } = await world.apply([label, shelf('a'), book('b', 'a')]);
  const [library, labels] = world.admitter.asked;
  t.deepEqual(
    world.admitter.asked.map(({ plugin }) => plugin),
    ['library', 'labels'],
  );
  t.deepEqual(
    library?.request.changes.map(({ key }) => key.kind),
    ['Label', 'Shelf', 'Book'],
    'its own kinds and those that it reads',
  );
  t.deepEqual(
    labels?.request.changes.map(({ key }) => key.kind),
    ['Label', 'Book'],
  );
  t.deepEqual(labels?.request.changes[1]?.after?.status, { signature: 7 });
  t.deepEqual(results[2]?.after?.status, { signature: 7 });
});

test('admission names the last revision of the kinds that the plugin sees', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  const { revision } = await world.apply([shelf('a')]);
  await world.apply([{ kind: 'Project', metadata: { name: 'other' } }]);
  await world.apply([shelf('b')]);
  t.is(world.admitter.asked.at(-1)?.request.revision, revision);
});

test('a refusal changes nothing and is passed on', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  const finding = { object: 'Shelf/default/a', pointer: '/spec/width', message: 'does not fit', fix: 'make it smaller' };
  world.admitter.answer = () => ({ patches: [], refusals: [finding] });
  const { revision } = world.store;
  const error = await refusal(t, () => world.apply([shelf('a')]));
  t.is(error.code, 'INVALID');
  t.deepEqual(error.errors, [finding]);
  t.is(world.store.revision, revision);
});

test('what the owner throws is the answer; its own mistakes are named as such', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  world.admitter.answer = () => Promise.reject(fail('CONFLICT', 'the hall is full', 'build another'));
  t.deepEqual(await refusal(t, () => world.apply([shelf('a')])), { code: 'CONFLICT', message: 'the hall is full', fix: 'build another' });
  world.admitter.answer = () => Promise.reject(new TypeError('x is not a function'));
  const broken = await refusal(t, () => world.apply([shelf('a')]));
  t.is(broken.code, 'INTERNAL');
  t.regex(broken.message, /the plugin library .*x is not a function/);
});

test('a plugin that is down or too slow makes writes of its kinds unavailable, by name; others go on', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  await world.apply([shelf('a'), book('b', 'a')]);
  world.admitter.down.set('library', 'it is disabled');
  const down = await refusal(t, () => world.apply([shelf('c')]));
  t.is(down.code, 'UNAVAILABLE');
  t.regex(down.message, /library.*it is disabled/);
  await world.apply([{ kind: 'Label', metadata: { name: 'l' }, spec: { book: 'b' } }]);
  world.admitter.answer = () => Promise.reject(fail('DEADLINE', 'labels did not answer'));
  const slow = await refusal(t, () => world.apply([{ kind: 'Label', metadata: { name: 'm' }, spec: { book: 'b' } }]));
  t.is(slow.code, 'UNAVAILABLE');
  t.regex(slow.message, /labels/);
});

test('what a plugin decides about things that are not its to decide, or in no form at all, is its mistake', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  const other = { kind: 'Shelf', project: 'default', name: 'other' };
  for (const [reply, told] of [
    [
      { patches: [{ key: { kind: 'Project', name: 'default' }, status: { uuid: 'x' } }], refusals: [] },
      /Project\/default, which is not its own/,
    ],
    [{ patches: [{ key: other, status: {} }], refusals: [] }, /Shelf\/default\/other, which is not being changed/],
    [{ patches: [{ key: other }], refusals: [] }, /does not have the form/],
    [{ patches: [], refusals: ['no'] }, /does not have the form/],
    [null, /does not have the form/],
  ] as const) {
    world.admitter.answer = () => reply as never;
    const error = await refusal(t, () => world.apply([shelf('a')]));
    t.is(error.code, 'INTERNAL');
    t.regex(error.message, told);
  }
});

test('a dry run is the same path without the commit', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  const { revision } = world.store;
  world.admitter.answer = (_, { changes }) => ({ patches: changes.map(({ key }) => ({ key, status: { id: 1 } })), refusals: [] });
  const { results } = await world.apply([shelf('a')], { dryRun: true });
  t.is(results[0]?.action, 'created');
  t.deepEqual(results[0]?.after?.status, { id: 1 });
  t.true(world.admitter.asked[0]?.request.dryRun);
  t.is(world.store.revision, revision);
});

test('what a plugin wrote only that plugin changes; what a user wrote no plugin takes over', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  const subject = { kind: 'plugin', name: 'labels' } as const;
  await world.apply([shelf('made')], { subject });
  t.is(world.store.get({ kind: 'Shelf', project: 'default', name: 'made' })?.metadata.managedBy, 'labels');
  t.is((await refusal(t, () => world.apply([shelf('made', { width: 1 })]))).code, 'FORBIDDEN');
  await world.apply([shelf('mine')]);
  t.is((await refusal(t, () => world.apply([shelf('mine', { width: 1 })], { subject }))).code, 'CONFLICT');
  await world.apply([shelf('made', { width: 2 })], { subject });
});

test('concurrent requests are taken one after the other', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  let inside = 0;
  world.admitter.answer = async () => {
    inside += 1;
    t.is(inside, 1);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
    return { patches: [], refusals: [] };
  };
  await Promise.all(Array.from({ length: 20 }, (_, index) => world.apply([shelf(`s${index}`)])));
  t.is(world.store.counts.Shelf, 20);
});

test('status merges by field, null removes, gone objects are skipped, equal status makes no event', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  await world.apply([shelf('a')]);
  const key = { kind: 'Shelf', project: 'default', name: 'a' };
  const subject = { kind: 'plugin', name: 'library' } as const;
  await world.pipeline.setStatus(
    [
      { key, status: { phase: 'Active', load: 3 } },
      { key: { ...key, name: 'gone' }, status: { phase: 'Active' } },
    ],
    subject,
  );
  const revision = await world.pipeline.setStatus([{ key, status: { load: null } }], subject);
  const object = world.store.get(key);
  t.deepEqual(object?.status, { phase: 'Active' });
  t.is(object?.metadata.generation, 1);
  t.is(await world.pipeline.setStatus([{ key, status: { phase: 'Active' } }], subject), revision);
});

test('an alarm keeps the time of its first raising and goes away', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  await world.pipeline.setAlarm('x', { severity: 'warning', subject: 'a', text: 'one' });
  const { revision } = world.store;
  await world.pipeline.setAlarm('x', { severity: 'warning', subject: 'a', text: 'one' });
  t.is(world.store.revision, revision, 'refreshing the same changes nothing');
  const since = world.store.get({ kind: 'Alarm', name: 'x' })?.status.since;
  await world.pipeline.setAlarm('x', { severity: 'critical', subject: 'a', text: 'two' });
  t.is(world.store.get({ kind: 'Alarm', name: 'x' })?.status.since, since);
  await world.pipeline.clearAlarm('x');
  await world.pipeline.clearAlarm('x');
  t.is(world.store.counts.Alarm, undefined);
});
