import test from 'ava';
import type { Converter, ConverterStep, KindSpec } from '../../contract/system/index.ts';
import { projectKind } from './builtin.ts';
import { converterProblem } from './converters.ts';

function problem(schemaVersion: number, converters: readonly Converter[]): string {
  const kind: KindSpec = { ...projectKind, kind: 'Thing', schemaVersion, converters };
  return converterProblem(kind) ?? 'none';
}
const empty = (version: number): Converter => ({ version, up: [], down: [] });
const step = (one: ConverterStep): string => problem(2, [{ version: 2, up: [], down: [one] }]);

test('there is one converter for each version, and none for others', (t) => {
  t.is(problem(1, []), 'none');
  t.is(problem(3, [empty(3), empty(2)]), 'none');
  t.regex(problem(3, [empty(3)]), /^kind Thing: no converter for its schema version 2: give one for each from 2 to 3/);
  t.regex(problem(2, [empty(2), empty(2)]), /more than one converter for its schema version 2/);
  t.regex(problem(2, [empty(2), empty(3)]), /is for no version that there is: the kind is at 2/);
});

test('pointers lead to fields of spec or status', (t) => {
  t.is(step({ op: 'move', from: '/spec/a~1b', to: '/status/c' }), 'none');
  t.is(step({ op: 'translate', at: '/spec/list/*', values: {} }), 'none');
  t.is(step({ op: 'move', from: '/spec/list/*/a', to: '/spec/list/*/b/c' }), 'none');
  t.regex(
    step({ op: 'remove', at: '/metadata/name' }),
    /cannot go down: step 0: "\/metadata\/name" is no JSON pointer below \/spec or \/status/,
  );
  t.regex(step({ op: 'remove', at: '/spec' }), /is no JSON pointer/);
  t.regex(step({ op: 'remove', at: '/spec/a~2' }), /is no JSON pointer/);
  t.regex(step({ op: 'default', at: '/spec/__proto__/a', value: 1 }), /names no field/);
  t.regex(step({ op: 'remove', at: '/spec/list/*' }), /must end in the name of a field/);
  t.regex(step({ op: 'move', from: '/spec/a/*/x', to: '/spec/b/*/x' }), /do not lie in the same items/);
  t.regex(step({ op: 'move', from: '/spec/a/*/x', to: '/spec/x' }), /do not lie in the same items/);
});
