import { packUpsert, type Row } from '@weft/kernel/contract/net';
import { WeftFailure } from '@weft/kernel/contract/system';
import test from 'ava';
import { cutBatch, grantedTables } from './batch.ts';

const vrf = (id: number): Row => ({ table: 'vrf', id });
const batch = (...rows: Row[]): Buffer => Buffer.concat(rows.map(packUpsert));
const granted = { tables: grantedTables(['vrf', 'mac', 'service', 'punt_class', 'nonsense']), puntClasses: new Set([3]) };
const codeOf = (run: () => unknown, t: { throws: (run: () => unknown) => Error | undefined }) => {
  const thrown = t.throws(run);
  return thrown instanceof WeftFailure ? thrown.error : undefined;
};

test('cuts a batch between operations and numbers the first of each part', (t) => {
  const ops = batch(vrf(1), { table: 'mac', bridge: 1, mac: '02:00:00:00:00:01', port: 1 }, vrf(2), vrf(3), vrf(4));
  const parts = cutBatch(ops, granted, 2);
  t.deepEqual(
    parts.map((part) => part.first),
    [0, 2, 4],
  );
  t.deepEqual(Buffer.concat(parts.map((part) => part.ops)), ops);
});

test('an empty batch is one empty part, for it may publish what is staged', (t) => {
  t.deepEqual(cutBatch(Buffer.alloc(0), granted), [{ ops: Buffer.alloc(0), first: 0 }]);
});

test('refuses a table that is not granted, and names operation and table', (t) => {
  const error = codeOf(
    () =>
      cutBatch(
        batch(vrf(1), {
          table: 'nexthop',
          id: 1,
          port: 0,
          bridge: 0,
          mac: '00:00:00:00:00:00',
          type: 0,
          flags: 0,
          size: 0,
          target: 0,
          puntClass: 0,
        }),
        granted,
      ),
    t,
  );
  t.is(error?.code, 'FORBIDDEN');
  t.regex(error?.message ?? '', /operation 1 is for table nexthop/);
});

test('punt classes cannot be granted: they come from the manifest', (t) => {
  const row: Row = { table: 'punt_class', id: 1, receiver: 1, rate: 1, burst: 1, portRate: 1, portBurst: 1, name: 'x' };
  t.is(codeOf(() => cutBatch(packUpsert(row), granted), t)?.code, 'FORBIDDEN');
});

for (const cut of [1, 7, 8, 15])
  test(`refuses a batch of which ${cut} bytes of the second operation are there`, (t) => {
    const error = codeOf(() => cutBatch(batch(vrf(1), vrf(2)).subarray(0, 16 + cut), granted), t);
    t.is(error?.code, 'INVALID');
    t.regex(error?.message ?? '', /operation 1 is cut short/);
  });

test("a row may send packets to the plugin's own punt class and to no other", (t) => {
  const service = (puntClass: number): Row => ({
    ...{ table: 'service', vrf: 0xffff_ffff, family: 4, protocol: 17, l4Port: 67, address: '0.0.0.0', action: 0, puntClass },
  });
  t.is(cutBatch(batch(service(3), service(0)), granted).length, 1);
  const error = codeOf(() => cutBatch(batch(service(3), service(4)), granted), t);
  t.is(error?.code, 'FORBIDDEN');
  t.regex(error?.message ?? '', /operation 1 names the punt class 4/);
});
