/** Descriptors that whoever started this process left open to its children. */
import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** Of open(2), O_CLOEXEC: Node sets it on all that it opens, and on the first few that it inherits. */
const closedOnExec = 0o2000000;
const lastStandard = 2;

/** Closes them: children of this process, plugins too, would inherit them. Before anything is opened that children are to have. */
export function closeInherited(): void {
  for (const descriptor of readdirSync('/proc/self/fd').map(Number))
    if (descriptor > lastStandard && isInheritable(descriptor)) closeSync(descriptor);
}

function isInheritable(descriptor: number): boolean {
  try {
    const [, flags = '0'] = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? [];
    return (Number.parseInt(flags, 8) & closedOnExec) === 0;
  } catch {
    // Gone: it was that of the folder that was just read.
    return false;
  }
}
