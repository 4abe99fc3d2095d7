import test from 'ava';
import fc from 'fast-check';
import { frameSummary } from './frame-summary.ts';
import { packetFrame, questionFrame } from './probe-frames.ts';

const four = { srcMac: '02:00:00:00:00:01', src: '10.1.0.11', dst: '10.1.0.12' };
const six = { srcMac: '02:00:00:00:00:01', src: '2001:db8::11', dst: '2001:db8::12' };
const to = '02:00:00:00:00:02';

function tagged(frame: Buffer): Buffer {
  return Buffer.concat([frame.subarray(0, 12), Buffer.from([0x81, 0, 0, 101]), frame.subarray(12)]);
}

for (const [name, frame, summary] of [
  ['an echo request', packetFrame(four, to, 'icmp', 0), '10.1.0.11 > 10.1.0.12 ICMP echo request'],
  ['a TCP segment with its flags', packetFrame(four, to, 'tcp', 80), '10.1.0.11:49152 > 10.1.0.12:80 TCP SYN'],
  ['a UDP datagram over IPv6', packetFrame(six, to, 'udp', 53), '[2001:db8::11]:49152 > [2001:db8::12]:53 UDP'],
  ['an ICMPv6 echo request', packetFrame(six, to, 'icmp', 0), '2001:db8::11 > 2001:db8::12 ICMPv6 echo request'],
  ['an ARP request', questionFrame(four), 'ARP who has 10.1.0.12? tell 10.1.0.11'],
  ['a neighbour solicitation', questionFrame(six), '2001:db8::11 > ff02::1:ff00:12 ICMPv6 neighbor solicitation 2001:db8::12'],
  ['a tagged frame', tagged(packetFrame(four, to, 'udp', 67)), 'vlan 101 10.1.0.11:49152 > 10.1.0.12:67 UDP'],
  [
    'another ethertype',
    Buffer.concat([Buffer.alloc(12), Buffer.from([0x88, 0xcc])]),
    '00:00:00:00:00:00 > 00:00:00:00:00:00 ethertype 0x88cc',
  ],
  ['almost nothing', Buffer.alloc(3), '3 bytes'],
] as const)
  test(`tells ${name}`, (t) => {
    t.is(frameSummary(frame), summary);
  });

test('never throws, whatever bytes come and wherever they end', (t) => {
  const good = fc.constantFrom(packetFrame(six, to, 'tcp', 80), packetFrame(four, to, 'icmp', 0), questionFrame(six), questionFrame(four));
  const changed = fc.tuple(good, fc.nat(70), fc.nat(255), fc.nat(80)).map(([frame, at, byte, length]) => {
    const copy = Buffer.from(frame.subarray(0, length));
    if (at < copy.length) copy.writeUInt8(byte, at);
    return copy;
  });
  fc.assert(
    fc.property(changed, (frame) => frameSummary(frame).length > 0),
    { numRuns: 2_000 },
  );
  t.pass();
});
