import test from 'ava';
import { deletionOf, operationId, packDelete, packUpsert, type Row, readRows, rowId, tables } from './rows.gen.ts';
import { natFlags } from './terms.ts';

const rows: readonly Row[] = [
  { table: 'vrf', id: 1 },
  { table: 'bridge', id: 2, vrf: 1, vni: 0xffffff, mtu: 1450, mode: 2, flags: 1, floodRate: 1000 },
  {
    table: 'port',
    id: 3,
    bridge: 2,
    parent: 0,
    flags: 1,
    mac: '02:00:00:00:00:0a',
    mtu: 1500,
    vlan: 0,
    binding: 2,
    interface: 'eth0',
    netns: 'vm-ä',
    socket: '/run/weft/vm1.sock',
  },
  { table: 'mac', bridge: 2, mac: '02:00:00:00:00:0a', port: 3 },
  { table: 'neighbor', bridge: 2, address: '10.1.0.10', mac: '02:00:00:00:00:0a', flags: 0 },
  { table: 'neighbor', bridge: 2, address: 'fd00::a', mac: '02:00:00:00:00:0a', flags: 1 },
  { table: 'nexthop', id: 0xffffffff, port: 3, bridge: 2, mac: '02:00:00:00:00:0a', target: 0, type: 1, flags: 1, size: 0, puntClass: 0 },
  { table: 'route', vrf: 1, address: '0.0.0.0', prefixLength: 0, source: 20, nexthop: 5 },
  { table: 'source', port: 3, prefixLength: 64, mac: '02:00:00:00:00:0a', address: '2001:db8::' },
  { table: 'member', group: 0x50000000, index: 255, nexthop: 5 },
  { table: 'service', vrf: 0xffffffff, address: '0.0.0.0', protocol: 17, l4Port: 67, puntClass: 1, action: 0 },
  { table: 'punt_class', id: 1, receiver: 2, rate: 1000, burst: 100, portRate: 10, portBurst: 20, name: 'dhcp' },
  {
    table: 'rule',
    group: 7,
    number: 0xffffffff,
    priority: 100,
    remoteGroup: 0,
    portMin: 80,
    portMax: 443,
    direction: 1,
    action: 1,
    protocol: 6,
    prefixLength: 8,
    address: '10.0.0.0',
  },
  {
    table: 'rule',
    group: 0xffffffff,
    number: 0,
    priority: 0,
    remoteGroup: 9,
    portMin: 0,
    portMax: 65_535,
    direction: 0,
    action: 0,
    protocol: 0,
    prefixLength: 0,
    address: '::',
  },
  { table: 'identity_group', identity: 65_535, group: 7, gate: 3 },
  { table: 'port_identity', port: 3, identity: 16 },
  { table: 'gateway', port: 9, number: 255, address: 'fe80::1' },
  {
    table: 'nat_address',
    port: 9,
    address: '192.0.2.1',
    pool: 1,
    portMin: 1_024,
    portMax: 65_535,
    blockSize: 512,
    portBlocks: 8,
    flags: natFlags.host | natFlags.reuse | natFlags.dependentMapping | natFlags.dependentFiltering,
  },
  { table: 'vrf_nat', vrf: 1, pool: 1, port: 9 },
  { table: 'floating_ip', port: 9, address: '192.0.2.7', prefixLength: 24, insidePort: 3, inside: '10.1.0.10' },
  { table: 'floating_ip', port: 9, address: '2001:db8::7', prefixLength: 64, insidePort: 3, inside: 'fd00::a' },
  { table: 'uplink_neighbor', port: 9, address: '2001:db8::1', mac: '02:00:00:00:00:0a', generation: 0xffffffff, silent: 1 },
];

for (const row of rows) {
  test(`a ${row.table} row survives packing and reading: ${rowId(row)}`, (t) => {
    const op = packUpsert(row);
    t.is(op.readUInt8(0), 1);
    t.is(op.readUInt8(1), tables[row.table].number);
    t.is(op.readUInt16LE(2), op.length - 8);
    t.is(op.length % 8, 0);
    t.deepEqual(readRows(row.table, op.subarray(8)), [row]);
  });
}

