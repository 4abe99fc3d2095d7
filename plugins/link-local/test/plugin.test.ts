import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { anyVrf, protocols, serviceActions } from '@weft/kernel/contract/net';
import { keyOf } from '@weft/kernel/contract/system';
import { startPlugin, type TestPlugin } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import plugin from '../index.ts';
import { network, port, service, tcpServer, tenants, udpServer } from './world.ts';

const address = '169.254.169.123';
const asker = (number: number, asked = address) => ({ port: number, generation: 1, address: asked });

async function started(t: ExecutionContext, objects: Parameters<TestPlugin['put']>[0][], config: object = {}) {
  // The upstreams of these tests are on this host.
  const running = await startPlugin(plugin, { objects: [...tenants, ...objects], config: { deniedUpstreams: [], ...config } });
  t.teardown(() => running.stop());
  return running;
}

/** Sends all, ends, and returns everything that comes until the other side ends. */
async function talk(socket: Socket, said: string): Promise<string> {
  let heard = '';
  socket.on('data', (data) => (heard += data));
  socket.end(said);
  await once(socket, 'close');
  return heard;
}

test('a VM of the project is led to the upstream, one of another project finds nobody', async (t) => {
  const { upstream } = await tcpServer(t, 'ntp');
  const running = await started(t, [service('a', 'time', { upstreams: [upstream] })]);
  t.deepEqual(
    running.forwarder.rows('service').map(({ vrf, protocol, l4Port, address: at, action }) => [vrf, protocol, l4Port, at, action]),
    [[1, protocols.tcp, 8080, address, serviceActions.port]],
  );
  t.is(await talk(await running.servicePort.connect(8080, asker(11)), 'hello'), 'ntp hello');
  const stranger = await running.servicePort.connect(8080, asker(12));
  const [error] = await once(stranger, 'error');
  t.is((error as NodeJS.ErrnoException).code, 'ECONNRESET');
  await t.throwsAsync(running.servicePort.connect(8081, asker(11)), { code: 'ECONNREFUSED' });
});

test('the same address and port of two projects lead to different servers', async (t) => {
  const [one, two] = [await tcpServer(t, 'one'), await tcpServer(t, 'two')];
  const running = await started(t, [service('a', 's', { upstreams: [one.upstream] }), service('b', 's', { upstreams: [two.upstream] })]);
  t.is(await talk(await running.servicePort.connect(8080, asker(11)), 'x'), 'one x');
  t.is(await talk(await running.servicePort.connect(8080, asker(12)), 'x'), 'two x');
});

test('a shared service is for all projects, and a project’s own goes before it', async (t) => {
  const [shared, own] = [await tcpServer(t, 'shared'), await tcpServer(t, 'own')];
  const running = await started(t, [
    service('default', 'all', { upstreams: [shared.upstream] }, true),
    service('b', 'mine', { upstreams: [own.upstream] }),
  ]);
  t.is(await talk(await running.servicePort.connect(8080, asker(11)), ''), 'shared ');
  t.is(await talk(await running.servicePort.connect(8080, asker(12)), ''), 'own ');
  t.false(running.forwarder.rows('service').some(({ vrf }) => vrf === anyVrf));
});

test('an upstream that refuses is passed over at once, and told of', async (t) => {
  const [dead, live] = [await tcpServer(t, 'dead'), await tcpServer(t, 'live')];
  dead.server.close();
  const running = await started(t, [service('a', 's', { upstreams: [dead.upstream, live.upstream] })]);
  for (let turn = 0; turn < 12; turn += 1) t.is(await talk(await running.servicePort.connect(8080, asker(11)), ''), 'live ');
  const { items } = (await running.operation('upstreams', {}, 'a')) as { items: { upstream: string; state: string; error: string }[] };
  t.deepEqual(items.map(({ state }) => state).sort(), ['down', 'up']);
  t.regex(items.find(({ state }) => state === 'down')?.error ?? '', /ECONNREFUSED/);
});

test('without any upstream the VM is cut off and the status says why, until one is back', async (t) => {
  const { server, upstream } = await tcpServer(t, 'back');
  server.close();
  await once(server, 'close');
  const object = service('a', 's', { upstreams: [upstream] });
  const running = await started(t, [object]);
  const socket = await running.servicePort.connect(8080, asker(11));
  await once(socket, 'error');
  await running.settle();
  t.like(running.kernel.status(keyOf(object)), { phase: 'Down' });
  server.listen(upstream.port, '127.0.0.1');
  await once(server, 'listening');
  t.is(await talk(await running.servicePort.connect(8080, asker(11)), ''), 'back ');
  await running.settle();
  t.like(running.kernel.status(keyOf(object)), { phase: 'Active', reason: '' });
});

