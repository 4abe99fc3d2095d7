/** How much a folder holds. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Each file and folder counts for this much at least, so that a million empty files count, too. */
const leastBytes = 4096;
const blockBytes = 512;

/** Bytes on the disk of all below a folder; counting stops beyond `enough`. What cannot be looked at, as a path that is too long, is infinite. */
export async function contentBytes(folder: string, enough: number): Promise<number> {
  let bytes = 0;
  const folders = [folder];
  try {
    for (let at = folders.pop(); at !== undefined && bytes <= enough; at = folders.pop()) {
      for (const path of await pathsIn(at)) {
        const { size, isFolder } = await look(path);
        bytes += size;
        if (isFolder) folders.push(path);
        if (bytes > enough) break;
      }
    }
    return bytes;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

async function pathsIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).map((name) => join(folder, name));
  } catch (thrown) {
    if (isGone(thrown)) return [];
    throw thrown;
  }
}

async function look(path: string): Promise<{ size: number; isFolder: boolean }> {
  try {
    const stat = await lstat(path);
    return { size: Math.max(leastBytes, stat.blocks * blockBytes), isFolder: stat.isDirectory() };
  } catch (thrown) {
    if (isGone(thrown)) return { size: 0, isFolder: false };
    throw thrown;
  }
}

/** It was there a moment ago. */
function isGone(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException).code === 'ENOENT';
}
