import type { Row, RowKey } from '@weft/kernel/contract/net';
import type { WeftObject } from '@weft/kernel/contract/system';
import test from 'ava';
import { Site } from '../site.ts';
import { ip, network, pool, port, router, title, uplink, world } from '../test/world.ts';
import { Programmer } from './programmer.ts';

type Any = WeftObject<object, object>;

function programmed() {
  const site = new Site();
  const sent: { upserts: readonly Row[]; deletes: readonly RowKey[] }[] = [];
  const told: { key: { name: string }; status: Record<string, unknown> }[] = [];
  const rows = {
    replace: async (upserts: readonly Row[]) => void sent.push({ upserts, deletes: [] }),
    update: async (upserts: readonly Row[], deletes: readonly RowKey[]) => void sent.push({ upserts, deletes }),
  };
  const programmer = new Programmer(site, rows, async (updates) => void told.push(...updates), 'weft1');
  const put = async (...objects: readonly Any[]) => {
    for (const object of objects) programmer.touch(site.put(title(object), object as WeftObject));
    await programmer.update();
  };
  const remove = async (object: Any) => {
    programmer.touch(site.put(title(object), undefined));
    await programmer.update();
  };
  return { site, sent, told, programmer, put, remove };
}

const red = network('red', 1);
const many = 10_000;
const address = (index: number): string => `10.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
const outside = (index: number): string => `203.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;

test('of 10,000 floating IPs one that changes sends its own rows, and no more', async (t) => {
  const { sent, put, remove, programmer } = programmed();
  const ports = Array.from({ length: many }, (_, index) => port(`vm${index}`, 1_000 + index, [address(index)]));
  const ips = ports.map((_, index) => ip(`f${index}`, outside(index), `vm${index}`));
  await put(world, red, ...ports, ...ips);
  // Each floating IP, and nexthop, vrf_nat and two routes.
  t.is(programmer.size, many + 4);
  sent.length = 0;
  await put(ip('f17', '192.0.2.9', 'vm17'));
  t.deepEqual(
    sent.map(({ upserts, deletes }) => [upserts.length, deletes.length]),
    [[1, 1]],
  );
  sent.length = 0;
  await put(port('vm18', 5_000, ['10.1.0.200']));
  t.deepEqual(
    sent[0]?.upserts.map((row) => row.table === 'floating_ip' && [row.insidePort, row.inside]),
    [[5_000, '10.1.0.200']],
  );
  sent.length = 0;
  await remove(ip('f19', '', ''));
  t.deepEqual(
    sent.map(({ upserts, deletes }) => [upserts.length, deletes.length]),
    [[0, 1]],
  );
});

test('news that concern no row send nothing', async (t) => {
  const { sent, put } = programmed();
  const vm = port('vm', 11);
  await put(world, red, vm, ip('f', '192.0.2.9', 'vm'));
  sent.length = 0;
  await put({ ...vm, status: { ...vm.status, phase: 'Down', reason: 'no carrier' } });
  await put({ ...world, status: { ...world.status, phase: 'Down' } });
  t.deepEqual(sent, []);
});

test('the way out comes and goes with the router, its pool and the uplink', async (t) => {
  const { put, remove, sent, programmer } = programmed();
  await put(world, red, pool('out', ['192.0.2.8'], {}, 7));
  t.is(programmer.size, 2);
  await put(router('r', ['red'], 'out'));
  t.is(programmer.size, 5);
  await put(router('r', ['red']));
  t.is(programmer.size, 2);
  await put(router('r', ['red'], 'out'));
  sent.length = 0;
  await put(uplink('world', 5, ['192.0.2.2/24']));
  t.deepEqual([...new Set(sent[0]?.upserts.map(({ table }) => table))].sort(), ['nat_address', 'nexthop', 'route', 'vrf_nat']);
  t.is(programmer.size, 5);
  await remove(uplink('world', 5, []));
  t.is(programmer.size, 0);
});

test('a status is told once the rows are out, and again when the way out changes', async (t) => {
  const { put, told } = programmed();
  const other = uplink('other', 1, ['198.51.100.2/24']);
  await put(world, other, red, port('vm', 11), ip('f', '192.0.2.9', 'vm'));
  t.like(told[0], { key: { name: 'f' }, status: { phase: 'Active', inside: '10.1.0.11' } });
  told.length = 0;
  await put(pool('out', ['198.51.100.8'], {}, 7), router('r', ['red'], 'out'));
  t.like(
    told.find(({ key }) => key.name === 'f'),
    { status: { phase: 'Pending', reason: 'the way out of VirtualNetwork red is Uplink/other, not Uplink/world' } },
  );
});

test('an address that its holder gave up is the other one’s', async (t) => {
  const { put, remove, programmer, site } = programmed();
  const [first, second] = [ip('a', '192.0.2.9', 'vm'), ip('b', '192.0.2.9', 'vm')];
  await put(world, red, port('vm', 11), first, second);
  const size = programmer.size;
  await remove(first);
  t.is(programmer.size, size);
  t.deepEqual(site.holders('192.0.2.9'), [title(second)]);
});