test('one port has so many sessions and no more, others have theirs', async (t) => {
  const { upstream } = await tcpServer(t, 'ok');
  const running = await started(t, [service('default', 's', { upstreams: [upstream] }, true)], { maxPerPort: 2 });
  const first = await running.servicePort.connect(8080, asker(11));
  const second = await running.servicePort.connect(8080, asker(11));
  await once(second, 'data');
  const third = await running.servicePort.connect(8080, asker(11));
  await once(third, 'error');
  t.is(await talk(await running.servicePort.connect(8080, asker(12)), ''), 'ok ');
  await talk(first, '');
  await running.settle();
  t.is(await talk(await running.servicePort.connect(8080, asker(11)), ''), 'ok ');
  t.regex(await running.metrics(), /weft_link_local_requests_total\{outcome="no-room"\} 1/);
  second.destroy();
});

test('datagrams: each socket of a VM has its session, and answers find back', async (t) => {
  const { upstream } = await udpServer(t, 'clock');
  const running = await started(t, [service('a', 'time', { port: 123, protocol: 'udp', upstreams: [upstream] })]);
  const ask = (said: string, peer: string) => running.servicePort.datagram(123, asker(11), Buffer.from(said), peer);
  const answers = [...(await Promise.all([ask('1', 'p1'), ask('2', 'p2')])), await ask('3', 'p1')];
  t.deepEqual(answers.map(String), ['clock: 1', 'clock: 2', 'clock: 3']);
  const { items } = (await running.operation('upstreams', {}, '-')) as { items: { open: number }[] };
  t.is(items[0]?.open, 2);
});

test('a UDP server that falls silent is left for another', async (t) => {
  const [one, two] = [await udpServer(t, 'one'), await udpServer(t, 'two')];
  const running = await started(t, [service('a', 'time', { port: 123, protocol: 'udp', upstreams: [one.upstream, two.upstream] })]);
  const ask = (said: string) => running.servicePort.datagram(123, asker(11), Buffer.from(said));
  const [chosen] = String(await ask('who')).split(':');
  const [silent, other] = chosen === 'one' ? [one, 'two'] : [two, 'one'];
  silent.state.silent = true;
  for (let turn = 0; turn < 3; turn += 1) void ask('lost');
  await sleep(1_100);
  void ask('the last that is lost');
  t.is(String(await ask('again')), `${other}: again`);
});

test('a burst of datagrams says nothing of the server', async (t) => {
  const { upstream } = await udpServer(t, 'clock');
  const running = await started(t, [service('a', 'time', { port: 123, protocol: 'udp', upstreams: [upstream] })]);
  const ask = (said: string) => running.servicePort.datagram(123, asker(11), Buffer.from(said), 'p1');
  await ask('first');
  for (let turn = 0; turn < 5; turn += 1) void ask('more');
  t.is(String(await ask('last')), 'clock: more');
  const { items } = (await running.operation('upstreams', {}, 'a')) as { items: { state: string; total: number }[] };
  t.like(items, [{ state: 'up', total: 1 }]);
});

test('an upstream to which no socket may be connected is one that failed, and no more', async (t) => {
  const object = service('a', 'time', { port: 123, protocol: 'udp', upstreams: [{ address: '255.255.255.255', port: 123 }] });
  const running = await started(t, [object]);
  void running.servicePort.datagram(123, asker(11), Buffer.from('x'));
  await sleep(100);
  await running.settle();
  t.like(running.kernel.status(keyOf(object)), { phase: 'Down' });
  // Without any network on this host the reason is another one.
  t.regex(String(running.kernel.status(keyOf(object))?.reason), /^255\.255\.255\.255:123: connect E[A-Z]+/);
});

test('with other upstreams sessions of datagrams begin anew; a service that is deleted ends its connections', async (t) => {
  const [one, two] = [await udpServer(t, 'one'), await udpServer(t, 'two')];
  const object = service('a', 'time', { port: 123, protocol: 'udp', upstreams: [one.upstream] });
  const { upstream } = await tcpServer(t, 'web');
  const web = service('a', 'web', { upstreams: [upstream] });
  const running = await started(t, [object, web]);
  const ask = () => running.servicePort.datagram(123, asker(11), Buffer.from('x'), 'p1');
  t.is(String(await ask()), 'one: x');
  await running.put({ ...object, spec: { ...object.spec, upstreams: [two.upstream] } });
  t.is(String(await ask()), 'two: x');
  const client = await running.servicePort.connect(8080, asker(11));
  await once(client, 'data');
  const failed = once(client, 'error');
  await running.remove(keyOf(web));
  const [error] = await failed;
  t.is((error as NodeJS.ErrnoException).code, 'ECONNRESET');
});

