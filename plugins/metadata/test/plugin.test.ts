import { serviceActions } from '@weft/kernel/contract/net';
import { startPlugin, type TestPlugin } from '@weft/kernel/sdk/testing';
import test from 'ava';
import plugin from '../index.ts';
import { serviceAddresses } from '../service-rows.ts';
import { dial, fetchOnce, speak } from './client.ts';
import { instanceData, instanceIds, metadata, network, port, ports, tenants } from './world.ts';

const idPath = '/latest/meta-data/instance-id';

async function started(t: { teardown(f: () => unknown): void }, more: readonly object[] = [], config: object = {}): Promise<TestPlugin> {
  const running = await startPlugin(plugin, { objects: [...tenants, ...(more as typeof tenants)], config });
  t.teardown(() => running.stop());
  return running;
}

const actions = (running: TestPlugin, vrf: number) =>
  running.forwarder
    .rows('service')
    .flatMap((row) => (row.vrf === vrf ? [[row.address, row.protocol, row.l4Port, row.action]] : []))
    .sort();

test('each network gets three rows, whatever its forwarding; with none they refuse', async (t) => {
  const running = await started(t, [metadata('a', 'blue', { scope: { network: 'blue' }, mode: 'none' })]);
  const expected = (action: number) => serviceAddresses.map((address) => [address, 6, 80, action]).sort();
  for (const vrf of [1, 2, 3]) t.deepEqual(actions(running, vrf), expected(serviceActions.port), `network ${vrf}`);
  t.deepEqual(actions(running, 4), expected(serviceActions.reject));
  await running.remove({ kind: 'Metadata', project: 'a', name: 'blue' });
  t.deepEqual(actions(running, 4), expected(serviceActions.port));
  await running.put(metadata('a', 'all', { mode: 'none' }));
  t.deepEqual(actions(running, 1), expected(serviceActions.reject));
  t.deepEqual(actions(running, 2), expected(serviceActions.port), 'another project');
  await running.put(network('b', 'late', 9));
  t.deepEqual(actions(running, 9), expected(serviceActions.port));
});

test('the setting mode holds where no object does', async (t) => {
  const running = await started(t, [metadata('a', 'red', { scope: { network: 'red' } })], { mode: 'none' });
  t.is(actions(running, 1)[0]?.[3], serviceActions.port);
  t.is(actions(running, 2)[0]?.[3], serviceActions.reject);
});

test('each port reads its own data, at every address, though addresses and names are the same', async (t) => {
  const running = await started(t);
  for (const address of serviceAddresses)
    for (const name of ['web1', 'twin', 'web6'] as const)
      t.is((await fetchOnce(running, ports[name], idPath, { address })).text, instanceIds[name]);
  t.is((await fetchOnce(running, ports.blue, idPath)).text, 'port-a-plain');
  t.is((await fetchOnce(running, ports.web1, '/latest/user-data')).text, '#cloud-config\n');
  t.deepEqual((await fetchOnce(running, ports.twin, '/latest/user-data')).body, Buffer.from([0x1f, 0x8b, 0, 255, 10, 13]));
});

test('what a VM claims to be changes nothing', async (t) => {
  const running = await started(t);
  const headers = {
    Host: instanceIds.twin,
    'X-Instance-ID': instanceIds.twin,
    'X-Forwarded-For': '10.1.0.99',
    Forwarded: 'for=2',
    Authorization: 'x',
  };
  t.is((await fetchOnce(running, ports.web1, `http://${instanceIds.twin}${idPath}`, { headers })).text, instanceIds.web1);
});

