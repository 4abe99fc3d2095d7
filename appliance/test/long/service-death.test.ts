/** Each plugin that serves VMs is killed: its service is back within two seconds, and neither packets nor the other services notice. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import anyTest, { type TestFn } from 'ava';
import { Appliance, until } from '../../run/appliance.ts';
import { paced } from '../../run/pace.ts';
import { reachable, Vms } from '../../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms; server: Server }>;

const gateway = '10.1.0.1';
const blows = 10;
const backMs = 2_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a VM asks of each plugin, and whether the answer is right. */
const questions: Readonly<Record<string, { readonly command: readonly string[]; readonly answer: RegExp }>> = {
  dhcp: { command: ['udhcpc', '-i', 'eth0', '-q', '-n', '-t', '2', '-T', '1', '-s', '/bin/true'], answer: /10\.1\.0\.1[12] obtained/ },
  dns: { command: ['dig', '+short', '+tries=1', '+time=1', `@${gateway}`, 'b.red.example'], answer: /^10\.1\.0\.12$/m },
  'dns over TCP': { command: ['dig', '+tcp', '+short', '+tries=1', '+time=1', `@${gateway}`, 'b.red.example'], answer: /^10\.1\.0\.12$/m },
  metadata: {
    command: ['curl', '-s', '--max-time', '1', 'http://169.254.169.254/latest/meta-data/hostname'],
    answer: /^[ab](\.|$)/m,
  },
  'link-local': { command: ['curl', '-s', '--max-time', '1', 'http://169.254.169.123/'], answer: /^outside$/m },
};
/** Which of them each plugin answers. */
const served: Readonly<Record<string, readonly string[]>> = {
  dhcp: ['dhcp'],
  dns: ['dns', 'dns over TCP'],
  metadata: ['metadata'],
  'link-local': ['link-local'],
};

async function answers(vms: Vms, vm: string, what: string): Promise<boolean> {
  const { command, answer } = questions[what] ?? { command: ['false'], answer: /^$/ };
  const { stdout, stderr } = await vms.exec(vm, command, 5_000);
  return answer.test(stdout + stderr);
}

test.before(async (t) => {
  t.timeout(120_000);
  // The server of this test is on this host.
  const appliance = new Appliance({ settings: 'plugins:\n  link-local:\n    deniedUpstreams: []\n' });
  const vms = new Vms('svc');
  const server = createServer((_request, response) => response.end('outside')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const network = {
    kind: 'VirtualNetwork',
    metadata: { name: 'red' },
    spec: { subnets: [{ cidr: '10.1.0.0/24' }], domain: 'red.example' },
  };
  Object.assign(t.context, { appliance, vms, server });
  await appliance.start();
  const upstreams = [{ address: '127.0.0.1', port: (server.address() as AddressInfo).port }];
  const service = { kind: 'LinkLocalService', metadata: { name: 'web' }, spec: { address: '169.254.169.123', port: 80, upstreams } };
  await appliance.apply([network, service]);
  await vms.join(appliance, { vm: 'a', project: 'default', network: 'red', address: '10.1.0.11' }, gateway);
  await vms.join(appliance, { vm: 'b', project: 'default', network: 'red', address: '10.1.0.12' }, gateway);
  if (!(await reachable(vms, 'a', '10.1.0.12'))) throw new Error('a does not reach b');
  for (const what of Object.keys(questions))
    if ((await until(() => answers(vms, 'a', what), 10_000)) !== true) throw new Error(`${what} does not answer`);
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
  t.context.server.close();
});

/** Kills it, and asks from a VM again and again. @returns milliseconds until everything of it was answered */
async function blow(appliance: Appliance, vms: Vms, plugin: string): Promise<number> {
  const pid = await appliance.pid(plugin);
  const died = performance.now();
  process.kill(pid, 'SIGKILL');
  for (const what of served[plugin] ?? [])
    if ((await until(() => answers(vms, 'a', what), 20_000, 20)) !== true) throw new Error(`${what} is not back`);
  return performance.now() - died;
}

for (const plugin of Object.keys(served))
  test.serial(`${plugin} is killed ${blows} times`, async (t) => {
    t.timeout(300_000);
    const { appliance, vms } = t.context;
    const others = Object.keys(questions).filter((what) => !(served[plugin] ?? []).includes(what));
    const times: number[] = [];
    const silent: string[] = [];
    let over = false;
    const asking = async (): Promise<void> => {
      while (!over) for (const what of others) if (!(await answers(vms, 'b', what))) silent.push(what);
    };
    const outcome = await paced(vms, { from: 'b', to: 'a', address: '10.1.0.11', rate: 5_000 }, async () => {
      const asked = asking();
      for (let turn = 1; turn <= blows; turn += 1) {
        times.push(await blow(appliance, vms, plugin));
        // Five crashes within a minute count as a crash loop; a restart by the operator starts the count anew.
        if (turn % 4 === 0) await appliance.must(['plugin', 'restart', plugin]);
        await sleep(1_200);
      }
      over = true;
      await asked;
    });
    times.sort((a, b) => a - b);
    t.log(`${plugin}: back after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms; ${JSON.stringify(outcome)}`);
    t.true((times.at(-1) ?? Number.POSITIVE_INFINITY) <= backMs);
    t.deepEqual(silent, [], 'other services answered all the time');
    t.is(outcome.lost, 0);
  });
