import { keyOf } from '@weft/kernel/contract/system';
import test from 'ava';
import { network6, port6, subnet6 } from '../test/world6.ts';
import { Catalog } from './catalog.ts';

const settings = { raIntervalSeconds: 600, prefixValidSeconds: 86_400, prefixPreferredSeconds: 14_400 };
const own = port6(2, { dhcpOptions: { domainSearch: ['own.example'] } });

test('ports of a network share what it says, but those with a search list of their own', (t) => {
  const catalog = new Catalog(settings);
  const network = network6();
  t.is(catalog.advertisementOf(network, port6(1)), catalog.advertisementOf(network, port6(3)));
  t.not(catalog.advertisementOf(network, port6(1)), catalog.advertisementOf(network, own));
});

test('a change of the network that says nothing new gives the same object, for every port', (t) => {
  const catalog = new Catalog(settings);
  const network = network6();
  const before = [port6(1), own].map((port) => catalog.advertisementOf(network, port));
  const changed = network6([subnet6], { floodRate: 5 });
  const after = [port6(1), own].map((port) => catalog.advertisementOf(changed, port));
  t.is(after[0], before[0]);
  t.is(after[1], before[1]);
  t.not(catalog.advertisementOf(network6([{ ...subnet6, slaac: true }]), port6(1)), before[0]);
});

test('a network that is gone is forgotten', (t) => {
  const catalog = new Catalog(settings);
  const before = catalog.advertisementOf(network6(), port6(1));
  catalog.forget(keyOf(network6()));
  t.not(catalog.advertisementOf(network6(), port6(1)), before);
});
