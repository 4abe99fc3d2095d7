/** A backup as one file: `weft-backup 1`, a line feed, its lines compressed with gzip, and the SHA-256 of all that as 32 bytes. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { fail } from '../../contract/system/index.ts';

const version = 1;
const word = 'weft-backup ';
const magic = `${word}${version}\n`;
const digestBytes = 32;

/** The file, part by part, as `pieces` come. */
export async function* sealed(pieces: AsyncIterable<string>): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const counted = (part: Buffer): Buffer => {
    hash.update(part);
    return part;
  };
  yield counted(Buffer.from(magic));
  const gzip = createGzip();
  // what goes wrong on the way ends the loop below
  pipeline(Readable.from(pieces), gzip).catch((thrown: Error) => gzip.destroy(thrown));
  for await (const part of gzip) yield counted(part as Buffer);
  yield hash.digest();
}

/** Reads all of it. @throws MALFORMED for anything but a whole backup of a version that this program reads */
export async function verify(file: string): Promise<void> {
  const size = await assertBackup(file);
  const hash = createHash('sha256');
  let digest = Buffer.alloc(0);
  let read = 0;
  for await (const chunk of createReadStream(file)) {
    const part = chunk as Buffer;
    const content = Math.max(0, Math.min(part.length, size - digestBytes - read));
    hash.update(part.subarray(0, content));
    digest = Buffer.concat([digest, part.subarray(content)]);
    read += part.length;
  }
  if (read !== size || !hash.digest().equals(digest))
    throw fail('MALFORMED', `the backup ${file} is damaged or not whole: its checksum does not fit`, 'take another copy of it');
}

/** The lines of a file that was verified. */
export async function* linesOf(file: string): AsyncGenerator<string> {
  const size = await assertBackup(file);
  const gunzip = createGunzip();
  const source = createReadStream(file, { start: magic.length, end: size - digestBytes - 1 });
  pipeline(source, gunzip).catch((thrown: Error) => gunzip.destroy(thrown));
  let begun = '';
  for await (const text of gunzip.setEncoding('utf8')) {
    // not by node:readline, which ends a line at U+2028, too, and a text may hold that
    const [first = '', ...more] = (text as string).split('\n');
    begun += first;
    for (const next of more) {
      yield begun;
      begun = next;
    }
  }
  if (begun !== '') yield begun;
}

/** @returns its size in bytes */
async function assertBackup(file: string): Promise<number> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const { buffer } = await handle.read(Buffer.alloc(magic.length), 0, magic.length, 0);
    const start = buffer.toString('latin1');
    if (start === magic && size > magic.length + digestBytes) return size;
    if (start.startsWith(word) && start !== magic)
      throw fail('MALFORMED', `the backup ${file} is of another version than this program reads`, 'restore it with the Weft that wrote it');
    throw fail('MALFORMED', `${file} is no backup of Weft`, 'name a file that weft backup wrote, or a snapshot of the store');
  } finally {
    await handle.close();
  }
}
