import test from 'ava';
import { originForm, partsOf } from './target.ts';

for (const [title, target, origin] of [
  ['origin form stays as it is', '/latest//meta-data/?a=b', '/latest//meta-data/?a=b'],
  ['absolute form loses scheme and host', 'http://169.254.169.254/latest/meta-data', '/latest/meta-data'],
  ['absolute form with an IPv6 host and a port', 'HTTP://[fd00:ec2::254]:80/x?y', '/x?y'],
  ['absolute form without a path', 'http://host', '/'],
  ['absolute form with nothing but a query', 'http://host?x', '/?x'],
  ['asterisk form', '*', undefined],
  ['authority form', '169.254.169.254:80', undefined],
  ['another scheme', 'ftp://host/x', undefined],
  ['no path at all', '', undefined],
  ['bytes outside of ASCII', '/caf\u00e9', undefined],
  ['a control character', '/a\u0001', undefined],
] as const)
  test(`target: ${title}`, (t) => t.is(originForm(target), origin));

for (const [title, path, parts] of [
  ['slashes too many do not count', '//latest///meta-data//', ['latest', 'meta-data']],
  ['query and fragment do not count', '/a?b/c#d', ['a']],
  ['the root', '/', []],
  ['escapes are read once', '/macs/02%3a00%3A1', ['macs', '02:00:1']],
  ['an escaped escape stays one', '/%252e%252e', ['%2e%2e']],
  ['UTF-8', '/%C3%A9', ['é']],
  ['a step up', '/latest/../x', undefined],
  ['an escaped step up', '/latest/%2e%2E/x', undefined],
  ['a step nowhere', '/./latest', undefined],
  ['an escaped slash', '/latest%2fmeta-data', undefined],
  ['an escaped backslash', '/a%5cb', undefined],
  ['a zero byte', '/a%00', undefined],
  ['half an escape', '/a%4', undefined],
  ['bytes that are no UTF-8', '/%ff%fe', undefined],
] as const)
  test(`parts: ${title}`, (t) => t.deepEqual(partsOf(path), parts as string[] | undefined));
