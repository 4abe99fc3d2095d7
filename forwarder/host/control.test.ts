import { packUpsert, type Row } from '@weft/kernel/contract/net';
import { type Peer, WeftFailure } from '@weft/kernel/contract/system';
import test from 'ava';
import { type Flow, type FlowFilter, type Forwarder, ForwarderError, type Part, type RuleStats } from '../binding/index.ts';
import { Control } from './control.ts';
import { packedFlow } from './test/packed-flow.ts';

const vrfs = (count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => packUpsert({ table: 'vrf', id: index + 1 })));
const rowBytes = packUpsert({ table: 'vrf', id: 1 }).length;
const bridge: Row = { table: 'bridge', id: 1, vrf: 1, vni: 0, mtu: 1_500, mode: 2, flags: 0, floodRate: 0 };
const peer = (rows: readonly string[]): Peer => ({ publicKey: '', grants: { rows, reads: [], writes: [] }, puntClasses: [] });

/** Notes the calls that reach libforwarder; refuses the batch whose number is `refuse`. */
function setup(refuse = -1) {
  const calls: string[] = [];
  let applies = 0;
  let generation = 0;
  const library = {
    ownerOpen: (name: string) => name.length,
    state: () => ({ epoch: 4 }),
    rowsBegin: (owner: number) => {
      generation += 1;
      calls.push(`begin ${owner}`);
      return generation;
    },
    rowsCommit: (owner: number, began: number) => {
      calls.push(`commit ${owner}${began === generation ? '' : ' of an old generation'}`);
      return owner;
    },
    rowsForget: (owner: number) => void calls.push(`forget ${owner}`),
    rowsApply: (_owner: number, _generation: number, ops: Buffer, more: boolean) => {
      calls.push(`apply ${ops.length / rowBytes}${more ? ' more' : ''}`);
      if (applies++ === refuse) throw new ForwarderError('ROW', 'operation 3: vrf.id is 0');
      return more ? 0 : 5;
    },
    rowsRead: () => {
      throw new RangeError("no table 'x'");
    },
    statsRead: () => [
      {
        id: 1,
        generation: 9,
        rxPackets: 3n,
        rxBytes: 180n,
        txPackets: 0n,
        txBytes: 0n,
        injected: 0n,
        cloned: 0n,
        originated: 0n,
        sent: 3n,
        dropped: 0n,
        punted: 0n,
      },
      { id: 2, generation: 9, rxPackets: 1n },
    ],
    dropsRead: () => [{ port: 2, reason: 5, packets: 7n, bytes: 700n }],
    flowStatsRead: () => ({ capacity: 64n, used: 3n, added: 9n, expired: 6n, evicted: 0n, kept: 1n, redecided: 2n, eventsLost: 0n }),
    // Ten thousand are looked at in each call; every second call finds one.
    flowsRead: (filter: FlowFilter, cursor: number): Part<Flow> => {
      calls.push(`flows of port ${filter.port} from ${cursor}`);
      const next = cursor + 10_000;
      const records = next % 20_000 === 0 ? [packedFlow({ srcPort: next / 10_000 })] : [];
      return { records, ...(next < 500_000 ? { cursor: next } : {}) };
    },
    ruleStatsRead: (cursor: number): Part<RuleStats> => ({
      records: [{ group: 1, number: cursor, flows: 2n, packets: 3n, bytes: 4n }],
      ...(cursor < 2 ? { cursor: cursor + 1 } : {}),
    }),
    natStatsRead: () => [],
    natBlocksRead: () => ({ records: [] }),
    natEventsRead: () => [],
    dropName: (reason: number) => `reason-${reason}`,
  };
  const control = new Control(library as unknown as Forwarder, { set: (plugin) => ({ [plugin]: 1 }) });
  control.setPeers({ network: peer(['vrf']) });
  calls.length = 0;
  return { control, calls };
}

async function errorOf(promise: Promise<unknown>) {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof WeftFailure) return thrown.error;
    throw thrown;
  }
  throw new Error('it was not refused');
}

test('a large batch goes in parts, of which only the last publishes', async (t) => {
  const { control, calls } = setup();
  t.deepEqual(await control.call('network', 'rows.apply', { generation: 1, ops: vrfs(2_500) }), { changed: 5 });
  t.deepEqual(calls, ['apply 1000 more', 'apply 1000 more', 'apply 500']);
});

