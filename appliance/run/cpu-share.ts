/** Which processes of an appliance use how much of a core while something happens, and what memory they hold. */
import { type Appliance, usage } from './appliance.ts';

export interface Share {
  readonly name: string;
  /** CPU time over wall time: 1 is one core. */
  readonly cores: number;
  readonly cpuSeconds: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Runs `work` and tells what each process of the appliance used meanwhile. Throws an Error when one of them ended: nobody knows what that used. */
export async function measureShares<T>(appliance: Appliance, work: () => Promise<T>): Promise<{ shares: readonly Share[]; result: T }> {
  const processes = await appliance.processes();
  const before = processes.map(({ pid }) => usage(pid));
  const began = performance.now();
  const result = await work();
  const seconds = (performance.now() - began) / 1_000;
  const alive = new Set((await appliance.processes()).map(({ pid }) => pid));
  const ended = processes.filter(({ pid }) => !alive.has(pid)).map(({ name }) => name);
  if (ended.length > 0) throw new Error(`ended meanwhile: ${ended.join(', ')}`);
  const shares = processes.map(({ name, pid }, index) => {
    const now = usage(pid);
    const cpuSeconds = now.cpuSeconds - (before[index]?.cpuSeconds ?? 0);
    return { name, cores: cpuSeconds / seconds, cpuSeconds, bytesBefore: before[index]?.rssBytes ?? 0, bytesAfter: now.rssBytes };
  });
  return { shares, result };
}

/** Cores of the kernel and all plugins together: everything but the forwarder. */
export function coresBesideForwarder(shares: readonly Share[]): number {
  return shares.filter(({ name }) => name !== 'forwarder').reduce((sum, { cores }) => sum + cores, 0);
}

export function describeShares(shares: readonly Share[]): string {
  return shares
    .filter(({ cores }) => cores >= 0.005)
    .map(({ name, cores }) => `${name} ${(100 * cores).toFixed(0)} %`)
    .join(', ');
}
