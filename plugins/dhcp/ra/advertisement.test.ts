import test from 'ava';
import { network6, port6, subnet6 } from '../test/world6.ts';
import { type Advertisement, advertisementOf, advertises, bodiesOf, endingsBetween, farewellOf, nothing } from './advertisement.ts';

const settings = { raIntervalSeconds: 600, prefixValidSeconds: 86_400, prefixPreferredSeconds: 14_400 };
const slaac = { ...subnet6, slaac: true };
const route = { prefix: '2001:db8:99::/48', nextHop: '2001:db8:1::9' };
const of = (...parts: Parameters<typeof network6>): Advertisement => advertisementOf(network6(...parts), port6(1), settings);
const hex = (advertisement: Advertisement): string => bodiesOf(advertisement).map((body) => body.toString('hex')).join(' '); // biome-ignore format: one line

/** Options by type. */
function optionsIn(body: Buffer): Map<number, Buffer[]> {
  const found = new Map<number, Buffer[]>();
  for (let at = 12; at < body.length; at += body.readUInt8(at + 1) * 8) {
    const type = body.readUInt8(at);
    found.set(type, [...(found.get(type) ?? []), body.subarray(at, at + body.readUInt8(at + 1) * 8)]);
  }
  return found;
}
const only = (advertisement: Advertisement) => optionsIn(bodiesOf(advertisement)[0] ?? Buffer.alloc(0));

test('says what scapy says', (t) => {
  // ICMPv6ND_RA(chlim=64,M=1,O=1,routerlifetime=1800)/ICMPv6NDOptSrcLLAddr(lladdr='00:00:5e:00:01:00')/ICMPv6NDOptMTU(mtu=1450)
  // /ICMPv6NDOptPrefixInfo(prefixlen=64,L=1,A=1,validlifetime=86400,preferredlifetime=14400,prefix='2001:db8:1::')
  // /ICMPv6NDOptRDNSS(lifetime=1800,dns=['2001:db8:1::1'])/ICMPv6NDOptDNSSL(lifetime=1800,searchlist=['red.example.'])
  // /ICMPv6NDOptRouteInfo(plen=48,prf=0,rtlifetime=1800,prefix='2001:db8:99::',len=2), without type, code and checksum
  const said =
    '40c00708000000000000000001010000' +
    '5e00010005010000000005aa030440c000015180000038400000000020010db8000100000000000000000000' +
    '190300000000070820010db8000100000000000000000001' +
    '1f0300000000070803726564076578616d706c6500000000' +
    '180230000000070820010db800990000';
  t.is(hex(of([{ ...slaac, routes: [route] }], { domain: 'red.example' })), said);
});

test('M and O say whether there is DHCPv6, A whether addresses may be formed', (t) => {
  const flags = (subnet: typeof slaac) => {
    const body = bodiesOf(of([subnet]))[0];
    return [
      body?.readUInt8(1),
      optionsIn(body ?? Buffer.alloc(0))
        .get(3)?.[0]
        ?.readUInt8(3),
    ];
  };
  t.deepEqual(flags({ ...slaac, slaac: false }), [0xc0, 0x80]);
  t.deepEqual(flags(slaac), [0xc0, 0xc0]);
  t.deepEqual(flags({ ...slaac, dhcp: false }), [0, 0xc0]);
});

test('a network with neither, or with IPv4 only, is not advertised', (t) => {
  for (const subnet of [
    { cidr: '2001:db8:1::/64', dhcp: false },
    { cidr: '10.1.0.0/24', dhcp: true },
  ]) {
    t.false(advertises(network6([subnet])));
    t.is(of([subnet]), nothing);
  }
});

test('a network that only bridges has no router, no route and no gateway’s Ethernet address', (t) => {
  const bridged = of([{ ...subnet6, routes: [route] }], { forwarding: 'l2' });
  t.is(bridged.routerLifetimeSeconds, 0);
  t.deepEqual([...only(bridged).keys()], [5, 3, 31]);
});

