/** The first table of the page: each packet case beside its peers, and which targets are met. */
import { median } from '../../kernel/bench/measurement.ts';
import { advantage, byVariant, type Case, figureOf, type Line, meetsTarget } from './figures.ts';
import { fixed, number, plain, table, times } from './markdown.ts';

/** One line of the table: throughput and net cycles of one variant. */
interface Entry {
  readonly id: string;
  readonly title: string;
  readonly variant: string;
  readonly rate?: Line;
  readonly net?: Line;
}

function entriesOf(one: Case): Entry[] {
  return byVariant(one.lines).flatMap((lines) => {
    const rate = lines.find((line) => line.better === 'more');
    const net = lines.find((line) => line.unit === 'net cycles');
    const variant = lines[0]?.variant ?? '';
    return rate === undefined && net === undefined
      ? []
      : [{ id: one.id, title: one.title, variant, ...(rate && { rate }), ...(net && { net }) }];
  });
}

/** `26.2 (63)`: throughput and net cycles; recorded ones in italics. */
function cell(entry: Entry, contestant: string): string {
  const rate = figureOf(entry.rate, contestant);
  const net = figureOf(entry.net, contestant);
  const parts = [
    rate === undefined ? '' : number(median(rate.values)) + (rate.unit === 'Mpps' ? '' : ` ${rate.unit}`),
    net === undefined ? '' : `(${number(median(net.values), net.unit)})`,
  ].filter((part) => part !== '');
  if (parts.length === 0) return '–';
  return (rate ?? net)?.recorded === undefined ? parts.join(' ') : `*${parts.join(' ')}*`;
}

/** What testpmd does with swapping MAC addresses, Mpps; undefined when this run did not measure it. */
function bareLimit(entries: readonly Entry[]): number | undefined {
  const limit = entries.find(({ rate, variant }) => variant === 'macswap' && figureOf(rate, 'testpmd') !== undefined);
  const figure = figureOf(limit?.rate, 'testpmd');
  return figure === undefined || figure.recorded !== undefined ? undefined : median(figure.values);
}

/** Cases with the frames that the limit was measured with: 64 bytes, from a warm cache. */
const likeTheLimit: ReadonlySet<string> = new Set(['l2', 'l3', 'l3-1m-routes', 'l3-ipv6', 'vlan']);

/** testpmd's own figure, or how much of the limit Weft reaches. */
function limitCell(entry: Entry, limit: number | undefined): string {
  if (figureOf(entry.rate, 'testpmd') !== undefined) return cell(entry, 'testpmd');
  const weft = figureOf(entry.rate, 'weft');
  if (weft === undefined || weft.unit !== 'Mpps' || limit === undefined || !likeTheLimit.has(entry.id)) return '–';
  return `${fixed((100 * median(weft.values)) / limit, 0)} %`;
}

function ratioCell({ rate, net }: Entry): string {
  const isRecorded = figureOf(rate, 'ovs')?.recorded !== undefined;
  // packets per second of another hour and another load say less than net cycles
  const line = isRecorded ? net : (rate ?? net);
  const peer = figureOf(line, 'ovs');
  const ratio = line === undefined || peer === undefined ? undefined : advantage(line, peer);
  return ratio === undefined ? '–' : `${peer?.recorded === undefined ? '' : '≈ '}${times(ratio)}`;
}

/** `≤ 60 ✓`; without a mark when Weft has no figure yet. */
export function targetCell(line: Line | undefined): string {
  if (line?.target === undefined) return '–';
  const met = meetsTarget(line);
  return `${line.better === 'more' ? '≥' : '≤'} ${plain(line.target)}${met === undefined ? '' : met ? ' ✓' : ' ✗'}`;
}

export function summaryTable(cases: readonly Case[]): string {
  const entries = cases.flatMap(entriesOf);
  const limit = bareLimit(entries);
  const header = ['case', '', 'Weft', 'OVS-DPDK', 'VPP', 'bare limit', 'Weft / OVS', 'target'];
  const rows = entries.map((entry, index) => [
    entry.title === entries[index - 1]?.title ? '' : entry.title,
    entry.variant,
    cell(entry, 'weft').replace(/^[\d.,]+/, '**$&**'),
    cell(entry, 'ovs'),
    cell(entry, 'vpp'),
    limitCell(entry, limit),
    ratioCell(entry),
    targetCell(entry.net ?? entry.rate),
  ]);
  return table(header, rows);
}

function nameOf(one: Case, line: Line): string {
  return [one.title, line.variant].filter((word) => word !== '').join(', ');
}

/** How far off its target Weft is: `L3, 1 k flows: 63 instead of 60 net cycles (5.0 %)`. */
function missedBy(one: Case, line: Line): string {
  const weft = figureOf(line, 'weft');
  const value = weft === undefined ? Number.NaN : median(weft.values);
  const target = line.target ?? Number.NaN;
  return `- ${nameOf(one, line)}: ${number(value, line.unit)} instead of ${plain(target)} ${line.unit} (${fixed(100 * Math.abs(value / target - 1), 1)} % off)`;
}

/** Which targets of all groups are met: sentences, and a list of those that are not. */
export function targetsSentence(cases: readonly Case[]): string {
  const aimed = cases.flatMap((one) =>
    one.lines.filter((line) => line.target !== undefined).map((line) => ({ one, line, met: meetsTarget(line) })),
  );
  const missed = aimed.filter(({ met }) => met === false);
  const met = aimed.filter((goal) => goal.met === true).length;
  const open = aimed.filter((goal) => goal.met === undefined).length;
  const sentences = [
    `**Weft meets ${met} of the ${met + missed.length} targets that this run could judge.**`,
    open === 0
      ? ''
      : `${open} more are of cases that it cannot do yet or that were left out; what peers do there is on record or measured already.`,
    missed.length === 0 ? '' : 'It misses these, see [What limits](#what-limits):',
  ];
  const list = missed.map(({ one, line }) => missedBy(one, line)).join('\n');
  return sentences.filter((sentence) => sentence !== '').join(' ') + (list === '' ? '' : `\n\n${list}`);
}
