/**
 * Security groups as VMs meet them: who reaches whom by TCP, UDP and ICMP of both families, what traces, flows and denials say of it, changes
 * of rules under traffic, and what becomes of all that without the plugin.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { Appliance, until } from '../run/appliance.ts';
import { type Attempt, type Family, GroupLab, type Station } from '../run/group-lab.ts';
import { Vms } from '../run/vms.ts';
import { ask } from './hostile-plugin.ts';

interface Context {
  appliance: Appliance;
  vms: Vms;
  lab: GroupLab;
}
type T = ExecutionContext<Context>;

const test = anyTest as TestFn<Context>;
const families = ['v4', 'v6'] as const;
const tcpPorts = [80, 81, 3306, 3308, 3309, 8080];
const udpPorts = [5353];

const stations: readonly Station[] = [
  { vm: 'web1', project: 'acme', host: 11, spec: { securityGroups: ['web'] } },
  { vm: 'db1', project: 'acme', host: 12, spec: { securityGroups: ['db'] } },
  { vm: 'ops1', project: 'acme', host: 13, spec: { securityGroups: ['ops'] } },
  { vm: 'plain1', project: 'acme', host: 14 },
  { vm: 'plain2', project: 'acme', host: 15 },
  { vm: 'open1', project: 'acme', host: 16, spec: { portSecurity: false } },
  { vm: 'guest', project: 'globex', host: 17 },
];
const newcomer: Station = { vm: 'web2', project: 'acme', host: 18, spec: { securityGroups: ['web'] } };
const early: Station = { vm: 'early', project: 'acme', host: 19 };

type Rule = Readonly<Record<string, unknown>>;
const group = (name: string, rules: readonly Rule[]): object => ({
  kind: 'SecurityGroup',
  metadata: { name, project: 'acme' },
  spec: { rules },
});
const ping: readonly Rule[] = [
  { direction: 'ingress', protocol: 'icmp', icmpType: 8 },
  { direction: 'ingress', protocol: 'icmpv6', icmpType: 128 },
];
const webRules: readonly Rule[] = [...ping, { direction: 'ingress', protocol: 'tcp', ports: 80 }, { direction: 'egress', protocol: 'any' }];
const fromWeb: Rule = { direction: 'ingress', protocol: 'tcp', ports: '3306-3308', remote: { group: 'web' } };
const byAddress: Rule = { direction: 'ingress', protocol: 'udp', ports: 5353, remote: { cidr: '10.1.0.11/32' } };
const opsRules: readonly Rule[] = [
  { direction: 'egress', protocol: 'tcp', ports: 8080 },
  { direction: 'egress', protocol: 'icmp' },
  { direction: 'egress', protocol: 'udp', remote: { cidr: '2001:db8:1::/64' } },
];

test.before(async (t) => {
  t.timeout(180_000);
  const appliance = new Appliance();
  const vms = new Vms('sg');
  const lab = new GroupLab(appliance, vms, [...stations, newcomer, early], 'acme/red');
  Object.assign(t.context, { appliance, vms, lab });
  await appliance.start();
  const subnets = [{ cidr: '10.1.0.0/24' }, { cidr: '2001:db8:1::/64' }];
  await appliance.apply([
    { kind: 'Project', metadata: { name: 'acme' } },
    { kind: 'Project', metadata: { name: 'globex' } },
    { kind: 'VirtualNetwork', metadata: { name: 'red', project: 'acme', shared: true }, spec: { subnets } },
    group('web', webRules),
    group('db', [fromWeb, byAddress]),
    group('ops', opsRules),
  ]);
  await lab.join(stations, tcpPorts, udpPorts);
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

/** From, to, what, and who lets it pass: both families, or one, or none. Denied: at which end. */
const attempts: readonly (readonly [from: string, to: string, what: string, passes: readonly Family[], deniedAt?: 'egress' | 'ingress'])[] =
  [
    ['web1', 'db1', 'tcp 3306', families],
    ['web1', 'db1', 'tcp 3308', families],
    ['web1', 'db1', 'tcp 3309', [], 'ingress'],
    ['web1', 'db1', 'udp 5353', ['v4'], 'ingress'],
    ['web1', 'db1', 'icmp', [], 'ingress'],
    ['db1', 'web1', 'tcp 80', [], 'egress'],
    ['db1', 'web1', 'icmp', [], 'egress'],
    ['ops1', 'web1', 'icmp', families],
    ['ops1', 'web1', 'tcp 80', [], 'egress'],
    ['ops1', 'web1', 'tcp 8080', [], 'ingress'],
    ['ops1', 'open1', 'tcp 8080', families],
    ['ops1', 'open1', 'udp 5353', ['v6'], 'egress'],
    ['plain1', 'db1', 'tcp 3306', [], 'ingress'],
    ['plain1', 'web1', 'tcp 80', families],
    ['plain1', 'web1', 'tcp 81', [], 'ingress'],
    ['plain1', 'plain2', 'tcp 81', families],
    ['plain1', 'plain2', 'udp 5353', families],
    ['plain1', 'plain2', 'icmp', families],
    ['plain1', 'open1', 'tcp 8080', families],
    ['open1', 'plain1', 'tcp 80', [], 'ingress'],
    ['open1', 'web1', 'tcp 80', families],
    ['web1', 'plain1', 'icmp', [], 'ingress'],
    ['guest', 'plain1', 'icmp', [], 'ingress'],
    ['guest', 'web1', 'tcp 80', families],
  ];

