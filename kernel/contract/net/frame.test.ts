import test from 'ava';
import { buildUdpFrame, internetChecksum, parseUdpFrame, type UdpFrame, writeIpv4, writeMac } from './frame.ts';
import { packPunt, puntFlagVlan, readPunts, replyTo } from './punt.ts';

const parts: UdpFrame = {
  srcMac: '02:00:00:00:00:01',
  dstMac: '00:00:5e:00:01:00',
  src: '10.1.0.11',
  dst: '10.1.0.1',
  srcPort: 40000,
  dstPort: 53,
  payload: Buffer.from('abc'),
};

// Made with scapy: Ether(dst='00:00:5e:00:01:00', src='02:00:00:00:00:01')/IP(src='10.1.0.11', dst='10.1.0.1', id=0, flags='DF')/UDP(sport=40000, dport=53)/b'abc'
const wire = '00005e00010002000000000108004500001f00004000401126c10a01000b0a0100019c400035000b8af2616263';

const parts6: UdpFrame = { ...parts, src: '2001:db8:1::11', dst: '2001:db8:1::1' };
// Made with scapy: Ether(…)/IPv6(src='2001:db8:1::11', dst='2001:db8:1::1', hlim=64)/UDP(sport=40000, dport=53)/b'abc'
const wire6 =
  '00005e00010002000000000186dd60000000000b114020010db800010000000000000000001120010db80001000000000000000000019c400035000b437a616263';

/** The frame with some bytes overwritten. */
function changed(at: number, hex: string, from = wire): Buffer {
  const frame = Buffer.from(from, 'hex');
  frame.write(hex, at, 'hex');
  return frame;
}

/** The same after mending the IPv4 header checksum. */
function mended(frame: Buffer): Buffer {
  frame.writeUInt16BE(0, 24);
  frame.writeUInt16BE(internetChecksum(frame.subarray(14, 34)), 24);
  return frame;
}

test('builds the bytes that scapy builds', (t) => {
  t.is(buildUdpFrame(parts).toString('hex'), wire);
});

test('reads what it builds, with and without tag, odd and even length', (t) => {
  for (const payload of ['', 'a', 'ab'].map((text) => Buffer.from(text))) {
    t.deepEqual(parseUdpFrame(buildUdpFrame({ ...parts, payload })), { ...parts, payload });
    t.deepEqual(parseUdpFrame(buildUdpFrame({ ...parts, payload, vlan: 4095 })), { ...parts, payload, vlan: 4095 });
  }
});

test('builds and reads IPv6', (t) => {
  t.is(buildUdpFrame(parts6).toString('hex'), wire6);
  t.deepEqual(parseUdpFrame(Buffer.from(wire6, 'hex')), parts6);
  t.deepEqual(parseUdpFrame(buildUdpFrame({ ...parts6, vlan: 7 })), { ...parts6, vlan: 7 });
  t.is(parseUdpFrame(Buffer.concat([buildUdpFrame(parts6), Buffer.alloc(20, 0xff)]))?.payload.toString(), 'abc');
  const pseudo = Buffer.concat([buildUdpFrame(parts6).subarray(22, 54), Buffer.from([0, 17, 0, 11])]);
  const bare = (internetChecksum(pseudo) ^ 0xffff).toString(16).padStart(4, '0');
  t.is(parseUdpFrame(changed(60, bare, wire6))?.dstPort, 53);
});

test('reads past padding and IPv4 options', (t) => {
  t.is(parseUdpFrame(Buffer.concat([buildUdpFrame(parts), Buffer.alloc(20, 0xff)]))?.payload.toString(), 'abc');
  const frame = buildUdpFrame(parts);
  const longer = Buffer.concat([frame.subarray(0, 34), Buffer.from('01010100', 'hex'), frame.subarray(34)]);
  longer.writeUInt8(0x46, 14);
  longer.writeUInt16BE(longer.length - 14, 16);
  longer.writeUInt16BE(0, 24);
  longer.writeUInt16BE(internetChecksum(longer.subarray(14, 38)), 24);
  t.is(parseUdpFrame(longer)?.payload.toString(), 'abc');
});

