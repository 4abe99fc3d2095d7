import test from 'ava';
import fc from 'fast-check';
import type { Converter, ConverterStep, WeftObject } from '../../contract/system/index.ts';
import { convert } from './steps.ts';

function thing(spec: Record<string, unknown>, status: Record<string, unknown> = {}): WeftObject {
  const metadata = { name: 'a', uid: 'a', revision: 1, generation: 1, createdAt: '2026-01-01T00:00:00Z' };
  return { apiVersion: 'weft/v1', kind: 'Thing', metadata, spec, status };
}

function through(steps: readonly ConverterStep[], spec: Record<string, unknown>): unknown {
  return convert(thing(spec), 1, 2, [{ version: 2, up: steps, down: [] }]).spec;
}

test('each step does what it says, and nothing where its source is absent', (t) => {
  t.deepEqual(through([{ op: 'move', from: '/spec/a', to: '/spec/b/c' }], { a: 1, x: 2 }), { b: { c: 1 }, x: 2 });
  t.deepEqual(through([{ op: 'move', from: '/spec/a', to: '/spec/a/b' }], { a: 1 }), { a: { b: 1 } });
  t.deepEqual(through([{ op: 'move', from: '/spec/a/b', to: '/spec/a' }], { a: { b: 1 } }), { a: 1 });
  t.deepEqual(through([{ op: 'move', from: '/spec/a', to: '/spec/b' }], { x: 2 }), { x: 2 });
  t.deepEqual(through([{ op: 'move', from: '/spec/l/*/a', to: '/spec/l/*/b' }], { l: [{ a: 1 }, {}, 7] }), { l: [{ b: 1 }, {}, 7] });
  t.deepEqual(through([{ op: 'move', from: '/spec/a', to: '/spec/b/c' }], { a: 1, b: 'text' }), { a: 1, b: 'text' }, 'nothing is lost');
  t.deepEqual(through([{ op: 'default', at: '/spec/a', value: [1] }], {}), { a: [1] });
  t.deepEqual(through([{ op: 'default', at: '/spec/a', value: 1 }], { a: null }), { a: null });
  t.deepEqual(through([{ op: 'default', at: '/spec/no/a', value: 1 }], {}), {});
  t.deepEqual(through([{ op: 'remove', at: '/spec/l/*/a' }], { l: [{ a: 1, b: 2 }] }), { l: [{ b: 2 }] });
  t.deepEqual(through([{ op: 'translate', at: '/spec/l/*', values: { a: 'b' } }], { l: ['a', 'c', 1] }), { l: ['b', 'c', 1] });
  t.deepEqual(through([{ op: 'translate', at: '/spec/a', values: { a: 'b' } }], { a: 'constructor' }), { a: 'constructor' });
  t.deepEqual(through([{ op: 'move', from: '/spec/a~1b', to: '/spec/c~0d' }], { 'a/b': 1 }), { 'c~d': 1 });
});

test('what is given stays as it is', (t) => {
  const before = thing({ list: [{ a: 1 }] });
  const copy = structuredClone(before);
  convert(before, 1, 2, [{ version: 2, up: [{ op: 'remove', at: '/spec/list/*/a' }], down: [] }]);
  t.deepEqual(before, copy);
});

test('several versions are passed one after the other, both ways; a gap is an error', (t) => {
  const step = (version: number): Converter => ({
    version,
    up: [{ op: 'move', from: `/spec/v${version - 1}`, to: `/spec/v${version}` }],
    down: [{ op: 'move', from: `/spec/v${version}`, to: `/spec/v${version - 1}` }],
  });
  const all = [4, 2, 3].map(step);
  const up = convert(thing({ v1: 'x' }), 1, 4, all);
  t.deepEqual(up.spec, { v4: 'x' });
  t.deepEqual(convert(up, 4, 1, all).spec, { v1: 'x' });
  t.throws(() => convert(up, 4, 1, [step(4), step(2)]), { message: /no converter between the schema versions 2 and 3/ });
});

const field = fc.constantFrom('a', 'b', 'c', 'd');
const value = fc.oneof(fc.integer(), fc.constantFrom('red', 'green'), fc.boolean());
const spec = fc.record(
  { a: value, b: value, list: fc.array(fc.record({ a: value, b: value }, { requiredKeys: [] })) },
  { requiredKeys: [] },
);

/** Steps that lose nothing, with their reverse: to names that are still free, and words that no text has yet. */
const reversible = fc.oneof(
  field.map((name): [ConverterStep, ConverterStep] => [
    { op: 'move', from: `/spec/${name}`, to: `/spec/new-${name}/deep` },
    { op: 'move', from: `/spec/new-${name}/deep`, to: `/spec/${name}` },
  ]),
  field.map((name): [ConverterStep, ConverterStep] => [
    { op: 'move', from: `/spec/list/*/${name}`, to: `/spec/list/*/new-${name}` },
    { op: 'move', from: `/spec/list/*/new-${name}`, to: `/spec/list/*/${name}` },
  ]),
  fc.constant<[ConverterStep, ConverterStep]>([
    { op: 'default', at: '/spec/fresh', value: 1 },
    { op: 'remove', at: '/spec/fresh' },
  ]),
  fc.constant<[ConverterStep, ConverterStep]>([
    { op: 'translate', at: '/spec/list/*/b', values: { red: 'rouge' } },
    { op: 'translate', at: '/spec/list/*/b', values: { rouge: 'red' } },
  ]),
);

test('up and down again, an object is what it was', (t) => {
  fc.assert(
    fc.property(spec, fc.uniqueArray(reversible, { maxLength: 6, selector: ([up]) => JSON.stringify(up) }), (given, pairs) => {
      const converters: Converter[] = pairs.map(([up, down], index) => {
        // what a move leaves of the way it made is taken away, as a plugin's own converter would
        const left = up.op === 'move' ? [{ op: 'remove', at: up.to.split('/').slice(0, 3).join('/') } as const] : [];
        return { version: index + 2, up: [up], down: up.op === 'move' && !up.to.includes('*') ? [down, ...left] : [down] };
      });
      const last = converters.length + 1;
      const before = thing(given);
      t.deepEqual(convert(convert(before, 1, last, converters), last, 1, converters), before);
    }),
    { numRuns: 500 },
  );
});
