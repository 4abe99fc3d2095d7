/** A unified diff of two texts, by the longest common subsequence of their lines. For objects of some hundred lines. */

const context = 3;

interface Line {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

/** Empty when both are equal. */
export function unifiedDiff(before: string, after: string, beforeName: string, afterName: string): string {
  const lines = compare(split(before), split(after));
  const hunks = hunksOf(lines);
  if (hunks.length === 0) return '';
  const body = hunks.map(([from, to]) => formatHunk(lines, from, to)).join('');
  return `--- ${beforeName}\n+++ ${afterName}\n${body}`;
}

function split(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** Cells of the table below; larger texts are shown as replaced. */
const maxCells = 16 << 20;

function compare(before: readonly string[], after: readonly string[]): Line[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < Math.min(before.length, after.length) - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const same = (texts: readonly string[]): Line[] => texts.map((text) => ({ mark: ' ', text }));
  const changed = compareMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
  return [...same(before.slice(0, head)), ...changed, ...same(before.slice(before.length - tail))];
}

function compareMiddle(before: readonly string[], after: readonly string[]): Line[] {
  const common = commonLengths(before, after);
  const lines: Line[] = [];
  let row = 0;
  let column = 0;
  while (row < before.length || column < after.length) {
    const old = before[row];
    const text = after[column];
    if (old !== undefined && old === text) {
      lines.push({ mark: ' ', text: old });
      row++;
      column++;
    } else if (old !== undefined && (text === undefined || common(row + 1, column) >= common(row, column + 1))) {
      lines.push({ mark: '-', text: old });
      row++;
    } else if (text !== undefined) {
      lines.push({ mark: '+', text });
      column++;
    }
  }
  return lines;
}

/** Length of the longest common subsequence of what follows a row of `before` and a column of `after`. */
function commonLengths(before: readonly string[], after: readonly string[]): (row: number, column: number) => number {
  const width = after.length + 1;
  if ((before.length + 1) * width > maxCells) return () => 0;
  const lengths = new Uint32Array((before.length + 1) * width);
  const at = (row: number, column: number) => lengths[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row--)
    for (let column = after.length - 1; column >= 0; column--)
      lengths[row * width + column] =
        before[row] === after[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
  return at;
}

/** Ranges [from, to) of lines to show: each change with its context, joined where they touch. */
function hunksOf(lines: readonly Line[]): [number, number][] {
  const hunks: [number, number][] = [];
  for (const [index, { mark }] of lines.entries()) {
    if (mark === ' ') continue;
    const from = Math.max(0, index - context);
    const to = Math.min(lines.length, index + context + 1);
    const last = hunks.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = to;
    else hunks.push([from, to]);
  }
  return hunks;
}

function formatHunk(lines: readonly Line[], from: number, to: number): string {
  const side = (mark: '-' | '+') => {
    const counts = (slice: readonly Line[]) => slice.filter((line) => line.mark === ' ' || line.mark === mark).length;
    const length = counts(lines.slice(from, to));
    return `${mark}${counts(lines.slice(0, from)) + (length === 0 ? 0 : 1)},${length}`;
  };
  const body = lines.slice(from, to).map(({ mark, text }) => `${mark}${text}\n`);
  return `@@ ${side('-')} ${side('+')} @@\n${body.join('')}`;
}
