import type { Flow, FlowFilter, Port } from '@weft/kernel/contract/net';
import type { OperationCall } from '@weft/kernel/sdk';
import test from 'ava';
import { Value } from 'typebox/value';
import { network, port, Store } from '../test/store.ts';
import type { FlowLine } from './flow-lines.ts';
import { flows, flowsSpec } from './flows.ts';

function site(): Store {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24'), port('web1'), port('db1'), { ...network('red', '10.1.0.0/24'), project: 'acme' }]);
  store.apply([{ ...port('guest', { network: 'red' }), project: 'acme' }]);
  const metadata = { name: 'web', project: 'default', uid: 'u', revision: 1, generation: 1, createdAt: '' };
  store.objects.set('SecurityGroup/default/web', { apiVersion: 'weft/v1', kind: 'SecurityGroup', metadata, spec: {}, status: { id: 7 } });
  return store;
}

const call = (project: string, projects?: readonly string[]): OperationCall => ({
  project,
  signal: new AbortController().signal,
  ...(projects === undefined ? {} : { projects }),
});
const idOf = (store: Store, name: string, project = 'default'): number => store.get<Port>({ kind: 'Port', project, name })?.status.id ?? 0;
/** Of every port. */
const generation = 5;
const generations = new Map([1, 2, 3].map((id) => [id, generation]));

const flow = (fields: Partial<Flow>): Flow => ({
  ...{ event: 'listed', timeMs: 1_000, fromPort: 1, fromGeneration: generation, toPort: 2, toGeneration: generation },
  ...{ protocol: 6, src: '10.1.0.2', dst: '10.1.0.3', srcPort: 40_000, dstPort: 443, state: 'established', action: 'allow' },
  ...{ packets: 10, bytes: 1_000, replyPackets: 9, replyBytes: 9_000, ageMs: 12_000, idleMs: 500 },
  ...fields,
});

/** A forwarder with these parts, and these events. */
function forwarder(parts: readonly (readonly Flow[])[], events: readonly { flows: readonly Flow[]; lost: number }[] = []) {
  const filters: FlowFilter[] = [];
  return {
    filters,
    flows: async function* (filter: FlowFilter = {}) {
      filters.push(filter);
      yield* parts;
    },
    watchFlows: async function* () {
      yield { flows: [], lost: 0 };
      yield* events;
    },
  };
}

async function linesOf(
  store: Store,
  from: ReturnType<typeof forwarder>,
  input: Parameters<typeof flows>[2],
  asked = call('default'),
): Promise<FlowLine[]> {
  const parts = await Array.fromAsync(
    flows({ objects: Object.assign(store, { revision: 1 }), forwarder: from }, generations, input, asked),
  );
  for (const part of parts) if (!Value.Check(flowsSpec.output, part)) throw new Error(JSON.stringify(part));
  return parts.flatMap(({ items }) => items);
}

test('a flow is a line at each of its ports, with rules by name and no fields that it does not have', async (t) => {
  const store = site();
  const rules = { egressRule: { group: 7, number: 3 }, ingressRule: { group: 99, number: 0 } };
  const [out, into, ...more] = await linesOf(store, forwarder([[flow({ ...rules, lastDrop: 'tx-full' })]]), {});
  t.deepEqual(out, {
    ...{ project: 'default', port: 'web1', kind: 'Port', peer: 'default/db1', direction: 'egress', protocol: 'tcp', what: 'tcp 443' },
    ...{ src: '10.1.0.2', dst: '10.1.0.3', srcPort: 40_000, dstPort: 443, state: 'established', action: 'allow' },
    ...{ rule: { group: 'default/web', number: 3 }, peerRule: { group: '99', number: 0 } },
    ...{ packets: 10, bytes: 1_000, replyPackets: 9, replyBytes: 9_000, ageMs: 12_000, idleMs: 500, lastDrop: 'tx-full' },
  });
  t.like(into, { port: 'db1', peer: 'default/web1', direction: 'ingress', rule: { group: '99', number: 0 } });
  t.is(more.length, 0);
});

test('nothing of other projects is named to whom may not see them', async (t) => {
  const store = site();
  const guest = idOf(store, 'guest', 'acme');
  const between = forwarder([[flow({ toPort: guest, egressRule: { group: 7, number: 1 } }), flow({})]]);
  const lines = await linesOf(store, between, {}, call('acme', ['acme']));
  t.is(lines.length, 1);
  t.like(lines[0], {
    port: 'guest',
    direction: 'ingress',
    peer: 'a Port of another project',
    peerRule: { group: 'a SecurityGroup of another project' },
  });
  t.notRegex(JSON.stringify(lines), /web|db1/);
  t.is((await linesOf(store, between, {}, call('-'))).length, 4);
});

test('an end whose port is another one by now has no line', async (t) => {
  const store = site();
  const lines = await linesOf(store, forwarder([[flow({ toGeneration: generation - 1 }), flow({ toPort: 0, toGeneration: 0 })]]), {});
  t.deepEqual(
    lines.map(({ port: name, peer }) => [name, peer]),
    [
      ['web1', undefined],
      ['web1', undefined],
    ],
  );
});

test('what is asked for goes to the forwarder, icmp for both families; large tables come in parts', async (t) => {
  const store = site();
  const from = forwarder([[flow({})], [], [flow({ protocol: 17 })]]);
  t.is((await linesOf(store, from, { port: 'db1', proto: 'tcp', address: '10.1.0.2', l4Port: 443 })).length, 1);
  t.deepEqual(from.filters, [{ port: idOf(store, 'db1'), protocol: 6, address: '10.1.0.2', l4Port: 443 }]);
  const echoes = forwarder([[flow({ protocol: 58, srcPort: 77, dstPort: 128 << 8 })]]);
  const [echo] = await linesOf(store, echoes, { proto: 'icmp' });
  t.deepEqual(echoes.filters, [{ protocol: 1 }, { protocol: 58 }]);
  t.like(echo, { protocol: 'icmpv6', what: 'icmpv6 type 128', srcPort: 77, icmpType: 128, icmpCode: 0 });
});

test('what cannot be asked for is said', async (t) => {
  const store = site();
  for (const [input, message] of [
    [{ port: 'nope' }, /no Port, Trunk or Uplink nope/],
    [{ proto: 'tcpp' }, /no protocol tcpp/],
    [{ address: 'x' }, /x is not an IP address/],
  ] as const)
    await t.throwsAsync(linesOf(store, forwarder([]), input), { message });
});

test('following tells what begins, ends and is denied, and how much was lost', async (t) => {
  const store = site();
  const events = [
    { flows: [flow({ event: 'began' })], lost: 0 },
    { flows: [flow({ event: 'began', protocol: 17 })], lost: 4 },
    { flows: [flow({ event: 'denied', action: 'deny', lastDrop: 'policy-denied' }), flow({ event: 'ended' })], lost: 5 },
  ] as const;
  const lines = await linesOf(store, forwarder([], events), { follow: true, port: 'web1', proto: 'tcp' });
  t.deepEqual(
    lines.map(({ event, time, lastDrop, lost }) => [event, time, lastDrop, lost]),
    [
      ['began', '1970-01-01T00:00:01.000Z', undefined, undefined],
      ['denied', '1970-01-01T00:00:01.000Z', 'policy-denied', 5],
      ['ended', '1970-01-01T00:00:01.000Z', undefined, undefined],
    ],
  );
});