function attemptOf(from: string, to: string, what: string, family: Family): Attempt {
  const [protocol, port] = what.split(' ') as [Attempt['protocol'], string | undefined];
  return { from, to, protocol, family, ...(port === undefined ? {} : { port: Number(port) }) };
}

/** Some at a time. */
async function each<Item>(items: readonly Item[], width: number, work: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

test.serial('for each attempt the rules, the trace and the real client agree', async (t) => {
  t.timeout(240_000);
  const all = attempts.flatMap(([from, to, what, passes, deniedAt]) =>
    families.map((family) => ({ attempt: attemptOf(from, to, what, family), passes: passes.includes(family), deniedAt })),
  );
  await each(all, 4, async ({ attempt, passes, deniedAt }) => {
    const { from, to, protocol, port = '', family } = attempt;
    const name = `${from} to ${to}, ${protocol} ${port} ${family}`;
    const [reached, traced] = [await t.context.lab.reaches(attempt), await t.context.lab.trace(attempt)];
    t.is(reached, passes, name);
    t.is(traced.end, passes ? 'delivered' : 'dropped', `${name}: ${JSON.stringify(traced.items)}`);
    if (passes) return;
    t.is(traced.reason, 'policy-denied', name);
    t.regex(traced.advice ?? '', /Add a rule/);
    const asked = deniedAt === 'egress' ? `egress of \\S+/${from}` : `ingress of \\S+/${to}`;
    t.regex(traced.items.map(({ text }) => text).join('\n'), new RegExp(`${asked}: no rule of group \\S+ allows ${protocol}`), name);
  });
});

test.serial('the own gateway, its name server and neighbour discovery are nobody to deny', async (t) => {
  const { vms } = t.context;
  for (const target of ['10.1.0.1', '2001:db8:1::1'])
    t.is((await vms.exec('db1', ['ping', '-n', '-c', '2', '-i', '0.2', '-W', '2', target])).code, 0, target);
  t.is((await vms.exec('db1', ['dig', '+time=3', '@10.1.0.1', 'db1.nowhere.test'])).code, 0);
});

test.serial('a trace names the rule, and the group by which it knows the other end', async (t) => {
  const { rules, items } = await t.context.lab.trace(attemptOf('web1', 'db1', 'tcp 3306', 'v6'));
  t.deepEqual(
    rules.map(({ direction, group: of, text }) => `${direction}: ${of}: ${text}`),
    ['egress: acme/web: any to any IPv6', 'ingress: acme/db: tcp 3306-3308 from group acme/web'],
  );
  t.true(items.some(({ text }) => text === 'ingress of acme/db1: rule tcp 3306-3308 from group acme/web of group acme/db allows'));
});

test.serial('what was denied is told in the words that the trace has', async (t) => {
  const { appliance, lab } = t.context;
  const attempt = attemptOf('plain1', 'db1', 'tcp 3306', 'v4');
  t.false(await lab.reaches(attempt));
  const words = 'ingress of acme/db1: no rule of group acme/db allows tcp 3306 from 10.1.0.14';
  t.true((await lab.trace(attempt)).items.some(({ step, text }) => step === 'policy' && text === words));
  const told = await until(async () => {
    const { items } = await appliance.json<{ items: { text: string }[] }>(['--project', 'acme', 'denials', '--port', 'db1']);
    return items.some(({ text }) => text === words);
  }, 10_000);
  t.true(told);
});

interface FlowLine {
  readonly port: string;
  readonly direction: string;
  readonly srcPort: number;
  readonly state: string;
  readonly action: string;
  readonly packets: number;
  readonly replyPackets: number;
  readonly ageMs: number;
  readonly lastDrop?: string;
}

async function flowsOf({ appliance }: Context, ...options: readonly string[]): Promise<readonly FlowLine[]> {
  return (await appliance.json<{ items: FlowLine[] }>(['--project', 'acme', 'flows', ...options])).items;
}

/** So many flows of db1 are in full swing that began after a moment. */
async function talking({ context }: T, wanted: number, since: number): Promise<boolean> {
  const swinging = async (): Promise<boolean> => {
    const listed = await flowsOf(context, '--port', 'db1');
    return listed.filter(({ replyPackets, ageMs }) => replyPackets > 50 && ageMs < Date.now() - since).length >= wanted;
  };
  return (await until(swinging, 15_000)) === true;
}

async function changeDb(t: T, rules: readonly Rule[]): Promise<number> {
  await t.context.appliance.apply([group('db', rules)]);
  await t.context.appliance.must(['--project', 'acme', 'wait', 'SecurityGroup', 'db', '--for=ready', '--timeout=10s']);
  return Date.now();
}

test.serial('a rule that goes ends live flows at once, both ways; when it comes back they go on', async (t) => {
  t.timeout(120_000);
  const { lab } = t.context;
  const udpFromWeb: Rule = { direction: 'ingress', protocol: 'udp', ports: 5353, remote: { group: 'web' } };
  await changeDb(t, [fromWeb, udpFromWeb]);
  const begins = Date.now();
  const talks = families.flatMap((family) => [
    { name: `tcp ${family}`, times: lab.talk('web1', 'tcp', 'db1', 3306, family, 20) },
    { name: `what db1 alone sends ${family}`, times: lab.talk('web1', 'push', 'db1', 3308, family, 20) },
    { name: `udp ${family}`, times: lab.talk('web1', 'udp', 'db1', 5353, family, 20) },
  ]);
  t.true(await talking(t, talks.length, begins));
  const before = Date.now();
  const closed = await changeDb(t, []);
  await sleep(1_500);
  const denied = await flowsOf(t.context, '--port', 'db1', '--l4-port', '3306');
  const reopens = Date.now();
  const reopened = await changeDb(t, [fromWeb, udpFromWeb]);
  for (const { name, times } of talks) {
    const answered = await times;
    const between = (from: number, to: number): number => answered.filter((time) => time > from && time < to).length;
    t.true(between(before - 1_500, before) > 10, `${name}: talked before`);
    // What lay in a socket or a scheduler's queue when the rule went.
    t.is(between(closed + 250, reopens), 0, `${name}: nothing passes`);
    t.true(between(reopened, Number.POSITIVE_INFINITY) > 10, `${name}: goes on`);
  }
  const told = denied.filter(({ action }) => action === 'deny');
  t.true(told.length > 0 && told.every(({ lastDrop }) => lastDrop === 'policy-denied'), JSON.stringify(denied));
  await changeDb(t, [fromWeb, byAddress]);
});

async function redecided({ appliance }: Context): Promise<number> {
  const { body } = await ask(appliance, 'GET', '/metrics');
  return Number(/^weft_forwarder_flows_redecided_total(?:\{[^}]*\})? (\d+)$/m.exec(String(body))?.[1]);
}

