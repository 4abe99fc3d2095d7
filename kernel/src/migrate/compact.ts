/** LMDB uses its free pages again, but never gives them back to the file system: a store that once was large is written anew, without them. */
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { dataFile, openEnvironment, pagesOf, sync } from '../store/index.ts';

const mib = 1024 * 1024;
/** A smaller file is not worth the time. */
const worthwhileBytes = 64 * mib;

/** At start, before anybody has opened the store. @returns bytes that the file shrank by; 0 when it was left alone @throws Error, and the store is as it was */
export async function compact(path: string, atLeast = worthwhileBytes): Promise<number> {
  const file = join(path, dataFile);
  const { size } = await stat(file);
  if (size < atLeast) return 0;
  const draft = join(path, 'compacted');
  await rm(draft, { recursive: true, force: true });
  const environment = openEnvironment(path);
  try {
    const { used, all } = pagesOf(environment);
    if (used > all / 2) return 0;
    await mkdir(draft, { mode: 0o700 });
    await environment.root.backup(draft, true);
  } catch (thrown) {
    await rm(draft, { recursive: true, force: true });
    throw thrown;
  } finally {
    await environment.root.close();
  }
  const compacted = join(draft, dataFile);
  await sync(compacted);
  const { size: smaller } = await stat(compacted);
  await rename(compacted, file);
  await sync(path);
  await rm(draft, { recursive: true });
  return size - smaller;
}
