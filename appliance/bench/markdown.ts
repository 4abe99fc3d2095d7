/** Markdown tables and figures as text. */
import type { Range } from './figures.ts';

/** A table with columns as wide as their widest cell; from the second on, columns of numbers are set right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header, ...rows].map((row) => header.map((_, column) => (row[column] ?? '').replaceAll('|', '\\|')));
  const widths = header.map((_, column) => Math.max(3, ...cells.map((row) => [...(row[column] ?? '')].length)));
  const numeric = header.map((_, column) => {
    const filled = rows.map((row) => row[column] ?? '').filter((cell) => cell !== '' && cell !== '–');
    return column > 0 && filled.length > 0 && filled.every((cell) => /^[*_≈≤≥+\s]*[\d−]/.test(cell));
  });
  const line = (row: readonly string[]) => {
    const padded = row.map((cell, column) => {
      const space = ' '.repeat((widths[column] ?? 0) - [...cell].length);
      return numeric[column] ? space + cell : cell + space;
    });
    return `| ${padded.join(' | ')} |`;
  };
  const rule = `| ${widths.map((width, column) => (numeric[column] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`;
  const [head = [], ...body] = cells;
  return [line(head), rule, ...body.map(line)].join('\n');
}

/** Counted in whole ones: tenths of 60 cycles are noise. */
const coarse: ReadonlySet<string> = new Set(['net cycles', 'cycles', 'instructions']);

/** Decimals that leave three significant digits: 2 for 1.42, none from 100 on. */
function decimals(value: number, unit = ''): number {
  const size = Math.abs(value);
  if (coarse.has(unit) && size >= 1) return size >= 10 ? 0 : 1;
  if (size === 0 || size >= 100) return 0;
  return Math.min(4, 2 - Math.floor(Math.log10(size)));
}

/** With so many decimals and a true minus sign: `−3.0`. */
export function fixed(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace('-', '−');
}

/** To three significant digits: `28,412`, `37.6`, `0.110`; cycles and instructions in whole ones. */
export function number(value: number, unit?: string): string {
  return fixed(value, decimals(value, unit));
}

/** As somebody would write it down: `60`, `1.5`. */
export function plain(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 3 });
}

/** How many times as good: `2.70`, `56`. */
export function times(ratio: number): string {
  return fixed(ratio, ratio < 10 ? 2 : 0);
}

/** `37.6 (36.9–38.0)`; without brackets when it was measured once. */
export function range({ median, low, high }: Range, unit?: string): string {
  if (low === high) return number(median, unit);
  const digits = decimals(median, unit);
  return `${fixed(median, digits)} (${fixed(low, digits)}–${fixed(high, digits)})`;
}

/** `1 k`, `128 k`, `2.5 M` for axes. */
export function short(value: number): string {
  for (const [size, letter] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const)
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))} ${letter}`;
  return String(Number(value.toPrecision(3)));
}