test.serial('a VM that joins a group touches no flow of the others', async (t) => {
  t.timeout(90_000);
  const { lab } = t.context;
  const begins = Date.now();
  const talks = families.map((family) => lab.talk('web1', 'tcp', 'db1', 3306, family, 14));
  t.true(await talking(t, talks.length, begins));
  const [before, flows] = [await redecided(t.context), await flowsOf(t.context, '--port', 'web1', '--l4-port', '3306')];
  t.true(flows.some(({ state, replyPackets }) => state === 'established' && replyPackets > 0));
  await lab.add(newcomer);
  t.true(await lab.reaches(attemptOf('web2', 'db1', 'tcp 3306', 'v6')));
  t.is((await lab.trace(attemptOf('web2', 'db1', 'tcp 3306', 'v4'))).end, 'delivered', 'it is a member at once');
  t.is(await redecided(t.context), before);
  for (const times of await Promise.all(talks)) {
    const longest = Math.max(...times.slice(1).map((time, at) => time - (times[at] ?? time)));
    t.true(times.length > 50 && longest < 1_000, `${times.length} answers, the longest silence ${longest} ms`);
  }
});

test.serial('iperf3 runs through the rules, both ways', async (t) => {
  const { vms, lab } = t.context;
  for (const family of families)
    for (const way of [[], ['-R']]) {
      t.is((await vms.exec('db1', ['iperf3', '--server', '--one-off', '--daemon', '--port', '3307'])).code, 0);
      const target = ['--client', lab.address('db1', family), '--port', '3307', '--connect-timeout', '3000', '--time', '1', '--json'];
      const { code, stdout } = await vms.exec('web1', ['iperf3', ...target, ...way], 20_000);
      t.is(code, 0, stdout);
      const { end } = JSON.parse(stdout) as { end: { sum_received: { bytes: number } } };
      t.true(end.sum_received.bytes > 10_000_000, `${family} ${way}: ${end.sum_received.bytes} bytes`);
    }
});

