import { networkInterfaces } from 'node:os';
import test from 'ava';
import { Value } from 'typebox/value';
import { deniedPrefixes, deniedUpstreamsSetting, isDenied } from './denied-upstreams.ts';

const byDefault = deniedPrefixes('x', Value.Create(deniedUpstreamsSetting));

test('by default the host itself and its links are denied, however they are written', (t) => {
  const host = ['127.0.0.1', '127.9.9.9', '0.0.0.0', '::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:FFFF:127.0.0.1'];
  for (const address of [...host, '169.254.169.254', '::ffff:169.254.1.1', 'fe80::1', 'fe80::1%eth0', 'FEBF::1%lo'])
    t.true(isDenied(byDefault, address), address);
});

test('the word host stands for what the interfaces have', (t) => {
  const own = Object.values(networkInterfaces()).flatMap((interfaces) => (interfaces ?? []).map(({ address }) => address));
  t.true(own.length > 0);
  for (const address of own) t.true(isDenied(deniedPrefixes('x', ['host']), address), address);
  t.false(isDenied(deniedPrefixes('x', ['host']), '192.0.2.1'));
});

test('other addresses are not, nor is what is no address', (t) => {
  for (const address of ['192.0.2.1', '10.0.0.1', '::ffff:192.0.2.1', '2001:db8::1', '::2', 'fd00::1', 'localhost', '127.1', '', '%'])
    t.false(isDenied(byDefault, address), address);
  t.false(isDenied([], '127.0.0.1'));
});

test('an entry that is no prefix is refused by its place', (t) => {
  for (const wrong of ['here', '127.0.0.1', '127.0.0.0/33', ''])
    t.throws(() => deniedPrefixes('x', ['::/0', wrong]), { message: /setting \/deniedUpstreams\/1 of plugin x is "/ }, wrong);
});
