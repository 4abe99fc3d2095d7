/** The checker finds what is wrong: one small true history, and that history bent in every way that matters. */
import test from 'ava';
import type { ObjectEvent, WeftObject } from '../../contract/system/index.ts';
import { problemsOf } from './checker.ts';
import { Chronicle, type HistoryItem } from './chronicle.ts';
import type { Answer } from './http.ts';
import type { Operation, Wish } from './operations.ts';
import type { History, Record, WatchRecord } from './record.ts';

const kinds = ['Shelf', 'Book', 'Count'];

function object(kind: string, name: string, spec: object, status: object, revision: number, generation = 1): WeftObject {
  const metadata = { name, project: 'default', uid: `uid-${kind}-${name}`, revision, generation, createdAt: '2026-01-01T00:00:00Z' };
  return { apiVersion: 'weft/v1', kind, metadata, spec: spec as WeftObject['spec'], status: status as WeftObject['status'] };
}

const shelf = (mark: string, revision: number, generation = 1): WeftObject =>
  object('Shelf', 'a', { width: 2, mark }, { slot: 0 }, revision, generation);
const book = object('Book', 'b', { shelf: 'a', title: 'x', mark: '1' }, {}, 12);
const wish = ({ kind, metadata, spec }: WeftObject): Wish => ({ kind: kind as Wish['kind'], name: metadata.name, spec });

const events: ObjectEvent[] = [
  { revision: 11, type: 'created', object: shelf('1', 11) },
  { revision: 12, type: 'created', object: book },
  { revision: 13, type: 'updated', object: shelf('2', 13, 2) },
  { revision: 14, type: 'deleted', object: { ...book, metadata: { ...book.metadata, revision: 14 } } },
];
const items: HistoryItem[] = [
  { revision: 11, transaction: 12, subject: 'token:c0' },
  { revision: 12, transaction: 12, subject: 'token:c0' },
  { revision: 13, transaction: 13, subject: 'token:c1' },
  { revision: 14, transaction: 14, subject: 'token:c0' },
];

const answered = (body: unknown, status = 200): Answer => ({ is: 'answered', status, body });
const refused = (code: string, status: number): Answer => answered({ code, detail: '' }, status);
const result = (after: WeftObject | null, action: string, of: WeftObject): object => ({
  action,
  key: { kind: of.kind, name: of.metadata.name },
  before: null,
  after,
});

function record(subject: string, call: number, returned: number, operation: Operation, answer: Answer): Record {
  return { subject: `token:${subject}`, call, returned, operation, answer };
}

const apply: Operation = { do: 'apply', wishes: [wish(shelf('1', 0)), wish(book)], remove: [], cascade: false, dryRun: false };
const put: Operation = { do: 'put', wish: wish(shelf('2', 0)), ifMatch: 11, dryRun: false };
const remove: Operation = { do: 'delete', of: { kind: 'Book', name: 'b' }, cascade: false, dryRun: false };
const get: Operation = { do: 'get', of: { kind: 'Shelf', name: 'a' } };

const created = record(
  'c0',
  1,
  4,
  apply,
  answered({ revision: 12, results: [result(shelf('1', 11), 'created', shelf('', 0)), result(book, 'created', book)] }),
);
const changed = record('c1', 5, 8, put, answered(shelf('2', 13, 2)));
const read = record('c2', 9, 10, get, answered(shelf('2', 13, 2)));
const mismatch = record('c2', 11, 12, { ...put, wish: wish(shelf('3', 0)) }, refused('REVISION_MISMATCH', 412));
const deleted = record('c0', 13, 16, remove, answered({ revision: 14, results: [result(null, 'deleted', book)] }));
const listed = record('c2', 17, 18, { do: 'list', kind: 'Book' }, answered({ kind: 'Book', revision: 14, items: [] }));
const records = [created, changed, read, mismatch, deleted, listed];

interface Bent {
  readonly events?: readonly ObjectEvent[];
  readonly items?: readonly HistoryItem[];
  readonly records?: readonly Record[];
  readonly heard?: readonly (readonly [number, number])[];
  readonly since?: number;
}

const wholeWatch = [
  [11, 6],
  [12, 6],
  [13, 9],
  [14, 17],
] as const;

function problems(bent: Bent = {}): string[] {
  const chronicle = new Chronicle(10);
  try {
    chronicle.extend(bent.events ?? events, bent.items ?? items);
  } catch (thrown) {
    return [(thrown as Error).message];
  }
  const heard = (bent.heard ?? wholeWatch).map(([revision, at]) => ({ event: events[revision - 11] as ObjectEvent, at }));
  const watches: WatchRecord[] = [{ since: bent.since ?? 10, kinds, heard }];
  const history: History = { chronicle, begin: 0, records: bent.records ?? records, watches, retention: 100, failedTrials: new Map() };
  return problemsOf(history);
}

