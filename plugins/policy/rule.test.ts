import test from 'ava';
import { contentKey, parsePorts, rowCount, ruleContents } from './rule.ts';
import { type GivenRule, rulesOf } from './test/world.ts';

const groups: Readonly<Record<string, number>> = { web: 7, 'ops/jump': 9 };

/** Family, protocol, values, remote of each row. */
const rows = (rule: GivenRule) =>
  rulesOf([rule])
    .flatMap((one) => ruleContents(one, (name) => groups[name]))
    .map(({ protocol, portMin, portMax, address, prefixLength, remoteGroup }) =>
      [protocol, `${portMin}-${portMax}`, `${address}/${prefixLength}`, remoteGroup].join(' '),
    );

const cases: readonly (readonly [name: string, rule: GivenRule, expected: readonly string[]])[] = [
  ['all of both versions', { direction: 'egress' }, ['0 0-65535 0.0.0.0/0 0', '0 0-65535 ::/0 0']],
  ['one port', { direction: 'ingress', protocol: 'tcp', ports: 80 }, ['6 80-80 0.0.0.0/0 0', '6 80-80 ::/0 0']],
  [
    'a range of ports from an IPv4 prefix',
    { direction: 'ingress', protocol: 'tcp', ports: '80-443', remote: { cidr: '10.1.0.0/16' } },
    ['6 80-443 10.1.0.0/16 0'],
  ],
  ['an IPv6 prefix in its one form', { direction: 'ingress', remote: { cidr: '2001:DB8:0::/32' } }, ['0 0-65535 2001:db8::/32 0']],
  ['icmp is ICMPv6 over IPv6', { direction: 'ingress', protocol: 'icmp', icmpType: 8 }, ['1 2048-2303 0.0.0.0/0 0', '58 2048-2303 ::/0 0']],
  ['ICMPv6 alone', { direction: 'ingress', protocol: 'icmpv6', icmpType: 128, icmpCode: 0 }, ['58 32768-32768 ::/0 0']],
  ['icmp of an IPv6 prefix', { direction: 'ingress', protocol: 'icmp', remote: { cidr: 'fd00::/8' } }, ['58 0-65535 fd00::/8 0']],
  ['a protocol by number', { direction: 'ingress', protocol: 47, remote: { cidr: '0.0.0.0/0' } }, ['47 0-65535 0.0.0.0/0 0']],
  ['a number that has a name', { direction: 'ingress', protocol: '1', remote: { cidr: '::/0' } }, ['58 0-65535 ::/0 0']],
  ['a group', { direction: 'ingress', remote: { group: 'web' } }, ['0 0-65535 0.0.0.0/0 7', '0 0-65535 ::/0 7']],
  [
    'a group of another project',
    { direction: 'egress', protocol: 'udp', remote: { group: 'ops/jump' } },
    ['17 0-65535 0.0.0.0/0 9', '17 0-65535 ::/0 9'],
  ],
  ['a group that is not there has no members', { direction: 'ingress', remote: { group: 'gone' } }, []],
];
for (const [name, rule, expected] of cases) test(`a rule as rows: ${name}`, (t) => t.deepEqual(rows(rule), expected));

test('directions, and nothing but allow', (t) => {
  const [ingress, egress] = rulesOf([{ direction: 'ingress' }, { direction: 'egress' }]).map((rule) => ruleContents(rule, () => 1)[0]);
  t.like(ingress, { direction: 0, action: 0, priority: 0 });
  t.like(egress, { direction: 1, action: 0, priority: 0 });
});

test('ports are numbers from 1 to 65535 and ascending ranges of them', (t) => {
  t.deepEqual(parsePorts(80), { portMin: 80, portMax: 80 });
  t.deepEqual(parsePorts('1-65535'), { portMin: 1, portMax: 65_535 });
  for (const wrong of [0, '0', '0-10', '443-80', '65536', '1-99999', 'x', '', '1-', '-1'])
    t.is(parsePorts(wrong), undefined, String(wrong));
});

test('the key of a content tells all of it apart', (t) => {
  const rules: GivenRule[] = [
    { direction: 'ingress' },
    { direction: 'egress' },
    { direction: 'ingress', protocol: 'tcp' },
    { direction: 'ingress', protocol: 'tcp', ports: 1 },
    { direction: 'ingress', protocol: 'tcp', ports: '1-2' },
    { direction: 'ingress', remote: { cidr: '10.0.0.0/8' } },
    { direction: 'ingress', remote: { cidr: '10.0.0.0/9' } },
    { direction: 'ingress', remote: { group: 'web' } },
  ];
  const keys = rulesOf(rules).flatMap((rule) => ruleContents(rule, (name) => groups[name]).map(contentKey));
  t.is(new Set(keys).size, keys.length);
  t.is(rowCount(rulesOf(rules)), keys.length);
});
