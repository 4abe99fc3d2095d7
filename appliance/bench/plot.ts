/** Growth as lines over a logarithmic axis, and comparisons as bars; both with whiskers from the lowest to the highest round. */
import type { Range } from './figures.ts';
import { number, short } from './markdown.ts';
import { frame, kindClass, type Look, mark, type Rect, round, text, ticks } from './plot-frame.ts';

export interface LineSeries extends Look {
  /** By rising `x`, which is above 0. */
  readonly points: readonly (Range & { readonly x: number })[];
}

export interface LinePlot {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly series: readonly LineSeries[];
}

export interface BarPlot {
  readonly title: string;
  readonly unit: string;
  readonly rows: readonly { readonly name: string; readonly bars: readonly (Look & Range)[] }[];
}

const width = 760;

/** A line from low to high with ends. */
function whisker(range: Range, x: (value: number) => number, y: (value: number) => number, upright: boolean): string {
  if (range.low === range.high) return '';
  const [x1, x2, y1, y2] = [x(range.low), x(range.high), y(range.low), y(range.high)].map(round);
  const ends = upright ? `M${(x1 ?? 0) - 4} ${y1}h8M${(x1 ?? 0) - 4} ${y2}h8` : `M${x1} ${(y1 ?? 0) - 3}v6M${x2} ${(y1 ?? 0) - 3}v6`;
  return `<path d="M${x1} ${y1}L${x2} ${y2}${ends}" stroke="currentColor" stroke-width="1.2" fill="none"/>`;
}

function drawSeries(series: LineSeries, x: (value: number) => number, y: (value: number) => number): string {
  const path = series.points.map((point, index) => `${index === 0 ? 'M' : 'L'}${round(x(point.x))} ${round(y(point.median))}`).join('');
  const target = series.kind === 'target';
  const dash = target ? ' stroke-dasharray="2 3"' : series.recorded ? ' stroke-dasharray="6 4"' : '';
  const line = `<path d="${path}" stroke="currentColor" stroke-width="${series.kind === 'weft' ? 2.6 : 1.6}" fill="none"${dash}/>`;
  const points = series.points.map(
    (point) => whisker(point, () => x(point.x), y, true) + (target ? '' : mark(x(point.x), y(point.median), series)),
  );
  return `<g class="${kindClass(series.kind)}">${line}${points.join('')}</g>`;
}

/** Lines over log x, from 0 up on y. Throws an Error without points. */
export function linePlot({ title, xTitle, yTitle, series }: LinePlot): string {
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) throw new Error(`nothing to draw in "${title}"`);
  const height = 380;
  const area: Rect = { left: 72, top: 84, width: width - 72 - 32, height: height - 84 - 56 };
  const sizes = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  const [first = 1, last = 1] = [sizes[0], sizes.at(-1)];
  const marks = ticks(Math.max(...points.map((point) => point.high)));
  const top = marks.at(-1) ?? 1;
  const x = (value: number) => area.left + (first === last ? 0.5 : Math.log(value / first) / Math.log(last / first)) * area.width;
  const y = (value: number) => area.top + (1 - value / top) * area.height;
  const bottom = area.top + area.height;
  const body = [
    ...marks.map(
      (value) =>
        `<path class="grid" d="M${area.left} ${round(y(value))}h${area.width}"/>${text(area.left - 8, y(value) + 4, short(value), { anchor: 'end', look: 'faint' })}`,
    ),
    ...sizes.map(
      (value) =>
        `<path class="grid" d="M${round(x(value))} ${area.top}V${bottom}"/>${text(x(value), bottom + 18, short(value), { anchor: 'middle', look: 'faint' })}`,
    ),
    text(16, area.top - 12, yTitle, { look: 'faint' }),
    text(area.left + area.width, bottom + 40, `${xTitle} (logarithmic)`, { anchor: 'end', look: 'faint' }),
    ...series.toReversed().map((one) => drawSeries(one, x, y)),
  ].join('\n');
  return frame({ width, height }, title, series, `${yTitle} over ${xTitle}: ${series.map((one) => one.name).join(', ')}`, body);
}

function drawBar(bar: Look & Range, top: number, x: (value: number) => number, left: number): string {
  const look = bar.recorded ? 'class="hollow" stroke="currentColor" stroke-dasharray="4 2"' : 'fill="currentColor" fill-opacity="0.55"';
  const box = `<rect x="${left}" y="${top}" width="${round(Math.max(1, x(bar.median) - left))}" height="12" rx="2" ${look}/>`;
  const label = text(Math.max(x(bar.high), x(bar.median)) + 7, top + 10, number(bar.median), { look: 'faint' });
  return `<g class="${kindClass(bar.kind)}">${box}${whisker(bar, x, () => top + 6, false)}</g>${label}`;
}

/** Groups of lying bars from 0. Throws an Error without bars. */
export function barPlot({ title, unit, rows }: BarPlot): string {
  const bars = rows.flatMap((row) => row.bars);
  if (bars.length === 0) throw new Error(`nothing to draw in "${title}"`);
  const left = Math.min(340, 30 + 6.8 * Math.max(...rows.map((row) => row.name.length)));
  const marks = ticks(Math.max(...bars.map((bar) => bar.high)));
  const largest = marks.at(-1) ?? 1;
  const x = (value: number) => left + (value / largest) * (width - left - 64);
  const looks = [...new Map(bars.map((bar) => [`${bar.name}${bar.recorded}`, bar])).values()];
  let top = 72;
  const drawn = rows.map((row) => {
    const begin = top;
    const group = row.bars.map((bar, index) => drawBar(bar, begin + index * 15, x, left));
    top += row.bars.length * 15 + 12;
    return [text(left - 10, begin + row.bars.length * 7.5 + 3, row.name, { anchor: 'end' }), ...group].join('\n');
  });
  const axis = marks.map(
    (value) =>
      `<path class="grid" d="M${round(x(value))} 66V${top}"/>${text(x(value), top + 16, short(value), { anchor: 'middle', look: 'faint' })}`,
  );
  const body = [...axis, text(width - 16, top + 34, unit, { anchor: 'end', look: 'faint' }), ...drawn].join('\n');
  return frame({ width, height: top + 46 }, title, looks, `${unit}: ${rows.map((row) => row.name).join(', ')}`, body);
}
