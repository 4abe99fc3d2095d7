/** The forwarder process as a real child, without any link. Needs root and the built library. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { bindingTypes, packUpsert, type Row, readRows } from '@weft/kernel/contract/net';
import { WeftFailure } from '@weft/kernel/contract/system';
import test from 'ava';
import { Launcher } from './launcher.ts';

const limits = { rate: 1_000, burst: 100, portRate: 100, portBurst: 100 };
const vrf = (id: number): Row => ({ table: 'vrf', id });
const port = (id: number): Row => ({
  ...{ table: 'port', id, bridge: 0, parent: 0, flags: 0, mac: '02:00:00:00:00:01', mtu: 1500, vlan: 0 },
  ...{ binding: bindingTypes.none, interface: '', netns: '', socket: '' },
});
const batch = (...rows: Row[]): Buffer => Buffer.concat(rows.map(packUpsert));

async function launch(t: { teardown(run: () => Promise<void>): void }, settings = {}): Promise<Launcher> {
  const launcher = new Launcher();
  t.teardown(() => launcher.close());
  await launcher.start(settings);
  return launcher;
}

async function errorOf(promise: Promise<unknown>) {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof WeftFailure) return thrown.error;
    throw thrown;
  }
  throw new Error('it was not refused');
}

test.serial('rows: a generation replaces the one before, reads give back what was written', async (t) => {
  const launcher = await launch(t);
  const { caller } = await launcher.plugin('network', ['vrf']);
  const first = await caller.call('rows.begin', {});
  t.deepEqual(await caller.call('rows.apply', { ...first, ops: batch(vrf(1), vrf(2)) }), { changed: 2 });
  t.deepEqual(await caller.call('rows.commit', first), { swept: 0 });
  const second = await caller.call('rows.begin', {});
  t.deepEqual(await caller.call('rows.apply', { ...second, ops: batch(vrf(2), vrf(3)) }), { changed: 1 });
  t.deepEqual(await caller.call('rows.commit', second), { swept: 1 });
  const { rows } = await caller.call('rows.read', { table: 'vrf' });
  t.deepEqual(
    readRows('vrf', rows).sort((a, b) => Number('id' in a && 'id' in b && a.id - b.id)),
    [vrf(2), vrf(3)],
  );
  t.deepEqual(await caller.call('rows.clear', {}), { swept: 2 });
});

test.serial('rows of a plugin that goes away stay; disabling it removes them, of nobody else', async (t) => {
  const launcher = await launch(t);
  const count = async (name: string): Promise<number> => {
    const { caller } = await launcher.plugin(name, ['vrf']);
    return readRows('vrf', (await caller.call('rows.read', { table: 'vrf' })).rows).length;
  };
  for (const [name, id] of [
    ['network', 1],
    ['dns', 2],
  ] as const) {
    const { caller } = await launcher.plugin(name, ['vrf']);
    await caller.call('rows.apply', { ...(await caller.call('rows.begin', {})), ops: batch(vrf(id)) });
  }
  launcher.forget('network');
  t.is(await count('network'), 1);
  launcher.forget('network', true);
  t.is(await count('network'), 0);
  t.is(await count('dns'), 1);
  launcher.forget('dns');
  await launcher.end('SIGKILL');
  launcher.forget('dns', true);
  await launcher.start();
  t.is(await count('dns'), 0, 'disabled while the forwarder was down');
});

test.serial('a batch of many parts is published whole or not at all', async (t) => {
  const launcher = await launch(t);
  const { caller } = await launcher.plugin('network', ['vrf']);
  const many = Array.from({ length: 2_500 }, (_, index) => vrf(index + 1));
  const begun = await caller.call('rows.begin', {});
  const bad = packUpsert(vrf(1));
  bad.writeUInt32LE(0xffff_ffff, 8);
  const refused = await errorOf(caller.call('rows.apply', { ...begun, ops: Buffer.concat([batch(...many), bad]) }));
  t.is(refused.code, 'INVALID');
  t.regex(refused.message, /counting from operation 2000: .*500.*id/);
  t.is((await caller.call('rows.read', { table: 'vrf' })).rows.length, 0);
  t.deepEqual(await caller.call('rows.apply', { ...begun, ops: batch(...many.slice(0, 1_200)), more: true }), { changed: 0 });
  t.is((await caller.call('rows.read', { table: 'vrf' })).rows.length, 0);
  t.deepEqual(await caller.call('rows.apply', { ...begun, ops: batch(...many.slice(1_200)) }), { changed: 2_500 });
  t.deepEqual(await caller.call('rows.commit', begun), { swept: 0 });
});

test.serial('a plugin writes granted tables only; a refusal forgets what was staged', async (t) => {
  const launcher = await launch(t);
  const { caller } = await launcher.plugin('dhcp', ['vrf']);
  const begun = await caller.call('rows.begin', {});
  await caller.call('rows.apply', { ...begun, ops: batch(vrf(1)), more: true });
  const refused = await errorOf(caller.call('rows.apply', { ...begun, ops: batch(port(1)) }));
  t.is(refused.code, 'FORBIDDEN');
  t.regex(refused.message, /operation 0 is for table port/);
  t.deepEqual(await caller.call('rows.apply', { ...begun, ops: batch(vrf(2)) }), { changed: 1 });
  t.deepEqual(readRows('vrf', (await caller.call('rows.read', { table: 'vrf' })).rows), [vrf(2)]);
  t.is((await errorOf(caller.call('rows.apply', { generation: begun.generation + 1, ops: batch(vrf(3)) }))).code, 'CONFLICT');
});

test.serial('a row of another plugin cannot be changed', async (t) => {
  const launcher = await launch(t);
  const [{ caller: first }, { caller: second }] = [await launcher.plugin('one', ['vrf']), await launcher.plugin('two', ['vrf'])];
  await first.call('rows.apply', { ...(await first.call('rows.begin', {})), ops: batch(vrf(1)) });
  const begun = await second.call('rows.begin', {});
  t.is((await errorOf(second.call('rows.apply', { ...begun, ops: batch(vrf(1)) }))).code, 'FORBIDDEN');
});

test.serial('a port without a link comes up and goes, and its watcher is told', async (t) => {
  const launcher = await launch(t);
  const { caller } = await launcher.plugin('network', ['port']);
  const items = caller.stream('ports.watch', {});
  t.deepEqual((await items.next()).value, { ports: [], removed: [] });
  const begun = await caller.call('rows.begin', {});
  await caller.call('rows.apply', { ...begun, ops: batch(port(7)) });
  for await (const { ports } of items) if (ports.some(({ id, state, reason }) => id === 7 && state === 'up' && reason === '')) break;
  t.is((await caller.call('ports.read', {})).ports[0]?.state, 'up');
  t.is((await caller.call('stats.read', { ports: [7] })).ports[0]?.rxPackets, 0);
  t.deepEqual(await caller.call('stats.read', { ports: [8] }), { ports: [] });
  t.deepEqual(await caller.call('drops.read', {}), { drops: [] });
  const again = caller.stream('ports.watch', {});
  await again.next();
  await caller.call('rows.clear', {});
  for await (const { removed } of again) if (removed.includes(7)) break;
  t.deepEqual(await caller.call('ports.read', {}), { ports: [] });
});

test.serial('punt classes keep their numbers over kill -9; the epoch changes', async (t) => {
  const launcher = await launch(t);
  const classes = (...names: string[]) => names.map((name) => ({ name, ...limits }));
  await launcher.plugin('dhcp', [], classes('dhcp'));
  const { caller } = await launcher.plugin('dns', ['service'], classes('dns', 'mdns'));
  const before = await caller.call('hello', { name: 'dns' });
  t.deepEqual(before.puntClasses, { dns: 2, mdns: 3 });
  await launcher.end('SIGKILL');
  launcher.forget('dhcp');
  await launcher.start();
  const { caller: reconnected } = await launcher.plugin('dns', ['service'], classes('mdns', 'dns'));
  const after = await reconnected.call('hello', { name: 'dns' });
  t.deepEqual(after.puntClasses, before.puntClasses);
  t.not(after.epoch, before.epoch);
  t.is((await errorOf(reconnected.call('hello', { name: 'dhcp' }))).code, 'FORBIDDEN');
});

test.serial('ends orderly on SIGTERM', async (t) => {
  const launcher = await launch(t);
  await launcher.plugin('network', ['vrf']);
  t.is(await launcher.end('SIGTERM'), 0);
  for (const line of launcher.output.split('\n')) if (line.startsWith('{')) t.true('msg' in JSON.parse(line));
});

test.serial('faults are unknown unless a setting asks for them', async (t) => {
  const launcher = await launch(t);
  const { caller } = await launcher.plugin('network', []);
  t.is((await errorOf(caller.call('debug.killWorker' as never, {} as never))).code, 'NOT_FOUND');
});

test.serial('folders that DPDK made for dead forwarders go, those of the living stay, and none of its own is left', async (t) => {
  const folder = (pid: number): string => `/var/run/dpdk/weft-${pid}`;
  const [dead, living] = [folder(spawnSync('true').pid), folder(process.pid)];
  for (const path of [dead, living]) mkdirSync(path, { recursive: true });
  t.teardown(() => rmdirSync(living));
  const launcher = await launch(t);
  t.false(existsSync(dead));
  t.true(existsSync(living));
  const { pid } = launcher;
  await launcher.end('SIGTERM');
  t.false(existsSync(folder(pid)));
});

test.serial('says what is wrong with its settings and ends', async (t) => {
  const launcher = new Launcher();
  t.teardown(() => launcher.close());
  await t.throwsAsync(launcher.start({ maxPorts: 'many' }), { message: /forwarder setting \/maxPorts is .*many/ });
});
