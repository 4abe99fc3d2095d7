/** A group of the page: its lone figures in one table, each case with contestants in a table of its own, with notes and plots. */
import type { Measurement } from '../../kernel/bench/measurement.ts';
import { advantage, allFigures, byVariant, type Case, contestantName, figuresOf, type Line, rangeOf } from './figures.ts';
import { range, table, times } from './markdown.ts';
import { type Notes, note } from './notes.ts';
import { targetCell } from './page-summary.ts';
import type { Plot } from './plots.ts';

function isAlone(one: Case): boolean {
  return one.lines.every((line) => allFigures(line).length < 2);
}

/** Paragraphs, without the empty ones. */
export function paragraphs(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}

function aloneTable(cases: readonly Case[]): string {
  const rows = cases.flatMap((one) =>
    one.lines.flatMap((line, index) =>
      allFigures(line).map((figure) => {
        const who =
          figure.contestant === 'weft' ? '' : ` (${contestantName(figure.contestant)}${figure.recorded === undefined ? '' : ', recorded'})`;
        const variant = index > 0 && one.lines[index - 1]?.variant === line.variant ? '' : line.variant;
        return [index === 0 ? one.title + who : '', variant, range(rangeOf(figure), line.unit), line.unit, targetCell(line)];
      }),
    ),
  );
  return rows.length === 0 ? '' : table(['what', '', 'median (range)', 'unit', 'target'], rows);
}

/** One row of a case's table: a contestant, or one of several ways in which a peer was tried. */
interface Entrant {
  readonly contestant: string;
  readonly way: number;
  readonly recorded: boolean;
  readonly name: string;
}

/** `**Weft**`, `*VPP, recorded*`; what tells several ways apart in brackets. */
function entrantName({ contestant, recorded, note: way }: Measurement, ways: number): string {
  const name = contestantName(contestant);
  if (contestant === 'weft') return `**${name}**`;
  const full = ways > 1 && way !== undefined ? ` (${way})` : '';
  return recorded === undefined ? `${name}${full}` : `*${name}, recorded${full}*`;
}

function entrantsOf(lines: readonly Line[]): Entrant[] {
  const contestants = [...new Set(lines.flatMap(allFigures).map(({ contestant }) => contestant))];
  return contestants.flatMap((contestant) => {
    const ways = lines.map((line) => figuresOf(line, contestant)).toSorted((a, b) => b.length - a.length)[0] ?? [];
    return ways.map((figure, way) => ({
      contestant,
      way,
      recorded: figure.recorded !== undefined,
      name: entrantName(figure, ways.length),
    }));
  });
}

function entrantCells(lines: readonly Line[], units: readonly string[], { contestant, way, recorded, name }: Entrant): string[] {
  const figure = (line: Line | undefined): Measurement | undefined => figuresOf(line, contestant)[way];
  const [first] = lines;
  const own = figure(first);
  const ratio = first === undefined || own === undefined ? undefined : advantage(first, own);
  return [
    name,
    ...units.map((unit) => {
      const found = figure(lines.find((line) => line.unit === unit));
      return found === undefined ? '–' : range(rangeOf(found), unit);
    }),
    ratio === undefined ? '' : `${recorded ? '≈ ' : ''}${times(ratio)}`,
  ];
}

/** Lines of one variant, under the name that a table gives them. */
interface Block {
  readonly name: string;
  readonly lines: readonly Line[];
}

function unitsOf(lines: readonly Line[]): string[] {
  return [...new Set(lines.map((line) => line.unit))];
}

/** One row for each contestant of each block, one column for each unit. */
function contestTable(blocks: readonly Block[]): string {
  const units = unitsOf(blocks.flatMap(({ lines }) => lines));
  const aims = blocks.some(({ lines }) => lines.some((line) => line.target !== undefined));
  const rows = blocks.flatMap(({ name, lines }) => {
    const aimed = lines.find((line) => line.target !== undefined);
    const target = aimed === undefined ? '' : `${targetCell(aimed)}${units.length > 1 ? ` ${aimed.unit}` : ''}`;
    return entrantsOf(lines).map((entrant, index) => [
      index === 0 ? name : '',
      ...entrantCells(lines, units, entrant),
      index === 0 ? target : '',
    ]);
  });
  return table(['', 'who', ...units, 'Weft is × as good', ...(aims ? ['target'] : [])], rows);
}

