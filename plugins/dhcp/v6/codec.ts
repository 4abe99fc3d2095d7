/**
 * DHCPv6 messages: bytes ↔ `Message` (RFC 9915 §8, §21.1). Pure; nothing throws on bytes from a VM.
 *
 *   type 1 · transaction id 3 · options: (code 2 · length 2 · value)*
 */
import type { Option } from './option.ts';

export interface Message {
  readonly type: number;
  /** 24 bits. */
  readonly transactionId: number;
  /** In order; a code may come several times. Values of a parsed message are views into its bytes. */
  readonly options: readonly Option[];
}

const headerBytes = 4;
const optionHeaderBytes = 4;

/** Undefined when the message or an option is cut short. */
export function parseMessage(bytes: Buffer): Message | undefined {
  if (bytes.length < headerBytes) return undefined;
  const options = readOptions(bytes.subarray(headerBytes));
  return options && { type: bytes.readUInt8(0), transactionId: bytes.readUIntBE(1, 3), options };
}

/** Throws a RangeError when a number or a value is too long for its field. */
export function buildMessage({ type, transactionId, options }: Message): Buffer {
  const head = Buffer.alloc(headerBytes);
  head.writeUInt8(type, 0);
  head.writeUIntBE(transactionId, 1, 3);
  return Buffer.concat([head, writeOptions(options)]);
}

/** The options that fill `area`; undefined when one is cut short. */
export function readOptions(area: Buffer): readonly Option[] | undefined {
  const options: Option[] = [];
  let at = 0;
  while (at < area.length) {
    if (at + optionHeaderBytes > area.length) return undefined;
    const end = at + optionHeaderBytes + area.readUInt16BE(at + 2);
    if (end > area.length) return undefined;
    options.push([area.readUInt16BE(at), area.subarray(at + optionHeaderBytes, end)]);
    at = end;
  }
  return options;
}

export function writeOptions(options: readonly Option[]): Buffer {
  return Buffer.concat(
    options.flatMap(([code, value]) => {
      const head = Buffer.alloc(optionHeaderBytes);
      head.writeUInt16BE(code, 0);
      head.writeUInt16BE(value.length, 2);
      return [head, value];
    }),
  );
}

/** Bytes that the option takes in a message. */
export const optionBytes = ([, value]: Option): number => optionHeaderBytes + value.length;
