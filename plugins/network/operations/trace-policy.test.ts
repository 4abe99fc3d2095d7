/** What traces say of rules and flows, over a forwarder that tells what the test says. */
import { type Flow, type Port, type RuleRow, ruleActions, ruleDirections, type TraceStep } from '@weft/kernel/contract/net';
import type { OperationCall } from '@weft/kernel/sdk';
import test, { type ExecutionContext } from 'ava';
import { Value } from 'typebox/value';
import { network, port, Store } from '../test/store.ts';
import { packetFrame } from './probe-frames.ts';
import { trace, traceSpec } from './trace.ts';

const metadata = { project: 'default', uid: 'u', revision: 1, generation: 1, createdAt: '' };

function site(): Store {
  const store = new Store();
  store.apply([
    network('red', '10.1.0.0/24'),
    port('web1', { addresses: ['10.1.0.11'], securityGroups: ['web'] }),
    port('db1', { addresses: ['10.1.0.12'], securityGroups: ['db', 'default/ops'] }),
    port('open', { addresses: ['10.1.0.13'], portSecurity: false }),
    port('plain', { addresses: ['10.1.0.14'] }),
  ]);
  for (const [name, id] of [
    ['web', 7],
    ['db', 8],
  ] as const)
    store.objects.set(`SecurityGroup/default/${name}`, {
      ...{ apiVersion: 'weft/v1', kind: 'SecurityGroup', metadata: { ...metadata, name }, spec: {}, status: { id } },
    });
  return store;
}

const idOf = (store: Store, name: string): number => store.get<Port>({ kind: 'Port', project: 'default', name })?.status.id ?? 0;

const egress: RuleRow = {
  ...{ table: 'rule', group: 7, number: 3, priority: 0, remoteGroup: 0, portMin: 80, portMax: 443, address: '0.0.0.0', prefixLength: 0 },
  ...{ direction: ruleDirections.egress, action: ruleActions.allow, protocol: 6 },
};
const ingress: RuleRow = { ...egress, group: 8, number: 1, direction: ruleDirections.ingress, remoteGroup: 7 };

const flowOf = (store: Store, to: string, fields: Partial<Flow> = {}): Flow => ({
  ...{ event: 'began', timeMs: 0, fromPort: idOf(store, 'web1'), fromGeneration: 1, toPort: idOf(store, to), toGeneration: 1 },
  ...{ protocol: 6, src: '10.1.0.11', dst: '10.1.0.12', srcPort: 49_152, dstPort: 443, state: 'opening', action: 'allow' },
  ...{ packets: 0, bytes: 0, replyPackets: 0, replyBytes: 0, ageMs: 0, idleMs: 0 },
  ...fields,
});

/** The answer, and its lines as `step: text`. */
async function traced(t: ExecutionContext, store: Store, steps: readonly TraceStep[], call: Partial<OperationCall> = {}) {
  const frame = packetFrame({ srcMac: '02:00:00:00:00:02', src: '10.1.0.12', dst: '10.1.0.11' }, '02:00:00:00:00:01', 'icmp', 0);
  let asked = 0;
  const forwarder = {
    trace: (id: number): Promise<readonly TraceStep[]> => {
      asked += 1;
      return Promise.resolve(asked === 1 ? [{ kind: 'sent', port: id, frame }] : steps);
    },
  };
  const given = { from: 'web1', to: '10.1.0.12', proto: 'tcp', l4Port: 443 } as const;
  const operation = { project: 'default', signal: new AbortController().signal, ...call };
  const answer = await trace({ objects: store, forwarder }, given, operation);
  t.true(Value.Check(traceSpec.output, answer));
  return { answer, lines: answer.items.slice(1).map(({ step, text }) => `${step}: ${text}`) };
}

const sent = (store: Store, name: string): TraceStep => ({ kind: 'sent', port: idOf(store, name), frame: Buffer.alloc(60) });
const dropped = (reason: string): TraceStep => ({ kind: 'dropped', reason, sentence: 'It says so.', frame: Buffer.alloc(60) });

test('each rule that allowed is named with its port and its group, and the flow that would begin', async (t) => {
  const store = site();
  const steps = [
    { kind: 'row', row: egress },
    { kind: 'row', row: ingress },
    { kind: 'flow', flow: flowOf(store, 'db1') },
  ] as const;
  const { answer, lines } = await traced(t, store, [...steps, sent(store, 'db1')]);
  t.deepEqual(lines, [
    'policy: egress of default/web1: rule tcp 80-443 to any IPv4 of group default/web allows',
    'policy: ingress of default/db1: rule tcp 80-443 from group default/web of group default/db allows',
    'flow: a new flow would begin: the answers to it pass as well',
    'send: 60 bytes leave through default/db1',
    'end: delivered to default/db1',
  ]);
  t.deepEqual(answer.rules, [
    { direction: 'egress', group: 'default/web', number: 3, text: 'tcp 80-443 to any IPv4' },
    { direction: 'ingress', group: 'default/db', number: 1, text: 'tcp 80-443 from group default/web' },
  ]);
  t.deepEqual(answer.items[1]?.row, { ...egress });
});

