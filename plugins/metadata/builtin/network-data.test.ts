import type { SubnetSpec } from '@weft/kernel/contract/net';
import test from 'ava';
import { network, port } from '../test/world.ts';
import { networkData } from './network-data.ts';

const dhcp4 = { type: 'ipv4_dhcp' };
const dhcp6 = { type: 'ipv6_dhcpv6-stateful' };
const dns = (address: string) => ({ type: 'dns', address });

interface Case {
  readonly title: string;
  readonly subnets: readonly SubnetSpec[];
  readonly addresses: readonly string[];
  readonly forwarding?: 'l2' | 'l3' | 'l2_l3';
  readonly networks: readonly object[];
  readonly services: readonly object[];
}

const cases: readonly Case[] = [
  {
    title: 'both families by DHCP',
    subnets: [
      { cidr: '10.1.0.0/24', dhcp: true },
      { cidr: '2001:db8:1::/64', dhcp: true },
    ],
    addresses: ['10.1.0.11', '2001:db8:1::11'],
    networks: [dhcp4, dhcp6],
    services: [dns('10.1.0.1'), dns('2001:db8:1::1')],
  },
  {
    title: 'by hand, with routes and resolvers of its own',
    subnets: [{ cidr: '10.1.0.0/23', dhcp: false, dns: ['9.9.9.9'], routes: [{ prefix: '10.9.0.0/16', nextHop: '10.1.0.9' }] }],
    addresses: ['10.1.0.11'],
    networks: [
      {
        type: 'ipv4',
        ip_address: '10.1.0.11',
        netmask: '255.255.254.0',
        routes: [
          { network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.1.0.1' },
          { network: '10.9.0.0', netmask: '255.255.0.0', gateway: '10.1.0.9' },
        ],
        services: [dns('9.9.9.9')],
      },
    ],
    services: [dns('9.9.9.9')],
  },
  {
    title: 'IPv6 by hand',
    subnets: [{ cidr: '2001:db8:1::/64', dhcp: false }],
    addresses: ['2001:db8:1::11'],
    networks: [
      {
        type: 'ipv6',
        ip_address: '2001:db8:1::11',
        netmask: 'ffff:ffff:ffff:ffff::',
        routes: [{ network: '::', netmask: '::', gateway: '2001:db8:1::1' }],
        services: [dns('2001:db8:1::1')],
      },
    ],
    services: [dns('2001:db8:1::1')],
  },
  {
    title: 'a second address of a family is not the DHCP server’s to give',
    subnets: [{ cidr: '10.1.0.0/24', dhcp: true }],
    addresses: ['10.1.0.11', '10.1.0.12'],
    networks: [dhcp4, { type: 'ipv4', ip_address: '10.1.0.12' }],
    services: [dns('10.1.0.1')],
  },
  {
    title: 'a bridged network has no router and no resolver but those it names',
    subnets: [{ cidr: '10.1.0.0/24', dhcp: false }],
    addresses: ['10.1.0.11'],
    forwarding: 'l2',
    networks: [{ type: 'ipv4', routes: [], services: [] }],
    services: [],
  },
  { title: 'no address, no network', subnets: [{ cidr: '10.1.0.0/24', dhcp: true }], addresses: [], networks: [], services: [] },
];

for (const { title, subnets, addresses, forwarding = 'l2_l3', networks, services } of cases)
  test(title, (t) => {
    const made = networkData({
      port: port('a', 'red', 'web1', 1, addresses),
      network: network('a', 'red', 1, { subnets: [...subnets], forwarding }),
      projectUuid: '',
      data: undefined,
      availabilityZone: 'z',
    }) as { links: object[]; networks: object[]; services: object[] };
    t.deepEqual(made.links, [
      { id: 'interface0', vif_id: 'port-a-web1', type: 'phy', mtu: 1450, ethernet_mac_address: '02:00:00:00:00:01' },
    ]);
    t.is(made.networks.length, networks.length);
    for (const [index, expected] of networks.entries())
      t.like(made.networks[index], { link: 'interface0', network_id: 'net-a-red', ...expected });
    t.deepEqual(made.services, [...services]);
  });
