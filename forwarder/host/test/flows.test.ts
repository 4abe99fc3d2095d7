/** Flows and rules through the forwarder process, between namespaces. Needs root and the built library. */
import {
  type Flow,
  type FlowFilter,
  packUpsert,
  portFlags,
  protocols,
  type Row,
  readRows,
  rowId,
  ruleDirections,
  tables,
} from '@weft/kernel/contract/net';
import { WeftFailure } from '@weft/kernel/contract/system';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { Launcher, type StandInPlugin } from './launcher.ts';
import { inside, type Machine, ping } from './machines.ts';
import { makeNetwork, untilPing } from './network.ts';

const policyTables = ['rule', 'identity_group', 'port_identity'];
const group = 7;
const identity = 16;
const egressAny = 1;
const ingressIcmp = 2;
const ingressUdp = 3;
const echoRequest = 8 << 8;

function rule(number: number, fields: Partial<Extract<Row, { table: 'rule' }>>): Row {
  const any = { protocol: 0, portMin: 0, portMax: 65_535, remoteGroup: 0, prefixLength: 0, address: '0.0.0.0' };
  return { table: 'rule', group, number, priority: 0, direction: ruleDirections.ingress, action: 0, ...any, ...fields };
}

/** Both machines may send everything and are reached by ICMP and UDP. */
const policyRows: readonly Row[] = [
  rule(egressAny, { direction: ruleDirections.egress }),
  rule(ingressIcmp, { protocol: protocols.icmp }),
  rule(ingressUdp, { protocol: protocols.udp }),
  { table: 'identity_group', identity, group, gate: 1 },
  { table: 'port_identity', port: 1, identity },
  { table: 'port_identity', port: 2, identity },
];

async function apply({ caller }: StandInPlugin, rows: readonly Row[]): Promise<void> {
  const begun = await caller.call('rows.begin', {});
  await caller.call('rows.apply', { ...begun, ops: Buffer.concat(rows.map(packUpsert)) });
  await caller.call('rows.commit', begun);
}

async function guarded(t: ExecutionContext, flows: object) {
  const world = await makeNetwork(t, { flows }, portFlags.portSecurity | portFlags.policyRequired);
  const policy = await world.launcher.plugin('policy', policyTables);
  await apply(policy, policyRows);
  const [here, there] = world.machines;
  await untilPing(here, there.address);
  return { ...world, policy, here, there };
}

async function flowsOf({ caller }: StandInPlugin, filter: FlowFilter): Promise<Flow[]> {
  const flows: Flow[] = [];
  for (let cursor: number | undefined = 0; cursor !== undefined; ) {
    const part: { flows: readonly Flow[]; cursor?: number } = await caller.call('flows.read', { filter, cursor });
    flows.push(...part.flows);
    cursor = part.cursor;
  }
  return flows;
}

/** What happens until `enough` has come, or 20 s; `act` begins when it can be seen. */
async function watched({ caller }: StandInPlugin, follow: boolean, act: () => Promise<unknown>, enough: (flow: Flow) => boolean) {
  const seen: Flow[] = [];
  let acting: Promise<unknown> | undefined;
  for await (const { flows } of caller.stream('flows.watch', { follow }, { signal: AbortSignal.timeout(20_000) })) {
    acting ??= act();
    seen.push(...flows);
    if (flows.some(enough)) break;
  }
  await acting;
  return seen;
}

const connect = (from: Machine, address: string, port: number): Promise<string> =>
  inside(from, `timeout 2 bash -c '</dev/tcp/${address}/${port}' 2>&1 || true`);