test.serial('flows are listed with what they are asked for, and a trace knows them', async (t) => {
  const { lab, appliance } = t.context;
  const begins = Date.now();
  const talk = lab.talk('web1', 'tcp', 'db1', 3306, 'v4', 8);
  t.true(await talking(t, 1, begins));
  const listed = await flowsOf(t.context, '--proto', 'tcp', '--address', '10.1.0.12', '--l4-port', '3306');
  const [from, to] = ['egress', 'ingress'].map((direction) =>
    listed.find((line) => line.direction === direction && line.state === 'established' && line.ageMs < Date.now() - begins),
  );
  t.like(from, { port: 'web1', action: 'allow', rule: { group: 'acme/web' } });
  t.like(to, { port: 'db1', action: 'allow', srcPort: from?.srcPort, rule: { group: 'acme/db' } });
  t.true((from?.packets ?? 0) > 10 && (from?.replyPackets ?? 0) > 10);
  t.deepEqual(await flowsOf(t.context, '--port', 'db1', '--proto', 'sctp'), []);
  const target = ['--from', 'web1', '--to', '10.1.0.12', '--proto', 'tcp', '--l4-port', '3306', '--from-port', String(from?.srcPort)];
  t.regex(await appliance.must(['--project', 'acme', 'trace', ...target]), /belongs to a flow that is there: tcp 3306 .* established/);
  t.is((await appliance.must(['--project', 'globex', 'flows', '-o', 'json'])).includes('db1'), false);
  await talk;
});