test('an upstream by name is found through the host, and a name without an address is told', async (t) => {
  const { upstream } = await tcpServer(t, 'named');
  const running = await started(t, [
    service('a', 's', { upstreams: [{ address: 'localhost', port: upstream.port }] }),
    service('a', 'lost', { port: 99, upstreams: [{ address: 'no-such-name.invalid', port: 1 }] }),
  ]);
  t.is(await talk(await running.servicePort.connect(8080, asker(11)), ''), 'named ');
  const { items } = (await running.operation('upstreams', {}, 'a')) as { items: { service: string; error: string }[] };
  t.regex(items.find((item) => item.service === 'lost')?.error ?? '', /no-such-name\.invalid has no address/);
});

test('a network whose subnet holds the address is left alone, and the status says so', async (t) => {
  const { upstream } = await tcpServer(t, 'x');
  const object = service('a', 's', { address: '10.1.0.5', upstreams: [upstream] });
  const running = await started(t, [object]);
  t.deepEqual(running.forwarder.rows('service'), []);
  t.like(running.kernel.status(keyOf(object)), { phase: 'Down', reason: 'not served in red: a subnet there holds 10.1.0.5' });
});

test('sockets and rows come and go with services and networks', async (t) => {
  const { upstream } = await tcpServer(t, 'x');
  const running = await started(t, []);
  t.deepEqual(running.forwarder.rows('service'), []);
  const object = service('a', 's', { upstreams: [upstream] });
  await running.put(object);
  t.is(await talk(await running.servicePort.connect(8080, asker(11)), ''), 'x ');
  await running.put(network('a', 3, '10.3.0.0/24'));
  t.deepEqual(
    running.forwarder.rows('service').map(({ vrf }) => vrf),
    [3],
  );
  await running.put(port('a', 13));
  t.is(await talk(await running.servicePort.connect(8080, asker(13)), ''), 'x ');
  await running.remove(keyOf(object));
  t.deepEqual(running.forwarder.rows('service'), []);
  await t.throwsAsync(running.servicePort.connect(8080, asker(11)), { code: 'ECONNREFUSED' });
});

test('what the schema cannot say is refused with field and fix', async (t) => {
  const running = await started(t, [service('a', 'there', { upstreams: [{ address: '192.0.2.1', port: 1 }] })]);
  const upstreams = [{ address: '192.0.2.1', port: 1 }];
  const refused = async (spec: Parameters<typeof service>[2]) => {
    const { refusals } = await running.write([service('a', 'new', { upstreams, port: 9, ...spec })]);
    return refusals.map(({ pointer, fix }) => (fix === undefined || fix === '' ? 'no fix' : pointer));
  };
  t.deepEqual(await refused({ address: '169.254' }), ['/spec/address']);
  t.deepEqual(await refused({ address: '224.0.0.1' }), ['/spec/address']);
  t.deepEqual(await refused({ address: 'ff02::1' }), ['/spec/address']);
  t.deepEqual(await refused({ address: '169.254.169.254', port: 80 }), ['/spec/port']);
  t.deepEqual(await refused({ address: 'FE80::A9FE:A9FE', port: 80 }), ['/spec/port']);
  t.deepEqual(await refused({ protocol: 'udp', port: 67 }), ['/spec/port']);
  t.deepEqual(await refused({ port: 8080 }), ['/spec/port']);
  t.deepEqual(await refused({ upstreams: [{ address: '192.0.2.300', port: 1 }] }), ['/spec/upstreams/0/address']);
  t.deepEqual(await refused({ upstreams: [{ address: '-x', port: 1 }] }), ['/spec/upstreams/0/address']);
  t.deepEqual(await refused({}), []);
});

test('what the setting denies is asked by nobody: refused by address, passed over by name', async (t) => {
  const { upstream } = await tcpServer(t, 'host');
  const byName = service('a', 'named', { upstreams: [{ address: 'localhost', port: upstream.port }] });
  const running = await started(t, [byName], { deniedUpstreams: ['127.0.0.0/8', '::1/128'] });
  const socket = await running.servicePort.connect(8080, asker(11));
  const [error] = await once(socket, 'error');
  t.is((error as NodeJS.ErrnoException).code, 'ECONNRESET');
  await running.settle();
  t.regex(String(running.kernel.status(keyOf(byName))?.reason), /127\.0\.0\.1 is denied by the setting deniedUpstreams/);
  const { refusals } = await running.write([service('a', 'new', { port: 9, upstreams: [upstream] })]);
  t.like(refusals, [{ pointer: '/spec/upstreams/0/address', fix: 'name another server' }]);
  const wrong = startPlugin(plugin, { config: { deniedUpstreams: ['here'] } });
  await t.throwsAsync(wrong, { message: /\/deniedUpstreams\/0 of plugin link-local is "here"/ });
});