test.serial('a flow is told when it begins, listed while it is, counted with its rules, and kept when the process is killed', async (t) => {
  const { launcher, policy, network, here, there } = await guarded(t, { pairs: 4_096 });
  const isPing = ({ protocol, dstPort }: Flow): boolean => protocol === protocols.icmp && dstPort === echoRequest;
  const seen = await watched(
    policy,
    true,
    () => ping(here, there.address, 3),
    (flow) => flow.event === 'began' && isPing(flow),
  );
  const began = seen.find(isPing);
  t.like(began, { event: 'began', fromPort: 1, toPort: 2, src: here.address, dst: there.address, action: 'allow' });
  const listed = async (asker: StandInPlugin): Promise<Flow | undefined> =>
    (await flowsOf(asker, { protocol: protocols.icmp, address: there.address })).find(({ srcPort }) => srcPort === began?.srcPort);
  const flow = await listed(network);
  t.like(flow, {
    ...{ event: 'listed', fromPort: 1, toPort: 2, src: here.address, dst: there.address, dstPort: echoRequest, state: 'established' },
    ...{ packets: 3, bytes: 252, replyPackets: 3, replyBytes: 252, lastDrop: undefined },
    ...{ egressRule: { group, number: egressAny }, ingressRule: { group, number: ingressIcmp } },
  });
  t.true(Math.abs((flow?.timeMs ?? 0) - Date.now()) < 20_000);
  t.deepEqual(await flowsOf(policy, { address: '10.1.0.99' }), []);
  const stats = await policy.caller.call('flows.stats', {});
  t.is(stats.capacity, 4_096);
  t.true(stats.used > 0 && stats.added >= stats.used, JSON.stringify(stats));
  const { rules } = await policy.caller.call('rules.stats', {});
  t.true(
    rules.some((one) => one.group === group && one.number === ingressIcmp && one.flows > 0),
    JSON.stringify(rules),
  );
  await launcher.end('SIGKILL');
  await launcher.start({ flows: { pairs: 4_096 } });
  const again = await launcher.plugin('policy', policyTables);
  t.true((await again.caller.call('flows.stats', {})).kept > 0);
  t.like(await listed(again), { toPort: 2, packets: 3, replyPackets: 3 });
});

test.serial('what is denied is told to who watches, is in no list, and a trace says the same', async (t) => {
  const { policy, network, here, there } = await guarded(t, { pairs: 4_096 });
  const port = 81;
  const tcp = { protocol: protocols.tcp, l4Port: port };
  const seen = await watched(
    policy,
    false,
    () => connect(here, there.address, port),
    ({ dstPort }) => dstPort === port,
  );
  const told = seen.find(({ dstPort }) => dstPort === port);
  t.like(told, {
    ...{ event: 'denied', action: 'deny', fromPort: 1, toPort: 2, protocol: protocols.tcp, src: here.address, dst: there.address },
    ...{ egressRule: { group, number: egressAny }, ingressRule: undefined, lastDrop: 'policy-denied' },
  });
  t.deepEqual(await flowsOf(policy, tcp), []);
  const frames: Buffer[] = [];
  for await (const item of network.caller.stream(
    'ports.capture',
    { port: 1, filter: `tcp port ${port}` },
    { signal: AbortSignal.timeout(20_000) },
  )) {
    if (frames.length === 0 && item.frames.length === 0) void connect(here, there.address, port);
    frames.push(...item.frames.map(({ data }) => data));
    if (frames.length > 0) break;
  }
  const { steps } = await network.caller.call('ports.trace', { port: 1, frame: frames[0] ?? Buffer.alloc(0) });
  const step = steps.find(({ kind }) => kind === 'flow');
  t.like(step?.kind === 'flow' ? step.flow : undefined, { event: 'denied', fromPort: 1, toPort: 2, dstPort: port });
  t.like(steps.at(-1), { kind: 'dropped', reason: 'policy-denied' });
});

test.serial('denials that are too many to be told are lost, and counted', async (t) => {
  const { policy, here, there } = await guarded(t, { pairs: 4_096 });
  await apply(policy, [rule(ingressUdp, { protocol: protocols.udp, portMax: 1 })]);
  const datagrams = 300;
  const flood = `for i in $(seq ${datagrams}); do echo x > /dev/udp/${there.address}/$((2000 + i)); done`;
  let [told, lost] = [0, 0];
  let acting: Promise<unknown> | undefined;
  for await (const item of policy.caller.stream('flows.watch', {}, { signal: AbortSignal.timeout(20_000) })) {
    acting ??= inside(here, `bash -c '${flood}'`);
    told += item.flows.filter(({ dstPort }) => dstPort > 2000).length;
    lost = item.lost;
    if (told + lost >= datagrams) break;
  }
  await acting;
  t.true(told >= 40 && lost > 0, `${told} told, ${lost} lost`);
});

test.serial('two who follow both get all of 2,000 flows, and a list of them comes in parts', async (t) => {
  const { policy, network, here, there } = await guarded(t, { pairs: 65_536, portPercent: 100 });
  const count = 2_000;
  const first = 1_000;
  const isOne = ({ protocol, event, dstPort }: Flow): boolean => protocol === protocols.udp && event === 'began' && dstPort >= first;
  const send = () => inside(here, `bash -c 'for p in $(seq ${first} ${first + count - 1}); do echo > /dev/udp/${there.address}/$p; done'`);
  const both = Promise.withResolvers<void>();
  let began = 0;
  const follow = async ({ caller }: StandInPlugin): Promise<Set<number>> => {
    const got = new Set<number>();
    for await (const { flows, lost } of caller.stream('flows.watch', { follow: true }, { signal: AbortSignal.timeout(30_000) })) {
      if (flows.length === 0 && ++began === 2) both.resolve();
      t.is(lost, 0);
      for (const flow of flows.filter(isOne)) got.add(flow.dstPort);
      if (got.size === count) break;
    }
    return got;
  };
  const followers = [follow(policy), follow(network)];
  await both.promise;
  await send();
  for (const got of await Promise.all(followers)) t.is(got.size, count);
  const listed = await flowsOf(policy, { protocol: protocols.udp, port: 2 });
  t.is(new Set(listed.map(({ dstPort }) => dstPort).filter((port) => port >= first)).size, count);
  t.is((await flowsOf(policy, { protocol: protocols.udp, l4Port: first + 7 })).length, 1);
});

