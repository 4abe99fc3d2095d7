/** How much of everything the bench of the appliance does. */

export interface Extent {
  /** Starts of an appliance of each size. */
  readonly starts: number;
  /** Ports, bound to nothing, that are stored; rising. */
  readonly sizes: readonly number[];
  readonly idleSeconds: number;
  /** Ports that are made one by one, of each binding. */
  readonly ports: number;
  /** Packets after a silence. */
  readonly silences: number;
  /** Runs of a command. */
  readonly commands: number;
}

export const fullExtent: Extent = { starts: 5, sizes: [1_000, 10_000], idleSeconds: 12, ports: 60, silences: 4, commands: 20 };
export const quickExtent: Extent = { starts: 1, sizes: [1_000], idleSeconds: 10, ports: 10, silences: 1, commands: 3 };

export const silenceSeconds = 3;

/** The value that `share` of the values do not exceed. Throws an Error without values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const found = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (found === undefined) throw new Error('no values to take a percentile of');
  return found;
}

/** `10 k ports`: a number of ports as a reader says it. */
export function portsTitle(count: number): string {
  return count === 0 ? 'no ports' : `${count / 1000} k ports`;
}
