import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { LabFailure } from './failure.ts';
import { instanceOf } from './instance.ts';
import { boundObjects, parseScenario, readScenario } from './scenario.ts';

const vm = { name: 'vm1', ports: [{ port: 'web', network: 'red', mac: '02:00:00:00:00:01' }] };

test('a port of a VM becomes a Port bound to its namespace, its other fields the spec', (t) => {
  const scenario = parseScenario({ name: 'x', vms: [vm] }, 'lab.yaml');
  t.deepEqual(
    boundObjects(scenario, (name) => `x-${name}`),
    [
      {
        kind: 'Port',
        metadata: { name: 'web', project: 'default' },
        spec: {
          hostname: 'vm1',
          network: 'red',
          mac: '02:00:00:00:00:01',
          binding: { type: 'netns', netns: 'x-vm1', interface: 'eth0' },
        },
      },
    ],
  );
});

test('Ports and Trunks among the objects only get their binding', (t) => {
  const objects = [
    { kind: 'Trunk', metadata: { name: 'web', project: 'blue' } },
    { kind: 'Port', metadata: { name: 'web', project: 'blue' }, spec: { network: 'red' } },
  ];
  const ports = [
    { port: 'web', project: 'blue' },
    { trunk: 'web', project: 'blue', interface: 'trunk0' },
  ];
  const bound = boundObjects(parseScenario({ name: 'x', vms: [{ name: 'vm1', ports }], objects }, 'lab.yaml'), (name) => name);
  t.deepEqual(
    bound.map(({ kind, spec }) => [kind, spec]),
    [
      ['Trunk', { binding: { type: 'netns', netns: 'vm1', interface: 'trunk0' } }],
      ['Port', { network: 'red', binding: { type: 'netns', netns: 'vm1', interface: 'eth0' } }],
    ],
  );
});

const end = { cable: 'c', addresses: ['198.51.100.1/24'] };
const outside = [
  { name: 'upstream', role: 'router', interfaces: [{ uplink: 'world' }, { ...end, mtu: 1400 }], routes: ['default via 198.51.100.2'] },
  { name: 'internet', interfaces: [{ ...end, interface: 'wan' }], start: ['true'] },
];

test('machines outside have roles, links and routes, and the Uplink among the objects is bound to theirs', (t) => {
  const objects = [{ kind: 'Uplink', metadata: { name: 'world' }, spec: { addresses: ['192.0.2.1/24'] } }];
  const scenario = parseScenario({ name: 'x', vms: [], outside, objects }, 'lab.yaml');
  t.deepEqual(scenario.outside[0]?.interfaces, [
    { uplink: 'world', interface: 'eth0', addresses: [], mtu: undefined },
    { cable: 'c', interface: 'eth1', addresses: ['198.51.100.1/24'], mtu: 1400 },
  ]);
  t.like(scenario.outside[1], { role: 'host', routes: [], start: ['true'] });
  t.deepEqual(
    boundObjects(scenario, (name) => `x-${name}`),
    [
      {
        kind: 'Uplink',
        metadata: { name: 'world' },
        spec: { addresses: ['192.0.2.1/24'], binding: { type: 'netns', netns: 'x-upstream', interface: 'eth0' } },
      } as never,
    ],
  );
});

const refused: [name: string, scenario: unknown, where: string][] = [
  ['not a map', [], 'lab.yaml'],
  ['no name', { vms: [] }, 'lab.yaml /name'],
  ['a name that is no word', { name: 'A b', vms: [] }, 'lab.yaml /name'],
  ['no VMs', { name: 'x' }, 'lab.yaml /vms'],
  ['an unknown field', { name: 'x', vms: [], machines: [] }, 'lab.yaml /machines'],
  ['an unknown field of a VM', { name: 'x', vms: [{ name: 'a', port: 1 }] }, 'lab.yaml /vms/0/port'],
  ['two VMs of one name', { name: 'x', vms: [vm, vm] }, 'lab.yaml /vms'],
  ['a port without a name', { name: 'x', vms: [{ name: 'a', ports: [{ network: 'red' }] }] }, 'lab.yaml /vms/0/ports/0'],
  ['a start command that is no text', { name: 'x', vms: [{ name: 'a', start: [7] }] }, 'lab.yaml /vms/0/start/0'],
  ['a VM and a machine outside of one name', { name: 'x', vms: [vm], outside: [{ name: 'vm1' }] }, 'lab.yaml /vms and /outside'],
  ['a role that there is not', { name: 'x', vms: [], outside: [{ name: 'a', role: 'hub' }] }, 'lab.yaml /outside/0/role'],
  ['a link to nowhere', { name: 'x', vms: [], outside: [{ name: 'a', interfaces: [{}] }] }, 'lab.yaml /outside/0/interfaces/0'],
  ['a cable with one end', { name: 'x', vms: [], outside: [{ name: 'a', interfaces: [end] }] }, 'lab.yaml /outside'],
  [
    'an MTU that carries no IPv6',
    { name: 'x', vms: [], outside: [{ name: 'a', interfaces: [{ ...end, mtu: 576 }] }] },
    'lab.yaml /outside/0/interfaces/0/mtu',
  ],
  ['an object without a name', { name: 'x', vms: [], objects: [{ kind: 'Port', metadata: {} }] }, 'lab.yaml /objects/0/metadata/name'],
];

for (const [name, scenario, where] of refused)
  test(`refused, naming the place: ${name}`, (t) => {
    const failure = t.throws(() => parseScenario(scenario, 'lab.yaml'), { instanceOf: LabFailure });
    t.true(failure?.message.includes(`(${where}): `), failure?.message);
  });

test('every shipped scenario can be read and has the name of its folder', (t) => {
  const labs = join(import.meta.dirname, '..');
  for (const name of readdirSync(labs).filter((entry) => existsSync(join(labs, entry, 'lab.yaml')))) t.is(readScenario(name).name, name);
});

test('an unknown scenario is answered with those that there are', (t) => {
  const failure = t.throws(() => readScenario('nothing'), { instanceOf: LabFailure });
  t.regex(failure?.message ?? '', /name a file, or one of .*two-vms/);
});

test('appliances on one host keep their namespaces apart', (t) => {
  const [first, second, third] = [undefined, 'unix:/a/api.sock', 'unix:/b/api.sock'].map((api) => instanceOf(api).namespace('x', 'vm1'));
  t.is(first, 'x-vm1');
  t.regex(second ?? '', /^x-vm1-[0-9a-f]{4}$/);
  t.not(second, third);
});
