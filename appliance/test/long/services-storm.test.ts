/**
 * One VM floods everything that VMs can ask for, a million packets per second: DHCP and DNS of others answer, an established stream loses
 * nothing, the kernel and the plugins together stay below one core, and memory stays where it was.
 */
import anyTest, { type TestFn } from 'ava';
import { Appliance } from '../../run/appliance.ts';
import { coresBesideForwarder, describeShares, measureShares, type Share } from '../../run/cpu-share.ts';
import { type Outcome, paced } from '../../run/pace.ts';
import { ServiceAskers } from '../../run/service-askers.ts';
import { ServiceClients } from '../../run/service-clients.ts';
import { Storm } from '../../run/storm.ts';
import { knownNames, type NameServer, startNameServer } from '../../run/upstream.ts';
import { Vms } from '../../run/vms.ts';

interface Context {
  appliance: Appliance;
  vms: Vms;
  upstream: NameServer;
  clients: ServiceClients;
  askers: ServiceAskers;
  storm: Storm;
}

const test = anyTest as TestFn<Context>;
const perSecond = 1_000_000;
const seconds = 20;
/** Heaps of Node breathe. */
const memoryGrowthLimit = 32 << 20;
const gateway = '10.2.0.1';
const stream = { from: 'left', to: 'right', address: '10.2.0.12', rate: 5_000 };

test.before(async (t) => {
  t.timeout(300_000);
  const upstream = await startNameServer();
  const appliance = new Appliance({ settings: `plugins: { dns: { upstreams: ["127.0.0.1:${upstream.port}"] } }\n` });
  const vms = new Vms('storm');
  const [clients, askers, storm] = [new ServiceClients(appliance, vms), new ServiceAskers(appliance, vms, 4), new Storm(appliance, vms)];
  Object.assign(t.context, { appliance, vms, upstream, clients, askers, storm });
  await appliance.start();
  await clients.add();
  await askers.add();
  await storm.add();
  await appliance.apply([{ kind: 'VirtualNetwork', metadata: { name: 'quiet' }, spec: { subnets: [{ cidr: '10.2.0.0/24' }] } }]);
  for (const [vm, address] of [
    ['left', '10.2.0.11'],
    ['right', '10.2.0.12'],
  ] as const)
    await vms.join(appliance, { vm, project: 'default', network: 'quiet', address }, gateway);
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
  t.context.upstream.close();
});

/** At least 99.9 % of them answered, and none wrongly. */
function isServed(begun: number, right: number, wrong: number): boolean {
  return begun > 0 && right >= 0.999 * begun && wrong === 0;
}

function grown(shares: readonly Share[]): readonly string[] {
  return shares.filter(({ bytesBefore, bytesAfter }) => bytesAfter - bytesBefore > memoryGrowthLimit).map(({ name }) => name);
}

test.serial('a million packets per second from one VM hurt nobody else', async (t) => {
  t.timeout(300_000);
  const { appliance, vms, clients, askers, storm } = t.context;
  const file = clients.names(knownNames(200));
  const others = async () => ({
    dhcp4: await clients.ask('dhcp4', ['rate=200', `seconds=${seconds}`]),
    dhcp6: await clients.ask('dhcp6', ['rate=200', `seconds=${seconds}`]),
    dns: await clients.ask('dns', ['rate=500', 'depth=4', `seconds=${seconds}`, file], 32),
    metadata: await askers.fetch(['rate=100', `seconds=${seconds}`, 'keep=1']),
  });
  await clients.ask('dns', ['rate=500', 'depth=4', 'seconds=2', file], 32);
  // What a first storm makes grow is not what a second one does.
  await storm.during([`rate=${perSecond}`], () => clients.ask('dhcp4', ['rate=200', 'seconds=5']));
  const flood = () => measureShares(appliance, () => storm.during([`rate=${perSecond}`], others));
  let flooded: Awaited<ReturnType<typeof flood>> | undefined;
  const carried: Outcome = await paced(vms, stream, async () => {
    flooded = await flood();
  });
  if (flooded === undefined) throw new Error('the storm did not run');
  const { shares, result } = flooded;
  t.log(`${result.perSecond.toFixed(0)} packets/s; ${describeShares(shares)}; ${JSON.stringify(carried)}`);
  const { metadata, ...loads } = result.result;
  t.log(JSON.stringify(metadata));
  t.true(isServed(metadata.begun, metadata.right, metadata.wrong), 'metadata');
  for (const load of Object.values(loads)) {
    t.log(JSON.stringify(load));
    t.true(isServed(load.begun, load.answered, load.wrong + load.duplicated), load.protocol);
  }
  t.is(result.sent.refused, 0);
  t.true(result.balanced, 'every packet is accounted for');
  t.deepEqual({ lost: carried.lost, duplicated: carried.duplicated }, { lost: 0, duplicated: 0 });
  t.true(coresBesideForwarder(shares) < 1, describeShares(shares));
  t.deepEqual(grown(shares), [], JSON.stringify(shares));
  t.true(result.perSecond >= 0.9 * perSecond, `${result.perSecond} packets/s`);
});
