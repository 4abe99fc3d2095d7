/** Changes that come back: a trial that outlives the kernel, a rollback that the plugins follow, a tenant's command over TLS. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance, run, top, until } from '../run/appliance.ts';
import { reachable, Vms } from '../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms; tls: string }>;
const red = { kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } };

test.before(async (t) => {
  const tls = `127.0.0.1:${randomInt(20_000, 30_000)}`;
  const appliance = new Appliance({ settings: `api: {tls: {listen: "${tls}"}}` });
  const vms = new Vms('chg');
  Object.assign(t.context, { appliance, vms, tls });
  await appliance.start();
  await appliance.apply([red]);
  for (const [vm, address] of [
    ['a', '10.1.0.11'],
    ['b', '10.1.0.12'],
  ] as const)
    await vms.join(appliance, { vm, project: 'default', network: 'red', address }, '10.1.0.1');
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

async function names(appliance: Appliance, kind: string): Promise<string[]> {
  return (await appliance.must(['get', kind, '-o', 'name'])).split('\n').filter((name) => name !== '');
}

test.serial('an unconfirmed change is taken back although the kernel was killed meanwhile', async (t) => {
  const { appliance, vms } = t.context;
  t.true(await reachable(vms, 'a', '10.1.0.12'));
  const alone = { ...red, metadata: { name: 'alone' } };
  const { code, stderr } = await appliance.weft(['apply', '-f', '-', '--confirm', '4s'], { input: JSON.stringify(alone) });
  t.is(code, 0);
  t.regex(stderr, /keep it with: weft confirm \d+/);
  t.deepEqual(await names(appliance, 'network'), ['alone', 'red']);
  process.kill(await appliance.pid('kernel'), 'SIGKILL');
  t.true(await until(async () => (await appliance.weft(['get', 'network', '-o', 'name'])).stdout === 'red\n', 20_000, 250));
  t.regex(await appliance.must(['history', 'network', 'alone']), /system:kernel +deleted +VirtualNetwork\/default\/alone/);
  t.regex((await appliance.weft(['confirm'])).stderr, /nothing is on trial/);
  t.true(await reachable(vms, 'a', '10.1.0.12'));
});

test.serial('a confirmed change stays', async (t) => {
  const { appliance } = t.context;
  await appliance.weft(['apply', '-f', '-', '--confirm', '2s'], { input: JSON.stringify({ ...red, metadata: { name: 'kept' } }) });
  await appliance.must(['confirm']);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  t.deepEqual(await names(appliance, 'network'), ['kept', 'red']);
  await appliance.must(['delete', 'network', 'kept']);
});

test.serial('a rollback brings a deleted network back, and packets with it', async (t) => {
  const { appliance, vms } = t.context;
  const { items } = await appliance.json<{ items: { revision: number }[] }>(['history']);
  const revision = items[0]?.revision ?? 0;
  await appliance.must(['delete', 'network', 'red', '--cascade']);
  t.deepEqual(await names(appliance, 'port'), []);
  t.true(await until(async () => !(await reachable(vms, 'a', '10.1.0.12')), 10_000, 100));
  await appliance.must(['rollback', String(revision)]);
  t.deepEqual(await names(appliance, 'port'), ['a', 'b']);
  for (const port of ['a', 'b']) await appliance.must(['wait', 'port', port, '--for=ready', '--timeout=20s']);
  for (const [vm, address] of [
    ['a', '10.1.0.11'],
    ['b', '10.1.0.12'],
  ] as const)
    await vms.configure(vm, address, '10.1.0.1');
  t.true(await reachable(vms, 'a', '10.1.0.12'));
});

test.serial('a tenant works over TLS with a token, in its own project', async (t) => {
  const { appliance, tls } = t.context;
  await appliance.apply([
    { kind: 'Project', metadata: { name: 'shop' } },
    { kind: 'Token', metadata: { name: 'ci' } },
    { kind: 'Role', metadata: { name: 'shop' }, spec: { role: 'operator', projects: ['shop'], subjects: ['token:ci'] } },
  ]);
  const env = {
    WEFT_API: `https://${tls}`,
    WEFT_TOKEN: (await appliance.must(['token', 'issue', 'ci'])).trim(),
    WEFT_CA: join(appliance.stateDir, 'tls/certificate.pem'),
  };
  const weft = (args: string[], input = '', more = {}) => run(join(top, 'kernel/cli/bin/weft'), args, { input, env: { ...env, ...more } });
  const applied = await weft(['--project', 'shop', 'apply', '-f', '-'], JSON.stringify(red));
  t.is(applied.code, 0, applied.stderr);
  t.is((await weft(['--project', 'shop', 'get', 'network', '-o', 'name'])).stdout, 'red\n');
  t.regex((await weft(['get', 'network'])).stderr, /^error: the token ci may not list VirtualNetwork in project default/);
  t.is((await weft(['-A', 'get', 'network', '-o', 'name'])).stdout, 'shop/red\n');
  t.regex((await weft(['get', 'network'], '', { WEFT_CA: '' })).stderr, /^error: its certificate is not trusted.*WEFT_CA/);
  t.regex((await weft(['get', 'network'], '', { WEFT_TOKEN: '' })).stderr, /^error: the caller cannot be identified.*WEFT_TOKEN/);
});
