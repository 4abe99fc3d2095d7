/** `weft nat-log`: who had which outside ports, from the block log: the question of whoever is told of abuse. */
import { canonicalIp, parseIp } from '@weft/kernel/contract/net';
import type { OperationSpec } from '@weft/kernel/contract/system';
import { fail, type OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import type { Entry } from '../log/entry.ts';
import { concerns, happenedSince, holderAt, logStart } from '../log/search.ts';
import { sees } from './scope.ts';

const input = Type.Object(
  {
    since: Type.Optional(
      Type.String({ description: 'What happened from then on: RFC 3339 with zone, a day, or 30m, 2h, 7d ago. Default: 1d.' }),
    ),
    port: Type.Optional(Type.String({ description: 'Only what happened to this Port.' })),
    address: Type.Optional(Type.String({ description: 'Only this outside address.' })),
    l4Port: Type.Optional(Type.Integer({ description: 'Only blocks with this outside port; with address.', minimum: 1, maximum: 65_535 })),
    at: Type.Optional(Type.String({ description: 'Who had address and l4Port then, instead: times as in since.' })),
  },
  { additionalProperties: false },
);
const text = (description: string) => Type.Optional(Type.String({ description }));
const number = (description: string) => Type.Optional(Type.Integer({ description }));
const item = Type.Object({
  time: Type.String({ description: 'When it happened, or the time that was asked for; RFC 3339.' }),
  event: Type.String({
    description:
      'assigned, released; exhausted: a new flow found no outside port; held: the port had it at the time asked for; lost: events are missing here; restarted: all blocks ended.',
  }),
  project: text('Project of the port; empty when its object was gone already.'),
  port: text('Name of the Port.'),
  id: number('Number of the port in the forwarder.'),
  address: text('Outside address.'),
  first: number('First outside port of the block.'),
  last: number('Last outside port of the block.'),
  protocol: text('exhausted: protocol of the flow.'),
  since: text('held: since when.'),
  until: text('held: until when; absent: it has it still.'),
  count: number('lost: how many events; held: how many since it got the block.'),
});
const output = Type.Object({ items: Type.Array(item, { description: 'Some of it, the oldest first; further parts follow.' }) });
type Item = Static<typeof item>;

/** In one part of the answer. */
const mostItems = 500;

export const logSpec: OperationSpec = {
  name: 'log',
  summary: 'The block log: which port of a VM had which outside ports, and when; with --at who had one of them then',
  stream: true,
  input,
  output,
  cli: {
    verb: 'nat-log',
    parts: {},
    columns: [
      { title: 'TIME', pointer: '/time' },
      { title: 'EVENT', pointer: '/event' },
      { title: 'PROJECT', pointer: '/project' },
      { title: 'PORT', pointer: '/port' },
      { title: 'ADDRESS', pointer: '/address' },
      { title: 'FIRST', pointer: '/first' },
      { title: 'LAST', pointer: '/last' },
      { title: 'SINCE', pointer: '/since' },
      { title: 'UNTIL', pointer: '/until' },
      { title: 'PROTOCOL', pointer: '/protocol', wide: true },
      { title: 'COUNT', pointer: '/count', wide: true },
    ],
  },
};

/** @param nowMs since 1970 */
export async function* tellLog(
  folder: string,
  nowMs: number,
  { since, at, port, address: given, l4Port }: Static<typeof input>,
  call: OperationCall,
): AsyncGenerator<Static<typeof output>> {
  if (given !== undefined && parseIp(given) === undefined)
    throw fail('INVALID', `address: "${given}" is no IP address`, 'write one such as 198.51.100.8 or 2001:db8::8');
  const address = given === undefined ? undefined : canonicalIp(given);
  if (l4Port !== undefined && address === undefined) throw fail('INVALID', 'an outside port is one of an address', 'say --address as well');
  if (at !== undefined) {
    const item = await heldAt(folder, timeOf(at, nowMs, 'at'), address, l4Port, call);
    if (item !== undefined && (port === undefined || item.port === port)) yield { items: [item] };
    return;
  }
  const isMeant = (entry: Entry): boolean =>
    concernsAll(entry) ||
    (sees(call, entry.project ?? '') &&
      (port === undefined || entry.port === port) &&
      (address === undefined || entry.address === address) &&
      (address === undefined || l4Port === undefined || concerns(entry, { address, l4Port })));
  let items: Item[] = [];
  for await (const entry of happenedSince(folder, timeOf(since ?? '1d', nowMs, 'since'), call.signal)) {
    if (!isMeant(entry)) continue;
    items.push(itemOf(entry));
    if (items.length < mostItems) continue;
    yield { items };
    items = [];
  }
  if (items.length > 0) yield { items };
}

async function heldAt(folder: string, atMs: number, address: string | undefined, l4Port: number | undefined, call: OperationCall) {
  if (address === undefined || l4Port === undefined)
    throw fail('INVALID', 'at asks who had an outside port', 'say --address and --l4-port as well');
  const start = logStart(folder);
  const time = new Date(atMs).toISOString();
  if (start === undefined || atMs < start) {
    const begins = start === undefined ? 'is empty' : `begins at ${new Date(start).toISOString()}`;
    throw fail('NOT_FOUND', `the block log ${begins}: it does not tell of ${time}`, 'ask for a later time');
  }
  const holder = await holderAt(folder, { address, l4Port }, atMs, call.signal);
  if (holder === undefined || !sees(call, holder.project)) return undefined;
  const { lost, ...block } = holder;
  return { time, event: 'held', ...block, ...(lost > 0 ? { count: lost } : {}) };
}

/** Whoever reads of his blocks must know that they ended, or that something is missing. */
const concernsAll = ({ event }: Entry): boolean => event === 'restarted' || event === 'lost';

function itemOf({ sequence: _, sequenceTime: __, ...entry }: Entry): Item {
  return entry;
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function timeOf(said: string, nowMs: number, field: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(said) ?? [];
  if (count !== undefined) return nowMs - Number(count) * (units[unit] ?? 0);
  const isTime = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/.test(said);
  const timeMs = isTime ? Date.parse(said) : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  const fix = 'write RFC 3339 with a zone, such as 2026-01-02T03:04:05Z, a day, such as 2026-01-02 (in UTC), or how long ago: 30m, 2h, 7d';
  throw fail('INVALID', `${field}: "${said}" is no time`, fix);
}
