import test from 'ava';
import { WeftFailure } from '../../contract/system/index.ts';
import { orphansAmong, Registry } from '../registry/index.ts';
import { parseInputs } from './input.ts';
import { tellOrphans } from './orphans.ts';
import { Pipeline } from './pipeline.ts';
import { keyTo, thing, workshop, workshopManifest } from './test/workshop.ts';
import { book, foundPlugin, labelsManifest, makeWorld, shelf, type TestWorld } from './test/world.ts';

const remembered = new Map([
  ['Shelf', { plural: 'shelves', scope: 'project', references: [], plugin: 'library' }],
  ['Book', { plural: 'books', scope: 'project', references: [{ pointer: '/spec/shelf', kind: 'Shelf' }], plugin: 'library' }],
  ['Gone', { plural: 'gones', scope: 'project', references: [], plugin: 'library' }],
] as const);

/** The same store under a program that has lost the plugin library. */
function withoutLibrary({ store, admitter }: TestWorld): { registry: Registry; pipeline: Pipeline } {
  const registry = new Registry([foundPlugin({ ...labelsManifest, needs: [] })]);
  registry.orphans = orphansAmong(remembered, (kind) => registry.kind(kind) !== undefined, store.counts);
  return { registry, pipeline: new Pipeline(store, registry, admitter) };
}

test('objects of a plugin that was taken away are told of, with their kinds and numbers', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  await world.apply([shelf('a'), shelf('b'), book('c', 'a')]);
  const { registry, pipeline } = withoutLibrary(world);
  await tellOrphans(world.store, registry, pipeline);
  const [alarm] = world.store.list('Alarm');
  t.is(alarm?.status.severity, 'warning');
  t.regex(String(alarm?.status.text), /1 Book \(the plugin library is not installed\), 2 Shelf/);
  const error = t.throws(() => registry.require('books'), { instanceOf: WeftFailure }).error;
  t.is(error.code, 'UNAVAILABLE');
  t.regex(error.message, /objects of the kind Book are not served: the plugin library is not installed/);
  t.is(t.throws(() => registry.require('gones'), { instanceOf: WeftFailure }).error.code, 'NOT_FOUND', 'without objects it is forgotten');
});

test('what nobody serves keeps what it refers to, and may be deleted; then the alarm goes', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  await world.apply([shelf('a'), book('c', 'a')]);
  const { registry, pipeline } = withoutLibrary(world);
  await tellOrphans(world.store, registry, pipeline);
  const request = { apply: [], missingOk: false, dryRun: false, subject: { kind: 'user', name: 'alice' } } as const;
  const remove = [{ key: { kind: 'Shelf', project: 'default', name: 'a' } }];
  await t.throwsAsync(pipeline.apply({ ...request, remove, cascade: false }), { message: /is used by Book\/default\/c/ });
  await pipeline.apply({ ...request, remove, cascade: true });
  await tellOrphans(world.store, registry, pipeline);
  t.deepEqual(world.store.counts, { Project: 1 });
});

test('a system object that nobody serves is still referred to from the projects, and takes along what it owns', async (t) => {
  const world = await makeWorld(undefined, [workshopManifest]);
  t.teardown(world.close);
  await world.apply([thing('Site', 's'), thing('Machine', 'm', { site: 's' })]);
  await world.apply([thing('Part', 'p', {}, { ownerReferences: [{ kind: 'Site', name: 's' }] })], { subject: workshop });
  const registry = new Registry([]);
  const kinds = new Map(workshopManifest.kinds.map((kind) => [kind.kind, { ...kind, plugin: 'workshop' }]));
  registry.orphans = orphansAmong(kinds, (kind) => registry.kind(kind) !== undefined, world.store.counts);
  const pipeline = new Pipeline(world.store, registry, world.admitter);
  const request = { apply: [], missingOk: false, dryRun: false, cascade: false, subject: { kind: 'user', name: 'alice' } } as const;
  const site = { key: keyTo('Site', 's') };
  await t.throwsAsync(pipeline.apply({ ...request, remove: [site] }), { message: /Site\/s: is used by Machine\/default\/m/ });
  await pipeline.apply({ ...request, remove: [site, { key: keyTo('Machine', 'm') }] });
  t.deepEqual(world.store.counts, { Project: 1 });
});

test('who names an object of a kind that nobody serves is told so; one that is there may be named', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  await world.apply([shelf('a'), book('c', 'a')]);
  const { registry, pipeline } = withoutLibrary(world);
  const label = (name: string, of: string) => parseInputs(registry, [{ kind: 'Label', metadata: { name }, spec: { book: of } }]);
  const request = { remove: [], cascade: false, missingOk: false, dryRun: false, subject: { kind: 'user', name: 'alice' } } as const;
  await t.notThrowsAsync(pipeline.apply({ ...request, apply: label('known', 'c') }));
  const { error } = (await t.throwsAsync(pipeline.apply({ ...request, apply: label('lost', 'nope') }), {
    instanceOf: WeftFailure,
  })) as WeftFailure;
  t.like(error.errors?.[0], {
    pointer: '/spec/book',
    message: 'Book/default/nope does not exist',
    fix: 'leave it out: no plugin that is installed serves the kind Book',
  });
});
