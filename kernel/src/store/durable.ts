/** Transactions that are on the disk when they resolve, and disks that fail. */
import { statfsSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, WeftFailure } from '../../contract/system/index.ts';
import { asyncFailpoint, type FailpointName } from '../failpoints/index.ts';
import type { Environment } from './environment.ts';

const { errno } = constants;
/** What passes once somebody has made room. After any other failure, one to sync above all, the environment cannot be trusted any more. */
const passing: readonly number[] = [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.ENOMEM];
const patienceMs = 2_000;
/** With less than this, a disk is full. */
const fullKib = 1_024;

/**
 * Runs `work`, which returns the promises of all its writes, in one transaction; resolves once it is on the disk.
 * @throws UNAVAILABLE when the disk took nothing of it; INTERNAL when LMDB itself is broken
 */
export async function durably(
  environment: Environment,
  work: () => readonly Promise<unknown>[],
  beforeSync: FailpointName = 'store.before-sync',
): Promise<void> {
  const { root } = environment;
  try {
    await root.transaction(() => {
      // each of them fails with the transaction, which is told of once
      void Promise.allSettled(work());
    });
    await asyncFailpoint(beforeSync);
    await root.flushed;
  } catch (thrown) {
    throw thrown instanceof WeftFailure ? thrown : await fault(environment, thrown as LmdbError);
  }
}

/** Resolves once all is on the disk, or at last: lmdb-js waits for ever for a transaction that failed. */
export async function closed({ root }: Environment): Promise<void> {
  const done = new AbortController();
  const patience = sleep(patienceMs, undefined, { signal: done.signal }).catch(() => undefined);
  await Promise.race([root.close(), patience]);
  done.abort();
}

interface LmdbError extends Error {
  readonly code?: number;
  /** Rejects with what the system said. */
  readonly commitError?: Promise<never>;
}

async function fault({ path }: Environment, thrown: LmdbError): Promise<WeftFailure> {
  const { message, code = 0 } = (await thrown.commitError?.catch((cause: LmdbError) => cause)) ?? thrown;
  const { bavail, bsize } = statfsSync(path);
  const free = Math.floor((bavail * bsize) / 1024);
  // LMDB says of a page that was written in part what it says of a disk that fails: a full one does that
  const isFull = code === errno.EIO && free < fullKib;
  if (!passing.includes(code) && !isFull)
    return fail('INTERNAL', `the store is broken: ${message}`, 'the kernel starts again by itself; when that does not help: weft restore');
  return fail(
    'UNAVAILABLE',
    `the change could not be written to the disk, and nothing has changed: ${message} (${free} KiB are free at the store)`,
    free < fullKib ? 'make room on the file system of the state directory, then repeat it' : 'look after the disk (dmesg), then repeat it',
  );
}
