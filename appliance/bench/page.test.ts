import test from 'ava';
import { casesOf } from './figures.ts';
import { parseNotes } from './notes.ts';
import { renderPage } from './page.ts';
import { differencesOf, unexplained } from './page-differences.ts';
import { plotsOf } from './plots.ts';
import { measurements, result } from './test/figures.ts';

const notes = new Map([
  ['packets', parseNotes('About packets.\n\n## l3\n\nAbout L3.\n')],
  ['limits', parseNotes('## Memory\n\nIt waits for memory.\n')],
  ['differences', parseNotes('## l3\n\nAnother tuning.\n')],
  ['elsewhere', parseNotes('Made by tests.\n\n## Ports\n\n```\n## no heading\n```\n')],
]);
const page = renderPage(result, notes, plotsOf(measurements), 'performance/');

/** Cells of the first row below `heading` that begins with these cells. */
function row(heading: string, ...first: string[]): string[] {
  const lines = page.slice(page.indexOf(heading)).split('\n');
  const rows = lines
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return rows.find((cells) => first.every((cell, index) => cells[index] === cell)) ?? [];
}

test('the summary has medians, the paired ratio, what is on record in italics, and whether the target is met', (t) => {
  // Rounds 30/10, 20/10, 31/11: the median of the ratios is 2.82, the ratio of the medians would be 3.
  t.deepEqual(row('## Summary', 'L3, 1,000 /24 routes', '1 k flows'), [
    'L3, 1,000 /24 routes',
    '1 k flows',
    '**30.0** (59)',
    '10.0 (300)',
    '*26.7*',
    '–',
    '2.82',
    '≤ 60 ✓',
  ]);
});

test('variants stand in the order of their sizes, and a missed target is told', (t) => {
  t.deepEqual(row('## Summary', '', '1 M flows'), ['', '1 M flows', '**28.0** (66)', '–', '–', '–', '–', '≤ 62 ✗']);
  const table = page.slice(page.indexOf('### L3'));
  t.deepEqual(
    [...table.matchAll(/^\| +([\w ]+ flows) +\| \*\*Weft/gm)].map(([, variant]) => variant),
    ['1 k flows', '128 k flows', '1 M flows'],
  );
  t.true(page.includes('**Weft meets 2 of the 3 targets that this run could judge.** 1 more are of cases'));
  t.true(page.includes('- L3, 1,000 /24 routes, 1 M flows: 66 instead of 62 net cycles (6.5 % off)'));
});

test('a case that Weft cannot do yet shows all that is on record and the target without a mark', (t) => {
  t.deepEqual(row('## Summary', 'Connection tracking').slice(2), ['–', '–', '*(142)*', '–', '–', '≤ 95']);
  t.is(row('### Connection', 'Connection tracking, 1 k flows').length, 0);
  t.deepEqual(row('## Forwarding', 'Connection tracking, 1 k flows').slice(1), ['*VPP, recorded (sessions)*', '142', '', '≤ 95']);
  t.true(page.includes('- VPP: sessions\n- VPP: ACL'));
});

test('tables of cases have ranges and say what the figures say of themselves', (t) => {
  t.deepEqual(row('### L3', '1 k flows', '**Weft**'), ['1 k flows', '**Weft**', '30.0 (20.0–31.0)', '59 (58–60)', '', '≤ 60 ✓ net cycles']);
  t.true(page.includes('- OVS-DPDK: EMC off'));
  t.is(page.split('recorded, not measured in this run: VPP 26.06 on a test machine').length, 2, 'said once for the whole group');
});

test('figures without a contestant share a table; groups without a title keep their name', (t) => {
  t.deepEqual(row('## The whole appliance', 'Start to ready'), ['Start to ready', '', '1.41 (1.38–1.52)', 's', '–']);
  t.true(page.includes('## Own\n'));
});

test('what is missing, quick or noisy stands at the top', (t) => {
  const head = page.slice(0, page.indexOf('## Summary'));
  t.true(head.includes('> A quick run'));
  t.true(head.includes('> **Missing or incomplete: walk.** It wrote no figures.'));
  t.true(head.includes('> The machine was not quiet: make (17) takes 80 % of a CPU.'));
});

test('hand-written notes stand where they belong', (t) => {
  t.regex(page, /## Forwarding beside its peers\n\nAbout packets\./);
  t.true(page.indexOf('About L3.') > page.indexOf('### L3'));
  t.regex(page, /## What limits\n\n### Memory\n\nIt waits for memory\./);
  t.regex(page, /## Measured by tests, not by the bench\n\nMade by tests\.\n\n### Ports\n\n```\n## no heading/);
});

test('a difference to the record within noise passes, one beyond wants a note', (t) => {
  const cases = casesOf(measurements);
  t.deepEqual(
    differencesOf(cases).map(({ line, percent, beyondNoise }) => [line.unit, Math.round(percent), beyondNoise]),
    [
      ['Mpps', -11, false],
      ['net cycles', 50, true],
    ],
  );
  t.deepEqual(unexplained(cases, notes), []);
  t.is(unexplained(cases, new Map()).length, 1);
  t.deepEqual(row('## Differences', 'L3, 1,000 /24 routes', '1 k flows', 'OVS-DPDK', 'net cycles').slice(4), [
    '300 (290–310)',
    '200',
    '+50 %',
    'explained below',
  ]);
  t.true(page.includes('- L3, 1,000 /24 routes: Another tuning.'));
  t.true(renderPage(result, new Map(), [], '').includes('**not explained yet**'));
});

test('the dearest functions stand with their share, the rest summed up', (t) => {
  t.deepEqual(row('### Instructions by function', '`route_burst`').slice(1), ['120', '60 %']);
  t.deepEqual(row('### Instructions by function', 'all others').slice(1), ['80', '40 %']);
});

test('every plot that the page shows is written, and every one written is shown', (t) => {
  const shown = [...page.matchAll(/!\[[^\]]*\]\(performance\/([^)]+)\)/g)].map(([, file]) => file);
  t.deepEqual(
    shown.toSorted(),
    plotsOf(measurements)
      .map(({ file }) => file)
      .toSorted(),
  );
  t.deepEqual(shown, ['throughput.svg', 'growth-packets-l3-net-cycles-per-packet.svg']);
});

test('machine, versions and commands are there', (t) => {
  t.deepEqual(row('## Machine', 'CPU'), ['CPU', 'AMD EPYC 7B13, 2 of them, 2596 MHz']);
  t.deepEqual(row('## Machine', 'Node'), ['Node', '24.21.0']);
  t.deepEqual(row('## Machine', 'packets'), ['packets', '`node forwarder/bench/packets/main.ts --quick`', '2 min', '0.4 %']);
});

test('a run without figures still makes a page', (t) => {
  t.true(renderPage({ ...result, measurements: [], profiles: [] }, new Map(), [], '').includes('Nothing was measured.'));
});

test('on another kind of CPU cycles are not judged, and nothing is compared with the record', (t) => {
  const machine = { ...result.machine, cpu: 'Some Other CPU' };
  const other = renderPage({ ...result, machine }, new Map(), [], '');
  t.notRegex(other, /[✓✗] *\|/);
  t.regex(other, /they are not compared with these/);
});
