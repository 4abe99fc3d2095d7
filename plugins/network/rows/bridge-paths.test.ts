import test from 'ava';
import { type MacPath, macRows, type NeighborPath, neighborRows } from './bridge-paths.ts';

const mac = (fields: Partial<MacPath>): MacPath => ({
  ...{ bridge: 1, mac: '02:00:00:00:00:01', port: 1, pathId: 'a', preference: 100 },
  ...fields,
});
const neighbor = (fields: Partial<NeighborPath>): NeighborPath => ({
  ...{ bridge: 1, mac: '02:00:00:00:00:01', address: '2001:db8::1', routed: true, pathId: 'a', preference: 100 },
  ...fields,
});

test('a MAC address is behind the port that owns it, before those that may use it', (t) => {
  const row = { table: 'mac', bridge: 1, mac: '02:00:00:00:00:01', port: 1 } as const;
  t.deepEqual(macRows([mac({})]), [row]);
  t.deepEqual(macRows([mac({ port: 2, pathId: 'b', preference: 200 }), mac({}), mac({ port: 3, pathId: 'c', preference: 200 })]), [row]);
});

test('a MAC address that several ports may use is behind none of them', (t) => {
  t.deepEqual(macRows([mac({ preference: 200 }), mac({ port: 2, pathId: 'b', preference: 200 })]), []);
  t.deepEqual(macRows([]), []);
});

test('an address is answered with the MAC address of its holder, and with the gateway’s when several have it', (t) => {
  const row = { table: 'neighbor', bridge: 1, address: '2001:db8::1', mac: '02:00:00:00:00:01', flags: 0 } as const;
  const other = neighbor({ mac: '02:00:00:00:00:02', pathId: 'b' });
  t.deepEqual(neighborRows([neighbor({})]), [row]);
  t.deepEqual(neighborRows([neighbor({}), { ...other, preference: 200 }]), [row]);
  t.deepEqual(neighborRows([neighbor({}), other]), [{ ...row, mac: '00:00:5e:00:01:00' }]);
});

test('where nothing is routed, the holders of a shared address answer themselves', (t) => {
  t.deepEqual(neighborRows([neighbor({ routed: false }), neighbor({ routed: false, pathId: 'b' })]), []);
  t.is(neighborRows([neighbor({ routed: false })]).length, 1);
});