test.serial('flows are for who writes ports or rules', async (t) => {
  const launcher = new Launcher();
  t.teardown(() => launcher.close());
  await launcher.start();
  const { caller } = await launcher.plugin('dns', ['service']);
  const asks = [
    () => caller.call('flows.read', {}),
    () => caller.call('flows.stats', {}),
    () => caller.call('rules.stats', {}),
    () => caller.stream('flows.watch', {}).next(),
  ];
  for (const ask of asks) {
    const thrown = await t.throwsAsync(async () => ask());
    t.is(thrown instanceof WeftFailure ? thrown.error.code : undefined, 'FORBIDDEN');
  }
});

for (const pairs of [undefined, 4_194_304])
  test.serial(`${pairs ?? 'the default number of'} flows fit behind the state memory`, async (t) => {
    const launcher = new Launcher();
    t.teardown(() => launcher.close());
    await launcher.start(pairs === undefined ? {} : { flows: { pairs } });
    const { caller } = await launcher.plugin('policy', policyTables);
    t.like(await caller.call('flows.stats', {}), { capacity: pairs ?? 524_288, used: 0 });
  });

/** A value that the forwarder takes for a field: what fits it by itself. */
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const number = (table: 'rule' | 'identity_group' | 'port_identity', name: string): fc.Arbitrary<number> => {
  const field = tables[table].fields.find((one) => one.name === name);
  return fc.integer({ min: field?.min ?? 0, max: field?.max ?? 0 });
};
const remote = fc.oneof(
  u32.map((remoteGroup) => ({ remoteGroup, prefixLength: 0, address: '0.0.0.0' })),
  u32.map((remoteGroup) => ({ remoteGroup, prefixLength: 0, address: '::' })),
  fc.nat(255).map((third) => ({ remoteGroup: 0, prefixLength: 24, address: `10.1.${third}.0` })),
  fc.nat(0xfffe).map((second) => ({ remoteGroup: 0, prefixLength: 32, address: `2001:${(second + 1).toString(16)}::` })),
);
const ruleRow = fc
  .record({
    ...{ group: number('rule', 'group'), number: u32, priority: u32, ports: fc.tuple(fc.nat(65_535), fc.nat(65_535)), remote },
    ...{ direction: fc.nat(1), action: fc.nat(1), protocol: fc.nat(255) },
  })
  .map(
    ({ ports, remote: where, ...fields }): Row => ({
      table: 'rule',
      ...fields,
      ...where,
      portMin: Math.min(...ports),
      portMax: Math.max(...ports),
    }),
  );
const membership = fc
  .record({ identity: number('identity_group', 'identity'), group: number('identity_group', 'group'), gate: fc.nat(3) })
  .map((fields): Row => ({ table: 'identity_group', ...fields }));
const portIdentity = fc
  .record({ port: number('port_identity', 'port'), identity: number('port_identity', 'identity') })
  .map((fields): Row => ({ table: 'port_identity', ...fields }));

test.serial('rows of rules and identities come back from the forwarder as they were packed', async (t) => {
  const launcher = new Launcher();
  t.teardown(() => launcher.close());
  await launcher.start();
  const policy = await launcher.plugin('policy', policyTables);
  const idOf = (row: Row): string => packUpsert(row).toString('hex');
  const keyed = { selector: rowId, maxLength: 40 };
  const rows = fc.tuple(fc.uniqueArray(ruleRow, keyed), fc.uniqueArray(membership, keyed), fc.uniqueArray(portIdentity, keyed));
  await fc.assert(
    fc.asyncProperty(rows, async (given) => {
      const wanted = given.flat();
      await apply(policy, wanted);
      const parts = policyTables.map(async (table) =>
        readRows(table as Row['table'], (await policy.caller.call('rows.read', { table })).rows),
      );
      const found = (await Promise.all(parts)).flat();
      t.deepEqual(found.map(idOf).sort(), wanted.map(idOf).sort());
    }),
    { numRuns: 100 },
  );
});
