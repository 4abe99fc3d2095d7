import test from 'ava';
import { compileQuery, compileTemplate } from './jsonpath.ts';

const list = {
  items: [
    { metadata: { name: 'a', labels: { 'x/y': '1' } }, spec: { size: 1 }, status: { tags: ['p', 'q'] } },
    { metadata: { name: 'b' }, spec: { size: 20 }, status: { tags: [] } },
  ],
};

const templates: [template: string, says: string][] = [
  ['{.items[*].metadata.name}', 'a b\n'],
  ['.items[*].metadata.name', 'a b\n'],
  ['$.items[-1].metadata.name', 'b\n'],
  ['items[0].spec', '{"size":1}\n'],
  ['{range .items[*]}{.metadata.name}={.spec.size}{"\\n"}{end}', 'a=1\nb=20\n'],
  ["{range .items[*]}{@.metadata.name}{'\\t'}{end}", 'a\tb\t\n'],
  ['{range .items[*]}{range .status.tags[*]}<{@}>{end};{end}', '<p><q>;;\n'],
  ['{.items[?@.spec.size > 5].metadata.name}', 'b\n'],
  ['{.items[?(@.metadata.name=="a")].spec.size}', '1\n'],
  ["{.items[?@.metadata.name=='}'].spec.size}", '\n'],
  ["{..labels['x/y']}", '1\n'],
  ['{.nothing}', '\n'],
  ['name: {.items[0].metadata.name}', 'name: a\n'],
];
for (const [template, says] of templates)
  test(`${template} of a list`, (t) => {
    t.is(compileTemplate(template)(list), says);
  });

const wrong: [template: string, message: RegExp][] = [
  ['{.items[}', /"\.items\[" is no JSONPath/],
  ['{.items', /brace at character 1 is not closed/],
  ['{range .items[*]}x', /no \{end\}/],
  ['{end}', /no \{range/],
  ['{}', /no JSONPath/],
];
for (const [template, message] of wrong)
  test(`${template} is refused`, (t) => {
    t.throws(() => compileTemplate(template), { message });
  });

test('a query is a path or a pointer', (t) => {
  for (const text of ['{.spec.size}', '.spec.size', '$.spec.size', 'spec.size', '/spec/size'])
    t.deepEqual(compileQuery(text)(list.items[0]), [1]);
  t.deepEqual(compileQuery('/metadata/labels/x~1y')(list.items[0]), ['1']);
  t.deepEqual(compileQuery('/status/tags/*')(list.items[0]), ['p', 'q']);
});
