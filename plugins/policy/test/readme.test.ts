import { readFileSync } from 'node:fs';
import test from 'ava';
import { Value } from 'typebox/value';
import { parseAllDocuments } from 'yaml';
import plugin from '../index.ts';
import { type SecurityGroup, securityGroupKind } from '../kinds.ts';
import { ruleProblems } from '../rule-problems.ts';

const top = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, top), 'utf8');
const readme = read('plugins/policy/README.md');
const sections = ['Name', 'Description', 'Configuration', 'Channels', 'Rows', 'Metrics', 'Errors', 'Examples', 'Standards'];

interface Example {
  readonly kind: string;
  readonly spec: SecurityGroup['spec'];
}

const groupsIn = (page: string) =>
  [...page.matchAll(/```yaml\n(.*?)```/gs)]
    .flatMap(([, yaml = '']) => parseAllDocuments(yaml).map((document) => document.toJS() as Example))
    .filter(({ kind }) => kind === securityGroupKind.kind);

test('the README has the sections of every plugin, in order', (t) => {
  const found = [...readme.matchAll(/^## (.*)$/gm)].map((match) => match[1] ?? '');
  t.deepEqual(
    found.filter((title) => sections.includes(title)),
    sections,
  );
});

test('the README names every setting, operation and metric', (t) => {
  for (const name of Object.keys((plugin.config as unknown as { properties: object }).properties))
    t.true(readme.includes(`\`${name}\``), name);
  for (const operation of plugin.operations ?? []) t.true(readme.includes(`\`${operation.name}\``), operation.name);
  for (const [name] of read('plugins/policy/metrics.ts').matchAll(/weft_policy_\w+/g)) t.true(readme.includes(`\`${name}\``), name);
});

for (const [page, least] of [
  ['plugins/policy/README.md', 4],
  ['docs/guide/security-groups.md', 2],
] as const)
  test(`the groups in ${page} are admitted`, (t) => {
    const groups = groupsIn(read(page));
    t.true(groups.length >= least);
    for (const { spec } of groups) {
      const filled = Value.Default(securityGroupKind.spec, structuredClone(spec)) as SecurityGroup['spec'];
      t.deepEqual([...Value.Errors(securityGroupKind.spec, filled)], []);
      t.deepEqual(filled.rules.flatMap(ruleProblems), []);
    }
  });