const instead = (of: Record, other: Partial<Record>): Record[] => records.map((one) => (one === of ? { ...one, ...other } : one));

test('the true history has no problem', (t) => t.deepEqual(problems(), []));

test('a lost answer may have taken effect, or not', (t) => {
  t.deepEqual(problems({ records: instead(deleted, { answer: { is: 'lost' }, returned: Number.POSITIVE_INFINITY }) }), []);
  const never = record('c3', 2, Number.POSITIVE_INFINITY, { ...put, wish: wish(shelf('9', 0)) }, { is: 'lost' });
  t.deepEqual(problems({ records: [...records, never] }), []);
  const before = record('c0', 11, Number.POSITIVE_INFINITY, remove, { is: 'lost' });
  t.deepEqual(problems({ records: [...records.slice(0, 4), before, ...records.slice(4)] }), [], 'and its repetition was told');
});

const mutations: readonly [string, Bent, RegExp][] = [
  ['a lost write', { events: events.slice(0, 3), items: items.slice(0, 3), heard: wholeWatch.slice(0, 3) }, /delete.*fits no world/],
  ['a write that nobody asked for', { records: records.filter((one) => one !== changed) }, /transaction 13 .*no operation explains/],
  [
    'a refused write that took effect',
    { records: instead(changed, { answer: refused('REVISION_MISMATCH', 412) }) },
    /no operation explains/,
  ],
  [
    'another content than was asked for',
    { records: instead(changed, { operation: { ...put, wish: wish(shelf('4', 0)) } }) },
    /no operation explains/,
  ],
  [
    'a write made twice',
    {
      events: [...events, { revision: 15, type: 'created', object: object('Book', 'b', book.spec, {}, 15) }],
      items: [...items, { revision: 15, transaction: 15, subject: 'token:c0' }],
    },
    /transaction 15/,
  ],
  ['half a transaction', { events: events.slice(0, 1), items, heard: [] }, /half a transaction/],
  ['a torn transaction', { items: [{ revision: 11, transaction: 11, subject: 'token:c0' }, ...items.slice(1)] }, /no operation explains/],
  ['a missing revision', { events: [...events.slice(0, 2), ...events.slice(3)] }, /revision 14 where 13 is due/],
  ['a stale read', { records: instead(read, { answer: answered(shelf('1', 11)) }) }, /get.*fits no world/],
  ['a read of the future', { records: instead(read, { call: 2, returned: 3 }) }, /get.*fits no world/],
  ['a read that found nothing', { records: instead(read, { answer: refused('NOT_FOUND', 404) }) }, /get.*fits no world/],
  [
    'a list that still has what was deleted',
    { records: instead(listed, { answer: answered({ kind: 'Book', revision: 14, items: [book] }) }) },
    /list.*fits no world/,
  ],
  [
    'a list with the revision of the future',
    { records: instead(listed, { answer: answered({ kind: 'Book', revision: 15, items: [] }) }) },
    /list.*fits no world/,
  ],
  ['an unjustified refusal', { records: instead(mismatch, { answer: refused('REFERENCED', 409) }) }, /put.*fits no world/],
  ['an If-Match that was refused too early', { records: instead(mismatch, { call: 4.2, returned: 4.5 }) }, /put.*fits no world/],
  ['an effect before its call', { records: instead(changed, { call: 11, returned: 12 }) }, /was there before it was asked for/],
  [
    'acknowledged in the wrong order',
    { records: instead(deleted, { call: 5, returned: 6 }).map((one) => (one === changed ? { ...one, call: 7, returned: 8 } : one)) },
    /before it was asked for|fits no world/,
  ],
  [
    'a watch that misses an event',
    { heard: [wholeWatch[0], wholeWatch[1], wholeWatch[3]] },
    /heard revision 14 .*where revision 13 was due/,
  ],
  ['a watch that repeats an event', { heard: [wholeWatch[0], wholeWatch[0], ...wholeWatch.slice(1)] }, /where revision 12 was due/],
  ['a watch in the wrong order', { heard: [wholeWatch[1], wholeWatch[0], wholeWatch[2], wholeWatch[3]] }, /where revision 11 was due/],
  ['a watch that ends early', { heard: wholeWatch.slice(0, 3) }, /heard nothing where revision 14 was due/],
  ['a watch that hears what was before its beginning', { since: 12 }, /heard revision 11 .*where revision 13 was due/],
  ['a watch that hears of a write before it was asked for', { heard: [...wholeWatch.slice(0, 3), [14, 12]] }, /before it was asked for/],
];

for (const [what, bent, expected] of mutations)
  test(`the checker finds ${what}`, (t) => {
    const found = problems(bent);
    t.regex(found.join('\n'), expected);
  });
