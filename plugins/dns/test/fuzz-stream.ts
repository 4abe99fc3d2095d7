/** Fuzz target: messages in a TCP stream. However it is cut, the same messages come out, none longer than allowed, and nothing piles up. */
import assert from 'node:assert/strict';
import { FrameReader, framed } from '../message/frames.ts';

const longest = 64;
const texts = ['', 'a', 'question', 'x'.repeat(longest), 'y'.repeat(longest + 1), 'z'.repeat(300)];

export const seeds: readonly Buffer[] = [
  ...texts.map((text) => framed(Buffer.from(text))),
  Buffer.concat(texts.map((text) => framed(Buffer.from(text)))),
  Buffer.from([0]),
  Buffer.from([0xff, 0xff, 1, 2, 3]),
];

export function run(data: Buffer): void {
  const whole = read([data]);
  assert.deepEqual(read(cut(data)), whole);
  assert.deepEqual(whole, expected(data));
}

/** In parts whose sizes follow from the data. */
function cut(data: Buffer): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0, step = 1; at < data.length; at += step) {
    step = 1 + ((data[at] ?? 0) % 7);
    parts.push(Buffer.from(data.subarray(at, at + step)));
  }
  return parts;
}

function read(parts: readonly Buffer[]): readonly string[] {
  const reader = new FrameReader(longest);
  const messages: string[] = [];
  for (const part of parts) {
    reader.push(part);
    for (let message = reader.next(); message !== undefined; message = reader.next()) messages.push(message.toString('latin1'));
  }
  return messages;
}

function expected(data: Buffer): readonly string[] {
  const messages: string[] = [];
  for (let at = 0; at + 2 <= data.length; ) {
    const end = at + 2 + data.readUInt16BE(at);
    if (end > data.length) break;
    messages.push(data.toString('latin1', at + 2, Math.min(end, at + 2 + longest)));
    at = end;
  }
  return messages;
}
