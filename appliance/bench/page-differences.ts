/** Where this run's figures of a peer differ from those on record: what is beyond noise needs a note. */
import { type Measurement, median } from '../../kernel/bench/measurement.ts';
import { type Case, contestantName, type Line, rangeOf } from './figures.ts';
import { fixed, range, table } from './markdown.ts';
import { type Notes, note } from './notes.ts';

/** Two runs on one machine agree within this; further apart is beyond noise. */
const noise = 0.05;

export interface Difference {
  readonly case: Case;
  readonly line: Line;
  readonly measured: Measurement;
  readonly recorded: Measurement;
  /** Of the recorded median. */
  readonly percent: number;
  /** The ranges, this run's widened by the noise of two runs, do not touch. */
  readonly beyondNoise: boolean;
}

function difference(one: Case, line: Line, measured: Measurement, recorded: Measurement): Difference {
  const [now, then] = [rangeOf(measured), rangeOf(recorded)];
  const beyondNoise = now.low * (1 - noise) > then.high || now.high * (1 + noise) < then.low;
  return { case: one, line, measured, recorded, percent: 100 * (now.median / median(recorded.values) - 1), beyondNoise };
}

/** All figures that were both measured and recorded. */
export function differencesOf(cases: readonly Case[]): Difference[] {
  return cases.flatMap((one) =>
    one.lines.flatMap((line) =>
      line.figures
        .filter((figure) => figure.recorded !== undefined)
        .flatMap((recorded) => {
          const measured = line.figures.find((figure) => figure.contestant === recorded.contestant && figure.recorded === undefined);
          return measured === undefined ? [] : [difference(one, line, measured, recorded)];
        }),
    ),
  );
}

/** The note that explains a difference: section `case contestant`, or `case`, of notes/differences.md. */
function explanation(notes: Notes, { case: one, measured }: Difference): string {
  return note(notes, 'differences', `${one.id} ${measured.contestant}`) || note(notes, 'differences', one.id);
}

/** Differences beyond noise that no note explains. */
export function unexplained(cases: readonly Case[], notes: Notes): Difference[] {
  return differencesOf(cases).filter((found) => found.beyondNoise && explanation(notes, found) === '');
}

export function differencesSection(cases: readonly Case[], notes: Notes): string {
  const found = differencesOf(cases);
  const sources = [...new Set(found.map(({ recorded }) => `${contestantName(recorded.contestant)}: ${recorded.recorded}`))];
  if (found.length === 0) return 'No peer was measured for which a figure is on record.';
  const rows = found.map((one) => [
    one.case.title,
    one.line.variant,
    contestantName(one.measured.contestant),
    one.line.unit,
    range(rangeOf(one.measured), one.line.unit),
    range(rangeOf(one.recorded), one.line.unit),
    `${one.percent > 0 ? '+' : ''}${fixed(one.percent, 0)} %`,
    !one.beyondNoise ? 'within noise' : explanation(notes, one) === '' ? '**not explained yet**' : 'explained below',
  ]);
  const explained = new Map(found.filter((one) => one.beyondNoise).map((one) => [explanation(notes, one), one.case.title]));
  explained.delete('');
  return [
    `On record: ${sources.join('; ')}. Beyond noise is what stays apart when this run's range is widened by ${100 * noise} %.`,
    note(notes, 'differences'),
    table(['case', '', 'who', 'unit', 'this run', 'recorded', 'difference', ''], rows),
    ...[...explained].map(([text, title]) => `- ${title}: ${text}`),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
