import { packDelete, packUpsert, type Row, readRows } from '@weft/kernel/contract/net';
import test from 'ava';
import { OpsWriter, rowSet } from './ops.ts';

const headBytes = 8;

/** What the packer of the contract makes of the same rows. */
function packed(rows: readonly Row[], pack: (row: Row) => Buffer): Buffer {
  return Buffer.concat(rows.map(pack));
}

function rowsOf(set: Parameters<typeof rowSet>[0], from: number, count: number): Row[] {
  const ops = new OpsWriter(rowSet(set), 'upsert', count).write(from, count);
  const stride = ops.length / count;
  const rows = Array.from({ length: count }, (_, n) => ops.subarray(n * stride + headBytes, (n + 1) * stride));
  return readRows(rowSet(set).first.table, Buffer.concat(rows));
}

test('rows are those that the packer of the contract makes', (t) => {
  for (const name of ['routes', 'routes-spread', 'vrf-routes', 'macs', 'neighbors', 'nexthops', 'ports'] as const) {
    const rows = rowsOf(name, 70_000, 3);
    t.deepEqual(new OpsWriter(rowSet(name), 'upsert', 3).write(70_000, 3), packed(rows, packUpsert), name);
  }
});

test('fields that differ from row to row', (t) => {
  t.like(rowsOf('routes', 65_536, 2)[1], { vrf: 1, address: '33.0.1.0', prefixLength: 24, nexthop: 2 });
  t.like(rowsOf('vrf-routes', 1_999, 2), { 0: { vrf: 2 }, 1: { vrf: 3 } });
  t.like(rowsOf('macs', 258, 1)[0], { bridge: 1, mac: '02:00:01:00:01:02', port: 2 });
  t.like(rowsOf('neighbors', 258, 1)[0], { address: '32.0.1.2', mac: '02:00:00:00:01:02' });
  t.like(rowsOf('nexthops', 258, 1)[0], { id: 1_258, mac: '02:00:00:00:01:02', port: 2 });
  t.like(rowsOf('ports', 5, 1)[0], { id: 1_005, mac: '02:00:00:00:03:ed', binding: 0 });
});

test('spread prefixes are all different', (t) => {
  const rows = rowsOf('routes-spread', 0, 65_536);
  t.is(new Set(rows.map((row) => (row.table === 'route' ? row.address : ''))).size, 65_536);
});

test('deletes name the keys of the rows', (t) => {
  const route = rowsOf('routes', 7, 1)[0] as Row;
  const ops = new OpsWriter(rowSet('routes'), 'delete', 1).write(7, 1);
  const keyBytes = 28;
  t.deepEqual(ops.subarray(0, headBytes + keyBytes), packDelete(route).subarray(0, headBytes + keyBytes));
});
