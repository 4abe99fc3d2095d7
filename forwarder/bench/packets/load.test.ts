import test from 'ava';
import { cases } from './cases.ts';
import { countedPorts, loadSettings } from './load.ts';

const flows = 1_000;

test('plain routing: a generator and a sink', (t) => {
  t.is(loadSettings({ kind: 'l3', routes: 1_000_000, family: 4 }, { flows }), '0:role=generate,flows=1000,dsts=1000000;1:role=sink');
  t.regex(
    loadSettings({ kind: 'l3', routes: 1000, family: 6 }, { flows }),
    /family=6,src=2001:db8::2,dst=2001:db8:8000::9,dsts=1000,dst_step=1;/,
  );
  t.regex(loadSettings({ kind: 'vlan' }, { flows }), /vlan=101/);
  t.regex(loadSettings({ kind: 'l2', macs: 7 }, { flows }), /macs=7;/);
});

test('sizes, rates and modes are passed on', (t) => {
  const settings = loadSettings({ kind: 'l3', routes: 1000, family: 4 }, { flows, size: 'imix', rate: 2_000_000, mode: 'nic' });
  t.is(settings, '0:role=generate,flows=1000,size=imix,rate=2000000,dsts=1000,mode=nic;1:role=sink,mode=nic');
});

test('established flows are opened first and turned round; both directions count', (t) => {
  t.regex(loadSettings({ kind: 'snat' }, { flows }), /^0:role=generate,flows=1000,setup=\d+,.*;1:role=reflect$/);
  t.deepEqual(countedPorts({ kind: 'snat' }, { flows }), [0, 1]);
});

test('endless new flows end at a sink', (t) => {
  t.regex(loadSettings({ kind: 'stateful' }, { flows: 'endless' }), /^0:role=generate,flows=endless,dsts=1000;1:role=sink$/);
  t.deepEqual(countedPorts({ kind: 'stateful' }, { flows: 'endless' }), [1]);
});

test('answers leave through the port of the question', (t) => {
  t.deepEqual(countedPorts({ kind: 'arp' }, { flows: 1 }), [0]);
  t.regex(loadSettings({ kind: 'nd' }, { flows: 1 }), /proto=nd,.*target=2001:db8::1/);
});

test('cases and variants have names of their own', (t) => {
  const names = cases.flatMap(({ id, variants }) => variants.map(({ name }) => `${id}/${name}`));
  t.is(new Set(names).size, names.length);
  t.is(new Set(cases.map(({ id }) => id)).size, cases.length);
});
