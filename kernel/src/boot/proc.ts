/** Identity of processes: a pid may be used again, its start time then differs. */
import { readFileSync } from 'node:fs';

export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot, proc(5) field 22. */
  readonly startTime: string;
}

/** Null when there is no such process, or only its zombie. */
export function identify(pid: number): ProcessId | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in parentheses may hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[19] === undefined ? null : { pid, startTime: fields[19] };
  } catch {
    return null;
  }
}

export function isAlive(id: ProcessId): boolean {
  return identify(id.pid)?.startTime === id.startTime;
}

/** Sends the signal if that very process is still there. */
export function signal(id: ProcessId, name: NodeJS.Signals): void {
  if (!isAlive(id)) return;
  try {
    process.kill(id.pid, name);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}
