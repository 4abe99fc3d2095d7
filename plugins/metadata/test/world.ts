/** Two tenants with the same addresses; tenant a has a second network, and one with IPv6 only. */
import type { Port, VirtualNetwork } from '@weft/kernel/contract/net';
import type { WeftObject } from '@weft/kernel/contract/system';
import { makeObject } from '@weft/kernel/sdk/testing';
import type { InstanceData, Metadata } from '../kinds.ts';

export const instanceIds = {
  web1: '8a66c114-5b9e-4f2e-9d0c-0123456789ab',
  twin: '11111111-2222-4333-8444-555555555555',
  web6: '66666666-2222-4333-8444-555555555555',
} as const;

const projectUuids: Readonly<Record<string, string>> = {
  a: 'aaaaaaaa-0000-4000-8000-00000000000a',
  b: 'bbbbbbbb-0000-4000-8000-00000000000b',
};

export const alice = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3Jb0ZyR0ZyZ0ZyZ0ZyZ0ZyZ0ZyZ0ZyZ0ZyZ0Zy alice';

export function project(name: string): WeftObject {
  return makeObject('Project', name, {}, { project: null, status: { uuid: projectUuids[name] } });
}

export function network(owner: string, name: string, id: number, spec: Partial<VirtualNetwork['spec']> = {}): VirtualNetwork {
  const subnets = [
    { cidr: '10.1.0.0/24', dhcp: true },
    { cidr: '2001:db8:1::/64', dhcp: true },
  ];
  const whole = { subnets, forwarding: 'l2_l3' as const, ...spec };
  const gateways = whole.subnets.map(({ cidr }) => cidr.replace(/(0\/\d+|\/\d+)$/, '1'));
  return makeObject<VirtualNetwork>('VirtualNetwork', name, whole, {
    project: owner,
    uid: `net-${owner}-${name}`,
    status: { id, vni: id, mtu: 1450, gateways },
  });
}

export function port(
  owner: string,
  of: string,
  name: string,
  id: number,
  addresses: readonly string[],
  spec: Partial<Port['spec']> = {},
): Port {
  const status = { id, mac: `02:00:00:00:00:0${id}`, addresses, reason: '', since: '' };
  const whole = { network: of, portSecurity: true, binding: { type: 'none' } as const, ...spec };
  return makeObject<Port>('Port', name, whole, { project: owner, uid: `port-${owner}-${name}`, status });
}

export function instanceData(owner: string, of: string, spec: Partial<InstanceData['spec']> = {}): InstanceData {
  return makeObject<InstanceData>('InstanceData', of, { port: of, keys: [], metaData: {}, ...spec }, { project: owner });
}

export function metadata(owner: string, name: string, spec: Partial<Metadata['spec']> = {}): Metadata {
  const whole = { scope: {}, mode: 'builtin' as const, requireToken: false, ...spec };
  return makeObject<Metadata>('Metadata', name, whole, { project: owner, uid: `md-${owner}-${name}` });
}

export function secret(owner: string, name: string, data: Readonly<Record<string, string>>): WeftObject {
  return makeObject('Secret', name, { type: 'opaque', data }, { project: owner });
}

export const ports = { web1: 1, twin: 2, web6: 3, blue: 4 } as const;

export const tenants = [
  project('a'),
  project('b'),
  network('a', 'red', 1),
  network('b', 'red', 2),
  network('a', 'six', 3, { subnets: [{ cidr: '2001:db8:6::/64', dhcp: true }] }),
  network('a', 'blue', 4, { forwarding: 'l2' }),
  port('a', 'red', 'web1', ports.web1, ['10.1.0.11', '2001:db8:1::11'], { hostname: 'web1', instanceId: instanceIds.web1 }),
  port('b', 'red', 'twin', ports.twin, ['10.1.0.11', '2001:db8:1::11'], { hostname: 'web1', instanceId: instanceIds.twin }),
  port('a', 'six', 'web6', ports.web6, ['2001:db8:6::11'], { instanceId: instanceIds.web6 }),
  port('a', 'blue', 'plain', ports.blue, ['10.1.0.21']),
  instanceData('a', 'web1', { userData: '#cloud-config\n', keys: [alice], metaData: { role: 'web' } }),
  instanceData('b', 'twin', { userDataBase64: Buffer.from([0x1f, 0x8b, 0, 255, 10, 13]).toString('base64') }),
] as const;
