import { readFileSync } from 'node:fs';
import type { FloatingIp, SnatPool } from '@weft/kernel/contract/net';
import { keyOf, type WeftObject } from '@weft/kernel/contract/system';
import { makeObject } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import { Value } from 'typebox/value';
import { parseAllDocuments } from 'yaml';
import { admit } from '../admission/admit.ts';
import plugin from '../index.ts';
import { kinds } from '../kinds.ts';
import { network, port, siteOf, uplink } from './world.ts';

const top = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, top), 'utf8');
const readme = read('plugins/snat/README.md');
const sections = ['Name', 'Description', 'Configuration', 'Channels', 'Rows', 'Metrics', 'Errors', 'Examples', 'Standards'];

interface Example {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, unknown>;
}

const objectsIn = (yaml: string) => parseAllDocuments(yaml).map((document) => document.toJS() as Example);
const yamlIn = (page: string) => [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml = '']) => yaml);

test('the README has the sections of every plugin, in order', (t) => {
  const found = [...readme.matchAll(/^## (.*)$/gm)].map((match) => match[1] ?? '');
  t.deepEqual(
    found.filter((title) => sections.includes(title)),
    sections,
  );
});

test('the README names every setting, operation, verb, metric and table', (t) => {
  for (const name of Object.keys((plugin.config as unknown as { properties: object }).properties))
    t.true(readme.includes(`\`${name}\``), name);
  for (const { name, cli } of plugin.operations ?? []) {
    t.true(readme.includes(`\`${name}\``), name);
    t.true(readme.includes(`\`weft ${cli?.verb}\``), cli?.verb);
  }
  for (const [name] of read('plugins/snat/metrics.ts').matchAll(/weft_snat_\w+/g)) t.true(readme.includes(`\`${name}\``), name);
  for (const table of plugin.grants?.rows ?? []) t.true(readme.includes(`\`${table}\``), table);
});

/** Each example alone, in an appliance with an uplink and a port for it. */
function admits(t: ExecutionContext, examples: readonly Example[]): void {
  const own = examples.filter(({ kind }) => kinds.some((each) => each.kind === kind));
  const around = [
    uplink('world', 0, ['192.0.2.1/24', '2001:db8:ffff::1/64'], ['192.0.2.254', '2001:db8:ffff::fe']),
    network('red', 1),
    port('web', 11, ['10.1.0.11', '2001:db8:1::11']),
  ];
  const objects = own.map(({ kind, metadata, spec }) => {
    const schema = (kinds.find((each) => each.kind === kind)?.spec ?? {}) as object;
    const filled = Value.Default(schema, structuredClone(spec));
    t.deepEqual([...Value.Errors(schema, filled)], [], metadata.name);
    return makeObject<SnatPool | FloatingIp>(kind, metadata.name, filled as never);
  });
  const changes = objects.map((object) => ({
    op: 'create' as const,
    key: keyOf(object),
    before: null,
    after: object as unknown as WeftObject,
  }));
  t.deepEqual(admit({ revision: 1, dryRun: false, changes }, siteOf(...around), { maxAddresses: 64 }).refusals, []);
}

for (const [page, least] of [
  ['plugins/snat/README.md', 3],
  ['docs/guide/nat.md', 3],
] as const)
  test(`the pools and floating IPs in ${page} are admitted`, (t) => {
    const examples = yamlIn(read(page)).map(objectsIn);
    t.true(examples.filter((objects) => objects.some(({ kind }) => kind === 'SnatPool' || kind === 'FloatingIp')).length >= least);
    for (const objects of examples) admits(t, objects);
  });
