import test from 'ava';
import { barPlot, type LinePlot, linePlot } from './plot.ts';
import { ticks } from './plot-frame.ts';

const weft = { name: 'Weft', kind: 'weft', recorded: false };
const growth: LinePlot = {
  title: 'L3 <&> "routes"',
  xTitle: 'flows',
  yTitle: 'net cycles',
  series: [
    {
      ...weft,
      points: [
        { x: 1_000, median: 60, low: 55, high: 100 },
        { x: 1_000_000, median: 80, low: 80, high: 80 },
      ],
    },
    { name: 'VPP', kind: 'vpp', recorded: true, points: [{ x: 1_000, median: 66, low: 66, high: 66 }] },
  ],
};
const bars = barPlot({ title: 'Throughput', unit: 'Mpps', rows: [{ name: 'L3', bars: [{ ...weft, median: 30, low: 25, high: 40 }] }] });

/** Why it is no well-formed XML; undefined when it is. */
function malformed(xml: string): string | undefined {
  const open: string[] = [];
  const rest = xml.replace(
    /<(\/?)([a-zA-Z]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>/g,
    (_, closing: string, name: string, __, empty: string) => {
      if (closing !== '') return open.pop() === name ? '' : `<${name}> closed out of order`;
      if (empty === '') open.push(name);
      return '';
    },
  );
  if (open.length > 0) return `left open: ${open.join(', ')}`;
  return /[<]|&(?!(amp|lt|gt|quot);)/.exec(rest)?.[0] ?? (rest.includes('out of order') ? rest : undefined);
}

/** All numbers of attributes with these names. */
function coordinates(svg: string, ...names: string[]): number[] {
  return names.flatMap((name) => [...svg.matchAll(new RegExp(` ${name}="(-?[\\d.]+)"`, 'g'))].map(([, value]) => Number(value)));
}

test('plots are well-formed XML, whatever titles hold', (t) => {
  t.is(malformed(linePlot(growth)), undefined);
  t.is(malformed(bars), undefined);
  t.not(malformed('<a><b></a></b>'), undefined);
  t.not(malformed('<a>1 < 2</a>'), undefined);
  t.not(malformed('<a>A & B</a>'), undefined);
});

test('x is logarithmic, y begins at 0 and ends above the highest round', (t) => {
  const middle = linePlot({ ...growth, series: [{ ...weft, points: [1, 10, 100].map((x) => ({ x, median: 50, low: 50, high: 100 })) }] });
  const [, ...xs] = coordinates(middle, 'cx');
  t.is(xs.length, 3);
  t.true(Math.abs((xs[0] ?? 0) + (xs[2] ?? 0) - 2 * (xs[1] ?? 0)) < 0.3, 'equal factors, equal distances');
  const [, first, second] = coordinates(linePlot(growth), 'cy');
  // 84 and 324 are the ends of the area: 0 below, 100 above.
  t.is(first, 324 - 0.6 * 240);
  t.is(second, 324 - 0.8 * 240);
});

test('whiskers go from the lowest to the highest round, and only where rounds differ', (t) => {
  const svg = linePlot(growth);
  t.is(svg.match(/stroke-width="1\.2"/g)?.length, 1);
  t.true(svg.includes('M72 192L72 84M68 192h8M68 84h8'), svg);
  t.is(bars.match(/stroke-width="1\.2"/g)?.length, 1);
});

test('nothing lies outside the picture', (t) => {
  for (const svg of [linePlot(growth), bars]) {
    const [width = 0] = coordinates(svg, 'width');
    const [height = 0] = coordinates(svg, 'height');
    t.true(coordinates(svg, 'x', 'cx').every((x) => x >= 0 && x <= width));
    t.true(coordinates(svg, 'y', 'cy').every((y) => y >= 0 && y <= height));
    t.false(svg.includes('NaN'));
  }
});

test('what is on record is hollow and named so', (t) => {
  const svg = linePlot(growth);
  t.true(svg.includes('VPP (recorded)'));
  t.true(svg.includes('stroke-dasharray="6 4"'));
  t.is(svg.match(/class="hollow"/g)?.length, 2, 'in the legend and at its point');
});

test('one size, zeros and nothing at all', (t) => {
  const zero = { x: 1, median: 0, low: 0, high: 0 };
  t.is(malformed(linePlot({ ...growth, series: [{ ...weft, points: [zero] }] })), undefined);
  t.throws(() => linePlot({ ...growth, series: [] }), { message: /nothing to draw in "L3/ });
  t.throws(() => barPlot({ title: 'none', unit: 's', rows: [] }), { message: /nothing to draw in "none"/ });
});

test('ticks are round and reach the largest value', (t) => {
  t.deepEqual(ticks(100), [0, 20, 40, 60, 80, 100]);
  t.deepEqual(ticks(0.11), [0, 0.025, 0.05, 0.075, 0.1, 0.125]);
  t.deepEqual(ticks(0), [0, 1]);
});
