/** Names of the outside through the whole plugin: networks with upstreams of their own, DNS64, what operators see, and the alarm. */
import type { ResolverSpec } from '@weft/kernel/contract/net';
import test from 'ava';
import { reverseName } from '../message/name.ts';
import { formatUpstream } from '../resolver/upstream.ts';
import { started } from './asking.ts';
import { answersOf, kind, nastyServer, type Script } from './nasty-server.ts';
import { soa } from './pretended-upstreams.ts';
import { network, port, tenants } from './world.ts';

/** Network green of project c, with port vm (7, 10.7.0.11). */
function green(resolver: ResolverSpec) {
  const bare = network('c', 'green', 7, 7, { domain: 'green.example' });
  return [
    { ...bare, spec: { ...bare.spec, resolver } },
    { ...port('c', 'green', 'vm', 7, '10.7.0.11'), status: { ...statusOf('10.7.0.11'), id: 7 } },
  ];
}
/** IPv4 only, so that there is something to make. */
const statusOf = (address: string) => ({ mac: '02:00:00:00:00:07', addresses: [address], reason: '', since: '' });

/** IPv4 addresses only, and no such name as its own secret to others. */
const ipv4Only: Script = ({ query, reply }) =>
  reply(query.questions[0]?.type === 1 ? answersOf(query) : { authorities: [soa('example.org', 60, 60)] });

test('a network asks its own upstreams, and only it hears what they say', async (t) => {
  const own = await nastyServer(t, ({ query, reply }) => {
    reply({ answers: query.questions.map((asked) => ({ ...asked, ttl: 30, data: Buffer.from([203, 0, 113, 7]) })) });
  });
  const { ask } = await started(t, [...tenants, ...green({ upstreams: [formatUpstream(own.upstream)] })]);
  for (let round = 0; round < 2; round += 1) {
    t.deepEqual((await ask(7, 'www.example.org')).data, ['203.0.113.7']);
    t.deepEqual((await ask(1, 'www.example.org')).data, ['192.0.2.80']);
  }
  t.is(own.heard.length, 1);
});

test('DNS64 for names of the outside and of ports, there and back', async (t) => {
  const { upstream, heard } = await nastyServer(t, ipv4Only);
  const resolver = { upstreams: [formatUpstream(upstream)], dns64: '2001:db8:64::/96' };
  const { ask, asked } = await started(t, [...tenants, ...green(resolver)]);
  t.deepEqual((await ask(7, 'www.example.org', 'AAAA')).data, ['2001:db8:64::c000:250']);
  const before = heard.length;
  t.deepEqual((await ask(7, 'vm.green.example', 'AAAA')).data, ['2001:db8:64::a07:b']);
  t.deepEqual((await ask(7, 'vm.green.example', 'A')).data, ['10.7.0.11']);
  const made = reverseName('2001:db8:64::a07:b').join('.');
  t.deepEqual((await ask(7, made, 'PTR')).data, ['11.0.7.10.in-addr.arpa.', 'vm.green.example.']);
  t.is((await ask(7, 'nobody.green.example', 'AAAA')).rcode, 3);
  t.is((await ask(7, 'ipv4only.arpa', 'AAAA')).answers.length, 2);
  t.is(heard.length, before, 'none of these concerns an upstream');
  t.deepEqual((await ask(1, 'web1.red.example', 'AAAA')).data, ['2001:db8:1::11'], 'not in other networks');
  t.deepEqual(asked, []);
});

test('a network’s upstream on the host itself is not asked, nor are those of the plugin instead', async (t) => {
  const own = await nastyServer(t, kind);
  const objects = [...tenants, ...green({ upstreams: [formatUpstream(own.upstream)] })];
  const { ask, asked, running } = await started(t, objects, { deniedUpstreams: ['127.0.0.0/8'] });
  t.is((await ask(7, 'www.example.org')).rcode, 2);
  t.deepEqual([own.heard.length, asked.length], [0, 0]);
  const { items } = (await running.operation('upstreams', {}, '-')) as { items: Record<string, unknown>[] };
  t.like(items[1], { network: 'green', state: 'denied', sent: 0 });
  t.deepEqual((await ask(1, 'www.example.org')).data, ['192.0.2.80'], 'the plugin’s own may be there');
});

test('shows what is known of upstreams, and counts them by state', async (t) => {
  const { upstream } = await nastyServer(t, kind);
  const own = formatUpstream(upstream);
  const { ask, running } = await started(t, [...tenants, ...green({ upstreams: [own] })]);
  await ask(7, 'www.example.org');
  const { items } = (await running.operation('upstreams', {}, '-')) as { items: Record<string, unknown>[] };
  t.is(items.length, 2);
  t.like(items[0], { project: '', network: '', state: 'unknown', sent: 0 });
  t.like(items[1], { project: 'c', network: 'green', upstream: own, state: 'up', sent: 1, failures: 0 });
  const metrics = await running.metrics();
  t.true(metrics.includes('weft_dns_upstreams{state="unknown"} 1\n'));
  t.true(metrics.includes('weft_dns_cache_entries 1\n'));
});

test('raises an alarm while no upstream of its list answers', async (t) => {
  let silent = true;
  const script: Script = (one) => void (silent || kind(one));
  const [first, second] = [await nastyServer(t, script), await nastyServer(t, script)];
  const upstreams = [first, second].map((server) => formatUpstream(server.upstream));
  const { ask, running } = await started(t, tenants, { upstreams, timeoutMs: 50, hedgeMs: 20 });
  t.is((await ask(1, 'www.example.org')).rcode, 2);
  await running.until(() => running.kernel.alarms.has('upstreams'));
  t.like(running.kernel.alarms.get('upstreams'), { severity: 'critical', subject: 'plugin dns' });
  silent = false;
  await running.until(() => !running.kernel.alarms.has('upstreams'));
  t.deepEqual((await ask(1, 'www.example.org')).data, ['192.0.2.80'], 'asked again at once');
});
