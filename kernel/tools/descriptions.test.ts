/** `weft explain` and the reference say what every field means: one that says nothing fails here. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { fieldsOf, type Schema } from '../cli/schema.ts';
import type { KindSpec, Manifest, OperationSpec } from '../contract/system/index.ts';
import { documentSettings } from '../src/config/index.ts';
import { builtinKinds } from '../src/registry/index.ts';

const plugins = join(import.meta.dirname, '..', '..', 'plugins');
const files = readdirSync(plugins).map((name) => join(plugins, name, 'manifest.json'));
const manifests = files.filter(existsSync).map((file) => JSON.parse(readFileSync(file, 'utf8')) as Manifest);

/** Paths of the fields of a schema that nothing is said about. */
function undescribed(schema: object): string[] {
  return fieldsOf(schema as Schema).flatMap(({ path, description }) => (/\w{2}/.test(description) ? [] : [path]));
}

function ofKind({ kind, summary, spec, status }: KindSpec): string[] {
  const fields = [...undescribed(spec).map((path) => `spec.${path}`), ...undescribed(status).map((path) => `status.${path}`)];
  return [...fields.map((path) => `${kind} ${path}`), ...(/\w{3}/.test(summary) ? [] : [kind])];
}

function ofOperation({ name, summary, input, output }: OperationSpec): string[] {
  const fields = [...undescribed(input).map((path) => `input.${path}`), ...undescribed(output).map((path) => `output.${path}`)];
  return [...fields.map((path) => `${name} ${path}`), ...(/\w{3}/.test(summary) ? [] : [name])];
}

test('every field of the kinds of the kernel says what it means', (t) => {
  t.deepEqual(builtinKinds.flatMap(ofKind), []);
});

test('every host setting says what it means', (t) => {
  t.deepEqual(
    documentSettings().filter(({ doc }) => !/\w{3}/.test(doc)),
    [],
  );
});

for (const { name, summary, kinds, operations, config } of manifests)
  test(`every field of the plugin ${name} says what it means: kinds, operations, settings`, (t) => {
    t.deepEqual([...kinds.flatMap(ofKind), ...operations.flatMap(ofOperation), ...undescribed(config)], []);
    t.regex(summary, /\w{3}/);
  });

test('a field that says nothing is found, also in lists and variants', (t) => {
  const silent = { type: 'object', properties: { at: { type: 'string' } } };
  const told = (schema: object) => ({ type: 'object', properties: { field: { description: 'what it is', ...schema } } });
  t.deepEqual(undescribed(silent), ['at']);
  t.deepEqual(undescribed(told({ items: silent })), ['field[].at']);
  t.deepEqual(undescribed(told({ anyOf: [silent] })), ['field.at']);
});