test('takes no checksum, and the bare pseudo-header sum of checksum offload', (t) => {
  t.is(parseUdpFrame(changed(40, '0000'))?.dstPort, 53);
  const pseudo = Buffer.concat([buildUdpFrame(parts).subarray(26, 34), Buffer.from([0, 17, 0, 11])]);
  const bare = internetChecksum(pseudo) ^ 0xffff;
  t.is(parseUdpFrame(changed(40, bare.toString(16).padStart(4, '0')))?.dstPort, 53);
});

const refused: readonly [name: string, frame: Buffer][] = [
  ['IPv6 without a checksum', changed(60, '0000', wire6)],
  ['IPv6 with a wrong checksum', changed(64, 'ff', wire6)],
  ['IPv6 with an extension header', changed(20, '00', wire6)],
  ['IPv6 under the number of another version', changed(14, '40', wire6)],
  ['an IPv6 payload beyond the frame', changed(18, '000c', wire6)],
  ['an IPv6 payload without UDP header', changed(18, '0007', wire6)],
  ['a wrong UDP checksum', changed(44, 'ff')],
  ['a wrong header checksum', changed(24, '0000')],
  ['another EtherType', changed(12, '86dd')],
  ['IP version 6', mended(changed(14, '65'))],
  ['a header of 16 bytes', mended(changed(14, '44'))],
  ['TCP', mended(changed(23, '06'))],
  ['a first fragment', mended(changed(20, '2000'))],
  ['a later fragment', mended(changed(20, '0001'))],
  ['a total length beyond the frame', mended(changed(16, '0100'))],
  ['a total length without UDP header', mended(changed(16, '001b'))],
  ['a UDP length beyond the packet', changed(38, '000c')],
  ['a UDP length below its header', changed(38, '0007')],
  [
    'two tags',
    Buffer.concat([
      Buffer.from(wire, 'hex').subarray(0, 12),
      Buffer.from('8100000181000001', 'hex'),
      Buffer.from(wire, 'hex').subarray(12),
    ]),
  ],
];
for (const [name, frame] of refused) {
  test(`refuses ${name}`, (t) => t.is(parseUdpFrame(frame), undefined));
}

test('refuses every cut', (t) => {
  for (const frame of [wire, wire6].map((hex) => Buffer.from(hex, 'hex'))) {
    for (let length = 0; length < frame.length; length += 1) t.is(parseUdpFrame(frame.subarray(0, length)), undefined, `${length} bytes`);
  }
});

test('never sends a computed checksum of zero', (t) => {
  // Two payload bytes run through all sums, so one of them gives zero.
  for (let value = 0; value < 0x10000; value += 1) {
    const payload = Buffer.from([value >> 8, value & 0xff]);
    const checksum = buildUdpFrame({ ...parts, payload }).readUInt16BE(40);
    if (checksum === 0) t.fail(`payload ${value}`);
  }
  t.pass();
});

test('refuses to write what is no address', (t) => {
  for (const text of ['10.1.0', '10.1.0.256', '10.01.0.1', '10.1.0.', '::1', '']) t.throws(() => writeIpv4(Buffer.alloc(4), 0, text));
  for (const text of ['02:00:00:00:00', '02:00:00:00:00:0g', '020000000001']) t.throws(() => writeMac(Buffer.alloc(6), 0, text));
  t.throws(() => buildUdpFrame({ ...parts, src: '2001:db8::1' }), { message: '10.1.0.1 is not an IPv6 address' });
  t.throws(() => buildUdpFrame({ ...parts, vlan: 4096 }));
  t.throws(() => buildUdpFrame({ ...parts, dstPort: 65536 }));
});

test('a reply keeps port, generation and tag of its punt', (t) => {
  const frame = Buffer.from('00');
  const [record] = readPunts(packPunt({ port: 7, generation: 3, flags: puntFlagVlan | 0x80, vlan: 101, puntClass: 2, frame }));
  t.truthy(record);
  if (record !== undefined) t.deepEqual(replyTo(record, frame), { port: 7, generation: 3, flags: puntFlagVlan, vlan: 101, frame });
});