test('addresses stand in network order, IPv4 in the first four bytes', (t) => {
  const op = packUpsert({ table: 'route', vrf: 1, address: '10.1.2.0', prefixLength: 24, source: 10, nexthop: 1 });
  t.is(op.readUInt8(8 + 4), 4);
  t.is(op.toString('hex', 8 + 8, 8 + 24), `0a010200${'00'.repeat(12)}`);
});

test('a delete carries the key and nothing else', (t) => {
  const op = packDelete({ table: 'route', vrf: 1, address: 'fd00::', prefixLength: 8, source: 10 });
  t.is(op.readUInt8(0), 2);
  const [row] = readRows('route', op.subarray(8));
  t.like(row, { address: 'fd00::', prefixLength: 8, nexthop: 0 });
});

test('rows with one key have one id, however the address is written', (t) => {
  const key = { table: 'neighbor', bridge: 1 } as const;
  t.is(rowId({ ...key, address: 'FD00:0::1' }), rowId({ ...key, address: 'fd00::1', mac: '02:00:00:00:00:01', flags: 0 }));
  t.not(rowId({ ...key, address: 'fd00::1' }), rowId({ ...key, address: 'fd00::2' }));
});

const refused: readonly (readonly [string, Row, RegExp])[] = [
  ['an id of 0', { table: 'vrf', id: 0 }, /^vrf\.id is 0: give an integer from 1 to 1048575/],
  ['a fraction', { table: 'vrf', id: 1.5 }, /^vrf\.id is 1\.5/],
  ['a VNI above 24 bits', { table: 'bridge', id: 1, vrf: 0, vni: 1 << 24, mtu: 1, mode: 0, flags: 0, floodRate: 0 }, /^bridge\.vni/],
  ['a MAC address without colons', { table: 'mac', bridge: 1, mac: '020000000001', port: 1 }, /^mac\.mac is 020000000001/],
  ['an address in short form', { table: 'neighbor', bridge: 1, address: '10.1', mac: '02:00:00:00:00:01', flags: 0 }, /^neighbor\.address/],
  [
    'an address with a zone',
    { table: 'neighbor', bridge: 1, address: 'fe80::1%eth0', mac: '02:00:00:00:00:01', flags: 0 },
    /^neighbor\.address/,
  ],
  [
    'a text that leaves no room for its NUL',
    { table: 'punt_class', id: 1, receiver: 1, rate: 0, burst: 0, portRate: 0, portBurst: 0, name: 'x'.repeat(32) },
    /^punt_class\.name .* at most 31 bytes/,
  ],
  [
    'addresses of two IP versions in a row',
    { table: 'floating_ip', port: 9, address: '192.0.2.7', prefixLength: 24, insidePort: 3, inside: 'fd00::a' },
    /^floating_ip\.inside is fd00::a: give an IPv4 address/,
  ],
];

for (const [name, row, message] of refused) {
  test(`refuses ${name}, naming table and field`, (t) => {
    t.throws(() => packUpsert(row), { instanceOf: RangeError, message });
  });
}

test('a rest that is no whole row is ignored', (t) => {
  const row = packUpsert({ table: 'vrf', id: 1 }).subarray(8);
  t.is(readRows('vrf', Buffer.concat([row, row.subarray(0, 5)])).length, 1);
});

test('an operation tells which row it speaks of, and how that row is removed', (t) => {
  const row: Row = { table: 'route', vrf: 7, prefixLength: 64, address: '2001:db8::', source: 10, nexthop: 9 };
  const { nexthop: _, ...key } = row;
  t.is(operationId(packUpsert(row)), rowId(key));
  t.is(operationId(packDelete(key)), rowId(row));
  t.deepEqual(deletionOf(packUpsert(row)), packDelete(key));
});
