/**
 * 256 live ports, namespaces and VLANs of a trunk, beside 9,700 that are bound to nothing: all reach each other, ports come and go without
 * costing a packet, and nothing is left behind: no memory, no descriptor, no interface.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance, run, top, until, usage } from '../../run/appliance.ts';
import { paced } from '../../run/pace.ts';
import { reachable, Vms } from '../../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms }>;

const netnsPorts = 200;
const vlanPorts = 56;
const unboundPorts = 9_700;
const pairs = 10_000;
const churn = { rounds: 20, ports: 50 };
/** Half of it is the noise of Node's heap over minutes. */
const memoryGrowthLimit = 64 << 20;

const live = Array.from({ length: netnsPorts + vlanPorts }, (_, index) => index);
const isVlan = (index: number) => index >= netnsPorts;
const vlanOf = (index: number) => 1_000 + index - netnsPorts;
const hex = (value: number) => value.toString(16).padStart(2, '0');
const mac = (index: number) => `02:00:00:01:${hex(index >> 8)}:${hex(index & 255)}`;
const address = (index: number) => `10.64.${1 + (index >> 7)}.${1 + (index & 127)}`;

/** The same sequence in every run. */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % limit;
  };
}

function portOf(index: number, vms: Vms): object {
  const binding = isVlan(index)
    ? { type: 'vlan', parent: 'trunk', vlan: vlanOf(index) }
    : { type: 'netns', netns: vms.netns(`v${index}`), interface: 'eth0' };
  return {
    kind: 'Port',
    metadata: { name: `live${index}` },
    spec: { network: 'big', mac: mac(index), addresses: [address(index)], binding },
  };
}

async function active(appliance: Appliance, prefix: string, count: number): Promise<boolean> {
  const all = async () => {
    const { items } = await appliance.json<{ items: { metadata: { name: string }; status: { phase: string } }[] }>(['get', 'Port']);
    return items.filter(({ metadata, status }) => metadata.name.startsWith(prefix) && status.phase === 'Active').length === count;
  };
  return (await until(all, 120_000, 500)) === true;
}

interface Holdings {
  readonly descriptors: number;
  readonly interfaces: number;
  readonly bytes: number;
}

async function holdings(appliance: Appliance): Promise<Holdings> {
  const pid = await appliance.pid('forwarder');
  const links = await run('ip', ['-o', 'link', 'show']);
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    interfaces: links.stdout.split('\n').length,
    bytes: usage(pid).rssBytes,
  };
}

/** The kernel's neighbour table is one for all namespaces: its default of 1,024 entries is too small for the VMs here. */
const neighborLimit = '/proc/sys/net/ipv4/neigh/default/gc_thresh3';
const neighborLimitBefore = readFileSync(neighborLimit, 'utf8');

test.before(async (t) => {
  t.timeout(600_000);
  writeFileSync(neighborLimit, '65536');
  const appliance = new Appliance();
  const vms = new Vms('many');
  Object.assign(t.context, { appliance, vms });
  await appliance.start();
  for (const index of live) await vms.add(`v${index}`);
  const trunk = await vms.add('trunk');
  await appliance.apply([
    {
      kind: 'VirtualNetwork',
      metadata: { name: 'big' },
      spec: { subnets: [{ cidr: '10.64.0.0/16', pool: { from: '10.64.128.1', to: '10.64.255.254' } }], floodRate: 0 },
    },
    { kind: 'Trunk', metadata: { name: 'trunk' }, spec: { binding: { type: 'netns', netns: trunk.netns, interface: 'trunk0' } } },
  ]);
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
  writeFileSync(neighborLimit, neighborLimitBefore);
});

test.serial('9,700 ports that are bound to nothing and 256 live ones become Active', async (t) => {
  t.timeout(600_000);
  const { appliance, vms } = t.context;
  const unbound = Array.from({ length: unboundPorts }, (_, index) => ({
    kind: 'Port',
    metadata: { name: `none${index}` },
    spec: { network: 'big', binding: { type: 'none' } },
  }));
  const begin = Date.now();
  for (let at = 0; at < unbound.length; at += 1_000) await appliance.apply(unbound.slice(at, at + 1_000));
  t.log(`${unboundPorts} unbound ports applied in ${Date.now() - begin} ms`);
  const second = Date.now();
  await appliance.apply(live.map((index) => portOf(index, vms)));
  t.true(await active(appliance, 'live', live.length));
  t.log(`${live.length} live ports Active in ${Date.now() - second} ms`);
});

