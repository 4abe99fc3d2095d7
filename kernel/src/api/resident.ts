/** Memory of a process, as the kernel counts it: proc(5), statm. */
import { readFileSync } from 'node:fs';

const pageBytes = 4096;

/** Resident bytes, or null when there is no such process. */
export function residentBytes(pid: number | null): number | null {
  if (pid === null) return null;
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageBytes;
  } catch {
    // it may end at any time, and then has no memory
    return null;
  }
}
