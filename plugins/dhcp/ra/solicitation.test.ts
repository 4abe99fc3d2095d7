import { buildIcmpv6Frame, type Icmpv6Frame } from '@weft/kernel/contract/net';
import test from 'ava';
import { parseSolicitation } from './solicitation.ts';

const good: Icmpv6Frame = {
  ...{ srcMac: '02:00:00:00:00:01', dstMac: '33:33:00:00:00:02', src: 'fe80::1', dst: 'ff02::2', hopLimit: 255, type: 133, code: 0 },
  body: Buffer.from('000000000101020000000001', 'hex'),
};
const body = (hex: string) => ({ body: Buffer.from(`00000000${hex}`, 'hex') });

test('takes a solicitation with and without options', (t) => {
  t.deepEqual(parseSolicitation(buildIcmpv6Frame(good)), good);
  t.truthy(parseSolicitation(buildIcmpv6Frame({ ...good, ...body('') })));
  t.truthy(parseSolicitation(buildIcmpv6Frame({ ...good, ...body('fd01000000000000') })), 'an unknown option');
  t.truthy(parseSolicitation(buildIcmpv6Frame({ ...good, ...body(''), src: '::' })));
});

// RFC 4861 §6.1.1, in its order.
for (const [name, wrong] of [
  ['a hop limit of 254', { hopLimit: 254 }],
  ['a code of 1', { code: 1 }],
  ['less than 8 bytes', { body: Buffer.alloc(3) }],
  ['an option of no length', body('0100020000000001')],
  ['an option behind the end', body('0102020000000001')],
  ['half an option', body('01')],
  ['a link-layer address of who has no address', { src: '::' }],
  ['an advertisement', { type: 134 }],
  ['a multicast source', { src: 'ff02::1' }],
] as const) {
  test(`discards ${name}`, (t) => {
    t.is(parseSolicitation(buildIcmpv6Frame({ ...good, ...wrong })), undefined);
  });
}

test('discards a wrong checksum', (t) => {
  const frame = buildIcmpv6Frame(good);
  frame.writeUInt8(frame.readUInt8(60) ^ 1, 60);
  t.is(parseSolicitation(frame), undefined);
});
