/**
 * `weft restore`: brings a backup or a snapshot back, while Weft does not run. Usage: node restore.ts FILE [--config FILE] [--state-dir DIR]
 * Nothing has changed unless it says what was restored.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { chmod, chown } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fail, toWeftError } from '../../contract/system/index.ts';
import { keyId, type Prepared, prepare, putInPlace } from '../backup/index.ts';
import { dataFile } from '../store/index.ts';
import { cleanRun, removeRun, strangerIn } from './leftovers.ts';
import { takeLock } from './lock.ts';
import { readOptions } from './options.ts';
import type { InstancePaths } from './paths.ts';
import { keepSecretKey, readSecretKey, secretKeyFile } from './secret-key.ts';
import { kernelUid } from './uids.ts';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function restore(): Promise<void> {
  const [source, ...args] = process.argv.slice(2);
  if (source === undefined) throw fail('MALFORMED', 'no file is named', 'weft restore FILE');
  if (process.getuid?.() !== 0) throw fail('FORBIDDEN', 'weft restore needs root', 'start it with: sudo weft restore');
  const { paths } = await readOptions(args);
  await whileStopped(paths, () => restoreInto(paths.stateDir, resolve(source), new Date()));
}

/** Holds the lock of the launcher: neither can start while the other runs. */
async function whileStopped({ runDir }: InstancePaths, work: () => Promise<void>): Promise<void> {
  const stranger = strangerIn(runDir);
  if (stranger !== null)
    throw fail('CONFLICT', `the run directory holds other things (${join(runDir, stranger)})`, 'see the setting runDir');
  mkdirSync(runDir, { recursive: true, mode: 0o755 });
  takeLock(join(runDir, 'lock'));
  try {
    await cleanRun(runDir);
    await work();
  } finally {
    removeRun(runDir);
  }
}

async function restoreInto(stateDir: string, source: string, now: Date): Promise<void> {
  const store = join(stateDir, 'store');
  const isNew = !existsSync(store);
  const prepared = await prepare(store, source);
  if (isNew) await giveToKernel(store, 0o700);
  await giveToKernel(join(prepared.folder, dataFile), 0o600);
  const present = readSecretKey(stateDir);
  const { key = present } = prepared;
  const changes = key !== null && key !== present;
  const replaceKey = (): void => {
    if (changes) keepSecretKey(stateDir, key);
  };
  const aside = await putInPlace(store, prepared, now, replaceKey, changes ? present : null);
  say(`restored revision ${prepared.from} of ${prepared.time}; revisions go on after ${prepared.revision}`);
  if (aside !== null) say(`the former store is kept: weft restore ${aside} brings it back`);
  if (changes) say(`its key of secrets is ${secretKeyFile(stateDir)} now`);
  if (!opensSecrets(prepared, key))
    say(
      `${prepared.sealed} secrets were sealed with another key, which is not in the backup: bring back the secret.key of then as ${secretKeyFile(stateDir)} before you start Weft, or write them anew`,
    );
}

async function giveToKernel(path: string, mode: number): Promise<void> {
  await chown(path, kernelUid, kernelUid);
  await chmod(path, mode);
}

function opensSecrets({ keyId: wanted, sealed }: Prepared, key: string | null): boolean {
  return sealed === 0 || wanted === undefined || (key !== null && keyId(key) === wanted);
}

try {
  await restore();
} catch (thrown) {
  const { message, fix } = toWeftError(thrown);
  process.stderr.write(`error: ${message}${fix === undefined ? '' : `: ${fix}`}\n`);
  process.exit(1);
}
