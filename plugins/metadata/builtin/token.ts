/** IMDSv2-style tokens: signed, not stored. Base64url of expiry (6 bytes, seconds since 1970, big endian) and HMAC-SHA256 (24 bytes of it). */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const expiryBytes = 6;
const signatureBytes = 24;
const keyBytes = 32;
/** 30 bytes are 40 characters without padding: there is one way to write a token. */
const form = /^[A-Za-z0-9_-]{40}$/;

/** What EC2 takes, seconds. */
const longestSeconds = 21_600;

/** Reads the header of a request for a token; undefined when it is none that EC2 takes. */
export function parseTtl(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9][0-9]{0,4}$/.test(text)) return undefined;
  const seconds = Number(text);
  return seconds <= longestSeconds ? seconds : undefined;
}

export class Tokens {
  readonly #key: Buffer;
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(key: Buffer, now: () => number) {
    this.#key = key;
    this.#now = now;
  }

  /** @param holder uid of the port that it is for: elsewhere it is worth nothing */
  issue(holder: string, ttlSeconds: number): string {
    const expiry = Buffer.alloc(expiryBytes);
    expiry.writeUIntBE(Math.floor(this.#now() / 1000) + ttlSeconds, 0, expiryBytes);
    return Buffer.concat([expiry, this.#sign(holder, expiry)]).toString('base64url');
  }

  verify(holder: string, token: string): boolean {
    if (!form.test(token)) return false;
    const given = Buffer.from(token, 'base64url');
    const expiry = given.subarray(0, expiryBytes);
    if (!timingSafeEqual(given.subarray(expiryBytes), this.#sign(holder, expiry))) return false;
    return expiry.readUIntBE(0, expiryBytes) * 1000 > this.#now();
  }

  #sign(holder: string, expiry: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(expiry).update(holder).digest().subarray(0, signatureBytes);
  }
}

/** The key of this appliance, made at the first start: tokens outlive the process. */
export function tokenKey(stateDir: string): Buffer {
  const file = join(stateDir, 'token.key');
  const kept = readIfThere(file);
  if (kept?.length === keyBytes) return kept;
  const made = randomBytes(keyBytes);
  writeFileSync(`${file}.new`, made, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return made;
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
