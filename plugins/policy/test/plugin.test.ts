import { identityRange } from '@weft/kernel/contract/net';
import { makeObject, startPlugin, TestPlugin } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import plugin from '../index.ts';
import type { SecurityGroup } from '../kinds.ts';
import { deniedFlow, group, key, port, project, rulesOf } from './world.ts';

type Given = NonNullable<Parameters<typeof startPlugin>[1]>;

async function started(t: ExecutionContext, options: Given = {}): Promise<TestPlugin> {
  const running = await startPlugin(plugin, { ...options, objects: [project('default'), ...(options.objects ?? [])] });
  t.teardown(() => running.stop());
  return running;
}

const web = { direction: 'ingress', protocol: 'tcp', ports: '80-443', remote: { cidr: '0.0.0.0/0' } } as const;
const fresh = (name: string, rules: Parameters<typeof rulesOf>[0] = []) =>
  makeObject<SecurityGroup>('SecurityGroup', name, { rules: rulesOf(rules) });
const phase = (running: TestPlugin, name: string) => running.kernel.status(key('SecurityGroup', name));

async function collect<T>(items: AsyncIterable<unknown>, count = Number.POSITIVE_INFINITY): Promise<T[]> {
  const found: T[] = [];
  for await (const { items: part } of items as AsyncIterable<{ readonly items: readonly T[] }>) {
    found.push(...part);
    if (found.length >= count) break;
  }
  return found;
}

test('a group is Pending until the forwarder has its rules, and after each change again', async (t) => {
  const running = await started(t);
  const { patches } = await running.admit([
    { op: 'create', key: key('SecurityGroup', 'web'), before: null, after: fresh('web', [web]) as never },
  ]);
  t.like(patches[0]?.status, { phase: 'Pending', rules: 1 });
  t.deepEqual((await running.write([fresh('web', [web])])).refusals, []);
  t.like(phase(running, 'web'), { phase: 'Active', rules: 1 });
  t.is(running.forwarder.rows('rule').filter(({ group: id }) => id === phase(running, 'web')?.id).length, 1);
  await running.write([fresh('web', [web, { ...web, ports: 22 }])]);
  t.like(phase(running, 'web'), { phase: 'Active', rules: 2 });
  running.forwarderAway();
  await running.write([fresh('web')]);
  t.like(phase(running, 'web'), { phase: 'Pending', rules: 0 });
  await running.forwarderBack();
  await running.until(() => phase(running, 'web')?.phase === 'Active');
  t.is(running.forwarder.rows('rule').filter(({ group: id }) => id === phase(running, 'web')?.id).length, 0);
});

test('one change of rules is published at once, and a port that comes sends only its own', async (t) => {
  const running = await started(t, { objects: [group('web', 1, [web]), port('a', 11, ['web'])] });
  const applies = running.forwarder.applies;
  const changes = running.forwarder.changes;
  await running.put(port('b', 12, ['web']));
  t.is(running.forwarder.applies, applies + 1);
  t.is(running.forwarder.changes, changes + 1);
  await running.put({
    ...group('web', 1, [
      { ...web, ports: 22 },
      { ...web, ports: 23 },
    ]),
  });
  t.is(running.forwarder.applies, applies + 2);
  t.is(running.forwarder.changes, changes + 4);
});

test('each project has a group default with its usual rules, which goes with the project; users’ rules stay', async (t) => {
  const running = await started(t);
  await running.put(project('b'));
  await running.until(() => running.kernel.objects.has('SecurityGroup/b/default'));
  const input = running.kernel.applied.find(({ metadata }) => metadata.project === 'b');
  t.deepEqual(input?.metadata.ownerReferences, [{ kind: 'Project', name: 'b' }]);
  t.deepEqual(input?.spec?.rules as unknown, [
    { direction: 'egress', protocol: 'any' },
    { direction: 'ingress', protocol: 'any', remote: { group: 'default' } },
  ]);
  const applied = running.kernel.applied.length;
  await running.put(group('b/default', 77, [web]));
  t.is(running.kernel.applied.length, applied);
  await running.remove(key('SecurityGroup', 'b/default'));
  await running.until(() => running.kernel.objects.has('SecurityGroup/b/default'));
});

