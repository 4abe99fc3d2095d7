import type { Flow } from '@weft/kernel/contract/net';
import test from 'ava';
import { deniedFlow, port } from '../test/world.ts';
import { denialOf } from './denial.ts';

const ports = new Map([
  [1, port('web1', 1, ['web'])],
  [2, port('db1', 2, ['db', 'ops/jump'])],
  [3, port('a/open', 3, undefined, { portSecurity: false })],
  [4, port('a/x', 4)],
]);
const told = (flow: Partial<Flow>) => denialOf(deniedFlow(flow), (id) => ports.get(id));

test('at the port that it came from, when none of its rules let it out', (t) => {
  t.deepEqual(told({ timeMs: Date.parse('2026-01-02T03:04:05.678Z') }), {
    time: '2026-01-02T03:04:05.678Z',
    project: 'default',
    port: 'web1',
    direction: 'egress',
    protocol: 'tcp',
    src: '10.1.0.1',
    srcPort: 40_000,
    dst: '10.1.0.2',
    dstPort: 5432,
    reason: 'policy-denied',
    text: 'egress of default/web1: no rule of group default/web allows tcp 5432 to 10.1.0.2',
    groups: ['web'],
  });
});

test('else at the port that it was sent to', (t) => {
  t.like(told({ egressRule: { group: 7, number: 0 } }), {
    port: 'db1',
    direction: 'ingress',
    text: 'ingress of default/db1: no rule of the groups default/db, ops/jump allows tcp 5432 from 10.1.0.1',
    groups: ['db', 'ops/jump'],
  });
  t.like(told({ fromPort: 3, toPort: 4 }), { project: 'a', port: 'x', direction: 'ingress', groups: ['default'] });
});

test('of a translated packet, each port is told what its own wire has', (t) => {
  const nat = { src: '203.0.113.1', srcPort: 2048, dst: '10.1.0.2', dstPort: 5432 };
  t.like(told({ dst: '203.0.113.30', nat }), { direction: 'egress', src: '10.1.0.1', dst: '203.0.113.30' });
  t.like(told({ dst: '203.0.113.30', nat, egressRule: { group: 7, number: 0 } }), {
    ...{ direction: 'ingress', src: '203.0.113.1', srcPort: 2048, dst: '10.1.0.2' },
    text: 'ingress of default/db1: no rule of the groups default/db, ops/jump allows tcp 5432 from 203.0.113.1',
  });
});

test('what is no port number is not told as one', (t) => {
  const icmp = told({ protocol: 1, srcPort: 77, dstPort: (3 << 8) | 1 });
  t.like(icmp, { protocol: 'icmp', icmpType: 3, icmpCode: 1 });
  t.false('srcPort' in (icmp ?? {}));
  const gre = told({ protocol: 47, srcPort: 0, dstPort: 0 });
  t.is(gre?.text, 'egress of default/web1: no rule of group default/web allows gre to 10.1.0.2');
  t.false('dstPort' in (gre ?? {}) || 'icmpType' in (gre ?? {}));
});

test('another reason is told in its own words', (t) => {
  t.like(told({ lastDrop: 'policy-pending' }), {
    reason: 'policy-pending',
    text: 'The rules of one of the two ports are not known: the plugin policy has not sent them yet, or is disabled.',
  });
});

test('nobody is told of a port whose object is gone', (t) => {
  t.is(told({ fromPort: 9, toPort: 9 }), undefined);
});
