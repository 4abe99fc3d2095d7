import test from 'ava';
import {
  decidedText,
  deniedAt,
  deniedText,
  flowSeenAt,
  packetText,
  protocolName,
  protocolNames,
  protocolNumber,
  ruleText,
} from './policy-words.ts';
import type { RuleRow } from './rows.gen.ts';
import { ruleActions, ruleDirections } from './terms.ts';

const rule: RuleRow = {
  ...{ table: 'rule', group: 7, number: 1, priority: 0, remoteGroup: 0, portMin: 80, portMax: 443, address: '0.0.0.0', prefixLength: 0 },
  ...{ direction: ruleDirections.egress, action: ruleActions.allow, protocol: 6 },
};
const groupName = (group: number): string => ({ 7: 'web', 8: 'db' })[group] ?? `${group}`;
const ingress = { direction: ruleDirections.ingress };
const all = { portMin: 0, portMax: 65_535 };

for (const [text, fields] of [
  ['tcp 80-443 to any IPv4', {}],
  ['tcp 22 from 10.1.0.0/16', { ...ingress, portMin: 22, portMax: 22, address: '10.1.0.0', prefixLength: 16 }],
  ['udp to any IPv6', { ...all, protocol: 17, address: '::' }],
  ['any from group db', { ...ingress, ...all, protocol: 0, remoteGroup: 8 }],
  ['icmp from group 9', { ...ingress, ...all, protocol: 1, remoteGroup: 9 }],
  ['icmp type 8 from any IPv4', { ...ingress, protocol: 1, portMin: 8 << 8, portMax: (8 << 8) | 255 }],
  [
    'icmpv6 type 1 code 4 from 2001:db8::/32',
    { ...ingress, protocol: 58, portMin: 260, portMax: 260, address: '2001:db8::', prefixLength: 32 },
  ],
  ['200 to any IPv4', { ...all, protocol: 200 }],
] as const)
  test(`a rule in words: ${text}`, (t) => {
    t.is(ruleText({ ...rule, ...fields }, groupName), text);
  });

test('a packet in words', (t) => {
  t.is(packetText(6, 443), 'tcp 443');
  t.is(packetText(1, 8 << 8), 'icmp type 8');
  t.is(packetText(58, (1 << 8) | 4), 'icmpv6 type 1 code 4');
  t.is(packetText(47, 0), 'gre');
});

test('what was decided, at which end', (t) => {
  const flow = { protocol: 6, src: '10.1.0.11', dst: '10.1.0.12', dstPort: 3306 };
  const from = { direction: 'egress', port: 'web1', groups: ['web'] } as const;
  const to = { direction: 'ingress', port: 'db1', groups: ['db', 'ops'] } as const;
  t.is(decidedText(from, rule, groupName), 'egress of web1: rule tcp 80-443 to any IPv4 of group web allows');
  t.is(
    decidedText(to, { ...rule, ...ingress, action: ruleActions.deny }, groupName),
    'ingress of db1: rule tcp 80-443 from any IPv4 of group web denies',
  );
  t.is(deniedText(to, flow), 'ingress of db1: no rule of the groups db, ops allows tcp 3306 from 10.1.0.11');
  t.is(deniedText(from, flow), 'egress of web1: no rule of group web allows tcp 3306 to 10.1.0.12');
  t.is(deniedText({ ...from, groups: [] }, flow), 'egress of web1: no rule allows tcp 3306 to 10.1.0.12');
  t.is(deniedAt({}, true), 'egress');
  t.is(deniedAt({ egressRule: { group: 7, number: 1 } }, true), 'ingress');
  t.is(deniedAt({}, false), 'ingress');
});

test('protocols go by name, by number and by digits', (t) => {
  for (const name of protocolNames) t.is(protocolName(protocolNumber(name) ?? -1), name);
  t.is(protocolNumber('47'), 47);
  t.is(protocolNumber(200), 200);
  t.is(protocolName(200), '200');
  for (const wrong of ['0', '256', 'TCP', '', '1x', 0, 256]) t.is(protocolNumber(wrong), undefined, String(wrong));
});

test('at each end a flow has the addresses and ports of its wire', (t) => {
  const sent = { src: '10.1.0.11', srcPort: 40_000, dst: '203.0.113.30', dstPort: 443 };
  const nat = { src: '203.0.113.1', srcPort: 2048, dst: '10.2.0.5', dstPort: 443 };
  const flow = { protocol: 6, ...sent, nat };
  t.deepEqual(flowSeenAt(flow, 'egress'), { protocol: 6, ...sent });
  t.deepEqual(flowSeenAt(flow, 'ingress'), { protocol: 6, ...nat });
  t.deepEqual(flowSeenAt({ protocol: 6, ...sent }, 'ingress'), { protocol: 6, ...sent });
});
