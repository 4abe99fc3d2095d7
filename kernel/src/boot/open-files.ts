/** How many descriptors this process may have: proc(5), limits. */
import { readFileSync } from 'node:fs';

/** Without bound when the system says so. */
export function openFileLimit(): number {
  const [, soft = ''] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
