import { parseIp, type Uplink } from '@weft/kernel/contract/net';
import test from 'ava';
import { uplink, world } from './test/world.ts';
import { isSubnetEdge, ownAddresses, placeOf, unfit, usedBy } from './uplinks.ts';

const other = uplink('other', 1, ['198.51.100.2/25', 'fe80::7/64']);
const both = [world, other];
const address = (text: string) => parseIp(text) ?? { family: 4 as const, value: 0n };
const place = (text: string, named?: string, uplinks = both) => {
  const found = placeOf(address(text), named, uplinks);
  return found.uplink === undefined ? found.reason : `${found.uplink.metadata.name} ${found.prefixLength}`;
};

test('an address is behind the uplink with a subnet that holds it', (t) => {
  t.is(place('192.0.2.8'), 'world 24');
  t.is(place('198.51.100.8'), 'other 25');
  t.is(place('2001:db8:f::8'), 'world 64');
});

test('one in no subnet is behind the uplink that is named, or the only one', (t) => {
  t.is(place('203.0.113.8', 'other'), 'other 0');
  t.is(place('203.0.113.8', undefined, [world]), 'world 0');
  t.is(place('203.0.113.8'), 'several uplinks could have it: world, other');
  t.is(place('203.0.113.8', undefined, []), 'there is no Uplink yet');
  t.is(place('203.0.113.8', 'gone'), 'there is no Uplink gone');
});

test('one that was decided stays, whatever uplinks come, while its uplink is there and allows it', (t) => {
  const kept = (text: string, named: string | undefined, uplinks: readonly Uplink[]) => {
    const { uplink: found } = placeOf(address(text), named, uplinks, 'world');
    return found?.metadata.name;
  };
  const closed: Uplink = { ...world, spec: { ...world.spec, allowedPrefixes: [] } };
  t.is(kept('203.0.113.8', undefined, both), 'world');
  t.is(kept('198.51.100.8', undefined, both), 'world', 'another one has a subnet for it by now');
  t.is(kept('203.0.113.8', 'other', both), 'other', 'it is named');
  t.is(kept('203.0.113.8', undefined, [other]), 'other', 'its own is gone');
  t.is(kept('198.51.100.8', undefined, [closed, other]), 'other', 'its own does not allow it');
  t.is(kept('203.0.113.8', undefined, [closed, other]), 'world', 'no other could have it for sure');
});

test('of several subnets that hold it that of the uplink that is named, else the longest', (t) => {
  const wide = uplink('wide', 2, ['192.0.0.2/16']);
  t.is(place('192.0.2.8', undefined, [wide, world]), 'world 24');
  t.is(place('192.0.2.8', 'wide', [wide, world]), 'wide 16');
  t.is(place('192.0.2.8', 'other', [other, world]), 'world 24');
});

test('what an uplink has itself is known', (t) => {
  t.is(usedBy('192.0.2.2', both), 'the own address of Uplink/world');
  t.is(usedBy('192.0.2.1', both), 'a gateway of Uplink/world');
  t.is(usedBy('192.0.2.3', both), undefined);
  t.deepEqual(ownAddresses(other), ['198.51.100.2']);
});

test('the ends of an IPv4 subnet name no host, but of those that have two addresses', (t) => {
  t.true(isSubnetEdge(address('192.0.2.0'), both));
  t.true(isSubnetEdge(address('198.51.100.127'), both));
  t.false(isSubnetEdge(address('198.51.100.128'), both));
  t.false(isSubnetEdge(address('2001:db8:f::'), both));
  t.false(isSubnetEdge(address('192.0.2.3'), [uplink('point', 3, ['192.0.2.2/31'])]));
});

for (const text of [
  '0.0.0.0',
  '127.0.0.1',
  '169.254.1.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:1.2.3.4',
  '64:ff9b::808:808',
  'fe80::1',
  'ff02::1',
])
  test(`${text} is no outside address`, (t) => t.is(typeof unfit(address(text)), 'string'));

test('any other may be one', (t) => {
  for (const text of ['10.0.0.1', '100.64.0.1', '198.51.100.8', '2001:db8::1', 'fd00::1']) t.is(unfit(address(text)), undefined);
});
