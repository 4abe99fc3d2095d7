import test from 'ava';
import { upstreamsOf } from '../test/pretended-upstreams.ts';
import { Partitions } from './partitions.ts';

const own = upstreamsOf('192.0.2.1');
const partitions = () => new Partitions(() => own);
const spec = (...upstreams: string[]) => ({ upstreams });

test('networks without upstreams share those of the plugin', (t) => {
  const all = partitions();
  for (const without of [undefined, {}, spec()]) t.is(all.of('red', without), all.of('blue', undefined));
  t.deepEqual(all.of('red', undefined).upstreams(), own);
});

test('a network with upstreams is on its own, even with the same as another', (t) => {
  const all = partitions();
  const red = all.of('red', spec('198.51.100.1', '[2001:db8::1]:5353'));
  t.deepEqual(red.upstreams(), upstreamsOf('198.51.100.1', '[2001:db8::1]:5353'));
  t.is(all.of('red', spec('198.51.100.1', '[2001:db8::1]:5353')), red, 'as long as they are the same');
  t.not(all.of('blue', spec('198.51.100.1', '[2001:db8::1]:5353')).id, red.id);
  t.not(all.of('red', spec('198.51.100.1')).id, red.id);
  t.not(all.of('red', spec('198.51.100.1', '[2001:db8::1]:5353')).id, red.id, 'and not the same again');
});

test('what is denied is not asked, nor are those of the plugin in its place', (t) => {
  const all = new Partitions(
    () => own,
    ({ address }) => address !== '203.0.113.1',
  );
  t.deepEqual(all.of('red', spec('198.51.100.1', '203.0.113.1')).upstreams(), upstreamsOf('203.0.113.1'));
  t.deepEqual(all.of('blue', spec('198.51.100.1')).upstreams(), []);
  t.deepEqual(all.of('green', undefined).upstreams(), own);
});

test('what is no upstream is skipped', (t) => {
  t.deepEqual(partitions().of('red', spec('192.0.2.999', '198.51.100.1')).upstreams(), upstreamsOf('198.51.100.1'));
});