test('a restarted plugin keeps the numbers that the forwarder has, and removes what nobody wants any more', async (t) => {
  const objects = [group('web', 1, [web]), group('default', 2), port('a', 11, ['web']), port('b', 12)];
  const first = await started(t, { objects: [...objects, port('c', 13, ['web', 'default'])] });
  const identities = (running: TestPlugin) =>
    Object.fromEntries(running.forwarder.rows('port_identity').map((row) => [row.port, row.identity]));
  const before = identities(first);
  const held = first.forwarder.rows();
  const second = new TestPlugin(plugin as never, { objects: [project('default'), ...[...objects].reverse()] });
  t.teardown(() => second.stop());
  second.forwarder.put(held);
  await second.begin();
  t.deepEqual(identities(second), { 11: before[11], 12: before[12] });
  t.is(second.forwarder.rows('identity_group').length, 2);
  t.is(before[11] !== undefined && before[11] >= identityRange.least, true);
});

test('denials are remembered, followed, and told by port and project', async (t) => {
  const running = await started(t, {
    objects: [group('web', 1), group('default', 2), port('web1', 1, ['web']), port('db1', 2), port('b/x', 3)],
  });
  await running.until(() => running.forwarder.flows.watchers.all === 1);
  running.forwarder.flows.tell([deniedFlow(), deniedFlow({ event: 'began' }), deniedFlow({ fromPort: 3 })]);
  running.forwarder.flows.tell([deniedFlow({ egressRule: { group: 1, number: 0 } })], 4);
  await running.settle();
  const told = (input: object, project?: string) =>
    collect<{ port: string; lost?: number }>(running.operationStream('denials', input, project));
  t.deepEqual(
    (await told({})).map(({ port, lost }) => [port, lost]),
    [
      ['web1', undefined],
      ['db1', 4],
    ],
  );
  t.is((await told({ port: 'db1' })).length, 1);
  t.is((await told({}, 'b')).length, 1);
  t.is((await told({}, '-')).length, 3);
  await t.throwsAsync(told({ port: 'nobody' }), { message: /no Port nobody in project default/ });
  const followed = collect<{ port: string }>(running.operationStream('denials', { follow: true, port: 'web1' }), 2);
  await running.settle();
  running.forwarder.flows.tell([deniedFlow()], 4);
  t.is((await followed).length, 2);
  await running.remove({ kind: 'Project', name: 'default' });
  t.is((await told({}, '-')).length, 1);
  const metrics = await running.metrics();
  t.regex(metrics, /^weft_policy_denials_total(\{.*\})? 4$/m);
  t.regex(metrics, /^weft_policy_denials_lost_total(\{.*\})? 4$/m);
});

test('denials are heard of again after the forwarder was away', async (t) => {
  const running = await started(t, { objects: [group('web', 1), port('web1', 1, ['web'])] });
  await running.until(() => running.forwarder.flows.watchers.all === 1);
  running.forwarderAway();
  await running.forwarderBack();
  await running.until(() => running.forwarder.flows.watchers.all === 1);
  running.forwarder.flows.tell([deniedFlow()], 1);
  await running.settle();
  t.is((await collect(running.operationStream('denials'))).length, 1);
});

test('rules tell what each of them let pass, both IP versions together', async (t) => {
  const any = { direction: 'egress', description: 'all' } as const;
  const running = await started(t, {
    objects: [
      group('web', 1, [web, any, { direction: 'ingress', protocol: 'icmp', icmpType: 8, remote: { group: 'web' } }]),
      group('default', 2),
    ],
  });
  const [first, second] = running.forwarder.rows('rule').filter(({ group: id, direction }) => id === 1 && direction === 1);
  const stats = { flows: 1, packets: 10, bytes: 1000 };
  running.forwarder.flows.rules = [
    { group: 1, number: first?.number ?? -1, ...stats },
    { group: 1, number: second?.number ?? -1, ...stats },
    { group: 9, number: 0, ...stats },
  ];
  const { items } = (await running.operation('rules', { group: 'web' })) as { items: object[] };
  t.like(items, [
    { group: 'web', direction: 'ingress', protocol: 'tcp', ports: '80-443', remote: '0.0.0.0/0', flows: 0, packets: 0 },
    { direction: 'egress', protocol: 'any', ports: 'all', remote: 'anyone', flows: 2, packets: 20, bytes: 2000, description: 'all' },
    { protocol: 'icmp', ports: 'type 8', remote: 'group web', numbers: { length: 2 } },
  ]);
  t.is(((await running.operation('rules', {}, 'b')) as { items: object[] }).items.length, 0);
  await t.throwsAsync(running.operation('rules', { group: 'gone' }), { message: /no SecurityGroup gone/ });
});

test('a disabled plugin leaves no rows, so that what it decided is closed', async (t) => {
  const running = await started(t, { objects: [group('web', 1, [web]), port('a', 11, ['web'])] });
  await running.disable();
  t.deepEqual(running.forwarder.rows(), []);
  t.regex(plugin.whenDisabled ?? '', /closed/);
});
