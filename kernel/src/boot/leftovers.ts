/** What a run leaves behind when it crashes, written down while it lives: its processes and the mark of its links. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeMounts } from './marked-mounts.ts';
import { isAlive, type ProcessId, signal } from './proc.ts';

const killWaitMs = 2_000;

export interface RunRecord {
  readonly processes: Readonly<Record<string, ProcessId>>;
  /** See `StateMemory`. */
  readonly linkTag: string;
}

/** What a run makes in its directory: sockets and records, and the folder that its processes build their worlds on, empty to all others. */
const made = ['kernel', 'forwarder', 'api', 'launcher.json'];
const mountPoint = 'world';
const lock = 'lock';

/** Something in the folder that no run made: then it is not ours to use or to remove. Null when there is nothing such. */
export function strangerIn(runDir: string): string | null {
  if (!existsSync(runDir)) return null;
  return readdirSync(runDir).find((name) => ![...made, mountPoint, lock].includes(name)) ?? null;
}

/** Removes what would be in the way of a new run. */
export function clearRun(runDir: string): void {
  for (const name of made) rmSync(join(runDir, name), { recursive: true, force: true });
}

/** Removes the run directory, the lock last. */
export function removeRun(runDir: string): void {
  clearRun(runDir);
  // Never with what is in them: that would be the program and the state.
  removeEmpty(join(runDir, mountPoint));
  rmSync(join(runDir, lock), { force: true });
  removeEmpty(runDir);
}

function removeEmpty(dir: string): void {
  try {
    for (const name of readdirSync(dir)) removeEmpty(join(dir, name));
    rmdirSync(dir);
  } catch {
    // Not there, or not empty: then it stays.
  }
}

export function recordRun(runDir: string, record: RunRecord): void {
  writeFileSync(join(runDir, 'launcher.json'), JSON.stringify(record));
}

/** Kills the processes of a dead run that still live (one whose pid is another process by now is left alone) and deletes its links, mounts and nftables rules. */
export async function cleanRun(runDir: string): Promise<{ processes: readonly string[]; links: readonly string[] }> {
  let record: RunRecord;
  try {
    record = JSON.parse(readFileSync(join(runDir, 'launcher.json'), 'utf8')) as RunRecord;
  } catch {
    return { processes: [], links: [] };
  }
  const living = Object.entries(record.processes).filter(([, id]) => isAlive(id));
  for (const [, id] of living) signal(id, 'SIGKILL');
  const end = performance.now() + killWaitMs;
  while (living.some(([, id]) => isAlive(id)) && performance.now() < end) await sleep(10);
  removeMounts(record.linkTag);
  deleteRules(record.linkTag);
  return { processes: living.map(([name]) => name), links: deleteLinks(record.linkTag) };
}

/** Deletes the links of this host's namespace that bear the tag, taps as their alias; far ends go with them. Returns the names. */
export function deleteLinks(linkTag: string): string[] {
  const ours = new RegExp(`^wf${linkTag}p[0-9]+$`);
  return readdirSync('/sys/class/net').filter((name) => {
    if (!ours.test(name) && !ours.test(tapAlias(name))) return false;
    try {
      execFileSync('ip', ['link', 'delete', name], { stdio: 'ignore' });
      return true;
    } catch {
      // Gone meanwhile, e.g. with its namespace.
      return false;
    }
  });
}

/** Deletes the table by which a killed forwarder still keeps from the host what comes for VMs (forwarder/src/uplink_filter.h). Most runs have none. */
export function deleteRules(linkTag: string): void {
  spawnSync('nft', ['delete', 'table', 'inet', `weft_${linkTag}`], {
    stdio: 'ignore',
    // The system's own tools: a service or sudo may have a shorter path.
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
}

/** A tap bears the name that its user chose, and the forwarder's mark as alias. Empty for other links. */
function tapAlias(name: string): string {
  try {
    const dir = join('/sys/class/net', name);
    return existsSync(join(dir, 'tun_flags')) ? readFileSync(join(dir, 'ifalias'), 'utf8').trim() : '';
  } catch {
    return '';
  }
}
