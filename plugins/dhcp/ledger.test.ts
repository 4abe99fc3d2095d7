import type { Port } from '@weft/kernel/contract/net';
import { makeObject } from '@weft/kernel/sdk/testing';
import test from 'ava';
import { type Event, Ledger } from './ledger.ts';

const start = Date.UTC(2026, 0, 1);

/** A ledger whose clock the test sets. */
function ledgerAt() {
  const clock = { ms: start };
  return { clock, ledger: new Ledger(() => clock.ms) };
}

function port(name = 'web1', project = 'default', uid = `${project}-${name}`): Port {
  const spec = { network: 'infra/red', hostname: 'www', portSecurity: true, binding: { type: 'none' } as const };
  const status = { id: 1, mac: '02:00:00:00:00:01', addresses: ['10.1.0.11'], reason: '', since: '' };
  return makeObject<Port>('Port', name, spec, { project, uid, status });
}

const at = (event: Partial<Event>): Event => ({
  ...{ family: 4, clientId: '', address: '10.1.0.11', reason: '', client: '', leaseSeconds: 0 },
  ...event,
});

test('an offer has no expiry, an acknowledged lease has; both times are kept', (t) => {
  const { clock, ledger } = ledgerAt();
  ledger.record(port(), at({ outcome: 'offered', leaseSeconds: 60, client: 'udhcp', options: [53, 54], omitted: [119] }));
  const shown = { network: 'red', family: 4, address: '10.1.0.11', hostname: 'www', client: 'udhcp', options: [53, 54], omitted: [119] };
  t.like(ledger.list('default')[0], { ...shown, state: 'offered', expiresAt: '', acknowledgedAt: '' });
  clock.ms += 1000;
  ledger.record(port(), at({ outcome: 'acknowledged', leaseSeconds: 60 }));
  t.like(ledger.list('default')[0], {
    ...shown,
    state: 'acknowledged',
    at: '2026-01-01T00:00:01.000Z',
    offeredAt: '2026-01-01T00:00:00.000Z',
    acknowledgedAt: '2026-01-01T00:00:01.000Z',
    expiresAt: '2026-01-01T00:01:01.000Z',
  });
});

test('an unanswered message keeps the state, is counted, and its reason outlives the next answer', (t) => {
  const { clock, ledger } = ledgerAt();
  ledger.record(port(), at({ outcome: 'acknowledged', leaseSeconds: 60 }));
  clock.ms += 1000;
  ledger.record(port(), at({ reason: 'wrong' }));
  t.like(ledger.list('default')[0], {
    state: 'acknowledged',
    reason: 'wrong',
    expiresAt: '2026-01-01T00:01:00.000Z',
    at: '2026-01-01T00:00:01.000Z',
  });
  ledger.record(port(), at({ outcome: 'acknowledged', leaseSeconds: 60 }));
  t.like(ledger.list('default')[0], { reason: '', messages: 3, ignored: 1, ignoredReason: 'wrong' });
  ledger.record(port('web2'), at({ reason: 'wrong' }));
  t.is(ledger.list('default')[1]?.state, 'refused');
});

test('an inform leaves the running lease, a release ends it', (t) => {
  const { ledger } = ledgerAt();
  ledger.record(port(), at({ outcome: 'acknowledged', leaseSeconds: 60 }));
  ledger.record(port(), at({ outcome: 'acknowledged' }));
  t.not(ledger.list('default')[0]?.expiresAt, '');
  ledger.record(port(), at({ outcome: 'released' }));
  t.like(ledger.list('default')[0], { state: 'released', expiresAt: '' });
});

test('shows one project, sorted by port, family and client, and forgets', (t) => {
  const { ledger } = ledgerAt();
  const v6 = { family: 6, clientId: '0001/1', address: '2001:db8:1::11', outcome: 'offered' } as const;
  ledger.record(port('b', 'p'), at(v6));
  ledger.record(port('b', 'p'), at({ outcome: 'offered' }));
  ledger.record(port('a', 'p'), at({ outcome: 'offered' }));
  ledger.record(port('c', 'q'), at({ outcome: 'offered' }));
  ledger.forget('q-c');
  t.deepEqual(
    ledger.list('p').map((item) => [item.port, item.family, item.address, item.clientId]),
    [
      ['a', 4, '10.1.0.11', ''],
      ['b', 4, '10.1.0.11', ''],
      ['b', 6, '2001:db8:1::11', '0001/1'],
    ],
  );
  t.deepEqual(ledger.list('q'), []);
  t.is(ledger.list('-').length, 3);
});

test('keeps the last eight clients of a port in a family', (t) => {
  const { clock, ledger } = ledgerAt();
  ledger.record(port(), at({ outcome: 'acknowledged' }));
  for (let client = 0; client < 100; client += 1) {
    clock.ms += 1;
    ledger.record(port(), at({ family: 6, clientId: 'first', reason: 'again' }));
    ledger.record(port(), at({ family: 6, clientId: String(client), reason: 'new' }));
  }
  const shown = ledger.list('default').filter(({ family }) => family === 6);
  t.deepEqual(
    shown.map(({ clientId }) => clientId),
    ['93', '94', '95', '96', '97', '98', '99', 'first'],
  );
  t.is(ledger.list('default').length, 9);
});

test('the rate is of the last ten seconds', (t) => {
  const { clock, ledger } = ledgerAt();
  const rate = (): number | undefined => ledger.list('default')[0]?.rate;
  for (let message = 0; message < 100; message += 1) {
    ledger.record(port(), at({ reason: '' }));
    clock.ms += 100;
  }
  t.is(rate(), 10);
  clock.ms += 5000;
  t.is(rate(), 5);
  ledger.record(port(), at({ reason: '' }));
  t.is(rate(), 10.1, 'a new window takes the one before in whole');
  clock.ms += 5000;
  t.is(rate(), 5.1);
  clock.ms += 60_000;
  t.is(rate(), 0);
});

test('warns of a port once a minute', (t) => {
  const { clock, ledger } = ledgerAt();
  ledger.record(port(), at({ outcome: 'declined' }));
  t.true(ledger.mayWarn('default-web1'));
  for (let second = 0; second < 59; second += 1) {
    clock.ms += 1000;
    ledger.record(port(), at({ outcome: 'declined', clientId: String(second) }));
    t.false(ledger.mayWarn('default-web1'));
  }
  clock.ms += 1000;
  t.true(ledger.mayWarn('default-web1'));
});
