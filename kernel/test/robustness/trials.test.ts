/** The checker on changes on trial: taken back by themselves, by somebody, or kept. */
import test from 'ava';
import type { ObjectEvent, WeftObject } from '../../contract/system/index.ts';
import { problemsOf } from './checker.ts';
import { Chronicle, type HistoryItem } from './chronicle.ts';
import type { Record } from './record.ts';

function shelf(revision: number): WeftObject {
  const metadata = { name: 'a', project: 'default', uid: 'u', revision, generation: 1, createdAt: '' };
  return { apiVersion: 'weft/v1', kind: 'Shelf', metadata, spec: { width: 1, mark: '' }, status: { slot: 0 } };
}

const begun: ObjectEvent = { revision: 1, type: 'created', object: shelf(1) };
const back: ObjectEvent = { revision: 2, type: 'deleted', object: shelf(2) };
const begin: Record = {
  subject: 'token:c0',
  call: 1,
  returned: 2,
  operation: {
    do: 'apply',
    wishes: [{ kind: 'Shelf', name: 'a', spec: { width: 1, mark: '' } }],
    remove: [],
    cascade: false,
    dryRun: false,
    confirm: 1,
  },
  answer: {
    is: 'answered',
    status: 200,
    body: { revision: 1, results: [{ action: 'created', key: { kind: 'Shelf', name: 'a' }, after: shelf(1) }], trial: { from: 1, to: 1 } },
  },
};
const confirm: Record = {
  subject: 'token:c1',
  call: 3,
  returned: 4,
  operation: { do: 'decide', trial: 1, verdict: 'confirm' },
  answer: { is: 'answered', status: 200, body: {} },
};

function problems(events: readonly ObjectEvent[], records: readonly Record[], failed: readonly [number, string][] = []): string[] {
  const chronicle = new Chronicle(0);
  const subjects = ['token:c0', 'system:kernel'];
  chronicle.extend(
    events,
    events.map(({ revision }, at): HistoryItem => ({ revision, transaction: revision, subject: subjects[at] ?? '' })),
  );
  return problemsOf({ chronicle, begin: 0, records, watches: [], retention: 100, failedTrials: new Map(failed) });
}

test('confirmed or taken back: both are right', (t) => {
  t.deepEqual(problems([begun], [begin, confirm]), []);
  t.deepEqual(problems([begun, back], [begin]), []);
  t.deepEqual(problems([begun, back], [begin, { ...confirm, answer: { is: 'lost' } }]), []);
});

test('forgotten, taken back although confirmed, failed for no reason, or taken back in part: all are found', (t) => {
  t.regex(problems([begun], [begin]).join(), /the trial 1 was neither confirmed nor taken back/);
  t.regex(problems([begun, back], [begin, confirm]).join(), /the trial 1 was confirmed, and taken back/);
  t.regex(problems([begun], [begin], [[1, 'no idea']]).join(), /the trial 1 failed for no reason/);
  const bent = { ...shelf(2), spec: { width: 2, mark: '' } };
  t.regex(
    problems([begun, { revision: 2, type: 'updated', object: bent }], [begin]).join(),
    /did not take back what the trial 1 had changed/,
  );
  const plain = { ...begin, operation: { ...begin.operation, confirm: undefined } } as unknown as Record;
  t.regex(problems([begun, back], [plain]).join(), /nothing was on trial/);
});
