import test from 'ava';
import { buildIcmpv6Frame, type Icmpv6Frame, parseIcmpv6Frame } from './icmpv6.ts';

const parts: Icmpv6Frame = {
  srcMac: '02:00:00:00:00:01',
  dstMac: '33:33:00:00:00:02',
  src: 'fe80::1',
  dst: 'ff02::2',
  hopLimit: 255,
  type: 133,
  code: 0,
  body: Buffer.from('000000000101020000000001', 'hex'),
};

// Made with scapy: Ether(src='02:00:00:00:00:01', dst='33:33:00:00:00:02')/IPv6(src='fe80::1', dst='ff02::2', hlim=255)/ICMPv6ND_RS()/ICMPv6NDOptSrcLLAddr(lladdr='02:00:00:00:00:01')
const wire =
  '33330000000202000000000186dd6000000000103afffe800000000000000000000000000001ff02000000000000000000000000000285007a2c000000000101020000000001';

test('builds the bytes that scapy builds, and reads them', (t) => {
  t.is(buildIcmpv6Frame(parts).toString('hex'), wire);
  t.deepEqual(parseIcmpv6Frame(Buffer.from(wire, 'hex')), parts);
});

test('reads behind a VLAN tag and before padding', (t) => {
  const tagged = buildIcmpv6Frame({ ...parts, vlan: 7 });
  t.deepEqual(parseIcmpv6Frame(Buffer.concat([tagged, Buffer.alloc(9, 0xff)])), { ...parts, vlan: 7 });
});

for (const [name, at, hex] of [
  ['a wrong checksum', 56, '0000'],
  ['UDP', 20, '11'],
  ['a hop-by-hop header', 20, '00'],
  ['IPv4', 12, '0800'],
  ['a length behind the end', 18, '0100'],
  ['a length of nothing', 18, '0000'],
] as const) {
  test(`refuses ${name}`, (t) => {
    const frame = Buffer.from(wire, 'hex');
    frame.write(hex, at, 'hex');
    t.is(parseIcmpv6Frame(frame), undefined);
  });
}

test('refuses every frame that is cut short', (t) => {
  const frame = Buffer.from(wire, 'hex');
  for (let length = 0; length < frame.length; length++) t.is(parseIcmpv6Frame(frame.subarray(0, length)), undefined, String(length));
});

test('builds nothing of IPv4', (t) => {
  t.throws(() => buildIcmpv6Frame({ ...parts, src: '10.1.0.1', dst: '10.1.0.2' }), { instanceOf: RangeError });
});
