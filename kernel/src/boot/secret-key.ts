/** The key that secrets are sealed with in the store: 32 random bytes in a file that only root reads. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../contract/system/index.ts';

const keyBytes = 32;

export function secretKeyFile(stateDir: string): string {
  return join(stateDir, 'secret.key');
}

/** @returns base64; made at the first start */
export function secretKey(stateDir: string): string {
  const known = readSecretKey(stateDir);
  if (known !== null) return known;
  const key = randomBytes(keyBytes).toString('base64');
  keepSecretKey(stateDir, key);
  return key;
}

/** @returns base64; null when there is none yet @throws INVALID when the file holds none */
export function readSecretKey(stateDir: string): string | null {
  const file = secretKeyFile(stateDir);
  try {
    const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
    if (key.length === keyBytes) return key.toString('base64');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw thrown;
  }
  throw fail(
    'INVALID',
    `${file} holds no key of ${keyBytes} bytes`,
    'bring it back from a backup; without it the secrets in the store are lost',
  );
}

/** Whole and on the disk before anything is sealed with it. @param key base64 */
export function keepSecretKey(stateDir: string, key: string): void {
  const file = secretKeyFile(stateDir);
  rmSync(`${file}.new`, { force: true });
  const descriptor = openSync(`${file}.new`, 'wx', 0o600);
  writeSync(descriptor, `${key}\n`);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(`${file}.new`, file);
  const folder = openSync(stateDir, 'r');
  fsyncSync(folder);
  closeSync(folder);
}
