import test from 'ava';
import { catalogue, placeOf } from './catalogue.ts';
import { network, service } from './test/world.ts';

const address = '169.254.169.123';
const names = (made: ReturnType<typeof catalogue>): string[] =>
  [...made.entries]
    .map(
      ([
        place,
        {
          service: { metadata },
        },
      ]) => `${place} ${metadata.project}/${metadata.name}`,
    )
    .sort();

test('a project’s own service goes before a shared one, whatever comes first', (t) => {
  const services = [service('a', 'own', {}), service('default', 'all', {}, true)];
  const networks = [network('a', 1), network('b', 2)];
  const expected = [`${placeOf(1, 'tcp', address, 8080)} a/own`, `${placeOf(2, 'tcp', address, 8080)} default/all`];
  t.deepEqual(names(catalogue(services, networks)), expected);
  t.deepEqual(names(catalogue(services.toReversed(), networks)), expected);
});

test('networks that are named, and no others; one that holds the address is told instead', (t) => {
  const named = service('a', 's', { networks: ['red', 'b/red'], address: '10.2.0.1' });
  const made = catalogue([named], [network('a', 1), network('b', 2, '10.2.0.0/24'), network('c', 3)]);
  t.deepEqual(names(made), [`${placeOf(1, 'tcp', '10.2.0.1', 8080)} a/s`]);
  t.deepEqual([...made.covering], [[named.metadata.uid, ['red']]]);
});
