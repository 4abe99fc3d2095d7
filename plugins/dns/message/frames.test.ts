import test from 'ava';
import { FrameReader, framed } from './frames.ts';

const messages = ['first', '', 'x', 'y'.repeat(300), 'last'].map((text) => Buffer.from(text));
const stream = Buffer.concat(messages.map(framed));

function read(reader: FrameReader, chunks: readonly Buffer[]): string[] {
  const read: string[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let message = reader.next(); message !== undefined; message = reader.next()) read.push(message.toString());
  }
  return read;
}

for (const size of [1, 2, 3, 7, 303, stream.length]) {
  test(`reads a stream in segments of ${size} bytes`, (t) => {
    const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, index) => stream.subarray(index * size, (index + 1) * size));
    t.deepEqual(
      read(new FrameReader(1000), chunks),
      messages.map((message) => message.toString()),
    );
  });
}

for (const size of [1, 5, stream.length]) {
  test(`gives the beginning of what is too long and goes on, in segments of ${size} bytes`, (t) => {
    const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, index) => stream.subarray(index * size, (index + 1) * size));
    t.deepEqual(read(new FrameReader(4), chunks), ['firs', '', 'x', 'yyyy', 'last']);
  });
}

test('what is pushed before all is taken is not lost', (t) => {
  const reader = new FrameReader(1000);
  reader.push(stream.subarray(0, 9));
  reader.push(stream.subarray(9));
  t.is(reader.next()?.toString(), 'first');
  t.is(reader.next()?.toString(), '');
  t.is(reader.next()?.toString(), 'x');
});

test('announces the longest message', (t) => {
  t.is(framed(Buffer.alloc(0xffff)).readUInt16BE(0), 0xffff);
  t.throws(() => framed(Buffer.alloc(0x10000)), { instanceOf: RangeError });
});
