import test from 'ava';
import { isMeant, readIdentity } from './identity.ts';

test('an identity tells slot and generation, in both families', (t) => {
  t.deepEqual(readIdentity('240.64.0.29'), { slot: 1, generation: 4, mask: 0x7f });
  t.deepEqual(readIdentity('::ffff:240.64.0.29'), { slot: 1, generation: 4, mask: 0x7f });
  t.deepEqual(readIdentity('247.255.255.255'), { slot: 0xffff, generation: 0x7f, mask: 0x7f });
  t.deepEqual(readIdentity('100::4:1:d'), { slot: 1, generation: 4, mask: 0xffff_ffff });
  t.deepEqual(readIdentity('100::ffff:ffff:ffff:ffff'), { slot: 0xffff, generation: 0xffff_ffff, mask: 0xffff_ffff });
});

test('addresses of any other meaning tell nothing', (t) => {
  for (const text of ['127.0.0.1', '239.255.255.255', '248.0.0.0', '::1', '100:0:0:1::', 'fe80::1', '::ffff:10.0.0.1', '', 'x'])
    t.is(readIdentity(text), undefined, text);
});

test('an IPv4 identity has the last 7 bits of a generation, an IPv6 one has all', (t) => {
  const [short, whole] = [readIdentity('240.64.0.29'), readIdentity('100::4:1:d')];
  t.deepEqual(
    [4, 132, 5].map((of) => short && isMeant(short, of)),
    [true, true, false],
  );
  t.deepEqual(
    [4, 132, 5].map((of) => whole && isMeant(whole, of)),
    [true, false, false],
  );
  t.true(isMeant({ slot: 1, generation: 0xffff_ffff, mask: 0xffff_ffff }, 0xffff_ffff));
});
