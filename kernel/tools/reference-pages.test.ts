import test from 'ava';
import type { KindSpec, Manifest } from '../contract/system/index.ts';
import { kindsPage, operationsPage, settingsPage, withOwners } from './reference-pages.ts';

function kind(name: string): KindSpec {
  return {
    kind: name,
    plural: `${name.toLowerCase()}s`,
    scope: 'project',
    summary: `One | ${name}.`,
    schemaVersion: 1,
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 1, maximum: 9, description: 'How large.' },
        colour: { enum: ['red', 'blue'], default: 'red' },
      },
    },
    status: { type: 'object', properties: {} },
    references: [{ pointer: '/spec/parts/*', kind: 'Part' }],
    columns: [],
  };
}

function manifest(name: string): Manifest {
  const operation = {
    name: 'list',
    summary: 'Lists',
    stream: false,
    input: {},
    output: {},
    cli: { verb: name, columns: [{ title: 'A', pointer: '/a' }] },
  };
  const config = { type: 'object', properties: { rate: { type: 'number', default: 5 } } };
  const grants = { rows: [], reads: [], writes: [] };
  return { name, version: '1', summary: name, needs: [], kinds: [], operations: [operation], puntClasses: [], grants, config };
}

test('a kind is shown with names, references and every field', (t) => {
  t.is(
    kindsPage([{ owner: 'toys', kind: kind('Ball') }])
      .split('<!-- from toys -->')
      .at(-1),
    `

## Ball

One \\| Ball.

Names: \`balls\` · in a project · by toys

References: \`/spec/parts/*\` names a Part

### spec

| field | type | default | meaning |
| --- | --- | --- | --- |
| \`size\` | integer 1–9 | required | How large. |
| \`colour\` | red \\| blue | \`"red"\` |  |

### status

No fields.
`,
  );
});

test('kinds stand in the order of their names, whoever owns them', (t) => {
  const text = kindsPage([
    { owner: 'b', kind: kind('Zebra') },
    { owner: 'a', kind: kind('Ant') },
  ]);
  t.true(text.indexOf('## Ant') < text.indexOf('## Zebra'));
});

test('settings show the defaults of the host and of each plugin', (t) => {
  const text = settingsPage([{ name: 'a.b', doc: 'what it is', default: [] }], [manifest('toys')]);
  t.true(text.includes('| `a.b` | `[]` | what it is |'));
  t.true(
    text.includes('## Plugin toys\n\n| field | type | default | meaning |\n| --- | --- | --- | --- |\n| `rate` | number | `5` |  |\n'),
  );
});

test('a page without the sections of a plugin is the page that is made without the plugin', (t) => {
  const both = operationsPage([manifest('one'), manifest('two')]);
  for (const name of ['one', 'two']) {
    t.is(withOwners(both, new Set(['kernel', name])), operationsPage([manifest(name)]));
    t.not(both, operationsPage([manifest(name)]));
  }
  t.is(withOwners(both, new Set(['one', 'two'])), both);
});
