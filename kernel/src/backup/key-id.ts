import { createHash } from 'node:crypto';

/** Tells one key of secrets from another, and nothing of the key: 32 random bytes cannot be guessed from a hash. @param key base64 */
export function keyId(key: string): string {
  return createHash('sha256').update(Buffer.from(key, 'base64')).digest('hex').slice(0, 16);
}
