import test from 'ava';
import { Value } from 'typebox/value';
import { dnsConfig } from '../config.ts';
import { formatUpstream, hostUpstreams, parseResolvConf, parseUpstream } from './upstream.ts';

const read: readonly [text: string, address: string | undefined, port?: number][] = [
  ['192.0.2.1', '192.0.2.1', 53],
  ['192.0.2.1:5353', '192.0.2.1', 5353],
  ['2001:db8::1', '2001:db8::1', 53],
  ['[2001:db8::1]', '2001:db8::1', 53],
  ['[2001:db8::1]:5353', '2001:db8::1', 5353],
  ['::1', '::1', 53],
  ['dns.example', undefined],
  ['192.0.2.256', undefined],
  ['192.0.2.1:0', undefined],
  ['192.0.2.1:65536', undefined],
  ['192.0.2.1:', undefined],
  ['[192.0.2.1', undefined],
  ['', undefined],
];
for (const [text, address, port] of read) {
  test(`reads upstream '${text}'`, (t) =>
    t.deepEqual(parseUpstream(text), address === undefined ? undefined : { address, port: port ?? 0 }));
}

test('the settings take every upstream that can be read, and refuse what is no address at all', (t) => {
  const fits = (text: string) => Value.Check(dnsConfig, Value.Default(dnsConfig, { upstreams: [text] }));
  for (const [text, address] of read) if (address !== undefined) t.true(fits(text), text);
  for (const text of ['', 'dns.example', '[192.0.2.1', 'udp://192.0.2.1', '192.0.2.1 ']) t.false(fits(text), text);
});

test('reads the servers of resolv.conf in order', (t) => {
  const text =
    '# comment\nsearch example\nnameserver 192.0.2.1\n\tnameserver   fe80::1%eth0 trailing\nnameserver\nnameserver host\noptions x';
  t.deepEqual(
    parseResolvConf(text).map((upstream) => upstream.address),
    ['192.0.2.1', 'fe80::1%eth0'],
  );
});

test('a missing resolv.conf is no upstreams', (t) => {
  t.deepEqual(hostUpstreams('/nonexistent/resolv.conf', () => 0)(), []);
});

test('writes upstreams so that they can be read again', (t) => {
  for (const text of ['192.0.2.1', '192.0.2.1:5353', '2001:db8::1', '[2001:db8::1]:5353']) {
    t.is(formatUpstream(parseUpstream(text) ?? { address: '', port: 0 }), text);
  }
});
