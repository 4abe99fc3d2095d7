import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Value } from 'typebox/value';
import { parseAllDocuments } from 'yaml';
import { kinds } from '../kinds.ts';
import { Store } from './store.ts';

const top = join(import.meta.dirname, '..', '..', '..');
const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');
const yamlIn = (page: string) => [...page.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1] ?? '');
const examples = yamlIn(readme);
const sections = ['Name', 'Description', 'Configuration', 'Channels', 'Rows', 'Metrics', 'Errors', 'Examples', 'Standards'];

interface Example {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, unknown>;
}

test('the README has the sections of every plugin, in order', (t) => {
  const found = [...readme.matchAll(/^## (.*)$/gm)].map((match) => match[1] ?? '');
  t.deepEqual(
    found.filter((title) => sections.includes(title)),
    sections,
  );
});

test('the README has examples', (t) => {
  t.is(examples.length, 4);
});

const objectsIn = (yamls: readonly string[]) =>
  yamls.flatMap((yaml) => parseAllDocuments(yaml).map((document) => document.toJS() as Example));
const isOwn = ({ kind }: Example): boolean => kinds.some((each) => each.kind === kind);

/** One page's examples stand beside each other in one appliance. */
function admits(t: ExecutionContext, own: readonly Example[]): void {
  t.true(own.length > 0);
  for (const { kind, metadata, spec } of own) {
    const schema = kinds.find((each) => each.kind === kind)?.spec ?? t.fail(`no kind ${kind}`);
    const errors = Value.Errors(schema as object, Value.Default(schema as object, structuredClone(spec)));
    t.deepEqual([...errors], [], `${kind} ${metadata.name}`);
  }
  t.deepEqual(new Store().apply(own.map(({ kind, metadata, spec }) => ({ kind, name: metadata.name, spec }))), []);
}

for (const [index, example] of examples.entries())
  test(`example ${index + 1} fits the schemas and is admitted`, (t) => admits(t, objectsIn([example])));

for (const page of ['README.md', 'docs/guide/first-steps.md', 'docs/guide/networks-and-ports.md', 'docs/guide/nat.md'])
  test(`the objects in ${page} fit the schemas and are admitted`, (t) =>
    admits(t, objectsIn(yamlIn(readFileSync(join(top, page), 'utf8'))).filter(isOwn)));
