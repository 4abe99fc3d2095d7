/**
 * Holds plugins to their limits, and knows afterwards which one it was that a plugin went beyond. Control groups do it where there are any; what they
 * do not do is looked at now and then, and who is beyond is killed.
 */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Enforcement, Limits } from '../../contract/system/index.ts';
import type { ControlGroups } from './control-groups.ts';
import { contentBytes } from './folder-size.ts';
import { type ProcessId, signal } from './proc.ts';

const memoryIntervalMs = 250;
const closeIntervalMs = 2_000;
/** Looking at a large folder takes its time; so many times as long is the rest. */
const restFactor = 10;
const mib = 1024 * 1024;
const pageBytes = 4096;
const lastWordsBytes = 16 * 1024;

/** Of one plugin. */
interface Ward {
  readonly limits: Limits;
  /** Its own folder, and its log. */
  readonly stateDir: string;
  readonly log: string;
  id: ProcessId | null;
  overuse?: string;
}

export class Containment {
  readonly enforcement: Enforcement;
  readonly #groups: ControlGroups;
  readonly #wards = new Map<string, Ward>();
  readonly #timers: NodeJS.Timeout[] = [];
  #open = true;

  constructor(groups: ControlGroups) {
    this.#groups = groups;
    this.enforcement = {
      memory: groups.has('memory') ? 'group' : 'watch',
      cpu: groups.has('cpu') ? 'group' : 'none',
      tasks: groups.has('pids') ? 'group' : 'user',
    };
  }

  /** Begins to look; groups of a former run go. */
  async open(): Promise<void> {
    await this.#groups.empty();
    if (this.enforcement.memory === 'watch') this.#timers.push(setInterval(() => this.#lookAtMemory(), memoryIntervalMs));
    this.#lookClosely(closeIntervalMs);
  }

  async close(): Promise<void> {
    this.#open = false;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#groups.close();
  }

  /** A plugin is about to start; its former process is gone. Returns what its start must see to. */
  admit(name: string, { limits, stateDir, log }: Pick<Ward, 'limits' | 'stateDir' | 'log'>): { groups: readonly string[]; tasks?: number } {
    this.#wards.set(name, { limits, stateDir, log, id: null });
    const groups = this.#groups.make(name, limits);
    return { groups, ...(this.enforcement.tasks === 'user' ? { tasks: limits.tasks } : {}) };
  }

  started(name: string, id: ProcessId | null): void {
    const ward = this.#wards.get(name);
    if (ward !== undefined) ward.id = id;
  }

  /** Its process is gone: the limit that it went beyond, if that was why. */
  ended(name: string, how: string | null): string | undefined {
    const ward = this.#wards.get(name);
    this.#wards.delete(name);
    if (ward === undefined) return undefined;
    const overrun = this.#groups.overrun(name);
    this.#groups.remove(name);
    if (ward.overuse !== undefined) return ward.overuse;
    if (overrun === 'memory' || (how === 'SIGABRT' && lastWords(ward.log).includes('JavaScript heap out of memory')))
      return beyondMemory(ward.limits);
    return overrun === 'tasks' ? beyondTasks(ward.limits) : undefined;
  }

  #lookAtMemory(): void {
    for (const [name, ward] of this.#wards) {
      if (ward.id === null) continue;
      const pids = new Set([ward.id.pid, ...this.#groups.processes(name)]);
      const bytes = [...pids].reduce((sum, pid) => sum + residentBytes(pid), 0);
      if (bytes > ward.limits.memoryMib * mib) end(ward, beyondMemory(ward.limits));
    }
  }

  #lookClosely(ms: number): void {
    if (!this.#open) return;
    const look = async (): Promise<void> => {
      const begun = performance.now();
      for (const [name, ward] of [...this.#wards]) {
        // A group refuses the next thread and no more: who asks for it is out of hand.
        if (this.#groups.overrun(name) === 'tasks') end(ward, beyondTasks(ward.limits));
        await lookAtFolder(ward);
      }
      this.#lookClosely(Math.max(closeIntervalMs, restFactor * (performance.now() - begun)));
    };
    this.#timers[1] = setTimeout(() => void look(), ms);
  }
}

async function lookAtFolder(ward: Ward): Promise<void> {
  const most = ward.limits.stateMib * mib;
  if (ward.id !== null && (await contentBytes(ward.stateDir, most)) > most)
    end(ward, `its folder ${ward.stateDir} holds more than its ${ward.limits.stateMib} MiB`);
}

function end(ward: Ward, overuse: string): void {
  if (ward.id === null) return;
  ward.overuse = overuse;
  signal(ward.id, 'SIGKILL');
}

function beyondMemory({ memoryMib }: Limits): string {
  return `it used more than its ${memoryMib} MiB of memory`;
}

function beyondTasks({ tasks }: Limits): string {
  return `it wanted more than its ${tasks} threads and processes`;
}

function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageBytes;
  } catch {
    // It may end at any time, and then has no memory.
    return 0;
  }
}

/** The end of a log; empty when somebody took it away. */
function lastWords(path: string): string {
  if (!existsSync(path)) return '';
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, lastWordsBytes));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8');
  } finally {
    closeSync(file);
  }
}
