/** Rows, punts and frames that are not its own. */
import { packPunt, packUpsert, type Row } from '@weft/kernel/contract/net';
import type { Act, World } from '../world.ts';

const tables = { vrf: 1, bridge: 2, port: 3, mac: 4, neighbor: 5, nexthop: 6, route: 7, punt_class: 9 };
const anyVrf = 0xffff_ffff;

async function applyOps({ forwarder }: World, ops: Buffer, more = false): Promise<unknown> {
  const { generation } = await forwarder.call('rows.begin', {});
  return forwarder.call('rows.apply', { generation, ops, more });
}

/** An operation for a table, with a row of zeros. */
function opFor(table: number, rowBytes = 64): Buffer {
  const op = Buffer.alloc(8 + rowBytes);
  op.writeUInt8(1, 0);
  op.writeUInt8(table, 1);
  op.writeUInt16LE(rowBytes, 2);
  return op;
}

const service = (l4Port: number, puntClass: number, vrf = anyVrf): Row => ({
  ...{ table: 'service', vrf, protocol: 17, l4Port, address: '0.0.0.0', action: 0, puntClass },
});

/** Refused in silence: the drop counters tell. */
async function injected(world: World, frame: Buffer): Promise<void> {
  const stale = async (): Promise<number> => {
    const { drops } = (await world.forwarder.call('drops.read', {})) as { drops: { reason: string; packets: number }[] };
    return drops.filter(({ reason }) => reason.startsWith('inject')).reduce((sum, { packets }) => sum + packets, 0);
  };
  const before = await stale();
  await world.sockets.punts.send(frame);
  for (let n = 0; n < 20; n++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    if ((await stale()) > before) throw new Error('dropped and counted by the forwarder');
  }
}

const foreignTables: Act[] = Object.entries(tables).map(([table, number]) => ({
  name: `row-${table}`,
  run: (world) => applyOps(world, opFor(number)),
}));

export const rowActs: readonly Act[] = [
  ...foreignTables,
  { name: 'row-of-no-table', run: (world) => applyOps(world, opFor(200)) },
  { name: 'row-cut-short', run: (world) => applyOps(world, packUpsert(service(1, 0)).subarray(0, 20)) },
  { name: 'row-no-bytes', run: ({ forwarder }) => forwarder.call('rows.apply', { generation: 1, ops: 'all' }) },
  { name: 'row-of-wrong-size', run: (world) => applyOps(world, opFor(8, 16)) },
  {
    name: 'punt-class-of-another',
    run: async (world) => {
      const own = world.context.punts.classNumber('mischief');
      return applyOps(world, packUpsert(service(9, own === 1 ? 2 : 1)));
    },
  },
  {
    name: 'row-key-of-another',
    run: (world, { network }) => applyOps(world, packUpsert(service(67, world.context.punts.classNumber('mischief'), network))),
  },
  {
    name: 'generation-of-before',
    run: async ({ forwarder }) => {
      const { generation } = await forwarder.call('rows.begin', {});
      await forwarder.call('rows.begin', {});
      return forwarder.call('rows.commit', { generation });
    },
  },
  {
    name: 'staged-without-end',
    run: async ({ forwarder, context }) => {
      const { generation } = await forwarder.call('rows.begin', {});
      const op = packUpsert(service(1, context.punts.classNumber('mischief')));
      const ops = Buffer.alloc(100_000 * op.length, op);
      for (let n = 0; n < 40; n++) await forwarder.call('rows.apply', { generation, ops, more: true }, { deadlineMs: 20_000 });
    },
  },
  { name: 'capture', run: ({ forwarder }) => forwarder.stream('ports.capture', { port: 1 }).next() },
  { name: 'trace', run: ({ forwarder }) => forwarder.call('ports.trace', { port: 1, frame: Buffer.alloc(64) }) },
  { name: 'read-no-table', run: ({ forwarder }) => forwarder.call('rows.read', { table: '../../etc/shadow' }) },
  { name: 'forwarder-hello-as-another', run: ({ forwarder }) => forwarder.call('hello', { name: 'network' }) },
  { name: 'break-the-forwarder', run: ({ forwarder }) => forwarder.call('debug.killWorker', {}) },
  { name: 'inject-forged-generation', run: (world) => injected(world, packPunt({ port: 1, generation: 0xffff, frame: Buffer.alloc(64) })) },
  { name: 'inject-no-port', run: (world) => injected(world, packPunt({ port: 999_999, generation: 1, frame: Buffer.alloc(64) })) },
  {
    name: 'inject-too-long',
    run: async (world) => {
      const { ports } = (await world.forwarder.call('ports.read', {})) as { ports: { id: number; generation: number }[] };
      const [port] = ports;
      if (port === undefined) throw new Error('no port to inject at');
      await injected(world, packPunt({ port: port.id, generation: port.generation, frame: Buffer.alloc(100_000) }));
    },
  },
];
