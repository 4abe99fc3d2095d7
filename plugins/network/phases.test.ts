import type { PortState, Uplink } from '@weft/kernel/contract/net';
import { formatKey, type ObjectKey } from '@weft/kernel/contract/system';
import test from 'ava';
import { awaitingForwarder, linkPhase, Phases } from './phases.ts';
import { keyOfWanted, network, port, Store, uplink } from './test/store.ts';

const web = keyOfWanted(port('web1'));
const red = keyOfWanted(network('red'));

function site() {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24'), port('web1')]);
  const writes: string[] = [];
  /** Status reaches the cache only when `settle` is called, as over the bus. */
  const waiting: { key: ObjectKey; status: Record<string, unknown> }[] = [];
  const phases = new Phases(
    store,
    (updates) => {
      for (const update of updates) writes.push(`${formatKey(update.key)} ${update.status.phase} ${update.status.reason ?? ''}`.trim());
      waiting.push(...updates);
      return Promise.resolve();
    },
    () => new Date(0),
  );
  const settle = () => {
    for (const { key, status } of waiting.splice(0)) store.setStatus(key, status);
  };
  return { store, writes, phases, settle };
}

const state = (fields: Partial<PortState>): PortState => ({
  id: 1,
  generation: 1,
  slot: 1,
  state: 'up',
  mac: '00:00:00:00:00:00',
  reason: '',
  ...fields,
});

test('the state in the forwarder becomes phase and reason', (t) => {
  t.deepEqual(linkPhase(undefined), { phase: 'Pending', reason: awaitingForwarder });
  t.deepEqual(linkPhase(state({})), { phase: 'Active', reason: '' });
  t.deepEqual(linkPhase(state({ state: 'down' })), { phase: 'Down', reason: 'the link has no carrier' });
  t.deepEqual(linkPhase(state({ state: 'pending', reason: 'no namespace vm1' })), { phase: 'Pending', reason: 'no namespace vm1' });
});

test('a network is active once its rows are published', async (t) => {
  const { phases, writes, store, settle } = site();
  await phases.published([red, web]);
  settle();
  t.deepEqual(writes, ['VirtualNetwork/default/red Active']);
  t.is(store.get(red)?.status.phase, 'Active');
});

test('a port follows the forwarder, and says since when', async (t) => {
  const { phases, writes, store, settle } = site();
  await phases.published([web]);
  await phases.ports([state({})], []);
  settle();
  t.like(store.get(web)?.status, { phase: 'Active', reason: '', since: '1970-01-01T00:00:00.000Z', id: 1 });
  await phases.ports([], [1]);
  t.deepEqual(writes, ['Port/default/web1 Active', `Port/default/web1 Pending ${awaitingForwarder}`]);
});

test('news from the forwarder may come before the object is known', async (t) => {
  const { phases, writes } = site();
  await phases.ports([state({})], []);
  t.deepEqual(writes, []);
  await phases.published([web]);
  t.deepEqual(writes, ['Port/default/web1 Active']);
});

test('until the forwarder has spoken no port is judged, then all of them are', async (t) => {
  const { phases, writes, store } = site();
  store.setStatus(web, { phase: 'Active', reason: '' });
  await phases.published([web]);
  t.deepEqual(writes, []);
  await phases.ports([], []);
  t.deepEqual(writes, [`Port/default/web1 Pending ${awaitingForwarder}`]);
});

test('nothing is written twice, whether the cache has heard of it or not', async (t) => {
  const { phases, writes, settle } = site();
  await phases.published([web, red]);
  await phases.ports([state({})], []);
  await phases.ports([state({})], []);
  settle();
  await phases.published([web, red]);
  await phases.ports([state({ generation: 2 })], []);
  t.is(writes.length, 2);
});

test('an object made anew under the same name is written anew', async (t) => {
  const { phases, writes, store } = site();
  await phases.published([red]);
  store.apply([], [web, red]);
  store.apply([network('red', '10.1.0.0/24')]);
  await phases.published([red]);
  t.deepEqual(writes, ['VirtualNetwork/default/red Active', 'VirtualNetwork/default/red Active']);
});

test('an uplink has the MAC address that the forwarder tells, and keeps it while it is down', async (t) => {
  const { store, phases, settle } = site();
  const wanted = uplink('public', { vlan: 7 });
  store.apply([wanted]);
  const key = keyOfWanted(wanted);
  const { id, trunk } = store.get<Uplink>(key)?.status ?? t.fail('no uplink');
  const status = () => store.get(key)?.status;
  await phases.published([key]);
  await phases.ports([state({ id: trunk ?? 0 }), state({ id, state: 'pending' })], []);
  settle();
  t.like(status(), { phase: 'Pending', mac: '' });
  await phases.ports([state({ id, mac: '02:00:00:00:00:07' })], []);
  settle();
  t.like(status(), { phase: 'Active', mac: '02:00:00:00:00:07', reason: '' });
  await phases.ports([state({ id, state: 'down' })], []);
  settle();
  t.like(status(), { phase: 'Down', mac: '02:00:00:00:00:07' });
  await phases.ports([state({ id, mac: '02:00:00:00:00:08' })], []);
  settle();
  t.like(status(), { phase: 'Active', mac: '02:00:00:00:00:08' });
});

test('an uplink with a VLAN is no better than its link, and says why', async (t) => {
  const { phases, writes, store, settle } = site();
  const wanted = uplink('public', { vlan: 7 });
  t.deepEqual(store.apply([wanted]), []);
  const key = keyOfWanted(wanted);
  const { id, trunk } = store.get<Uplink>(key)?.status ?? t.fail('no uplink');
  const told = async (...states: readonly PortState[]) => {
    await phases.ports(states, []);
    settle();
    return writes.splice(0);
  };
  await phases.published([key]);
  const pending = state({ id: trunk ?? 0, state: 'pending', reason: 'no interface up-public' });
  t.deepEqual(await told(pending, state({ id, state: 'pending', reason: 'trunk port 3 went away' })), [
    'Uplink/public Pending no interface up-public',
  ]);
  t.deepEqual(await told(state({ id: trunk ?? 0 }), state({ id })), ['Uplink/public Active']);
  t.deepEqual(await told({ ...pending, state: 'down', reason: 'no carrier on up-public' }), ['Uplink/public Down no carrier on up-public']);
  t.deepEqual(await told(state({ id: trunk ?? 0 })), ['Uplink/public Active']);
});
