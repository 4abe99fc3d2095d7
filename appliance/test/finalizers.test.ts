/** Deleted objects wait for their plugin, across restarts; what a plugin made goes with its owner; what nobody serves is told of. */
import { request } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Appliance, top, until } from '../run/appliance.ts';

const locker = { kind: 'Locker', metadata: { name: 'l' }, spec: {} };

function ask(appliance: Appliance, method: string, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(appliance.stateDir, 'api.sock'), method, path }, async (response) => {
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat((await response.toArray()) as Buffer[]).toString() });
    });
    asked.on('error', reject).end();
  });
}

async function started(t: ExecutionContext, folder: string, stateDir?: string): Promise<Appliance> {
  const settings = JSON.stringify({ pluginDirs: [join(top, 'appliance/test', folder)] });
  const appliance = new Appliance({ settings, ...(stateDir === undefined ? {} : { stateDir }) });
  t.teardown(() => appliance.stop());
  await appliance.start();
  return appliance;
}

test('an object with a finalizer, what it owns, and what is left of both', async (t) => {
  const first = await started(t, 'plugins-locker');
  await first.apply([locker]);
  t.truthy(await until(async () => (await first.weft(['get', 'lockerkey', 'l'])).code === 0, 10_000), 'the plugin makes a key');
  const cut = await first.weft(['apply', '-f', '-'], {
    input: JSON.stringify({ kind: 'LockerKey', metadata: { name: 'l' }, spec: { cut: 8 } }),
  });
  t.regex(cut.stderr, /is managed by the plugin locker \(LockerKey\/default\/l \/spec\/cut\): .*open to you: \/spec\/note/);
  await first.apply([{ kind: 'LockerKey', metadata: { name: 'l' }, spec: { cut: 7, note: 'mine' } }]);

  const deleted = await first.must(['delete', 'locker', 'l']);
  t.regex(deleted, /Locker\/default\/l deleted \(it goes once locker has put away what it made\)/);
  t.regex(deleted, /LockerKey\/default\/l deleted$/m);
  process.kill(await first.pid('kernel'), 'SIGKILL');
  await until(async () => (await first.weft(['status'])).code === 0, 30_000);
  t.regex((await first.weft(['apply', '-f', '-'], { input: JSON.stringify(locker) })).stderr, /is being deleted: locker still puts away/);
  const emptied = await until(async () => {
    const { body } = await ask(first, 'POST', '/v1/default/operations/locker.empty');
    return body.includes('"emptied":1') && body;
  }, 10_000);
  t.truthy(emptied);
  t.truthy(await until(async () => (await first.weft(['get', 'locker', 'l'])).code === 1, 5_000));

  await first.apply([locker, { ...locker, metadata: { name: 'm' } }]);
  await until(async () => (await first.json<{ items: unknown[] }>(['get', 'lockerkeys'])).items.length === 2, 10_000);
  await first.must(['delete', 'locker', 'm']);
  await first.stop(false);
  const second = await started(t, 'plugins-keeper', first.stateDir);
  const { counts, alarms } = await second.json<{ counts: object; alarms: { status: { text: string } }[] }>(['status']);
  t.deepEqual(counts, { Alarm: 1, Locker: 1, LockerKey: 1, Project: 1 }, 'nobody holds m any more');
  t.regex(alarms[0]?.status.text ?? '', /1 Locker \(the plugin locker is not installed\), 1 LockerKey/);
  const { status, body } = await ask(second, 'GET', '/v1/default/lockers/l');
  t.is(status, 503);
  t.regex(body, /the plugin locker is not installed/);
  t.is((await ask(second, 'DELETE', '/v1/default/lockers/l')).status, 200);
  t.deepEqual((await second.json<{ counts: object }>(['status'])).counts, { Project: 1 });
});
