/** Mounts that a forwarder made and that outlive it, as they must when it is only restarted: their last name is `weft-<tag>-…`. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { basename } from 'node:path';

/** Unmounts those that bear the tag, and removes the files that they hide. Returns their paths. */
export function removeMounts(linkTag: string): string[] {
  const ours = new RegExp(`^weft-${linkTag}-[a-z0-9-]+$`);
  // Field 5 of proc_pid_mountinfo(5). One that others see, too, stands there once for each.
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? []);
  const marked = [...new Set(points)].filter((path) => ours.test(basename(path)));
  return marked.filter((path) => {
    try {
      execFileSync('umount', ['--lazy', path], { stdio: 'ignore' });
      rmSync(path, { force: true });
      return true;
    } catch {
      // Somebody else was faster.
      return false;
    }
  });
}
