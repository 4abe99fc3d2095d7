import { type PuntClassRow, type Row, readRows } from '@weft/kernel/contract/net';
import test from 'ava';
import { HostRows } from './host-rows.ts';
import { PuntClasses } from './punt-classes.ts';

const limits = { rate: 1_000, burst: 100, portRate: 10, portBurst: 20 };
const headBytes = 8;

/** The rows of one owner, as libforwarder keeps them; understands upserts and deletes of punt classes. */
class Arena {
  readonly rows = new Map<number, Buffer>();
  readonly owners: string[] = [];

  ownerOpen(name: string): number {
    if (!this.owners.includes(name)) this.owners.push(name);
    return this.owners.indexOf(name) + 1;
  }
  rowsBegin(): number {
    return 1;
  }
  rowsApply(_owner: number, _generation: number, ops: Uint8Array): number {
    const batch = Buffer.from(ops);
    for (let at = 0; at < batch.length; at += headBytes + batch.readUInt16LE(at + 2)) {
      const row = batch.subarray(at + headBytes, at + headBytes + batch.readUInt16LE(at + 2));
      if (batch[at] === 1) this.rows.set(row.readUInt16LE(0), row);
      else this.rows.delete(row.readUInt16LE(0));
    }
    return 0;
  }
  rowsRead(): Buffer {
    return Buffer.concat([...this.rows.values()]);
  }
  list(): Row[] {
    return readRows('punt_class', this.rowsRead());
  }
}

test('gives each class of each plugin a number of its own and says who receives it', (t) => {
  const arena = new Arena();
  const classes = new PuntClasses(new HostRows(arena));
  t.deepEqual(classes.set('dhcp', [{ name: 'dhcp', ...limits }]), { dhcp: 1 });
  t.deepEqual(
    classes.set('dns', [
      { name: 'dns', ...limits },
      { name: 'dhcp', ...limits },
    ]),
    { dns: 2, dhcp: 3 },
  );
  t.deepEqual(arena.list()[0], { table: 'punt_class', id: 1, receiver: arena.ownerOpen('dhcp'), name: 'dhcp', ...limits });
});

test('numbers stay after a restart and when limits change', (t) => {
  const arena = new Arena();
  const before = new PuntClasses(new HostRows(arena));
  before.set('a', [{ name: 'x', ...limits }]);
  before.set('b', [
    { name: 'y', ...limits },
    { name: 'z', ...limits },
  ]);
  const after = new PuntClasses(new HostRows(arena));
  t.deepEqual(
    after.set('b', [
      { name: 'z', ...limits, rate: 7 },
      { name: 'y', ...limits },
    ]),
    { z: 3, y: 2 },
  );
  t.is((arena.list().find((row) => row.table === 'punt_class' && row.id === 3) as PuntClassRow).rate, 7);
});

test('a class that left the manifest goes, and its number is used again', (t) => {
  const arena = new Arena();
  const classes = new PuntClasses(new HostRows(arena));
  classes.set('a', [
    { name: 'x', ...limits },
    { name: 'y', ...limits },
  ]);
  t.deepEqual(classes.set('a', [{ name: 'y', ...limits }]), { y: 2 });
  t.deepEqual(classes.set('b', [{ name: 'x', ...limits }]), { x: 1 });
});

test('refuses the class for which no number is left', (t) => {
  const classes = new PuntClasses(new HostRows(new Arena()));
  const specs = Array.from({ length: 256 }, (_, index) => ({ name: `c${index}`, ...limits }));
  t.is(Object.keys(classes.set('a', specs.slice(0, 255))).length, 255);
  t.throws(() => classes.set('a', specs), { message: /all 255 punt classes are in use/ });
});
