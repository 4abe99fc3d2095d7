import test from 'ava';
import { ruleProblems } from './rule-problems.ts';
import { type GivenRule, rulesOf } from './test/world.ts';

const said = (rule: GivenRule) =>
  rulesOf([rule])
    .flatMap(ruleProblems)
    .map(({ field, message, fix }) => `${field} ${message}: ${fix}`);
const ingress = { direction: 'ingress' } as const;

const refused: readonly (readonly [rule: GivenRule, expected: RegExp])[] = [
  [{ ...ingress, protocol: 'http' }, /^\/protocol http is no protocol: write a number from 1 to 255, or one of any, icmp,.* tcp,/],
  [{ ...ingress, protocol: '0' }, /^\/protocol 0 is no protocol/],
  [{ ...ingress, protocol: '256' }, /^\/protocol 256 is no protocol/],
  [{ ...ingress, ports: 80 }, /^\/ports rules for any cannot name ports: leave it out, or write the protocol tcp/],
  [{ ...ingress, protocol: 'gre', ports: 80 }, /^\/ports rules for gre cannot/],
  [{ ...ingress, protocol: 'icmp', ports: 8 }, /^\/ports ICMP has no ports: leave it out, or write icmpType/],
  [{ ...ingress, protocol: 'tcp', ports: '443-80' }, /^\/ports the range 443-80 is reversed: write 80-443$/],
  [{ ...ingress, protocol: 'tcp', ports: '80,443' }, /^\/ports 80,443 is a list: write one port or one range, .* one rule for each/],
  [{ ...ingress, protocol: 'TCP', ports: 80 }, /^\/protocol TCP is no protocol: write it in lower case: tcp$/],
  [{ ...ingress, protocol: 'tcp', ports: '80-90-100' }, /^\/ports 80-90-100 is neither a port/],
  [{ ...ingress, protocol: 'tcp', ports: '0-80' }, /^\/ports 0-80 is neither/],
  [{ ...ingress, protocol: 'tcp', icmpType: 8 }, /^\/icmpType tcp has no ICMP messages: leave it out, or write the protocol icmp/],
  [{ ...ingress, icmpType: 8 }, /^\/icmpType any has no ICMP messages/],
  [{ ...ingress, protocol: 'icmp', icmpCode: 0 }, /^\/icmpCode a code belongs to a type: write icmpType, too/],
  [{ ...ingress, remote: {} }, /^\/remote names nobody: write cidr or group, or leave remote out: anyone/],
  [{ ...ingress, remote: { cidr: '10.0.0.0/8', group: 'web' } }, /^\/remote names both a cidr and a group: keep one of them/],
  [{ ...ingress, remote: { cidr: '10.1.0.1/16' } }, /^\/remote\/cidr 10.1.0.1\/16 has host bits set: write 10.1.0.0\/16$/],
  [{ ...ingress, remote: { cidr: '10.1.0.1' } }, /^\/remote\/cidr 10.1.0.1 is no prefix: write ADDRESS\/LENGTH, such as 10.1.0.1\/32$/],
  [{ ...ingress, remote: { cidr: '2001:db8::1' } }, /such as 2001:db8::1\/128$/],
  [
    { ...ingress, remote: { cidr: '10.0.0.0/33' } },
    /^\/remote\/cidr 10.0.0.0\/33 is no prefix: write ADDRESS\/LENGTH, such as 10.1.0.0\/24/,
  ],
  [
    { ...ingress, protocol: 'icmpv6', remote: { cidr: '10.0.0.0/8' } },
    /^\/remote\/cidr ICMPv6 does not come from IPv4 addresses: write the protocol icmp, or an IPv6 prefix/,
  ],
];
for (const [rule, expected] of refused)
  test(`refuses ${JSON.stringify(rule)}`, (t) => {
    const [first, ...others] = said(rule);
    t.regex(first ?? '', expected);
    t.deepEqual(others, []);
  });

const admitted: readonly GivenRule[] = [
  ingress,
  { ...ingress, protocol: 'tcp', ports: '80-443', remote: { cidr: '0.0.0.0/0' } },
  { ...ingress, protocol: 'sctp', ports: 80 },
  { ...ingress, protocol: 136, ports: 80 },
  { ...ingress, protocol: 'icmp', icmpType: 8, remote: { group: 'web' } },
  { ...ingress, protocol: 'icmpv6', icmpType: 1, icmpCode: 4, remote: { cidr: '::/0' } },
  { ...ingress, protocol: 'icmp', remote: { cidr: '::/0' } },
  { ...ingress, protocol: '254' },
];
for (const rule of admitted) test(`takes ${JSON.stringify(rule)}`, (t) => t.deepEqual(said(rule), []));
