import test from 'ava';
import { parsePcap } from './pcap.ts';

const header = Buffer.alloc(24);
header.writeUInt32LE(0xa1b2c3d4, 0);

function record(frame: string, claimed = frame.length / 2): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(claimed, 8);
  head.writeUInt32LE(claimed, 12);
  return Buffer.concat([head, Buffer.from(frame, 'hex')]);
}

test('reads frames in their order', (t) => {
  const frames = parsePcap(Buffer.concat([header, record('0102'), record('03')]), 'a.pcap');
  t.deepEqual(
    frames.map((frame) => frame.toString('hex')),
    ['0102', '03'],
  );
});

test('a frame that is still being written is left out', (t) => {
  t.is(parsePcap(Buffer.concat([header, record('0102'), record('03', 9)]), 'a.pcap').length, 1);
  t.is(parsePcap(Buffer.concat([header, record('0102').subarray(0, 10)]), 'a.pcap').length, 0);
  t.is(parsePcap(Buffer.alloc(0), 'a.pcap').length, 0);
});

test('another file is refused by name', (t) => {
  t.throws(() => parsePcap(Buffer.alloc(24), 'b.txt'), { message: /^b\.txt is no pcap file/ });
});
