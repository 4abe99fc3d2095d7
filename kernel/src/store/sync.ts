import { open } from 'node:fs/promises';

/** What is in a file, or which names a folder holds, is on the disk when it resolves. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
