import test from 'ava';
import { type Event, Ledger } from './ledger.ts';
import { assignment } from './test/client.ts';

const start = Date.UTC(2026, 0, 1);
const at = (event: Partial<Event>): Event => ({ assignment, reason: '', client: '', leaseSeconds: 0, nowMs: start, ...event });

test('an offer has no expiry, an acknowledged lease has', (t) => {
  const ledger = new Ledger();
  ledger.record('a', at({ outcome: 'offered', leaseSeconds: 60, client: 'udhcp' }));
  t.like(ledger.list('default')[0], { state: 'offered', expiresAt: '', client: 'udhcp', address: '10.1.0.11', hostname: 'web1' });
  ledger.record('a', at({ outcome: 'acknowledged', leaseSeconds: 60 }));
  t.like(ledger.list('default')[0], {
    state: 'acknowledged',
    at: '2026-01-01T00:00:00.000Z',
    expiresAt: '2026-01-01T00:01:00.000Z',
    client: 'udhcp',
  });
});

test('an unanswered message keeps the state and tells its reason', (t) => {
  const ledger = new Ledger();
  ledger.record('a', at({ outcome: 'acknowledged', leaseSeconds: 60 }));
  ledger.record('a', at({ reason: 'wrong', nowMs: start + 1000 }));
  t.like(ledger.list('default')[0], {
    state: 'acknowledged',
    reason: 'wrong',
    expiresAt: '2026-01-01T00:01:00.000Z',
    at: '2026-01-01T00:00:01.000Z',
  });
  ledger.record('b', at({ reason: 'wrong' }));
  t.is(ledger.list('default')[1]?.state, 'refused');
});

test('an inform leaves the running lease, a release ends it', (t) => {
  const ledger = new Ledger();
  ledger.record('a', at({ outcome: 'acknowledged', leaseSeconds: 60 }));
  ledger.record('a', at({ outcome: 'acknowledged' }));
  t.not(ledger.list('default')[0]?.expiresAt, '');
  ledger.record('a', at({ outcome: 'released' }));
  t.like(ledger.list('default')[0], { state: 'released', expiresAt: '' });
});

test('shows one project, sorted by port, and forgets', (t) => {
  const ledger = new Ledger();
  for (const [uid, port, project] of [
    ['1', 'b', 'p'],
    ['2', 'a', 'p'],
    ['3', 'c', 'q'],
  ] as const) {
    ledger.record(uid, at({ assignment: { ...assignment, port, project }, outcome: 'offered' }));
  }
  ledger.forget('3');
  t.deepEqual(
    ledger.list('p').map((item) => item.port),
    ['a', 'b'],
  );
  t.deepEqual(ledger.list('q'), []);
  t.is(ledger.list('-').length, 2);
});