test('answers follow the objects', async (t) => {
  const running = await started(t);
  const read = async (path: string) => (await fetchOnce(running, ports.web1, path)).text;
  t.is(await read('/latest/user-data'), '#cloud-config\n');
  await running.put(instanceData('a', 'web1', { userData: 'new' }));
  t.is(await read('/latest/user-data'), 'new');
  await running.put(instanceData('a', 'web1', { port: 'plain', userData: 'moved' }));
  t.is(await read('/latest/user-data'), '404: there is no such item\n');
  await running.remove({ kind: 'InstanceData', project: 'a', name: 'web1' });
  await running.put(network('a', 'red', 1, { domain: 'red.example' }));
  t.is(await read('/latest/meta-data/hostname'), 'web1.red.example');
  await running.put(port('a', 'red', 'web1', ports.web1, ['10.1.0.12'], { hostname: 'other' }));
  t.is(await read('/latest/meta-data/hostname'), 'other.red.example');
  t.is(await read('/latest/meta-data/local-ipv4'), '10.1.0.12');
});

test('a connection dies with its port, and a number that comes to another port takes nothing along', async (t) => {
  const running = await started(t);
  const socket = await dial(running, ports.web1);
  const request = `GET ${idPath} HTTP/1.1\r\nHost: x\r\n\r\n`;
  t.regex(await speak(socket, request, /4f2e-9d0c-0123456789ab/), /200 OK/);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await running.remove({ kind: 'Port', project: 'a', name: 'web1' });
  await closed;
  await running.put(port('b', 'red', 'heir', ports.web1, [], { instanceId: instanceIds.web6 }));
  t.is((await fetchOnce(running, ports.web1, idPath)).text, instanceIds.web6);
  await t.throwsAsync(fetchOnce(running, 77, idPath), undefined, 'no such port');
});

test('requireToken asks for a token in both layouts; it holds for its port only', async (t) => {
  const running = await started(t, [metadata('a', 'all', { requireToken: true })]);
  for (const path of ['/', idPath, '/openstack/latest/meta_data.json'])
    t.is((await fetchOnce(running, ports.web1, path)).status, 401, path);
  const put = { method: 'PUT', headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '21600' } };
  const given = await fetchOnce(running, ports.web1, '/latest/api/token', put);
  t.is(given.headers['x-aws-ec2-metadata-token-ttl-seconds'], '21600');
  const headers = { 'X-aws-ec2-metadata-token': given.text };
  t.is((await fetchOnce(running, ports.web1, idPath, { headers })).text, instanceIds.web1);
  t.is((await fetchOnce(running, ports.blue, idPath, { headers })).status, 401);
  t.is((await fetchOnce(running, ports.twin, idPath)).status, 200, 'another project');
});

test('HEAD has the headers of GET and no body; types are those that clients expect', async (t) => {
  const running = await started(t);
  for (const [path, type] of [
    [idPath, 'text/plain; charset=utf-8'],
    ['/openstack/latest/meta_data.json', 'application/json'],
    ['/openstack/latest/user_data', 'application/octet-stream'],
  ] as const) {
    const [get, head] = [await fetchOnce(running, ports.web1, path), await fetchOnce(running, ports.web1, path, { method: 'HEAD' })];
    t.deepEqual([get.headers['content-type'], head.headers['content-type'], head.body.length], [type, type, 0]);
    t.is(head.headers['content-length'], `${get.body.length}`);
  }
});

test('weft metadata shows what became of the requests of each port, to those who may see it', async (t) => {
  const running = await started(t);
  await fetchOnce(running, ports.web1, idPath);
  await fetchOnce(running, ports.web1, '/nothing');
  await fetchOnce(running, ports.twin, idPath);
  const items = async (project: string) => ((await running.operation('requests', {}, project)) as { items: object[] }).items;
  t.is((await items('-')).length, 2);
  const [own, ...others] = await items('a');
  t.deepEqual(others, []);
  t.like(own, { project: 'a', port: 'web1', network: 'red', mode: 'builtin', requests: 2, refused: 0, lastStatus: 404, lastError: '' });
});

test('metrics count answers by mode and class', async (t) => {
  const running = await started(t);
  await fetchOnce(running, ports.web1, idPath);
  await fetchOnce(running, ports.web1, '/nothing');
  const text = await running.metrics();
  t.regex(text, /weft_metadata_responses_total\{mode="builtin",status="2xx"\} 1/);
  t.regex(text, /weft_metadata_responses_total\{mode="builtin",status="4xx"\} 1/);
  t.regex(text, /weft_metadata_cached_bytes [1-9]/);
});
