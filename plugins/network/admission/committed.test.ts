import test from 'ava';
import * as fc from 'fast-check';
import { sound, stepsArbitrary } from '../test/arbitrary.ts';
import { keyOfWanted, Store, uplink } from '../test/store.ts';
import { Committed } from './committed.ts';

test('an index that was kept over random changes decides as one that is made anew', async (t) => {
  await fc.assert(
    fc.property(stepsArbitrary, (steps) => {
      const store = new Store();
      for (const step of steps) {
        const { apply, remove } = sound(store, step);
        const fresh = new Committed(store.committed.lastLinkId);
        for (const object of store.objects.values()) fresh.note(undefined, object);
        const changes = store.changes(apply, remove.map(keyOfWanted));
        t.deepEqual(store.decide(changes), store.decide(changes, fresh));
        store.apply(apply, remove.map(keyOfWanted));
      }
    }),
    { numRuns: 150, seed: 8 },
  );
});

test('when all objects are gone the index is as empty as at first', (t) => {
  const store = new Store();
  const kept = new Committed();
  const objects = [
    { kind: 'VirtualNetwork', name: 'red', spec: { subnets: [{ cidr: '10.1.0.0/24' }] } },
    {
      kind: 'Port',
      name: 'a',
      spec: { network: 'red', allowedAddressPairs: [{ address: '10.1.0.9' }], binding: { type: 'tap', interface: 't0' } },
    },
    { kind: 'Trunk', name: 'trunk0', spec: { binding: { type: 'none' } } },
    { kind: 'LogicalRouter', name: 'r', spec: { networks: ['red'] } },
    uplink('public', { vlan: 7 }),
    { kind: 'VirtualNetwork', name: 'dmz', spec: { subnets: [{ cidr: '10.9.0.0/24' }], underlay: 'public' } },
  ];
  t.deepEqual(store.apply(objects), []);
  for (const object of store.objects.values()) kept.note(undefined, object);
  t.truthy(kept.tenancy('default/red'));
  t.deepEqual([kept.uplinks.size, kept.underlays.get('public')?.size], [1, 1]);
  for (const object of store.objects.values()) kept.note(object, undefined);
  t.is(kept.tenancy('default/red'), undefined);
  for (const ids of [kept.linkIds, kept.tableIds]) t.false([1, 2, 3, 4].some((id) => ids.has(id)));
  t.deepEqual([kept.uplinks.size, kept.underlays.size], [0, 0]);
  t.false(kept.links.has('interface t0'));
});
