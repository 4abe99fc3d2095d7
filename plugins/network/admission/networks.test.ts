import { refuses } from '../test/refused.ts';
import { network, router } from '../test/store.ts';

const subnet = (fields: Record<string, unknown>) => [network('new', { cidr: '10.9.0.0/24', ...fields })];

refuses([
  {
    why: 'host bits in a cidr',
    apply: [network('new', '10.9.0.7/24')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /host bits.*10\.9\.0\.0\/24/,
  },
  {
    why: 'a cidr without a length',
    apply: [network('new', '10.9.0.0')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /write ADDRESS\/LENGTH/,
  },
  {
    why: 'an impossible cidr',
    apply: [network('new', '10.9.0.300/24')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /not an IP prefix/,
  },
  {
    why: 'a subnet too small for hosts',
    apply: [network('new', '10.9.0.0/31')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /8 to 30/,
  },
  {
    why: 'a multicast subnet',
    apply: [network('new', '224.1.0.0/24')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /224\.0\.0\.0\/4/,
  },
  {
    why: 'a subnet that contains the loopback range',
    apply: [network('new', '168.0.0.0/8', '169.0.0.0/8')],
    at: 'VirtualNetwork/default/new /spec/subnets/1/cidr',
    says: /contains 169\.254\.0\.0\/16/,
  },
  {
    why: 'an IPv6 subnet that is too long',
    apply: [network('new', '2001:db8:1::/127')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /8 to 126, not 127/,
  },
  {
    why: 'an IPv6 subnet that is too short',
    apply: [network('new', '2000::/7')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /8 to 126/,
  },
  {
    why: 'a link-local subnet',
    apply: [network('new', 'fe80:1::/64')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /fe80::\/10.*2001:db8:1::\/64/,
  },
  {
    why: 'IPv4 written as IPv6',
    apply: [network('new', '::ffff:10.1.0.0/120')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /lies in ::\/8/,
  },
  {
    why: 'host bits in an IPv6 cidr',
    apply: [network('new', '2001:DB8:1:0::7/64')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /write 2001:db8:1::\/64/,
  },
  {
    why: 'overlapping IPv6 subnets',
    apply: [network('new', '2001:db8::/48', '10.9.0.0/24', '2001:db8:0:5::/64')],
    at: 'VirtualNetwork/default/new /spec/subnets/2/cidr',
    says: /overlaps 2001:db8::\/48/,
  },
  {
    why: 'the subnet-router anycast address as gateway',
    apply: [network('new', { cidr: '2001:db8:1::/64', gateway: '2001:db8:1::' })],
    at: 'VirtualNetwork/default/new /spec/subnets/0/gateway',
    says: /2001:db8:1::1 to 2001:db8:1:0:ffff:ffff:ffff:ffff/,
  },
  {
    why: 'a gateway of the other family',
    apply: [network('new', { cidr: '2001:db8:1::/64', gateway: '10.9.0.1' })],
    at: 'VirtualNetwork/default/new /spec/subnets/0/gateway',
    says: /not a host address of 2001:db8:1::\/64/,
  },
  {
    why: 'a route of the other family',
    apply: subnet({ routes: [{ prefix: '2001:db8:9::/48', nextHop: '10.9.0.9' }] }),
    at: 'VirtualNetwork/default/new /spec/subnets/0/routes/0/prefix',
    says: /IPv6 and the subnet is IPv4: move the route to an IPv6 subnet/,
  },
  {
    why: 'an IPv4 resolver of an IPv6 subnet',
    apply: [network('new', { cidr: '2001:db8:1::/64', dns: ['10.9.0.1'] })],
    at: 'VirtualNetwork/default/new /spec/subnets/0/dns/0',
    says: /IPv6 resolver/,
  },
  {
    why: 'slaac with another length than 64',
    apply: [network('new', { cidr: '2001:db8:1::/80', slaac: true })],
    at: 'VirtualNetwork/default/new /spec/subnets/0/slaac',
    says: /64, not 80/,
  },
  {
    why: 'slaac without a gateway',
    apply: [{ ...network('new'), spec: { subnets: [{ cidr: '2001:db8:1::/64', slaac: true }], forwarding: 'l2' } }],
    at: 'VirtualNetwork/default/new /spec/subnets/0/slaac',
    says: /l2_l3/,
  },
  {
    why: 'an MTU below that of IPv6',
    apply: [{ ...network('new'), spec: { subnets: [{ cidr: '2001:db8:1::/64' }], mtu: 1279 } }],
    at: 'VirtualNetwork/default/new /spec/mtu',
    says: /at least 1280, not 1279/,
  },
  {
    why: 'overlapping subnets',
    apply: [network('new', '10.9.0.0/24', '10.9.0.128/25')],
    at: 'VirtualNetwork/default/new /spec/subnets/1/cidr',
    says: /overlaps 10\.9\.0\.0\/24/,
  },
  {
    why: 'a gateway outside of its subnet',
    apply: subnet({ gateway: '10.8.0.1' }),
    at: 'VirtualNetwork/default/new /spec/subnets/0/gateway',
    says: /10\.9\.0\.1 to 10\.9\.0\.254/,
  },
  {
    why: 'the broadcast address as gateway',
    apply: subnet({ gateway: '10.9.0.255' }),
    at: 'VirtualNetwork/default/new /spec/subnets/0/gateway',
    says: /not a host address/,
  },
  {
    why: 'a pool outside of its subnet',
    apply: subnet({ pool: { from: '10.9.0.5', to: '10.9.1.5' } }),
    at: 'VirtualNetwork/default/new /spec/subnets/0/pool/to',
    says: /not a host address/,
  },
  {
    why: 'a pool that ends before it starts',
    apply: subnet({ pool: { from: '10.9.0.9', to: '10.9.0.5' } }),
    at: 'VirtualNetwork/default/new /spec/subnets/0/pool',
    says: /swap/,
  },
  {
    why: 'a route that is not canonical',
    apply: subnet({ routes: [{ prefix: '10.7.0.1/16', nextHop: '10.9.0.9' }] }),
    at: 'VirtualNetwork/default/new /spec/subnets/0/routes/0/prefix',
    says: /10\.7\.0\.0\/16/,
  },
  {
    why: 'a next hop outside of the subnet',
    apply: subnet({ routes: [{ prefix: '10.7.0.0/16', nextHop: '10.1.0.9' }] }),
    at: 'VirtualNetwork/default/new /spec/subnets/0/routes/0/nextHop',
    says: /not a host address/,
  },
  {
    why: 'two routes to one prefix',
    apply: subnet({
      routes: [
        { prefix: '10.7.0.0/16', nextHop: '10.9.0.9' },
        { prefix: '10.7.0.0/16', nextHop: '10.9.0.8' },
      ],
    }),
    at: 'VirtualNetwork/default/new /spec/subnets/0/routes/1/prefix',
    says: /already/,
  },
  {
    why: 'an IPv6 resolver',
    apply: subnet({ dns: ['10.9.0.1', '2001:db8::1'] }),
    at: 'VirtualNetwork/default/new /spec/subnets/0/dns/1',
    says: /IPv6/,
  },
  { why: 'slaac on IPv4', apply: subnet({ slaac: true }), at: 'VirtualNetwork/default/new /spec/subnets/0/slaac', says: /IPv6/ },
  {
    why: 'a network that does not route in a router',
    apply: [{ ...network('new'), spec: { subnets: [], forwarding: 'l2' } }, router('r', 'red', 'new')],
    at: 'LogicalRouter/default/r /spec/networks/1',
    says: /default\/new has forwarding l2/,
  },
  {
    why: 'a VNI that another network has',
    apply: [{ ...network('new'), spec: { vni: 5001 } }],
    at: 'VirtualNetwork/default/new /spec/vni',
    says: /VirtualNetwork\/default\/red/,
  },
  {
    why: 'a VNI twice in one apply',
    apply: [
      { ...network('new'), spec: { vni: 9 } },
      { ...network('new2'), spec: { vni: 9 } },
    ],
    at: 'VirtualNetwork/default/new2 /spec/vni',
    says: /default\/new/,
  },
  {
    why: 'a subnet removed under its ports',
    apply: [network('red', '10.3.0.0/24')],
    at: 'VirtualNetwork/default/red /spec/subnets',
    says: /Port\/default\/web1 and 1 more would lose the address/,
  },
  {
    why: 'a gateway that is a port',
    apply: [network('red', { cidr: '10.1.0.0/24', gateway: '10.1.0.11' })],
    at: 'VirtualNetwork/default/red /spec/subnets/0/gateway',
    says: /Port\/default\/web1/,
  },
  {
    why: 'a network twice in a router',
    apply: [router('new', 'red', 'default/red')],
    at: 'LogicalRouter/default/new /spec/networks/1',
    says: /twice/,
  },
  {
    why: 'overlapping networks in a router',
    apply: [network('red2', '10.1.0.128/25'), router('new', 'red', 'red2')],
    at: 'LogicalRouter/default/new /spec/networks/1',
    says: /10\.1\.0\.128\/25.*overlaps 10\.1\.0\.0\/24/,
  },
  {
    why: 'a network in two routers',
    apply: [router('r1', 'red'), router('r2', 'blue', 'red')],
    at: 'LogicalRouter/default/r2 /spec/networks/1',
    says: /LogicalRouter\/default\/r1/,
  },
]);
