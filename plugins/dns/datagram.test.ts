import { buildUdpFrame, gatewayMac, internetChecksum, parseUdpFrame, type UdpFrame } from '@weft/kernel/contract/net';
import test from 'ava';
import fc from 'fast-check';
import { answerFrame, detached, readDatagram } from './datagram.ts';

const v4 = { src: '10.1.0.11', dst: '10.1.0.1' };
const v6 = { src: '2001:db8:1::11', dst: '2001:db8:1::1' };
const whole = (addresses: { src: string; dst: string }, payload: Buffer, vlan?: number): UdpFrame => ({
  ...{ srcMac: '02:00:00:00:00:01', dstMac: gatewayMac, srcPort: 40_000, dstPort: 53, payload },
  ...addresses,
  ...(vlan === undefined ? {} : { vlan }),
});

/** Frames of every kind, with a few bytes set to something else or cut off. */
const frames = fc
  .tuple(
    fc.constantFrom(v4, v6),
    fc.uint8Array({ maxLength: 40 }),
    fc.option(fc.integer({ min: 0, max: 4095 }), { nil: undefined }),
    fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 3 }),
    fc.option(fc.nat(90), { nil: undefined }),
  )
  .map(([addresses, payload, vlan, edits, cut]) => {
    const frame = buildUdpFrame(whole(addresses, Buffer.from(payload), vlan));
    for (const [at, value] of edits) if (at < frame.length) frame.writeUInt8(value, at);
    return cut === undefined ? frame : frame.subarray(0, cut);
  });

test('reads what parseUdpFrame reads, and nothing else', (t) => {
  fc.assert(
    fc.property(frames, (frame) => {
      const [expected, read] = [parseUdpFrame(frame), readDatagram(frame)];
      t.is(read === undefined, expected === undefined);
      if (read === undefined || expected === undefined) return;
      t.is(read.datagram.srcPort, expected.srcPort);
      t.is(read.datagram.dstPort, expected.dstPort);
      t.true(read.payload.equals(expected.payload));
    }),
    { numRuns: 5000, seed: 53 },
  );
});

test('answers as buildUdpFrame does', (t) => {
  fc.assert(
    fc.property(frames, fc.uint8Array({ maxLength: 60 }), (frame, bytes) => {
      const [asked, read] = [parseUdpFrame(frame), readDatagram(frame)];
      if (asked === undefined || read === undefined) return;
      const { src, dst, srcMac, srcPort, dstPort, vlan } = asked;
      const back = {
        srcMac: gatewayMac,
        dstMac: srcMac,
        src: dst,
        dst: src,
        srcPort: dstPort,
        dstPort: srcPort,
        payload: Buffer.from(bytes),
      };
      const expected = buildUdpFrame(vlan === undefined ? back : { ...back, vlan });
      t.is(answerFrame(read.datagram, back.payload).toString('hex'), expected.toString('hex'));
    }),
    { numRuns: 5000, seed: 53 },
  );
});

test('what is detached outlives the frame', (t) => {
  const frame = buildUdpFrame(whole(v6, Buffer.from('question')));
  const read = readDatagram(frame);
  if (read === undefined) throw new TypeError('unread');
  const before = answerFrame(read.datagram, Buffer.from('answer'));
  const kept = detached(read.datagram);
  frame.fill(0);
  t.true(answerFrame(kept, Buffer.from('answer')).equals(before));
});

test('leaves options of IPv4 out of the answer', (t) => {
  const frame = buildUdpFrame(whole(v4, Buffer.from('question')));
  const options = Buffer.concat([frame.subarray(0, 34), Buffer.from('01010101', 'hex'), frame.subarray(34)]);
  options.writeUInt8(0x46, 14);
  options.writeUInt16BE(options.length - 14, 16);
  options.writeUInt16BE(0, 24);
  options.writeUInt16BE(internetChecksum(options.subarray(14, 38)), 24);
  const read = readDatagram(options);
  if (read === undefined) throw new TypeError('unread');
  t.is(read.payload.toString(), 'question');
  t.like(parseUdpFrame(answerFrame(read.datagram, Buffer.from('answer'))), { src: v4.dst, dst: v4.src, srcPort: 53, dstPort: 40_000 });
});
