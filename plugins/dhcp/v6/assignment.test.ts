import test from 'ava';
import { bytesOf } from '../test/client6.ts';
import { network6, port6, subnet6 } from '../test/world6.ts';
import { type Assignment, assignmentOf, servesDhcp6 } from './assignment.ts';
import { optionCodes } from './option.ts';

function assigned(...[port, network]: Parameters<typeof assignmentOf>): Assignment {
  const result = assignmentOf(port, network);
  if (!result.ok) throw new Error(result.reason);
  return result.assignment;
}
const v4 = { cidr: '10.1.0.0/24', dhcp: true };
const second = { cidr: '2001:db8:2::/64', dhcp: true, dns: ['2001:db8:2::53'] };
const off = { cidr: '2001:db8:3::/64', dhcp: false };

test('a port has its addresses of subnets with DHCP, in their order', (t) => {
  const addresses = ['10.1.0.11', '2001:db8:2::11', '2001:db8:3::11', '2001:db8:1::11'];
  const assignment = assigned(port6(1, { addresses }), network6([v4, subnet6, second, off]));
  t.deepEqual(assignment.addresses, [bytesOf('2001:db8:2::11'), bytesOf('2001:db8:1::11')]);
  t.is(assignment.onLink.length, 3);
});

test('resolvers are those of the port’s subnets, by default the gateway', (t) => {
  const network = network6([subnet6, second]);
  const dns = (...addresses: string[]) => assigned(port6(1, { addresses }), network).options.get(optionCodes.dnsServers);
  t.deepEqual(dns('2001:db8:1::11'), bytesOf('2001:db8:1::1'));
  t.deepEqual(dns('2001:db8:2::11'), bytesOf('2001:db8:2::53'));
  t.deepEqual(dns('2001:db8:2::11', '2001:db8:1::11'), Buffer.concat([bytesOf('2001:db8:1::1'), bytesOf('2001:db8:2::53')]));
});

test('a port without such an address is told the rest', (t) => {
  const assignment = assigned(port6(1, { addresses: ['10.1.0.11'] }), network6([v4, subnet6]));
  t.deepEqual(assignment.addresses, []);
  t.true(assignment.options.has(optionCodes.dnsServers));
});

test('a network that only bridges has resolvers only if it names them', (t) => {
  t.false(assigned(port6(1), network6([subnet6], { forwarding: 'l2' })).options.has(optionCodes.dnsServers));
  const named = network6([{ ...subnet6, dns: ['2001:db8:1::53'] }], { forwarding: 'l2' });
  t.deepEqual(assigned(port6(1), named).options.get(optionCodes.dnsServers), bytesOf('2001:db8:1::53'));
});

test('without an IPv6 subnet with DHCP nothing is served', (t) => {
  t.false(servesDhcp6(network6([v4, off])));
  t.like(assignmentOf(port6(1), network6([v4, off])), { ok: false, reason: 'DHCP is off in the IPv6 subnets of red' });
});

test('the search list is the domain of the network, unless port, subnet or network say otherwise', (t) => {
  const search = (...[port, network]: Parameters<typeof assignmentOf>) =>
    assigned(port, network).options.get(optionCodes.domainList)?.toString();
  t.is(search(port6(1), network6([subnet6], { domain: 'red.example' })), '\x03red\x07example\0');
  const told = (name: string) => ({ dhcpOptions: { domainSearch: [name] } });
  const ofNetwork = network6([subnet6], told('network'));
  t.is(search(port6(1), ofNetwork), '\x07network\0');
  t.is(search(port6(1), network6([{ ...subnet6, ...told('subnet') }], told('network'))), '\x06subnet\0');
  t.is(search(port6(1, told('port')), ofNetwork), '\x04port\0');
  t.is(search(port6(1, { dhcpOptions: { domainSearch: [] } }), ofNetwork), undefined, 'an empty list tells none');
});

test('time servers of IPv6 are told in both ways', (t) => {
  const { options } = assigned(port6(1), network6([subnet6], { dhcpOptions: { ntp: ['10.1.0.5', '2001:db8:1::5'] } }));
  t.is(options.get(optionCodes.ntpServer)?.toString('hex'), '0001001020010db8000100000000000000000005');
  t.deepEqual(options.get(optionCodes.sntpServers), bytesOf('2001:db8:1::5'));
});

test('custom options of family 6 replace what is made', (t) => {
  const custom = [
    { code: 59, family: 6 as const, text: 'tftp://[2001:db8::1]/x' },
    { code: 23, family: 6 as const, hex: 'ff' },
    { code: 60, hex: '00' },
  ];
  const assignment = assigned(port6(1, { dhcpOptions: { custom } }), network6());
  t.is(assignment.options.get(59)?.toString(), 'tftp://[2001:db8::1]/x');
  t.is(assignment.options.get(23)?.toString('hex'), 'ff');
  t.deepEqual(assignment.custom, [59, 23]);
});

test('a host name makes a fully qualified one', (t) => {
  t.is(assigned(port6(1, { hostname: 'web1' }), network6([subnet6], { domain: 'red.example.' })).fqdn, 'web1.red.example');
  t.is(assigned(port6(1), network6()).fqdn, '');
});