function isSingle(one: Case): boolean {
  return byVariant(one.lines).length === 1;
}

/** Cases of one variant that are measured in the same units share a table. */
function sharedTables(cases: readonly Case[]): string[] {
  const byUnits = Map.groupBy(cases, (one) => unitsOf(one.lines).join());
  return [...byUnits.values()].map((own) =>
    contestTable(
      own.map(({ title, lines }) => ({ name: [title, lines[0]?.variant ?? ''].filter((word) => word !== '').join(', '), lines })),
    ),
  );
}

/** What figures say of themselves: where they were recorded, and what a reader must know. */
function remarksOf(figure: Measurement): string[] {
  const record = figure.recorded === undefined ? [] : [`recorded, not measured in this run: ${figure.recorded}`];
  return (figure.note === undefined ? record : [...record, figure.note]).map((remark) => `${contestantName(figure.contestant)}: ${remark}`);
}

/** Remarks that more than one case has: said once. */
function sharedRemarks(cases: readonly Case[]): Set<string> {
  const figures = cases.flatMap((one) => one.lines.flatMap(allFigures));
  const inCases = (remark: string) =>
    cases.filter((one) => one.lines.some((line) => allFigures(line).some((figure) => remarksOf(figure).includes(remark))));
  return new Set(figures.flatMap(remarksOf).filter((remark, index, all) => all.indexOf(remark) === index && inCases(remark).length > 1));
}

/** A list of the remarks but `said`, with the variants that they are of. */
function remarks(lines: readonly Line[], said: ReadonlySet<string>): string {
  const figures = lines.flatMap(allFigures);
  const found = [...new Set(figures.flatMap(remarksOf))].filter((remark) => !said.has(remark));
  const sentences = found.map((remark) => {
    const [name = ''] = remark.split(': ', 1);
    const own = figures.filter((figure) => contestantName(figure.contestant) === name);
    const variants = new Set(own.filter((figure) => remarksOf(figure).includes(remark)).flatMap(({ variant }) => variant ?? []));
    const all = own.every(({ variant = '' }) => variants.has(variant));
    return variants.size === 0 || all ? `- ${remark}` : `- ${name} (${[...variants].join(', ')}): ${remark.slice(name.length + 2)}`;
  });
  return sentences.join('\n');
}

export function image(plot: Plot, folder: string): string {
  return `![${plot.title}](${folder}${plot.file})`;
}

function caseSection(one: Case, said: ReadonlySet<string>, notes: Notes, plots: readonly Plot[], folder: string): string {
  const own = plots.filter((plot) => plot.case === one.id).map((plot) => image(plot, folder));
  return paragraphs([
    `### ${one.title}`,
    contestTable(byVariant(one.lines).map((lines) => ({ name: lines[0]?.variant ?? '', lines }))),
    remarks(one.lines, said),
    note(notes, one.group, one.id),
    ...own,
  ]);
}

/** Notes and plots of cases that share a table. */
function appendix(cases: readonly Case[], notes: Notes, plots: readonly Plot[], folder: string): string[] {
  return cases.flatMap((one) => [
    note(notes, one.group, one.id),
    ...plots.filter((plot) => plot.case === one.id).map((plot) => image(plot, folder)),
  ]);
}

/** Everything of a group but its heading and the plots of the whole group. `folder` is where the page finds its plots. */
export function groupSection(cases: readonly Case[], notes: Notes, plots: readonly Plot[], folder: string): string {
  const alone = cases.filter(isAlone);
  const single = cases.filter((one) => !isAlone(one) && isSingle(one));
  const many = cases.filter((one) => !isAlone(one) && !isSingle(one));
  const said = sharedRemarks(cases);
  const listed = (of: readonly Case[]) =>
    remarks(
      of.flatMap((one) => one.lines),
      said,
    );
  return paragraphs([
    note(notes, cases[0]?.group ?? ''),
    [...said].map((remark) => `- ${remark}`).join('\n'),
    aloneTable(alone),
    listed(alone),
    ...appendix(alone, notes, plots, folder),
    ...sharedTables(single),
    listed(single),
    ...appendix(single, notes, plots, folder),
    ...many.map((one) => caseSection(one, said, notes, plots, folder)),
  ]);
}
