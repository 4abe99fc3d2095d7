import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { KindSpec, Manifest, OperationSpec } from '../../contract/system/index.ts';
import { readPluginFolders } from './manifest.ts';
import { nameProblem, nearest } from './names.ts';
import { Registry } from './registry.ts';

const object = { type: 'object', properties: {}, additionalProperties: false };

function kind(name: string, more: Partial<KindSpec> = {}): KindSpec {
  return {
    kind: name,
    plural: `${name.toLowerCase()}s`,
    scope: 'project',
    summary: '',
    schemaVersion: 1,
    spec: object,
    status: object,
    references: [],
    columns: [],
    ...more,
  };
}

function manifest(name: string, more: Partial<Manifest> = {}): Manifest {
  const grants = { rows: [], reads: [], writes: [] };
  return { name, version: '1.0.0', summary: '', needs: [], kinds: [], operations: [], puntClasses: [], grants, config: object, ...more };
}

function pluginDir(t: ExecutionContext, files: Record<string, unknown>): string {
  const dir = mkdtempSync(join(tmpdir(), 'weft-plugins-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(dir, name));
    if (content !== null) writeFileSync(join(dir, name, 'manifest.json'), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return dir;
}

function load(t: ExecutionContext, files: Record<string, unknown>): Registry {
  return new Registry(readPluginFolders([pluginDir(t, files)]));
}

test('reads every folder with a manifest; kinds are found by kind, plural and alias in any case', (t) => {
  const registry = load(t, { a: manifest('a', { kinds: [kind('Thing', { plural: 'things', aliases: ['th'] })] }), notes: null });
  t.deepEqual(
    registry.plugins.map(({ name, problem }) => [name, problem]),
    [['a', null]],
  );
  for (const word of ['Thing', 'things', 'TH']) t.is(registry.find(word)?.spec.kind, 'Thing');
  t.is(registry.kind('Project')?.plugin, 'kernel');
  t.throws(() => registry.require('Thin'), { message: /no kind "Thin"/ });
});

test('a folder that does not exist holds no plugins', (t) => {
  t.deepEqual(readPluginFolders(['/nonexistent/plugins']), []);
});

test('plugins stand in the order of their needs', (t) => {
  const registry = load(t, {
    a: manifest('a', { needs: ['c'] }),
    b: manifest('b'),
    c: manifest('c', { needs: ['d'] }),
    d: manifest('d'),
  });
  t.deepEqual(
    registry.plugins.map(({ name }) => name),
    ['d', 'c', 'a', 'b'],
  );
});

const operation = (fields: Partial<OperationSpec>): OperationSpec => ({
  ...{ name: 'ask', summary: '', stream: false, input: {}, output: {} },
  ...fields,
});

const broken: Record<string, { files: Record<string, unknown>; problem: RegExp }> = {
  'no JSON': { files: { bad: '{' }, problem: /no JSON/ },
  'a field of the wrong type': { files: { bad: { ...manifest('bad'), needs: 'x' } }, problem: /\/needs: must be a list/ },
  'an unknown field': { files: { bad: { ...manifest('bad'), colour: 1 } }, problem: /unknown field "colour"/ },
  'another name than its folder': { files: { bad: manifest('good') }, problem: /its folder is "bad"/ },
  'a need that is not installed': { files: { bad: manifest('bad', { needs: ['ghost'] }) }, problem: /"ghost", which is not installed/ },
  'a need of itself': { files: { bad: manifest('bad', { needs: ['bad'] }) }, problem: /needs itself: bad → bad/ },
  'a need that is broken': {
    files: { bad: manifest('bad', { needs: ['worse'] }), worse: '{' },
    problem: /"worse", which cannot be loaded/,
  },
  'a kind of the kernel': {
    files: { bad: manifest('bad', { kinds: [kind('Project')] }) },
    problem: /already names the kind Project of kernel/,
  },
  'an alias that is taken': {
    files: { a: manifest('a', { kinds: [kind('Thing')] }), bad: manifest('bad', { kinds: [kind('Other', { aliases: ['thing'] })] }) },
    problem: /"thing" already names the kind Thing of a/,
  },
  'a file that is no stream': {
    files: { bad: manifest('bad', { operations: [operation({ file: { mediaType: 'text/plain' } })] }) },
    problem: /operation ask: only a stream can be a file/,
  },
  'an argument that is no input': {
    files: { bad: manifest('bad', { operations: [operation({ cli: { verb: 'ask', columns: [], argument: 'x' } })] }) },
    problem: /its argument "x" is no field/,
  },
  'a reserved word': { files: { bad: manifest('bad', { kinds: [kind('Watch', { plural: 'watch' })] }) }, problem: /"watch" is reserved/ },
  'a schema that is none': {
    files: { bad: manifest('bad', { kinds: [kind('Thing', { spec: { type: 7 } })] }) },
    problem: /kind Thing: its schema is not valid/,
  },
};

for (const [name, { files, problem }] of Object.entries(broken)) {
  test(`a plugin with ${name} is listed with its problem; the others load`, (t) => {
    const registry = load(t, { ...files, fine: manifest('fine', { kinds: [kind('Fine')] }) });
    t.regex(registry.plugin('bad')?.problem ?? '', problem);
    t.is(registry.plugin('bad')?.manifest, null);
    t.is(registry.plugin('fine')?.problem, null);
    t.truthy(registry.kind('Fine'));
  });
}

test('plugins that need each other are both refused', (t) => {
  const registry = load(t, { a: manifest('a', { needs: ['b'] }), b: manifest('b', { needs: ['a'] }) });
  t.regex(registry.plugin('b')?.problem ?? '', /needs itself: a → b → a/);
  t.regex(registry.plugin('a')?.problem ?? '', /"b", which cannot be loaded/);
});

const names: Record<string, [unknown, RegExp | null]> = {
  plain: ['web1', null],
  'with dots and dashes': ['a.b-c', null],
  'one letter': ['a', null],
  '63 characters': ['a'.repeat(63), null],
  '64 characters': ['a'.repeat(64), /64 characters/],
  '300 characters': ['a'.repeat(300), /300 characters/],
  empty: ['', /empty/],
  'upper case': ['Web', /not a valid name/],
  'a slash': ['a/b', /not a valid name/],
  'a dash first': ['-a', /not a valid name/],
  'a dot last': ['a.', /not a valid name/],
  'a line break': ['a\n', /not a valid name/],
  'a number': [7, /must be text, is a number/],
};
for (const [name, [value, problem]] of Object.entries(names)) {
  test(`name rule: ${name}`, (t) => {
    if (problem === null) t.is(nameProblem(value), null);
    else t.regex(nameProblem(value) ?? '', problem);
  });
}

test('the nearest word is offered only when it is near', (t) => {
  t.is(nearest('netwrok', ['network', 'name']), 'network');
  t.is(nearest('zebra', ['network', 'name']), undefined);
});