test.serial('following tells of flows that begin and are denied', async (t) => {
  const { appliance, lab } = t.context;
  const asked = appliance.weft(['--project', 'acme', 'flows', '--follow', '--port', 'db1', '-o', 'json'], { timeoutMs: 8_000 });
  await sleep(2_500);
  t.true(await lab.reaches(attemptOf('web1', 'db1', 'tcp 3306', 'v4')));
  t.false(await lab.reaches(attemptOf('web1', 'db1', 'tcp 3309', 'v4')));
  const events = (await asked).stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { event: string; dstPort: number });
  t.true(
    events.some(({ event, dstPort }) => event === 'began' && dstPort === 3306),
    JSON.stringify(events),
  );
  t.true(events.some(({ event, dstPort }) => event === 'denied' && dstPort === 3309));
});

test.serial('a port whose rules are not known yet is closed and says so; the others do not notice that nobody tells them', async (t) => {
  t.timeout(60_000);
  const { appliance, lab } = t.context;
  const [mine, others] = [attemptOf('early', 'plain1', 'icmp', 'v4'), attemptOf('plain2', 'plain1', 'tcp 80', 'v6')];
  const pid = await appliance.pid('policy');
  process.kill(pid, 'SIGSTOP');
  try {
    await lab.add(early);
    t.false(await lab.reaches(mine));
    t.true(await lab.reaches(others));
    t.like(await lab.trace(mine), { end: 'dropped', reason: 'policy-pending' });
    t.regex(await appliance.must(['--project', 'acme', 'drops', '--port', 'early']), /policy-pending/);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  t.true(await until(() => lab.reaches(mine), 15_000));
});

test.serial('without the plugin ports that follow groups are closed and say so; enabled again, all is as before', async (t) => {
  t.timeout(120_000);
  const { appliance, vms, lab } = t.context;
  const allowed = attemptOf('plain1', 'plain2', 'tcp 81', 'v4');
  const begins = Date.now();
  const talk = lab.talk('web1', 'tcp', 'db1', 3306, 'v4', 30);
  t.true(await talking(t, 1, begins));
  t.true(await lab.reaches(allowed));
  const warned = await appliance.weft(['plugin', 'disable', 'policy', '--yes']);
  t.regex(warned.stderr, /ports that follow security groups are closed/);
  const closed = Date.now();
  t.false(await lab.reaches(allowed));
  t.is((await vms.exec('plain1', ['ping', '-n', '-c', '1', '-W', '2', '10.1.0.1'])).code, 0, 'its gateway answers');
  const traced = await lab.trace(allowed);
  t.like(traced, { end: 'dropped', reason: 'policy-pending' });
  t.regex(traced.advice ?? '', /weft status/);
  const drops = await appliance.must(['--project', 'acme', 'drops', '--port', 'plain1']);
  t.regex(drops, /policy-pending/);
  const status = await appliance.weft(['status']);
  t.regex(status.stdout, /disabled: ports that follow security groups are closed/);
  await sleep(1_000);
  const opens = Date.now();
  await appliance.must(['plugin', 'enable', 'policy']);
  t.true(await until(() => lab.reaches(allowed), 15_000));
  const answered = await talk;
  t.is(answered.filter((time) => time > closed + 250 && time < opens).length, 0, 'live flows end, too');
  t.true(
    answered.some((time) => time > opens),
    'and go on',
  );
  t.false((await appliance.weft(['status'])).stdout.includes('ports that follow security groups are closed'));
});

test.serial('every packet is accounted for', async (t) => {
  const { items } = await t.context.appliance.json<{ items: { port: string; balanced: boolean }[] }>(['ports', '-A']);
  t.true(items.length > stations.length);
  t.deepEqual(
    items.filter(({ balanced }) => !balanced),
    [],
  );
});
