/** The group `default` of each project through what happens to objects: edits, files, roll-backs, projects that go, backups, a disabled plugin. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance, run, until } from '../run/appliance.ts';

const test = anyTest as TestFn<{ appliance: Appliance }>;

interface Group {
  readonly metadata: { readonly managedBy?: string; readonly uid: string };
  readonly spec: { readonly rules: readonly object[] };
  readonly status: { readonly phase: string; readonly id: number; readonly rules: number };
}

const project = (name: string) => ({ kind: 'Project', metadata: { name } });
const group = (owner: string, name: string, rules: readonly object[]) => ({
  kind: 'SecurityGroup',
  metadata: { name, project: owner },
  spec: { rules },
});
const ssh = { direction: 'ingress', protocol: 'tcp', ports: 22 };

async function groupOf(appliance: Appliance, owner: string, name = 'default'): Promise<Group | undefined> {
  const { code, stdout } = await appliance.weft(['get', 'sg', name, '--project', owner, '-o', 'json']);
  return code === 0 ? (JSON.parse(stdout) as Group) : undefined;
}

const made = (appliance: Appliance, owner: string) =>
  until(async () => ((await groupOf(appliance, owner))?.status.phase === 'Active' ? await groupOf(appliance, owner) : undefined), 10_000);

test.before(async (t) => {
  t.context.appliance = new Appliance();
  await t.context.appliance.start();
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
});

test.serial('each project has one, soon after it is there; it goes with the project', async (t) => {
  const { appliance } = t.context;
  t.like(await made(appliance, 'default'), { metadata: { managedBy: 'policy' }, status: { rules: 2 } });
  await appliance.apply([project('one'), project('two')]);
  t.is((await made(appliance, 'one'))?.spec.rules.length, 2);
  t.truthy(await made(appliance, 'two'));
  await appliance.must(['delete', 'project', 'two']);
  t.is(await groupOf(appliance, 'two'), undefined);
});

test.serial('one file brings a project and ports and rules that name its group', async (t) => {
  const { appliance } = t.context;
  const network = { kind: 'VirtualNetwork', metadata: { name: 'red', project: 'named' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } };
  const port = { kind: 'Port', metadata: { name: 'p', project: 'named' }, spec: { network: 'red', securityGroups: ['default', 'web'] } };
  await appliance.apply([project('named'), network, port, group('named', 'web', [{ ...ssh, remote: { group: 'default' } }])]);
  t.truthy(await made(appliance, 'named'));
  const foreign = await appliance.weft(['apply', '-f', '-'], {
    input: JSON.stringify({ ...port, spec: { ...port.spec, securityGroups: ['one/default'] } }),
  });
  t.regex(foreign.stderr, /belongs to another project and is not shared/);
  await appliance.must(['delete', 'project', 'named', '--cascade']);
});

test.serial('its rules are the user’s, the object is not', async (t) => {
  const { appliance } = t.context;
  await appliance.apply([group('one', 'default', [ssh])]);
  t.like(await made(appliance, 'one'), { metadata: { managedBy: 'policy' }, status: { rules: 1 } });
  const refused = await appliance.weft(['delete', 'sg', 'default', '--project', 'one']);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /is managed by the plugin policy/);
  await appliance.must(['plugin', 'restart', 'policy']);
  t.is((await groupOf(appliance, 'one'))?.spec.rules.length, 1);
  // What get prints may be applied again.
  await appliance.must(['apply', '-f', '-'], { input: await appliance.must(['get', 'sg', 'default', '--project', 'one', '-o', 'yaml']) });
});

test.serial('a file that brings a project and its group keeps it', async (t) => {
  const { appliance } = t.context;
  await appliance.apply([project('own'), group('own', 'default', []), group('own', 'web', [{ ...ssh, remote: { group: 'default' } }])]);
  t.like(await made(appliance, 'own'), { spec: { rules: [] }, status: { rules: 0 } });
  const refused = await appliance.weft(['delete', 'sg', 'default', '--project', 'own']);
  t.regex(refused.stderr, /is used by SecurityGroup\/own\/web/);
  await appliance.must(['delete', 'sg', 'web', '--project', 'own']);
  await appliance.must(['delete', 'sg', 'default', '--project', 'own']);
  t.like(await made(appliance, 'own'), { metadata: { managedBy: 'policy' }, status: { rules: 2 } });
  await appliance.must(['delete', 'project', 'own', '--cascade']);
  t.is(await groupOf(appliance, 'own'), undefined);
});

test.serial('a roll-back brings rules back, and takes new projects along', async (t) => {
  const { appliance } = t.context;
  const { items } = await appliance.json<{ items: { revision: number }[] }>(['history']);
  const revision = Math.max(...items.map((entry) => entry.revision));
  await appliance.apply([project('late')]);
  t.truthy(await made(appliance, 'late'));
  await appliance.apply([group('one', 'default', [])]);
  await appliance.must(['rollback', String(revision)]);
  t.is((await made(appliance, 'one'))?.spec.rules.length, 1);
  t.is(await groupOf(appliance, 'late'), undefined);
});

test.serial('a backup brings the groups back with their numbers', async (t) => {
  const { appliance } = t.context;
  const dir = mkdtempSync(join(tmpdir(), 'weft-groups-'));
  const second = new Appliance({ stateDir: join(dir, 'second') });
  t.teardown(async () => {
    await second.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const file = join(dir, 'weft.backup');
  await appliance.must(['backup', '-w', file]);
  const restored = await run('kernel/cli/bin/weft', ['restore', file, '--state-dir', second.stateDir]);
  t.is(restored.code, 0, restored.stderr);
  await second.start();
  for (const owner of ['default', 'one']) {
    const [before, after] = [await groupOf(appliance, owner), await made(second, owner)];
    t.deepEqual([after?.spec, after?.status, after?.metadata.uid], [before?.spec, before?.status, before?.metadata.uid]);
  }
});

test.serial('disabling says that ports are closed, and an alarm does so until it is enabled again', async (t) => {
  const { appliance } = t.context;
  const { stderr, code } = await appliance.weft(['plugin', 'disable', 'policy', '--yes']);
  t.is(code, 0, stderr);
  t.regex(stderr, /warning: ports that follow security groups are closed/);
  t.regex((await appliance.weft(['status'])).stdout, /alarms:.*policy.*ports that follow security groups are closed/s);
  const refused = await appliance.weft(['apply', '-f', '-'], { input: JSON.stringify(group('one', 'web', [])) });
  t.regex(refused.stderr, /plugin policy.*disabled/s);
  await appliance.must(['plugin', 'enable', 'policy']);
  t.truthy(await made(appliance, 'one'));
  t.is(await until(async () => (await appliance.must(['get', 'alarm', '-o', 'name'])) === '', 10_000), true);
});
