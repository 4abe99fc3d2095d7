import test from 'ava';
import type { Schema } from '../schema.ts';
import { allowed, withoutQuotes } from './allowed.ts';

const schema: Schema = {
  type: 'object',
  properties: {
    size: { type: 'integer' },
    on: { type: 'boolean' },
    mode: { enum: ['fast', 'slow'] },
    address: { type: 'string', pattern: '^[0-9a-f.:]+$' },
    host: { type: 'string', pattern: '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\\.[a-z0-9]+)*$' },
    anything: { type: 'string', pattern: '^.+$' },
    begins: { type: 'string', pattern: '^/' },
    noSpace: { type: 'string', pattern: '^\\S+$' },
    not: { type: 'string', pattern: '^[^ ]+$' },
    text: { type: 'string' },
    since: { type: 'string', format: 'date-time' },
    password: { type: 'string', pattern: '^[a-z]+$' },
    userData: { type: 'integer' },
    keys: { type: 'array', items: { enum: ['a'] } },
    hidden: { type: 'string', pattern: '^[a-z]+$', writeOnly: true },
    map: { type: 'object', additionalProperties: { type: 'integer' } },
    list: { type: 'array', items: { type: 'object', properties: { size: { type: 'integer' }, text: { type: 'string' } } } },
    shape: { anyOf: [{ type: 'object', properties: { kind: { const: 'round' }, text: { type: 'string' } } }] },
  },
};

function told(value: unknown, texts = false): { value: unknown; leftOut: string[] } {
  const leftOut: string[] = [];
  return { value: allowed(value, schema, { texts, onLeftOut: (path) => leftOut.push(path) }), leftOut };
}

test('numbers, switches, choices, forms and times go', (t) => {
  const value = {
    size: 3,
    on: true,
    mode: 'fast',
    address: '10.0.0.1',
    host: 'a.b',
    since: '2026-01-02T03:04:05Z',
    shape: { kind: 'round' },
    list: [{ size: 1 }],
  };
  t.deepEqual(told(value), { value, leftOut: [] });
});

test('all else stays behind, and is named', (t) => {
  for (const [name, value] of Object.entries({
    ...{ mode: 'other', address: 'not one', anything: 'x', begins: '/x', noSpace: 'x', not: 'x', text: 'x', since: 5 },
  })) {
    if (typeof value === 'number') continue;
    t.deepEqual(told({ [name]: value }), { value: { [name]: '(left out)' }, leftOut: [name] }, name);
  }
  for (const [name, value] of Object.entries({ password: 'x', userData: 5, keys: ['a'], hidden: 'x' }))
    t.deepEqual(told({ [name]: value }), { value: { [name]: '(left out)' }, leftOut: [name] }, name);
  t.deepEqual(told({ shape: { kind: 'round', text: 'x' }, list: [{ text: 'x' }] }).leftOut, ['shape.text', 'list[].text']);
});

test('keys that the schema does not name stay behind', (t) => {
  t.deepEqual(told({ map: { hunter2: 5 }, other: 1 }), { value: { map: { '(left out)': 1 }, '(left out)': 1 }, leftOut: ['map.*', '*'] });
});

test('texts of the system go without what they quote', (t) => {
  t.deepEqual(told({ text: 'no "hunter2" here', password: 'x' }, true).value, { text: 'no "…" here', password: '(left out)' });
  t.is(withoutQuotes('a "b \\" c" d "e"'), 'a "…" d "…"');
});

test('without a schema only numbers and switches go', (t) => {
  const leftOut: string[] = [];
  const value = allowed({ a: { b: 5, c: 'x', apiKey: 7 }, d: [true] }, undefined, { texts: true, onLeftOut: (path) => leftOut.push(path) });
  t.deepEqual(value, { a: { b: 5, c: '(left out)', apiKey: '(left out)' }, d: [true] });
  t.deepEqual(leftOut, ['a.c', 'a.apiKey']);
});
