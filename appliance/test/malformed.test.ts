/** Bad input is refused with the field and the fix, and changes nothing. */
import { closeSync, openSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance } from '../run/appliance.ts';
import { malformed } from './malformed-objects.ts';

const test = anyTest as TestFn<{ appliance: Appliance; before: string }>;

const ground = `
{kind: VirtualNetwork, metadata: {name: red}, spec: {subnets: [{cidr: 10.1.0.0/24}], vni: 7001}}
---
{kind: VirtualNetwork, metadata: {name: red-too}, spec: {subnets: [{cidr: 10.1.0.0/24}]}}
---
{kind: Trunk, metadata: {name: trunk0}, spec: {binding: {type: none}}}
---
{kind: Port, metadata: {name: taken}, spec: {network: red, mac: "02:00:00:00:00:50", addresses: [10.1.0.50], binding: {type: vlan, parent: trunk0, vlan: 50}}}
`;

/** Everything a user could have written, without the status that the system keeps. */
async function snapshot(appliance: Appliance): Promise<string> {
  const kinds = ['Project', 'VirtualNetwork', 'Port', 'Trunk', 'LogicalRouter'];
  const lists = await Promise.all(
    kinds.map((kind) =>
      appliance.json<{ items: { metadata: { name: string; generation: number }; spec: unknown }[] }>(['get', kind, '-A']),
    ),
  );
  return JSON.stringify(lists.flatMap(({ items }) => items.map(({ metadata, spec }) => [metadata.name, metadata.generation, spec])));
}

test.before(async (t) => {
  const appliance = new Appliance();
  t.context.appliance = appliance;
  await appliance.start();
  await appliance.must(['apply', '-f', '-'], { input: ground });
});

test.after.always((t) => t.context.appliance.stop());

test.serial('there are at least a hundred of them', (t) => {
  t.true(malformed.length >= 100, `${malformed.length}`);
});

for (const { name, document, names } of malformed) {
  test.serial(`refused: ${name}`, async (t) => {
    const { appliance } = t.context;
    const before = await snapshot(appliance);
    const result = await appliance.weft(['apply', '-f', '-'], { input: document });
    t.is(result.code, 1, result.stdout + result.stderr);
    t.regex(result.stderr, /^error: .+/);
    for (const name of names) t.regex(result.stderr, name);
    t.notRegex(result.stderr, /\n\s+at /, 'no stack');
    t.is(await snapshot(appliance), before);
  });
}

test.serial('refused: a file of 100 MB', async (t) => {
  const { appliance } = t.context;
  const file = join(appliance.stateDir, 'big.yaml');
  closeSync(openSync(file, 'w'));
  truncateSync(file, 100_000_000);
  t.teardown(() => rmSync(file, { force: true }));
  const result = await appliance.weft(['apply', '-f', file]);
  t.is(result.code, 1);
  t.regex(result.stderr, /^error: .*(too large|MiB)/);
});
