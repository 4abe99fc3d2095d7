import { refuses } from '../test/refused.ts';
import { port, trunk } from '../test/store.ts';

const binding = (fields: Record<string, unknown>) => [port('new', { binding: fields })];

refuses([
  {
    why: 'an address with a length',
    apply: [port('new', { addresses: ['10.1.0.5/24'] })],
    at: 'Port/default/new /spec/addresses/0',
    says: /without a length/,
  },
  {
    why: 'another network for a port',
    apply: [port('web1', { network: 'blue' })],
    at: 'Port/default/web1 /spec/network',
    says: /delete Port\/default\/web1/,
  },
  {
    why: 'an address outside of the subnets',
    apply: [port('new', { addresses: ['10.2.0.5'] })],
    at: 'Port/default/new /spec/addresses/0',
    says: /no subnet.*10\.1\.0\.0\/24/,
  },
  {
    why: 'an address that is the gateway',
    apply: [port('new', { addresses: ['10.1.0.1'] })],
    at: 'Port/default/new /spec/addresses/0',
    says: /gateway/,
  },
  {
    why: 'a network address',
    apply: [port('new', { addresses: ['10.1.0.0'] })],
    at: 'Port/default/new /spec/addresses/0',
    says: /network address/,
  },
  {
    why: 'a broadcast address',
    apply: [port('new', { addresses: ['10.1.0.255'] })],
    at: 'Port/default/new /spec/addresses/0',
    says: /broadcast address/,
  },
  {
    why: 'no address at all',
    apply: [port('new', { addresses: ['10.1.0.400'] })],
    at: 'Port/default/new /spec/addresses/0',
    says: /not an IPv4 address/,
  },
  { why: 'an IPv6 address', apply: [port('new', { addresses: ['2001:db8::1'] })], at: 'Port/default/new /spec/addresses/0', says: /IPv6/ },
  {
    why: 'an address twice in one port',
    apply: [port('new', { addresses: ['10.1.0.5', '10.1.0.5'] })],
    at: 'Port/default/new /spec/addresses/1',
    says: /twice/,
  },
  {
    why: 'an address that another port has',
    apply: [port('new', { addresses: ['10.1.0.11'] })],
    at: 'Port/default/new /spec/addresses/0',
    says: /Port\/default\/web1/,
  },
  {
    why: 'an address twice in one apply',
    apply: [port('a', { addresses: ['10.1.0.5'] }), port('b', { addresses: ['10.1.0.5'] })],
    at: 'Port/default/b /spec/addresses/0',
    says: /Port\/default\/a/,
  },
  {
    why: 'a MAC address that another port has, in capitals',
    apply: [port('web2', { mac: '02:00:00:00:00:11'.toUpperCase() })],
    at: 'Port/default/web2 /spec/mac',
    says: /Port\/default\/web1/,
  },
  {
    why: 'a multicast MAC address',
    apply: [port('new', { mac: '03:00:00:00:00:01' })],
    at: 'Port/default/new /spec/mac',
    says: /multicast/,
  },
  {
    why: 'the gateway as MAC address',
    apply: [port('new', { mac: '00:00:5e:00:01:00' })],
    at: 'Port/default/new /spec/mac',
    says: /gateway/,
  },
  {
    why: 'a MAC address of zeros',
    apply: [port('new', { mac: '00:00:00:00:00:00' })],
    at: 'Port/default/new /spec/mac',
    says: /no address/,
  },
  {
    why: 'security groups',
    apply: [port('new', { securityGroups: ['web'] })],
    at: 'Port/default/new /spec/securityGroups',
    says: /leave it out/,
  },
  { why: 'another host', apply: [port('new', { host: 'appliance-2' })], at: 'Port/default/new /spec/host', says: /leave it out/ },
  {
    why: 'a pair with another MAC address',
    apply: [port('new', { allowedAddressPairs: [{ address: '10.1.0.100', mac: '02:00:00:00:01:00' }] })],
    at: 'Port/default/new /spec/allowedAddressPairs/0/mac',
    says: /portSecurity: false/,
  },
  {
    why: 'a pair that is no address',
    apply: [port('new', { allowedAddressPairs: [{ address: '10.1.0.256' }] })],
    at: 'Port/default/new /spec/allowedAddressPairs/0/address',
    says: /not an IPv4 address/,
  },
  {
    why: 'a binding of later versions',
    apply: binding({ type: 'vhost-user', socket: '/run/vm.sock' }),
    at: 'Port/default/new /spec/binding/type',
    says: /vhost-user is not supported by this version.*use netns, interface, vlan or none/,
  },
  {
    why: 'a binding without its field',
    apply: binding({ type: 'netns', netns: 'vm9' }),
    at: 'Port/default/new /spec/binding/interface',
    says: /needs interface/,
  },
  {
    why: 'a binding with a foreign field',
    apply: binding({ type: 'none', vlan: 5 }),
    at: 'Port/default/new /spec/binding/vlan',
    says: /takes no vlan/,
  },
  {
    why: 'the loopback interface',
    apply: binding({ type: 'interface', interface: 'lo' }),
    at: 'Port/default/new /spec/binding/interface',
    says: /loopback/,
  },
  {
    why: 'a link in a namespace that another port has',
    apply: binding({ type: 'netns', netns: 'vm1', interface: 'eth0' }),
    at: 'Port/default/new /spec/binding/interface',
    says: /Port\/default\/web1/,
  },
  {
    why: 'an interface that a trunk has',
    apply: binding({ type: 'interface', interface: 'eth9' }),
    at: 'Port/default/new /spec/binding/interface',
    says: /Trunk\/default\/trunk0/,
  },
  {
    why: 'a VLAN that another port has',
    apply: binding({ type: 'vlan', parent: 'trunk0', vlan: 101 }),
    at: 'Port/default/new /spec/binding/vlan',
    says: /Port\/default\/web2/,
  },
  {
    why: 'an interface twice in one apply',
    apply: [port('a', { binding: { type: 'interface', interface: 'e1' } }), port('b', { binding: { type: 'interface', interface: 'e1' } })],
    at: 'Port/default/b /spec/binding/interface',
    says: /Port\/default\/a/,
  },
  {
    why: 'a trunk on a trunk',
    apply: [trunk('new', { type: 'vlan', parent: 'trunk0', vlan: 7 })],
    at: 'Trunk/default/new /spec/binding/type',
    says: /another Trunk/,
  },
  {
    why: 'a trunk over pci',
    apply: [trunk('new', { type: 'pci', address: '0000:00:05.0' })],
    at: 'Trunk/default/new /spec/binding/type',
    says: /use netns, interface or none/,
  },
]);
