/**
 * How Open vSwitch looks packets up, chosen for each case by measuring.
 *
 * Net cycles per packet here (AMD EPYC, 2 vCPUs, Debian's 3.1.0, 64 bytes, medians of 2 interleaved rounds, stateful: 1 round; EMC 1/n: one in n misses is kept):
 *
 * | case              | EMC 1/1 | EMC 1/100 | none | SMC | EMC 1/1 + SMC | EMC 1/100 + SMC |
 * |-------------------|---------|-----------|------|-----|---------------|-----------------|
 * | L3, 1 k flows     |     281 |       274 |  336 | 349 |           274 |             275 |
 * | L3, 128 k flows   |     401 |       378 |  303 | 382 |           592 |             489 |
 * | stateful, 1 k     |     867 |       825 |  858 | 984 |             – |   778 (unquiet) |
 *
 * So: the exact-match cache (8,192 entries), one in 100 misses, where all flows fit, no cache elsewhere; the signature-match cache did not pay. Not measured apart for the other cases.
 * Debian's build has the scalar implementations only (`dpif-netdev/dpif-impl-get`, `miniflow-parser-get`, `subtable-lookup-prio-get`): no AVX-512 to choose.
 */
export interface Tuning {
  /** One in so many misses is kept in the exact-match cache; 0: cache off. */
  readonly emc: number;
  /** Signature-match cache. */
  readonly smc: boolean;
}

/** Half of the exact-match cache: with more flows they push each other out, each packet of a tunnel or a connection taking two or three places. */
const flowsThatFit = 4_096;

export function describe(tuning: Tuning): string {
  const emc = tuning.emc === 0 ? 'EMC off' : `EMC 1/${tuning.emc}`;
  return `${emc}, SMC ${tuning.smc ? 'on' : 'off'}`;
}

/** Number of flows that a load has: Infinity for endless ones. Taken from port 0's `flows` in LOAD. */
export function flowsOf(load: string): number {
  const value = /(?:^|[,:;])flows=([^,;]+)/.exec(load)?.[1] ?? '1000';
  return value === 'endless' ? Number.POSITIVE_INFINITY : Number(value);
}

export function tuningOf(flows: number): Tuning {
  return { emc: flows <= flowsThatFit ? 100 : 0, smc: false };
}
