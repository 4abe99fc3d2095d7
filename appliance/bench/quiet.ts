/** Whether other programs, or other guests of the same host, disturb a measurement. */
import { readdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';

const ticksPerSecond = 100;
/** A process that takes more of one CPU disturbs. */
const busyShare = 0.05;
const stolenLimit = 0.02;

/** CPU time of all CPUs since boot, in ticks. */
export interface CpuTime {
  readonly all: number;
  readonly stolen: number;
}

/** From the first line of /proc/stat: `cpu user nice system idle iowait irq softirq steal …`. */
export function cpuTime(stat: string = readFileSync('/proc/stat', 'utf8')): CpuTime {
  const fields = (stat.split('\n')[0] ?? '').trim().split(/\s+/).slice(1, 9).map(Number);
  return { all: fields.reduce((sum, value) => sum + value, 0), stolen: fields[7] ?? 0 };
}

export function stolenShare(before: CpuTime, after: CpuTime): number {
  return after.all === before.all ? 0 : (after.stolen - before.stolen) / (after.all - before.all);
}

interface Usage {
  readonly name: string;
  readonly ticks: number;
}

/** Name and CPU time of every process but this one. */
function usages(): Map<string, Usage> {
  const found = new Map<string, Usage>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
    try {
      const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      const fields = rest.split(' ');
      found.set(pid, { name, ticks: Number(fields[11]) + Number(fields[12]) });
    } catch (error) {
      // It ended meanwhile: ENOENT before it was opened, ESRCH after.
      if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return found;
}

/** Watches for `seconds` and says in sentences what is not quiet; empty when all is. */
export async function whatDisturbs(seconds = 2): Promise<string[]> {
  const [before, time] = [usages(), cpuTime()];
  await new Promise((resolve) => setTimeout(resolve, 1_000 * seconds));
  const stolen = stolenShare(time, cpuTime());
  const busy = [...usages()].flatMap(([pid, { name, ticks }]) => {
    const share = (ticks - (before.get(pid)?.ticks ?? ticks)) / ticksPerSecond / seconds;
    return share > busyShare ? [`${name} (${pid}) takes ${Math.round(100 * share)} % of a CPU.`] : [];
  });
  const [load = 0] = loadavg();
  return [
    ...(load > 1 ? [`the load average of the last minute is ${load.toFixed(1)}.`] : []),
    ...busy,
    ...(stolen > stolenLimit ? [`the hypervisor takes ${(100 * stolen).toFixed(0)} % of the CPUs away.`] : []),
  ];
}