test('more keeps the last part staged, too', async (t) => {
  const { control, calls } = setup();
  await control.call('network', 'rows.apply', { generation: 1, ops: vrfs(1_001), more: true });
  t.deepEqual(calls, ['apply 1000 more', 'apply 1 more']);
});

test('a refused part ends the batch and says where its numbers begin', async (t) => {
  const { control, calls } = setup(1);
  const error = await errorOf(control.call('network', 'rows.apply', { generation: 1, ops: vrfs(2_500) }));
  t.is(error.code, 'INVALID');
  t.is(error.message, 'counting from operation 1000: operation 3: vrf.id is 0');
  t.deepEqual(calls, ['apply 1000 more', 'apply 1000 more', 'forget 7']);
});

test('nothing is applied of a batch that touches a table without a grant', async (t) => {
  const { control, calls } = setup();
  const error = await errorOf(
    control.call('network', 'rows.apply', { generation: 1, ops: Buffer.concat([vrfs(1_500), packUpsert(bridge)]) }),
  );
  t.is(error.code, 'FORBIDDEN');
  t.deepEqual(calls, ['forget 7']);
});

test('what was staged before such a batch cannot be published any more', async (t) => {
  const { control, calls } = setup();
  await control.call('network', 'rows.apply', { generation: 1, ops: vrfs(1), more: true });
  await errorOf(control.call('network', 'rows.apply', { generation: 1, ops: packUpsert(bridge) }));
  t.deepEqual(calls, ['apply 1 more', 'forget 7']);
});

test('what a Worker before this one left staged is forgotten, a batch in progress is not', (t) => {
  const { control, calls } = setup();
  control.setPeers({ network: peer(['vrf']), dns: peer([]) });
  t.deepEqual(calls, ['forget 3']);
});

test('rows of a plugin that became disabled are removed once, those of a peer and of one that is just away stay', (t) => {
  const { control, calls } = setup();
  t.deepEqual(control.sweep(['network']), { swept: {}, refused: [] }, 'still a peer');
  control.setPeers({});
  t.deepEqual(control.sweep([]), { swept: {}, refused: [] });
  t.deepEqual(calls, []);
  t.deepEqual(control.sweep(['network']), { swept: { network: 7 }, refused: [] });
  t.deepEqual(control.sweep(['network']), { swept: {}, refused: [] });
  t.deepEqual(calls, ['begin 7', 'commit 7']);
  control.setPeers({ network: peer(['vrf']) });
  control.sweep([]);
  control.setPeers({});
  t.deepEqual(control.sweep(['network']).swept, { network: 7 }, 'enabled and disabled again');
});

test('a sweep that is refused is named and tried again', (t) => {
  let full = true;
  const forwarder = { ownerOpen: () => (full ? 0 : 1), rowsBegin: () => 1, rowsCommit: () => 3 };
  const classes = {
    set: (): Record<string, number> => {
      if (full) throw new RangeError('no room');
      return {};
    },
  };
  const busy = new Control(forwarder as unknown as Forwarder, classes);
  t.deepEqual(busy.sweep(['dns']), { swept: {}, refused: [{ plugin: 'dns', reason: 'no room' }] });
  full = false;
  t.deepEqual(busy.sweep(['dns']), { swept: { dns: 3 }, refused: [] });
});

test('new grants hold from the next batch on', async (t) => {
  const { control } = setup();
  control.setPeers({ network: peer(['bridge']) });
  t.deepEqual(await control.call('network', 'rows.apply', { generation: 1, ops: packUpsert(bridge) }), { changed: 5 });
  t.is((await errorOf(control.call('network', 'rows.apply', { generation: 1, ops: vrfs(1) }))).code, 'FORBIDDEN');
});

test('hello names the epoch and the numbers of punt classes', async (t) => {
  const { control } = setup();
  t.deepEqual(await control.call('network', 'hello', { name: 'network' }), { epoch: '4', puntClasses: { network: 1 } });
});

test('counters come as numbers, of the wanted ports', async (t) => {
  const { control } = setup();
  t.deepEqual(await control.call('network', 'stats.read', { ports: [1] }), {
    ports: [
      {
        id: 1,
        rxPackets: 3,
        rxBytes: 180,
        txPackets: 0,
        txBytes: 0,
        injected: 0,
        cloned: 0,
        originated: 0,
        sent: 3,
        dropped: 0,
        punted: 0,
      },
    ],
  });
  t.deepEqual(await control.call('network', 'drops.read', {}), { drops: [{ port: 2, reason: 'reason-5', packets: 7, bytes: 700 }] });
  t.deepEqual(await control.call('network', 'drops.read', { ports: [1] }), { drops: [] });
});

