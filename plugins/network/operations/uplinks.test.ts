/** What operations tell of uplinks and of what is translated there, and to whom. */
import type { OperationCall } from '@weft/kernel/sdk';
import test from 'ava';
import { Value } from 'typebox/value';
import { Programmer } from '../rows/programmer.ts';
import { call, db, flow, out, site, web } from '../test/outside.ts';
import { network, port, router, type Store, settings } from '../test/store.ts';
import { capture } from './capture.ts';
import { drops } from './drops.ts';
import { linesOf } from './flow-lines.ts';
import { flows, flowsSpec } from './flows.ts';
import { allLinks, linksOf } from './links.ts';
import { routes, routesSpec } from './routes.ts';
import { stats } from './stats.ts';

test('uplinks are told of to who may see all projects, whichever he asks about', (t) => {
  const store = site({ vlan: 101 });
  const { id, trunk } = out(store);
  for (const [asked, sees] of [
    [call('default'), true],
    [call('acme'), true],
    [call('-'), true],
    [call('acme', ['acme']), false],
    [call('default', ['default', 'acme']), false],
  ] as const)
    t.deepEqual([linksOf(store, asked).has(id), linksOf(store, asked).has(trunk ?? 0)], [sees, sees]);
  t.deepEqual(allLinks(store).get(trunk ?? 0), { project: '', port: 'public (trunk)', kind: 'Uplink' });
  store.apply([port('public')]);
  t.deepEqual([...linksOf(store, call('default'), 'public').values()], [{ project: 'default', port: 'public', kind: 'Port' }]);
  t.deepEqual([...linksOf(store, call('acme'), 'public').keys()], [id]);
});

test('drops, counters and captures of an uplink', async (t) => {
  const store = site();
  const { id } = out(store);
  const counters = {
    ...{ id, rxPackets: 1, rxBytes: 60, txPackets: 0, txBytes: 0 },
    ...{ injected: 0, cloned: 0, originated: 0, sent: 0, dropped: 1, punted: 0 },
  };
  const forwarder = {
    drops: () => Promise.resolve({ drops: [{ port: id, reason: 'nat-no-mapping', packets: 1, bytes: 60 }] }),
    stats: () => Promise.resolve({ ports: [counters] }),
    capture: async function* () {
      yield { frames: [], lost: 0 };
    },
  };
  const context = { objects: store, forwarder };
  const link = { project: '', port: 'public', kind: 'Uplink' };
  t.deepEqual((await drops(context, {}, call('default'))).items, [{ ...link, reason: 'nat-no-mapping', packets: 1, bytes: 60 }]);
  t.deepEqual((await drops(context, {}, call('acme', ['acme']))).items, [], 'not as those of nobody, either');
  t.like((await stats(context, { port: 'public' }, call('default'))).items[0], { ...link, balanced: true });
  await t.throwsAsync(stats(context, { port: 'public' }, call('acme', ['acme'])), { message: /no Port or Trunk public/ });
  const parts = await Array.fromAsync(capture(context, { port: 'public' }, { ...call('default'), file: true }));
  t.true(Buffer.isBuffer(parts[0]) && parts[0].includes('uplink public'));
  t.throws(() => capture(context, { port: 'public' }, call('acme', ['acme'])), { message: /no Port or Trunk public/ });
});

const namesFor = (store: Store, asked: OperationCall) => ({
  call: asked,
  link: (id: number) => allLinks(store).get(id),
  group: String,
});

test('a translated flow says into what, and the uplink is its peer', async (t) => {
  const store = site();
  const nat = { src: '203.0.113.1', srcPort: 2048, dst: '198.51.100.9', dstPort: 443 };
  const translated = flow({ fromPort: web(store).id, toPort: out(store).id, nat });
  const [line, ...more] = linesOf(translated, namesFor(store, call('default')));
  t.like(line, { port: 'web1', peer: 'uplink public', direction: 'egress', src: '10.1.0.11', dst: '198.51.100.9', nat });
  t.is(more.length, 0, 'an uplink is in no project');
  t.is(linesOf(translated, namesFor(store, call('-'))).length, 2);
  const [own] = linesOf(translated, namesFor(store, call('default')), out(store).id);
  t.like(own, { project: '', port: 'public', kind: 'Uplink', peer: 'default/web1', direction: 'ingress', nat });
  const forwarder = {
    flows: async function* () {
      yield [translated];
    },
    watchFlows: () => t.fail('nobody follows'),
  };
  const context = { objects: Object.assign(store, { revision: 1 }), forwarder };
  const parts = await Array.fromAsync(flows(context, new Map([[out(store).id, 1]]), { port: 'public' }, call('default')));
  t.true(parts.length === 1 && Value.Check(flowsSpec.output, parts[0]));
});

