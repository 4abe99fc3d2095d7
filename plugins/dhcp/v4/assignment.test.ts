import type { Port, PortSpec, SubnetSpec, VirtualNetwork } from '@weft/kernel/contract/net';
import { makeObject } from '@weft/kernel/sdk/testing';
import test from 'ava';
import { toldOptions } from '../told-options.ts';
import { assignmentOf, servesIpv4 } from './assignment.ts';

const subnets: readonly SubnetSpec[] = [
  { cidr: '2001:db8:1::/64', dhcp: true },
  { cidr: '10.1.0.0/24', dhcp: true },
  { cidr: '10.2.0.0/16', dhcp: false },
  {
    cidr: '10.3.0.0/25',
    dhcp: true,
    dns: ['192.0.2.53', '2001:db8::53'],
    routes: [
      { prefix: '10.9.0.0/16', nextHop: '10.3.0.9' },
      { prefix: '2001:db8:9::/48', nextHop: '2001:db8:1::9' },
    ],
  },
];
const gateways = ['2001:db8:1::1', '10.1.0.1', '10.2.0.1', '10.3.0.1'];

function network(domain?: string): VirtualNetwork {
  const spec = { subnets, forwarding: 'l2_l3' as const, ...(domain === undefined ? {} : { domain }) };
  return makeObject<VirtualNetwork>('VirtualNetwork', 'red', spec, { status: { id: 7, vni: 7, mtu: 1450, gateways } });
}

function port(addresses: readonly string[], hostname?: string): Port {
  const spec: PortSpec = { network: 'red', portSecurity: true, binding: { type: 'none' }, ...(hostname === undefined ? {} : { hostname }) };
  return makeObject<Port>('Port', 'web1', spec, { status: { id: 3, mac: '02:00:00:00:00:01', addresses, reason: '', since: '' } });
}

function assigned(addresses: readonly string[]) {
  const result = assignmentOf(port(addresses, 'www'), network('red.example'));
  return result.ok ? result.assignment : result.reason;
}

test('takes the first IPv4 address and what its subnet says', (t) => {
  t.deepEqual(assigned(['2001:db8:1::5', '10.1.0.11', '10.3.0.5']), {
    ...{ mac: '02:00:00:00:00:01', address: '10.1.0.11', prefixLength: 24 },
    ...{ gateway: '10.1.0.1', router: '10.1.0.1', dns: ['10.1.0.1'], domain: 'red.example', hostname: 'www', mtuBytes: 1450, routes: [] },
    told: toldOptions(4, []),
  });
});

test('gives IPv4 servers and routes only', (t) => {
  t.like(assigned(['10.3.0.5']), {
    ...{ prefixLength: 25, gateway: '10.3.0.1', dns: ['192.0.2.53'], routes: [{ prefix: '10.9.0.0/16', nextHop: '10.3.0.9' }] },
  });
});

test('gives nothing without an IPv4 address, outside the subnets, and where DHCP is off', (t) => {
  t.regex(String(assigned(['2001:db8:1::5'])), /no IPv4/);
  t.regex(String(assigned(['10.3.0.200'])), /no subnet/);
  t.regex(String(assigned(['10.2.0.5'])), /DHCP is off/);
});

test('names the network itself when it has no domain, and no host when the port has none', (t) => {
  const result = assignmentOf(port(['10.1.0.11']), network());
  t.true(result.ok);
  if (result.ok) t.like(result.assignment, { domain: 'red.default.weft.internal', hostname: '' });
});

test('serves networks with a served IPv4 subnet', (t) => {
  t.true(servesIpv4(network()));
  const without = {
    ...network(),
    spec: {
      subnets: [
        { cidr: '10.2.0.0/16', dhcp: false },
        { cidr: '2001:db8::/64', dhcp: true },
      ],
      forwarding: 'l3' as const,
    },
  };
  t.false(servesIpv4(without));
});

const bridged = (subnet: Partial<SubnetSpec>): VirtualNetwork => ({
  ...network(),
  spec: { subnets: [{ cidr: '10.1.0.0/24', dhcp: true, ...subnet }], forwarding: 'l2' },
  status: { ...network().status, gateways: [subnet.gateway ?? '10.1.0.1'] },
});
const onLink = { prefix: '169.254.0.0/16', nextHop: '0.0.0.0' };
const own = (prefix: string) => ({ prefix, nextHop: '10.1.0.9' });
const linkRoutes: readonly [name: string, subnet: Partial<SubnetSpec>, routes: readonly { prefix: string; nextHop: string }[]][] = [
  ['without a gateway', {}, [onLink]],
  ["with a router of the tenant's own", { gateway: '10.1.0.254' }, [onLink]],
  ['beside a default route', { routes: [own('0.0.0.0/0')] }, [own('0.0.0.0/0'), onLink]],
  ['beside a narrower route', { routes: [own('169.254.169.254/32')] }, [own('169.254.169.254/32'), onLink]],
  ['but not beside a route to all of them', { routes: [own('169.254.0.0/16')] }, [own('169.254.0.0/16')]],
  ['but not beside a wider route', { routes: [own('168.0.0.0/7')] }, [own('168.0.0.0/7')]],
];
for (const [name, subnet, routes] of linkRoutes) {
  test(`a network that only bridges leads to link-local services on the link, ${name}`, (t) => {
    const result = assignmentOf(port(['10.1.0.11']), bridged(subnet));
    t.deepEqual(result.ok && result.assignment.routes, routes);
  });
}
