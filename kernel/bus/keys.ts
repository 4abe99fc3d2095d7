/** CURVE key pairs (RFC 7748 X25519) in Z85 (ZeroMQ RFC 32), made without ZeroMQ so that the launcher need not load it. */
import { generateKeyPairSync } from 'node:crypto';
import type { KeyPair } from '../contract/system/handoff.ts';

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** Bytes (a multiple of 4) to Z85 text. */
export function toZ85(bytes: Buffer): string {
  if (bytes.length % 4 !== 0) throw new RangeError(`Z85 needs a multiple of 4 bytes, got ${bytes.length}`);
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    let word = bytes.readUInt32BE(at);
    let five = '';
    for (let digit = 0; digit < 5; digit++) {
      five = alphabet.charAt(word % 85) + five;
      word = Math.floor(word / 85);
    }
    text += five;
  }
  return text;
}

/** Z85 text to bytes; throws on a foreign character or a wrong length. */
export function fromZ85(text: string): Buffer {
  if (text.length % 5 !== 0) throw new RangeError(`Z85 text has a multiple of 5 characters, got ${text.length}`);
  const bytes = Buffer.alloc((text.length / 5) * 4);
  for (let at = 0; at < text.length; at += 5) {
    let word = 0;
    for (const character of text.slice(at, at + 5)) {
      const digit = alphabet.indexOf(character);
      if (digit < 0) throw new RangeError(`'${character}' is not a Z85 character`);
      word = word * 85 + digit;
    }
    if (word > 0xffff_ffff) throw new RangeError(`'${text.slice(at, at + 5)}' exceeds 32 bits`);
    bytes.writeUInt32BE(word, (at / 5) * 4);
  }
  return bytes;
}

/** A new key pair from the operating system's random source. */
export function newKeyPair(): KeyPair {
  const { privateKey } = generateKeyPairSync('x25519');
  const jwk = privateKey.export({ format: 'jwk' });
  return { publicKey: toZ85(Buffer.from(jwk.x ?? '', 'base64url')), secretKey: toZ85(Buffer.from(jwk.d ?? '', 'base64url')) };
}
