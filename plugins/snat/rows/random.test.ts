import { isDeepStrictEqual } from 'node:util';
import { type Row, type RowKey, rowId } from '@weft/kernel/contract/net';
import type { WeftObject } from '@weft/kernel/contract/system';
import test from 'ava';
import { Site } from '../site.ts';
import { ip, network, pool, port, router, title, uplink } from '../test/world.ts';
import { Programmer } from './programmer.ts';

type Any = WeftObject<object, object>;
type Pick = <T>(items: readonly T[]) => T;

/** Marsaglia's xorshift32. */
function picker(seed: number): Pick {
  let state = seed;
  return (items) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return items[(state >>> 0) % items.length] as never;
  };
}

/** What the forwarder and the kernel have by what was sent, whatever came in between. */
function programmed() {
  const site = new Site();
  const rows = new Map<string, string>();
  const objects = new Map<string, Any>();
  const update = async (upserts: readonly Row[], deletes: readonly RowKey[] = []) => {
    for (const key of deletes) rows.delete(rowId(key));
    for (const row of upserts) rows.set(rowId(row), JSON.stringify(row));
  };
  const programmer = new Programmer(site, { replace: update, update }, async (updates) => tell(updates), 'weft1');
  function put(name: string, object: Any | undefined): void {
    if (object === undefined) objects.delete(name);
    else objects.set(name, object);
    programmer.touch(site.put(name, object as WeftObject | undefined));
  }
  function tell(updates: Parameters<ConstructorParameters<typeof Programmer>[2]>[0]): void {
    for (const { key, status } of updates) {
      const name = `${key.kind}/default/${key.name}`;
      const object = objects.get(name);
      if (object !== undefined) put(name, { ...object, status: { ...object.status, ...status } });
    }
  }
  const statuses = () => new Map([...objects].map(([name, { status }]) => [name, JSON.stringify(status)]));
  return { put, rows, objects, statuses, update: () => programmer.update() };
}

const inside = ['10.1.0.11', '10.1.0.12', '2001:db8:1::11'];
const outside = ['192.0.2.8', '192.0.2.9', '198.51.100.8', '203.0.113.8', '2001:db8:f::8'];

function anyUplink(pick: Pick, isFirst: boolean): Any {
  const subnets = [pick(['192.0.2.2/24', '192.0.2.8/25', '198.51.100.2/24'])];
  const one = isFirst ? uplink('world', pick([0, 2]), subnets, ['192.0.2.1']) : uplink('other', pick([1, 3]), subnets);
  return { ...one, spec: { ...one.spec, ...pick([{}, {}, { allowedPrefixes: ['192.0.2.8/32', '203.0.113.0/24'] }]) } };
}

function anything(pick: Pick): Any {
  const which = pick([0, 1]);
  const [red, out] = [pick(['red', 'blue']), pick(['p0', 'p1'])];
  const named = pick([{}, { uplink: 'world' }, { uplink: 'other' }]);
  const ways: readonly (() => Any)[] = [
    () => anyUplink(pick, which === 0),
    () => network(red, red === 'red' ? 1 : 2, pick([{}, {}, { forwarding: 'l2' }, { underlay: 'world' }])),
    () => port(`vm${which}`, 11 + which + pick([0, 10]), [pick(inside), pick(inside)], { network: red }),
    () => router(`r${which}`, pick([['red'], ['blue'], ['red', 'blue'], []]), pick([undefined, 'p0', 'p1'])),
    () => pool(out, pick([['host'], [pick(outside)], outside.slice(0, 2)]), { ...named, blockSize: pick([64, 512]) }, out === 'p0' ? 1 : 2),
    () => ip(pick(['f0', 'f1', 'f2']), pick(outside), `vm${which}`, named),
  ];
  return pick(ways)();
}

test('whatever comes, changes and goes in whatever order: rows and statuses are those of the objects that there are', async (t) => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const pick = picker(seed * 2_654_435);
    const kept = programmed();
    for (let step = 0; step < 100; step += 1) {
      const object = anything(pick);
      kept.put(title(object), pick([0, 1, 2, 3]) === 0 ? undefined : object);
      if (pick([0, 1]) === 0) continue;
      await kept.update();
      const fresh = programmed();
      for (const [name, each] of kept.objects) fresh.put(name, each);
      await fresh.update();
      const [was, is] = [kept, fresh].map(({ rows, statuses }) => [[...rows].sort(), [...statuses()].sort()]);
      if (!isDeepStrictEqual(was, is)) t.deepEqual(was, is, `seed ${seed}, step ${step}`);
    }
  }
  t.pass();
});
