/**
 * Objects whose spec must not lie readable on the disk: AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce for each version, bound to the uid of its
 * object. Sealed, a spec is `{sealed: base64(nonce, tag, ciphertext of its JSON)}`.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { fail, formatKey, keyOf, type WeftObject } from '../../contract/system/index.ts';

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

  /** As it goes to the disk. */
  seal(object: WeftObject): WeftObject {
    if (!this.#kinds.has(object.kind)) return object;
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, this.#key, nonce).setAAD(Buffer.from(object.metadata.uid));
    const text = Buffer.concat([cipher.update(JSON.stringify(object.spec), 'utf8'), cipher.final()]);
    return { ...object, spec: { sealed: Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64') } };
  }

  /** As it was before. @throws INTERNAL when it was sealed with another key, or changed on the disk */
  open(object: WeftObject): WeftObject {
    const { sealed } = object.spec;
    if (!this.#kinds.has(object.kind) || typeof sealed !== 'string') return object;
    const bytes = Buffer.from(sealed, 'base64');
    const decipher = createDecipheriv(algorithm, this.#key, bytes.subarray(0, nonceBytes))
      .setAAD(Buffer.from(object.metadata.uid))
      .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
    try {
      const text = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]).toString('utf8');
      return { ...object, spec: JSON.parse(text) as Record<string, unknown> };
    } catch (cause) {
      throw fail(
        'INTERNAL',
        `${formatKey(keyOf(object))} cannot be opened: ${(cause as Error).message}`,
        'bring back the secret.key that it was sealed with',
      );
    }
  }
}