test.serial('10,000 pairs of the 256 live ports reach each other', async (t) => {
  t.timeout(600_000);
  const { vms } = t.context;
  const vlans = live.filter(isVlan);
  const splitter = vms.start('trunk', [
    join(top, 'appliance/traffic/build/vlan'),
    'trunk0',
    ...vlans.map((index) => `${vlanOf(index)}:${vms.netns(`v${index}`)}:eth0:${mac(index)}`),
  ]);
  try {
    for (const index of live) {
      const vm = `v${index}`;
      t.truthy(await until(async () => (await vms.exec(vm, ['ip', 'link', 'show', 'dev', 'eth0'])).code === 0, 20_000), vm);
      t.is((await vms.exec(vm, ['ip', 'address', 'replace', `${address(index)}/16`, 'dev', 'eth0'])).code, 0, vm);
    }
    const next = random(7);
    const unreachable: string[] = [];
    let tried = 0;
    for (const index of live) {
      const targets = Array.from({ length: Math.ceil(pairs / live.length) }, () => address(next(live.length)));
      const { stdout } = await vms.exec(`v${index}`, ['fping', '-r', '2', '-t', '1000', '-i', '1', ...targets], 60_000);
      tried += targets.length;
      for (const [line] of stdout.matchAll(/^.*unreachable.*$/gm)) unreachable.push(`${address(index)}: ${line}`);
      t.regex(stdout, /is alive/, `v${index} reaches nobody`);
    }
    t.log(`${tried} pairs tried`);
    t.true(tried >= pairs);
    t.deepEqual(unreachable, []);
  } finally {
    await splitter.stop();
  }
});

test.serial('1,000 ports come and go beside a paced stream that loses nothing, and leave nothing behind', async (t) => {
  t.timeout(900_000);
  const { appliance, vms } = t.context;
  t.true(await reachable(vms, 'v0', address(1)));
  const rounds = Array.from({ length: churn.ports }, (_, index) => `go${index}`);
  for (const vm of rounds) await vms.add(vm);
  const objects = rounds.map((vm) => ({
    kind: 'Port',
    metadata: { name: vm },
    spec: { network: 'big', binding: { type: 'netns', netns: vms.netns(vm), interface: 'eth0' } },
  }));
  const comeAndGo = async () => {
    await appliance.apply(objects);
    if (!(await active(appliance, 'go', rounds.length))) throw new Error('ports did not become Active');
    await appliance.must(['delete', '-f', '-'], { input: objects.map((object) => JSON.stringify(object)).join('\n---\n') });
    const gone = async () => !(await run('ip', ['netns', 'exec', vms.netns('go0'), 'ip', '-o', 'link'])).stdout.includes('eth0');
    if ((await until(gone, 60_000)) !== true) throw new Error('links stayed');
  };
  await comeAndGo();
  const before = await holdings(appliance);
  const outcome = await paced(vms, { from: 'v0', to: 'v1', address: address(1), rate: 10_000 }, async () => {
    for (let round = 0; round < churn.rounds; round++) await comeAndGo();
  });
  t.log(JSON.stringify(outcome));
  t.is(outcome.lost, 0);
  t.is(outcome.duplicated, 0);

  const settled = await until(async () => {
    const now = await holdings(appliance);
    return now.interfaces <= before.interfaces && now.descriptors <= before.descriptors ? now : undefined;
  }, 60_000);
  const after = settled ?? (await holdings(appliance));
  t.log(`before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
  t.true(after.descriptors <= before.descriptors, 'descriptors');
  t.true(after.interfaces <= before.interfaces, 'interfaces');
  t.true(after.bytes - before.bytes < memoryGrowthLimit, 'memory');
});

test.serial('every packet is accounted for', async (t) => {
  const { items } = await t.context.appliance.json<{ items: { port: string; balanced: boolean }[] }>(['ports', '-A']);
  t.true(items.length > unboundPorts);
  t.deepEqual(
    items.filter(({ balanced }) => !balanced),
    [],
  );
});
