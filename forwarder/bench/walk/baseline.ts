/** The recorded instructions per packet, and what it means when a count differs from them. */
import type { Count } from './callgrind.ts';

/** What counts depend on besides the source. */
export type Toolchain = Readonly<Record<'gcc' | 'dpdk' | 'glibc' | 'march' | 'valgrind', string>>;

export interface Baseline {
  /** Why the numbers are what they are: the change that moved them. */
  readonly reason: string;
  readonly toolchain: Toolchain;
  readonly cases: Readonly<Record<string, RecordedCase>>;
}

interface RecordedCase {
  /** Per packet. */
  readonly instructions: number;
  /** Of functions that take at least `least`. */
  readonly functions: Readonly<Record<string, number>>;
}

/** A line of the report. */
export interface Finding {
  readonly ok: boolean;
  readonly text: string;
}

/** How far a count may be from the recorded one. */
export const tolerance = 0.03;
/** Instructions per packet of a function that is worth a line. */
const least = 2;
const record = "node forwarder/bench/walk/instructions.ts --record 'REASON'";

const round = (value: number): number => Math.round(value * 100) / 100;
const percent = (ratio: number): string => `${Math.abs(ratio) < 0.0005 ? '±' : ratio < 0 ? '−' : '+'}${Math.abs(ratio * 100).toFixed(1)} %`;

export function makeBaseline(reason: string, toolchain: Toolchain, counts: readonly Count[]): Baseline {
  const cases = counts.map((count): [string, RecordedCase] => [
    count.case,
    {
      instructions: round(count.instructions),
      functions: Object.fromEntries(
        [...count.functions].filter(([, instructions]) => instructions >= least).map(([fn, value]) => [fn, round(value)]),
      ),
    },
  ]);
  return { reason, toolchain, cases: Object.fromEntries(cases) };
}

/** Whether counts can be compared at all. */
export function compareToolchain(baseline: Baseline, here: Toolchain): Finding {
  const names = Object.keys(here) as (keyof Toolchain)[];
  const others = names.filter((name) => here[name] !== baseline.toolchain[name]);
  if (others.length === 0) return { ok: true, text: `toolchain: ${names.map((name) => `${name} ${here[name]}`).join(', ')}` };
  const list = others.map((name) => `${name} is ${here[name] || 'none'} here and was ${baseline.toolchain[name] || 'none'}`).join(', ');
  return {
    ok: false,
    text: `toolchain: counts cannot be compared with the recorded ones, because ${list}; count where the recorded versions are installed, or move the whole baseline to these: ${record}`,
  };
}

/** The functions whose share changed most, in words. */
function movers(before: RecordedCase, now: Count): string {
  const names = new Set([...Object.keys(before.functions), ...now.functions.keys()]);
  const changes = [...names].map((name) => {
    const old = before.functions[name];
    // Too small to be recorded, or not there.
    const value = now.functions.get(name) ?? 0;
    return { name, old: old ?? 0, value, change: old === undefined && value < least ? 0 : value - (old ?? 0) };
  });
  const largest = changes.sort((a, b) => Math.abs(b.change) - Math.abs(a.change)).filter(({ change }) => Math.abs(change) >= 0.1);
  return largest
    .slice(0, 4)
    .map(
      ({ name, old, value, change }) =>
        `${name} ${change < 0 ? '−' : '+'}${Math.abs(change).toFixed(1)} (${old.toFixed(1)} → ${value.toFixed(1)})`,
    )
    .join(', ');
}

function compareCase(before: RecordedCase | undefined, now: Count): Finding {
  const cost = `${now.case}: ${now.instructions.toFixed(1)} instructions per packet`;
  if (before === undefined) return { ok: false, text: `${cost}, and none are recorded; record them: ${record}` };
  const ratio = now.instructions / before.instructions - 1;
  if (Math.abs(ratio) <= tolerance) return { ok: true, text: `${cost} (recorded ${before.instructions.toFixed(1)}, ${percent(ratio)})` };
  const advice =
    ratio > 0 ? 'make it cheap again, or move the baseline and say why' : 'it became cheaper: move the baseline, so that it stays so';
  return {
    ok: false,
    text: `${cost}, ${percent(ratio)} against the recorded ${before.instructions.toFixed(1)}; most in ${movers(before, now)}; ${advice}: ${record}`,
  };
}

/** A finding for each case, counted or recorded. */
export function compareCases(baseline: Baseline, counts: readonly Count[]): Finding[] {
  const counted = new Set(counts.map((count) => count.case));
  const gone = Object.keys(baseline.cases).filter((name) => !counted.has(name));
  return [
    ...counts.map((count) => compareCase(baseline.cases[count.case], count)),
    ...gone.map((name) => ({
      ok: false,
      text: `${name}: is recorded but was not counted; count it again, or record without it: ${record}`,
    })),
  ];
}
