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
    says: /not an IPv4 prefix/,
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
    why: 'an IPv6 subnet',
    apply: [network('new', '2001:db8:1::/64')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /IPv6/,
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
    why: 'a forwarding mode of later versions',
    apply: [{ ...network('new'), spec: { subnets: [], forwarding: 'l3' } }],
    at: 'VirtualNetwork/default/new /spec/forwarding',
    says: /l2_l3/,
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
    why: 'an external network',
    apply: [{ ...router('new', 'red'), spec: { networks: ['red'], external: { snatPool: 'public' } } }],
    at: 'LogicalRouter/default/new /spec/external',
    says: /leave it out/,
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
