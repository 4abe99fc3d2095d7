/** What a plugin may use: what the operator says, else its manifest, else the usual. */
import type { Limits, Manifest } from './manifest.ts';

/** Names of limits, as in manifests and settings. */
export const limitNames = ['memoryMib', 'cpuPercent', 'tasks', 'stateMib'] as const satisfies readonly (keyof Limits)[];

/** An idle plugin has 60 to 80 MiB and eleven threads; the rest is room for what it serves. */
const usual: Limits = { memoryMib: 256, cpuPercent: 100, tasks: 64, stateMib: 256 };

export function limitsOf({ limits }: Pick<Manifest, 'limits'>, operators: Partial<Limits> = {}): Limits {
  return { ...usual, ...limits, ...operators };
}
