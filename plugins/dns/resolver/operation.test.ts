import type { VirtualNetwork } from '@weft/kernel/contract/net';
import type { ObjectCache } from '@weft/kernel/sdk';
import { makeObject } from '@weft/kernel/sdk/testing';
import test from 'ava';
import { Value } from 'typebox/value';
import { pretendedUpstreams, upstreamsOf } from '../test/pretended-upstreams.ts';
import { Fleet } from './fleet.ts';
import { showUpstreams, upstreamsOperation } from './operation.ts';

const network = (project: string, name: string, ...upstreams: string[]) =>
  makeObject<VirtualNetwork>('VirtualNetwork', name, { subnets: [], forwarding: 'l2_l3', resolver: { upstreams } }, { project });

const networks = [network('a', 'red', '198.51.100.1', '192.0.2.1'), network('a', 'blue'), network('b', 'red', '198.51.100.2')];
const objects = {
  list: (_kind: string, project?: string) => networks.filter(({ metadata }) => project === undefined || metadata.project === project),
} as unknown as ObjectCache;

const { clock, transports } = pretendedUpstreams(() => 'silent');
const fleet = new Fleet(transports, clock, 1000);
const show = showUpstreams(fleet, {
  upstreams: () => upstreamsOf('192.0.2.1', '[2001:db8::1]:5353'),
  denied: ({ address }) => ['198.51.100.2', '2001:db8::1'].includes(address),
  objects,
  now: () => clock.now(),
});
const shown = (...input: Parameters<typeof show>) => show(...input).items.map((item) => `${item.project}/${item.network} ${item.upstream}`);

test('shows the plugin’s list, then those of the networks that the caller may see', (t) => {
  const own = ['/ 192.0.2.1', '/ [2001:db8::1]:5353'];
  const ofA = ['a/red 198.51.100.1', 'a/red 192.0.2.1'];
  t.deepEqual(shown({}, { project: 'a' }), [...own, ...ofA]);
  t.deepEqual(shown({}, { project: '-' }), [...own, ...ofA, 'b/red 198.51.100.2']);
  t.deepEqual(shown({}, { project: '-', projects: ['b'] }), [...own, 'b/red 198.51.100.2']);
  t.deepEqual(shown({ network: 'red' }, { project: 'a' }), ofA);
});

test('tells which upstreams of networks are never asked, and why', (t) => {
  const row = show({}, { project: 'b' }).items.at(-1);
  t.like(row, { network: 'red', upstream: '198.51.100.2', state: 'denied', sent: 0 });
  t.regex(row?.lastError ?? '', /deniedUpstreams/);
  t.is(show({}, { project: 'b' }).items[1]?.state, 'unknown', 'the plugin’s own list is the administrator’s');
});

test('tells what is known of each, as its schema says', (t) => {
  const health = fleet.of(upstreamsOf('192.0.2.1')[0] ?? { address: '', port: 0 });
  Object.assign(health, { state: 'up', sent: 5, failures: 1, truncated: 1, tcp: 1, lastError: 'timeout' });
  health.answered(12.345);
  health.lacksEdns(clock.now());
  const answer = show({}, { project: 'a' });
  t.like(answer.items[0], {
    state: 'up',
    rttMs: 12.3,
    sent: 5,
    failures: 1,
    truncated: 1,
    tcp: 1,
    edns: false,
    mixedCase: true,
    lastError: 'timeout',
  });
  t.like(answer.items[3], { sent: 5 }, 'health is shared by address');
  t.is(answer.items[1]?.state, 'unknown');
  t.true(Value.Check(upstreamsOperation.output, answer));
});
