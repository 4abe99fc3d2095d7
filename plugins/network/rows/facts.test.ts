import type { WeftObject } from '@weft/kernel/contract/system';
import test from 'ava';
import { keyOfWanted, network, port, Store } from '../test/store.ts';
import { KnownFacts, type Reach } from './facts.ts';

function site() {
  const store = new Store();
  const facts = new KnownFacts();
  store.apply([network('red', '10.1.0.0/24'), port('a')]);
  const reachOf = (wanted: Parameters<typeof keyOfWanted>[0]): Reach => {
    const key = keyOfWanted(wanted);
    return facts.note(`${key.kind}/${key.project}/${key.name}`, store.get<WeftObject>(key));
  };
  return { store, reachOf };
}

test('what is new, or gone, reaches all that depends on it', (t) => {
  const { store, reachOf } = site();
  t.is(reachOf(network('red')), 'dependants');
  t.is(reachOf(port('a')), 'dependants');
  store.apply([], [keyOfWanted(port('a'))]);
  t.is(reachOf(port('a')), 'dependants');
});

test('a phase reaches nothing', (t) => {
  const { store, reachOf } = site();
  for (const wanted of [network('red'), port('a')]) {
    reachOf(wanted);
    store.setStatus(keyOfWanted(wanted), { phase: 'Active', reason: '', since: 'now' });
    t.is(reachOf(wanted), 'none');
  }
});

test('of a network its ports take the number, the MTU, the mode and the static routes; all else is its own', (t) => {
  const { store, reachOf } = site();
  const reachAfter = (spec: Record<string, unknown>) => {
    t.deepEqual(store.apply([{ ...network('red'), spec: { subnets: [{ cidr: '10.1.0.0/24' }], ...spec } }]), []);
    return reachOf(network('red'));
  };
  reachOf(network('red'));
  t.is(reachAfter({ floodRate: 7 }), 'own');
  t.is(reachAfter({ floodRate: 7, domain: 'red.example' }), 'own');
  t.is(reachAfter({ forwarding: 'l3' }), 'dependants');
  t.is(reachAfter({ subnets: [{ cidr: '10.1.0.0/24', routes: [{ prefix: '10.9.0.0/16', nextHop: '10.1.0.9' }] }] }), 'dependants');
  store.setStatus(keyOfWanted(network('red')), { mtu: 9000 });
  t.is(reachOf(network('red')), 'dependants');
});