test('RFC 8106 §5.1, RFC 4861 §6.2.1: resolvers, names, routes and router hold for three intervals', (t) => {
  const options = only(of([{ ...slaac, routes: [route] }]));
  for (const type of [24, 25, 31]) t.is(options.get(type)?.[0]?.readUInt32BE(4), 1800, `option ${type}`);
  t.is(of().routerLifetimeSeconds, 1800);
});

test('a prefix is never preferred for longer than it is valid', (t) => {
  const short = advertisementOf(network6([slaac]), port6(1), { ...settings, prefixValidSeconds: 100 });
  const [prefix] = only(short).get(3) ?? [];
  t.deepEqual([prefix?.readUInt32BE(4), prefix?.readUInt32BE(8)], [100, 100]);
});

test('RFC 4191 §2.3: routes take no more room than they need', (t) => {
  const lengthOf = (prefix: string) => only(of([{ ...subnet6, routes: [{ ...route, prefix }] }])).get(24)?.[0]?.length;
  t.deepEqual(['::/0', '2001:db8::/33', '2001:db8::/64', '2001:db8::/65', '2001:db8::1/128'].map(lengthOf), [8, 16, 16, 24, 24]);
});

test('an MTU below what IPv6 needs is not told', (t) => {
  t.false(only(of([subnet6], {}, { mtu: 1200 })).has(5));
});

test('the search list of a port goes before that of its network', (t) => {
  const port = port6(1, { dhcpOptions: { domainSearch: ['port'] } });
  const body = bodiesOf(advertisementOf(network6([subnet6], { dhcpOptions: { domainSearch: ['network'] } }), port, settings))[0];
  t.true(body?.includes('\x04port\0'));
  t.false(body?.includes('network'));
});

test('an empty search list tells none, and ends the one before', (t) => {
  const silent = of([subnet6], { dhcpOptions: { domainSearch: [] } });
  t.false(only(silent).has(31));
  t.deepEqual([...endingsBetween(of([subnet6], { domain: 'red.example' }), silent).keys()], ['domain red.example']);
});

test('what is told no more is ended, each by itself', (t) => {
  const before = of(
    [
      { ...slaac, dns: ['2001:db8:1::53'], routes: [route] },
      { cidr: '2001:db8:2::/64', dhcp: true },
    ],
    { domain: 'a.example' },
  );
  const after = of([{ ...subnet6, dns: ['2001:db8:1::54'] }], { domain: 'b.example' });
  t.deepEqual([...endingsBetween(before, after).keys()].map((key) => key.split(' ')[0]).sort(), [
    'autonomous',
    'domain',
    'on-link',
    'resolver',
    'resolver',
    'route',
  ]);
  t.deepEqual([...endingsBetween(after, after)], []);
});

test('a prefix that is no longer for forming addresses stays on link', (t) => {
  const endings = endingsBetween(of([slaac]), of([subnet6]));
  const prefixes = optionsIn(bodiesOf(of([subnet6]), endings)[0] ?? Buffer.alloc(0)).get(3) ?? [];
  const told = prefixes.map((option) => [option.readUInt8(3), option.readUInt32BE(4), option.readUInt32BE(8)]);
  t.deepEqual(told, [[0x40, 0, 0], [0x80, 86_400, 14_400]]); // biome-ignore format: one line
});

test('§6.2.5: the last advertisement has a router lifetime of 0, ends resolvers and routes, and leaves the prefixes', (t) => {
  const last = farewellOf(of([{ ...slaac, routes: [route] }]));
  t.is(bodiesOf(last)[0]?.readUInt16BE(2), 0);
  for (const type of [24, 25, 31]) t.is(only(last).get(type)?.[0]?.readUInt32BE(4), 0, `option ${type}`);
  t.is(only(last).get(3)?.[0]?.readUInt32BE(4), 86_400);
});

test('§6.2.3: what does not fit 1,280 bytes goes into several', (t) => {
  const subnets = Array.from({ length: 60 }, (_, index) => ({ cidr: `2001:db8:${index}::/64`, dhcp: true }));
  const bodies = bodiesOf(of(subnets));
  t.true(bodies.length > 1);
  for (const body of bodies) t.true(body.length + 4 + 40 <= 1280);
  t.is(bodies.flatMap((body) => optionsIn(body).get(3) ?? []).length, 60);
});
