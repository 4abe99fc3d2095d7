/**
 * Objects whose spec must not lie readable on the disk: AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce for each version, bound to the uid of its
 * object. Sealed, a spec is `{sealed: base64(nonce, tag, ciphertext of its JSON)}`.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { WeftObject } from '../../contract/system/index.ts';

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

export class Sealer {
  readonly #kinds: ReadonlySet<string>;
  readonly #key: Buffer;

  /** @param key 32 bytes */
  constructor(kinds: readonly string[], key: Buffer) {
    this.#kinds = new Set(kinds);
    this.#key = key;
  }

  /** As it goes to the disk. What could not be opened stays as it is. */
  seal(object: WeftObject): WeftObject {
    if (!this.#kinds.has(object.kind) || isSealed(object)) return object;
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, this.#key, nonce).setAAD(Buffer.from(object.metadata.uid));
    const text = Buffer.concat([cipher.update(JSON.stringify(object.spec), 'utf8'), cipher.final()]);
    return { ...object, spec: { sealed: Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64') } };
  }

  /** As it was before; still sealed when that was done with another key, or it was changed on the disk. */
  open(object: WeftObject): WeftObject {
    if (!this.#kinds.has(object.kind) || !isSealed(object)) return object;
    const bytes = Buffer.from(String(object.spec.sealed), 'base64');
    try {
      const decipher = createDecipheriv(algorithm, this.#key, bytes.subarray(0, nonceBytes))
        .setAAD(Buffer.from(object.metadata.uid))
        .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      const text = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]).toString('utf8');
      return { ...object, spec: JSON.parse(text) as Record<string, unknown> };
    } catch {
      return object;
    }
  }
}

/** Also of an object that `open` gave back as it was. */
export function isSealed({ spec }: WeftObject): boolean {
  return typeof spec.sealed === 'string';
}