test('flows come some at a time: few that fit end an answer as many do', async (t) => {
  const { control, calls } = setup();
  control.setPeers({ network: peer(['port']) });
  const ask = (input: object) =>
    control.call('network', 'flows.read', input) as Promise<{ flows: readonly { srcPort: number }[]; cursor?: number }>;
  const first = await ask({ filter: { port: 7 } });
  t.is(first.cursor, 320_000);
  t.is(calls.filter((call) => call.startsWith('flows of port 7 from')).length, 32);
  const second = await ask({ filter: { port: 7 }, cursor: 320_000 });
  t.is(second.cursor, undefined);
  t.deepEqual(
    [...first.flows, ...second.flows].map(({ srcPort }) => srcPort),
    Array.from({ length: 25 }, (_, n) => 2 * (n + 1)),
  );
  t.is((await errorOf(ask({ filter: { address: 'x' } }))).code, 'INVALID');
});

test('counters of the table of flows, and of all rules', async (t) => {
  const { control } = setup();
  control.setPeers({ policy: peer(['rule']) });
  t.like(await control.call('policy', 'flows.stats', {}), { capacity: 64, used: 3, kept: 1 });
  t.deepEqual(await control.call('policy', 'rules.stats', {}), {
    rules: [0, 1, 2].map((number) => ({ group: 1, number, flows: 2, packets: 3, bytes: 4 })),
  });
});

for (const method of ['flows.read', 'flows.stats', 'rules.stats'])
  test(`${method} is for those who write ports or rules`, async (t) => {
    t.is((await errorOf(setup().control.call('network', method, {}))).code, 'FORBIDDEN');
  });

test('who writes shared addresses may look at them', async (t) => {
  const { control } = setup();
  const inputs = { 'nat.stats': {}, 'nat.blocks': {}, 'nat.events': { after: 0 } };
  for (const [method, input] of Object.entries(inputs))
    t.is((await errorOf(control.call('network', method, input))).code, 'FORBIDDEN', method);
  control.setPeers({ snat: peer(['nat_address']) });
  t.deepEqual(await Promise.all(Object.entries(inputs).map(([method, input]) => control.call('snat', method, input))), [
    { addresses: [] },
    { blocks: [] },
    { events: [] },
  ]);
});

for (const [what, method, input, code] of [
  ['ops that are no bytes', 'rows.apply', { generation: 1, ops: 'text' }, 'INVALID'],
  ['a table that does not exist', 'rows.read', { table: 'x' }, 'INVALID'],
  ['a method that does not exist', 'rows.steal', {}, 'NOT_FOUND'],
  ['no input at all', 'rows.apply', undefined, 'INVALID'],
] as const)
  test(`refuses ${what}`, async (t) => {
    t.is((await errorOf(setup().control.call('network', method, input))).code, code);
  });

test('refuses who is no peer', async (t) => {
  t.is((await errorOf(setup().control.call('stranger', 'hello', {}))).code, 'UNAVAILABLE');
});

test('a plugin whose punt classes are refused is named; the others are served', async (t) => {
  const classes = {
    set: (plugin: string): Record<string, number> => {
      if (plugin === 'greedy') throw new RangeError('too many');
      return {};
    },
  };
  const control = new Control(
    { ownerOpen: () => 1, rowsForget: () => undefined, state: () => ({ epoch: 1 }) } as unknown as Forwarder,
    classes,
  );
  t.deepEqual(control.setPeers({ greedy: peer([]), dns: peer([]) }), [{ plugin: 'greedy', reason: 'too many' }]);
  t.deepEqual(await control.call('dns', 'hello', { name: 'dns' }), { epoch: '1', puntClasses: {} });
});

test('what is staged is bounded, and all of it is forgotten beyond the bound', async (t) => {
  const { control, calls } = setup();
  const ops = vrfs(100_000);
  const stage = () => control.call('network', 'rows.apply', { generation: 1, ops, more: true });
  const most = Math.floor((128 * 1024 * 1024) / ops.length);
  for (let n = 0; n < most; n++) await stage();
  t.is((await errorOf(stage())).code, 'TOO_LARGE');
  t.is(calls.at(-1), 'forget 7');
  await t.notThrowsAsync(stage(), 'it may begin anew');
});
