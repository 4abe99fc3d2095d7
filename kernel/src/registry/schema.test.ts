import test from 'ava';
import { compileSchema } from './schema.ts';

const binding = {
  anyOf: [
    { type: 'object', properties: { type: { const: 'none' } }, required: ['type'], additionalProperties: false },
    {
      type: 'object',
      properties: { type: { const: 'file' }, path: { type: 'string' }, size: { type: 'integer' } },
      required: ['type', 'path'],
      additionalProperties: false,
    },
  ],
};
const validate = compileSchema({
  type: 'object',
  properties: {
    title: { type: 'string', minLength: 2, maxLength: 10, pattern: '^[a-z]*$', description: 'Title in small letters.' },
    size: { type: 'integer', minimum: 1, maximum: 9, default: 3 },
    weight: { type: 'number' },
    genre: { type: 'string', enum: ['poetry', 'prose'] },
    mail: { type: 'string', format: 'email' },
    tags: { type: 'array', items: { type: 'string' }, maxItems: 2, uniqueItems: true },
    inner: { type: 'object', properties: { deep: { type: 'boolean', default: true } }, additionalProperties: false },
    binding,
    either: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
  },
  required: ['title'],
  additionalProperties: false,
});

const cases: Record<string, { spec: unknown; pointer: string; message: RegExp; fix: RegExp }> = {
  'unknown field near a known one': {
    spec: { title: 'ab', titel: 1 },
    pointer: '/titel',
    message: /unknown field "titel"/,
    fix: /did you mean "title"\?/,
  },
  'unknown field near none': {
    spec: { title: 'ab', zzzzzz: 1 },
    pointer: '/zzzzzz',
    message: /unknown field/,
    fix: /remove it; known fields: title, size/,
  },
  'unknown field inside': {
    spec: { title: 'ab', inner: { dep: true } },
    pointer: '/inner/dep',
    message: /unknown field "dep"/,
    fix: /"deep"/,
  },
  'a field name with a slash': { spec: { title: 'ab', 'a/b~': 1 }, pointer: '/a~1b~0', message: /unknown field/, fix: /known fields/ },
  'a very long field name': {
    spec: { title: 'ab', ['x'.repeat(300)]: 1 },
    pointer: `/${'x'.repeat(300)}`,
    message: /…/,
    fix: /known fields/,
  },
  'missing field': { spec: {}, pointer: '/title', message: /is required/, fix: /add "title": text; Title in small letters/ },
  'wrong type': {
    spec: { title: 7 },
    pointer: '/title',
    message: /must be text, is a number \(7\)/,
    fix: /write text \(Title in small letters\)/,
  },
  'list for text': { spec: { title: ['a'] }, pointer: '/title', message: /must be text, is a list/, fix: /write text/ },
  'null for text': { spec: { title: null }, pointer: '/title', message: /is null/, fix: /write text/ },
  'fraction for whole number': {
    spec: { title: 'ab', size: 1.5 },
    pointer: '/size',
    message: /must be a whole number, is a number \(1.5\)/,
    fix: /whole number/,
  },
  'infinite number': {
    spec: { title: 'ab', weight: Number.POSITIVE_INFINITY },
    pointer: '/weight',
    message: /must be a number/,
    fix: /number/,
  },
  'too small': { spec: { title: 'ab', size: 0 }, pointer: '/size', message: /0 is too small/, fix: />= 1/ },
  'too large': { spec: { title: 'ab', size: 10 }, pointer: '/size', message: /10 is too large/, fix: /<= 9/ },
  pattern: { spec: { title: 'AB' }, pointer: '/title', message: /"AB" does not have the wanted form/, fix: /matches \^\[a-z\]\*\$/ },
  'too short': { spec: { title: '' }, pointer: '/title', message: /must not be empty/, fix: /at least 2/ },
  'too long': { spec: { title: 'a'.repeat(300) }, pointer: '/title', message: /is too long \(300 characters\)/, fix: /at most 10/ },
  'not one of the choices': {
    spec: { title: 'ab', genre: 'pose' },
    pointer: '/genre',
    message: /"pose" is not allowed/,
    fix: /did you mean "prose"\? must be one of "poetry", "prose"/,
  },
  format: { spec: { title: 'ab', mail: 'x' }, pointer: '/mail', message: /"x" is not a valid email/, fix: /format email/ },
  'too many items': { spec: { title: 'ab', tags: ['a', 'b', 'c'] }, pointer: '/tags', message: /too many items \(3\)/, fix: /at most 2/ },
  'equal items': { spec: { title: 'ab', tags: ['a', 'a'] }, pointer: '/tags', message: /items 1 and 0 are equal/, fix: /remove one/ },
  'wrong item': { spec: { title: 'ab', tags: ['a', 1] }, pointer: '/tags/1', message: /must be text/, fix: /write text/ },
  'union: no such branch': {
    spec: { title: 'ab', binding: { type: 'fil' } },
    pointer: '/binding/type',
    message: /"fil" is not allowed/,
    fix: /did you mean "file"\? must be one of "none", "file"/,
  },
  'union: discriminator missing': {
    spec: { title: 'ab', binding: {} },
    pointer: '/binding/type',
    message: /is required/,
    fix: /"none" or "file"/,
  },
  'union: field of the meant branch': {
    spec: { title: 'ab', binding: { type: 'file', path: 'x', siz: 1 } },
    pointer: '/binding/siz',
    message: /unknown field "siz"/,
    fix: /"size"/,
  },
  'union: field missing in the meant branch': {
    spec: { title: 'ab', binding: { type: 'file' } },
    pointer: '/binding/path',
    message: /is required/,
    fix: /add "path"/,
  },
  'union: not an object': {
    spec: { title: 'ab', binding: 'file' },
    pointer: '/binding',
    message: /fits none of the allowed forms/,
    fix: /weft explain/,
  },
  'union of plain types': {
    spec: { title: 'ab', either: true },
    pointer: '/either',
    message: /fits none of the allowed forms/,
    fix: /weft explain/,
  },
  'no object at all': { spec: 'x', pointer: '', message: /must be an object/, fix: /fields and values/ },
};

for (const [name, { spec, pointer, message, fix }] of Object.entries(cases)) {
  test(`one finding with field and fix: ${name}`, (t) => {
    const { findings } = validate(spec);
    t.is(findings.length, 1, JSON.stringify(findings));
    t.is(findings[0]?.pointer, pointer);
    t.regex(findings[0]?.message ?? '', message);
    t.regex(findings[0]?.fix ?? '', fix);
  });
}

test('defaults are filled into a copy', (t) => {
  const given = { title: 'ab', inner: {} };
  const { value, findings } = validate(given);
  t.deepEqual(findings, []);
  t.deepEqual(value, { title: 'ab', inner: { deep: true }, size: 3 });
  t.deepEqual(given, { title: 'ab', inner: {} });
});

test('all findings are told, but not without end', (t) => {
  t.is(validate({ size: 0, genre: 'x', weight: 'y' }).findings.length, 4);
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`field${index}`, 1]));
  t.is(validate(many).findings.length, 100);
});

test('a schema that is none is refused', (t) => {
  t.throws(() => compileSchema({ type: 'nonsense' }));
});