test('where no rule allowed, the end and the groups that were asked are named, with what to do', async (t) => {
  const store = site();
  const denied = flowOf(store, 'db1', { event: 'denied', action: 'deny', lastDrop: 'policy-denied', egressRule: { group: 7, number: 3 } });
  const { answer, lines } = await traced(t, store, [
    { kind: 'row', row: egress },
    { kind: 'flow', flow: denied },
    dropped('policy-denied'),
  ]);
  t.is(lines[1], 'policy: ingress of default/db1: no rule of the groups default/db, default/ops allows tcp 443 from 10.1.0.11');
  t.like(answer, { end: 'dropped', reason: 'policy-denied' });
  t.regex(answer.advice ?? '', /Add a rule/);
  t.regex(lines.at(-2) ?? '', /^advice: .*Add a rule/);
  t.is(lines.at(-1), 'end: dropped: policy-denied');
  const { egressRule: _none, ...atEgress } = denied;
  const first = await traced(t, store, [{ kind: 'flow', flow: atEgress }, dropped('policy-denied')]);
  t.is(first.lines[0], 'policy: egress of default/web1: no rule of group default/web allows tcp 443 to 10.1.0.12');
  const plain = { ...denied, toPort: idOf(store, 'plain') };
  const usual = await traced(t, store, [{ kind: 'row', row: egress }, { kind: 'flow', flow: plain }, dropped('policy-denied')]);
  t.is(usual.lines[1], 'policy: ingress of default/plain: no rule of group default/default allows tcp 443 from 10.1.0.11');
});

test('an open port is not asked, and a rule that denies speaks for itself', async (t) => {
  const store = site();
  const open = await traced(t, store, [{ kind: 'row', row: egress }, { kind: 'flow', flow: flowOf(store, 'open') }, sent(store, 'open')]);
  t.true(open.lines.includes('policy: ingress of default/open: the port is open, no rule is asked'));
  const deny = { ...ingress, action: ruleActions.deny, remoteGroup: 0 };
  const flow = flowOf(store, 'db1', { event: 'denied', action: 'deny', egressRule: egress, ingressRule: deny });
  const said = await traced(t, store, [
    { kind: 'row', row: egress },
    { kind: 'row', row: deny },
    { kind: 'flow', flow },
    dropped('policy-denied'),
  ]);
  t.is(said.lines[1], 'policy: ingress of default/db1: rule tcp 80-443 from any IPv4 of group default/db denies');
  t.notRegex(said.lines.join(), /no rule of/);
});

test('rules that are not known are told with what to do', async (t) => {
  const store = site();
  const flow = flowOf(store, 'db1', { event: 'denied', action: 'deny', lastDrop: 'policy-pending' });
  const { answer, lines } = await traced(t, store, [{ kind: 'flow', flow }, dropped('policy-pending')]);
  t.regex(lines[0] ?? '', /rules of one of the two ports are not known: .*is disabled/);
  t.regex(answer.advice ?? '', /weft status/);
});

test('a flow that is there is told with state, age, counters and last drop', async (t) => {
  const store = site();
  const known = { event: 'listed', state: 'established', ageMs: 12_300, packets: 34, replyPackets: 30, lastDrop: 'tx-full' } as const;
  const flow = flowOf(store, 'db1', { ...known, egressRule: { group: 7, number: 3 }, ingressRule: { group: 99, number: 2 } });
  const { answer, lines } = await traced(t, store, [{ kind: 'row', row: egress }, { kind: 'flow', flow }, sent(store, 'db1')]);
  t.deepEqual(lines.slice(0, 3), [
    'policy: egress of default/web1: rule tcp 80-443 to any IPv4 of group default/web allows',
    'policy: ingress of default/db1: a rule of group 99 allowed it',
    'flow: belongs to a flow that is there: tcp 443 from 10.1.0.11 to 10.1.0.12, established, 12.3 s old, 34 packets there and 30 back; it passes by what was decided for its first packet; last drop: tx-full',
  ]);
  t.like(answer.items[3]?.flow, { state: 'established', packets: 34 });
  const denied = await traced(t, store, [{ kind: 'flow', flow: { ...flow, action: 'deny' } }, dropped('policy-denied')]);
  t.regex(denied.lines[2] ?? '', /it is denied now/);
});

test('groups and ports of projects that the caller may not see have no names', async (t) => {
  const store = site();
  const steps = [
    { kind: 'row', row: egress },
    { kind: 'flow', flow: flowOf(store, 'db1', { event: 'denied', egressRule: egress }) },
  ] as const;
  const { answer } = await traced(t, store, [...steps, dropped('policy-denied')], { projects: ['acme'] });
  t.notRegex(JSON.stringify([answer.items.map(({ text }) => text), answer.rules]), /default\/(web|db|ops)/);
});

test('what rules of other projects say is not told, only what they decided', async (t) => {
  const store = site();
  const [web] = [store.objects.get('SecurityGroup/default/web')];
  if (web !== undefined)
    store.objects.set('SecurityGroup/acme/web', { ...web, metadata: { ...metadata, project: 'acme', name: 'web' }, status: { id: 17 } });
  const foreign = { ...ingress, remoteGroup: 0, address: '192.0.2.0', prefixLength: 24 };
  const steps = [
    { kind: 'row', row: { ...egress, group: 17 } },
    { kind: 'row', row: foreign },
    { kind: 'flow', flow: flowOf(store, 'db1') },
  ] as const;
  const { answer, lines } = await traced(t, store, [...steps, sent(store, 'db1')], { projects: ['acme'] });
  t.deepEqual(lines.slice(0, 2), [
    'policy: egress of a Port of another project: rule tcp 80-443 to any IPv4 of group acme/web allows',
    'policy: ingress of a Port of another project: a rule of a SecurityGroup of another project allows',
  ]);
  t.notRegex(JSON.stringify(answer), /192\.0\.2/);
  t.deepEqual(
    answer.rules.map(({ group }) => group),
    ['acme/web'],
  );
});