test('in a hairpin nobody is told the other tenant’s address inside', (t) => {
  const store = site();
  const nat = { src: '203.0.113.1', srcPort: 2048, dst: '10.2.0.5', dstPort: 443 };
  const hairpin = flow({ fromPort: web(store).id, toPort: db(store).id, dst: '203.0.113.30', nat });
  const [all] = linesOf(hairpin, namesFor(store, call('default')));
  t.deepEqual(all?.nat, nat);
  const [egress] = linesOf(hairpin, namesFor(store, call('default', ['default'])));
  t.like(egress, { src: '10.1.0.11', dst: '203.0.113.30', nat: { ...nat, dst: '203.0.113.30' } });
  const [ingress] = linesOf(hairpin, namesFor(store, call('acme', ['acme'])));
  t.like(ingress, { src: '203.0.113.1', srcPort: 2048, dst: '10.2.0.5', dstPort: 443 });
  t.notRegex(JSON.stringify(egress), /10\.2\.0/);
  t.notRegex(JSON.stringify(ingress), /10\.1\.0/);
});

test('routes show the way out of a network, and an uplink’s own', async (t) => {
  const store = site({ gateways: ['192.0.2.253', '192.0.2.254'] });
  store.apply([
    { ...network('native', '10.7.0.0/24'), spec: { ...network('native', '10.7.0.0/24').spec, underlay: 'public' } },
    { ...router('mixed', 'native'), spec: { networks: ['native'], external: { snatPool: 'shared' } } },
  ]);
  const programmer = new Programmer(store, { replace: () => Promise.resolve(), update: () => Promise.resolve() }, settings);
  await programmer.replace();
  const context = { objects: store, forwarder: { rows: () => Promise.resolve([]) } };
  const told = async (given: { network?: string }, asked: OperationCall) => {
    const answer = await routes(context, programmer.decisions, given, asked);
    t.true(Value.Check(routesSpec.output, answer));
    return answer.items.map(({ project, network: name, prefix, via, source, port: through, place, mac }) =>
      [`${project}/${name}`, prefix, via, source, through, place, mac].filter((each) => each !== undefined).join(' '),
    );
  };
  const external = (name: string) => ['0.0.0.0/0', '::/0'].map((prefix) => `${name} ${prefix} uplink public external`);
  t.deepEqual((await told({ network: 'red' }, call('default'))).slice(-2), external('default/red'));
  t.deepEqual((await told({ network: 'blue' }, call('acme', ['acme']))).slice(-2), external('acme/blue'));
  t.deepEqual(await told({ network: 'native' }, call('default')), [
    'default/native 0.0.0.0/0 uplink public underlay',
    'default/native 10.7.0.0/24 direct connected',
    'default/native ::/0 uplink public underlay',
  ]);
  const own = (await told({}, call('default'))).filter((line) => line.startsWith('/public'));
  t.deepEqual(own, [
    '/public 0.0.0.0/0 192.0.2.253 static uplink public 0',
    '/public 0.0.0.0/0 192.0.2.254 static uplink public 1',
    '/public 10.7.0.0/24 default/native underlay',
    '/public 192.0.2.0/24 direct connected',
  ]);
  t.deepEqual(
    (await told({}, call('default', ['default']))).filter((line) => line.startsWith('/public')),
    [],
  );
});

test('asking for an address or port finds what is shown, translated or not, and nothing else', async (t) => {
  const store = Object.assign(site(), { revision: 1 });
  const nat = { src: '203.0.113.1', srcPort: 2048, dst: '10.2.0.5', dstPort: 8443 };
  const hairpin = flow({ fromPort: web(store).id, toPort: db(store).id, dst: '203.0.113.30', nat });
  const forwarder = {
    flows: async function* () {
      yield [hairpin];
    },
    watchFlows: () => t.fail('nobody follows'),
  };
  const generations = new Map([web(store).id, db(store).id].map((id) => [id, 1]));
  const found = async (given: { address?: string; l4Port?: number }, project: string) => {
    const parts = await Array.fromAsync(flows({ objects: store, forwarder }, generations, given, call(project, [project])));
    return parts.flatMap(({ items }) => items).length;
  };
  for (const address of ['10.1.0.11', '203.0.113.1', '203.0.113.30']) t.is(await found({ address }, 'default'), 1, address);
  t.is(await found({ address: '10.2.0.5' }, 'default'), 0);
  for (const address of ['10.2.0.5', '203.0.113.1']) t.is(await found({ address }, 'acme'), 1, address);
  for (const address of ['10.1.0.11', '203.0.113.30']) t.is(await found({ address }, 'acme'), 0, address);
  t.deepEqual([await found({ l4Port: 2048 }, 'default'), await found({ l4Port: 8443 }, 'default')], [1, 0]);
  t.deepEqual([await found({ l4Port: 40_000 }, 'acme'), await found({ l4Port: 8443 }, 'acme')], [0, 1]);
});
