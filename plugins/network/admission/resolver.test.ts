import test from 'ava';
import { type Refused, refuses, site } from '../test/refused.ts';
import { network } from '../test/store.ts';

const resolved = (resolver: Record<string, unknown>): Refused['apply'] => [{ ...network('new'), spec: { resolver } }];
const at = 'VirtualNetwork/default/new /spec/resolver';

const noServers = [
  '192.0.2.300',
  '192.0.2.53:0',
  '192.0.2.53:65536',
  '[192.0.2.53]:53',
  '2001:db8::53:99999',
  '[2001:db8::53]:0',
  '53',
  '::1%lo',
];
const notUnicast = ['::ffff:127.0.0.1', '224.0.0.251', 'ff02::fb', '255.255.255.255'];

refuses([
  ...noServers.map((text) => ({
    why: `the upstream ${text}`,
    apply: resolved({ upstreams: ['192.0.2.53', text] }),
    at: `${at}/upstreams/1`,
    says: /is not the address of a name server: write ADDRESS, ADDRESS:PORT or \[ADDRESS\]:PORT/,
  })),
  ...notUnicast.map((text) => ({
    why: `the upstream ${text}, which is no unicast address of its family`,
    apply: resolved({ upstreams: [text] }),
    at: `${at}/upstreams/0`,
    says: /where no name server can be: name a unicast address/,
  })),
  {
    why: 'an upstream twice',
    apply: resolved({ upstreams: ['2001:db8::53', '[2001:DB8:0::53]:53'] }),
    at: `${at}/upstreams/1`,
    says: /listed twice/,
  },
  { why: 'a DNS64 prefix that is none', apply: resolved({ dns64: '64:ff9b::' }), at: `${at}/dns64`, says: /write ADDRESS\/LENGTH/ },
  { why: 'a DNS64 prefix with host bits', apply: resolved({ dns64: '64:ff9b::1/96' }), at: `${at}/dns64`, says: /write 64:ff9b::\/96/ },
  { why: 'an IPv4 prefix for DNS64', apply: resolved({ dns64: '10.0.0.0/8' }), at: `${at}/dns64`, says: /IPv4: write an IPv6 prefix/ },
  {
    why: 'a DNS64 prefix of another length',
    apply: resolved({ dns64: '64:ff9b:1::/48' }),
    at: `${at}/dns64`,
    says: /length is 48, not 96/,
  },
  {
    why: 'a DNS64 prefix with its u-octet set',
    apply: resolved({ dns64: '2001:db8:1:2:300::/96' }),
    at: `${at}/dns64`,
    says: /bits 64 to 71.*RFC 6052/,
  },
  { why: 'a link-local DNS64 prefix', apply: resolved({ dns64: 'fe80::/96' }), at: `${at}/dns64`, says: /lies in fe80::\/10/ },
  { why: 'a DNS64 prefix of this host', apply: resolved({ dns64: '::/96' }), at: `${at}/dns64`, says: /lies in ::\/96/ },
]);

const admitted: readonly (readonly [name: string, resolver: Record<string, unknown>])[] = [
  ['every form of an upstream', { upstreams: ['192.0.2.53', '192.0.2.53:5353', '2001:db8::53', '[2001:db8::54]', '[2001:db8::53]:5353'] }],
  ['upstreams that the plugin dns may deny', { upstreams: ['127.0.0.53', '[::1]:53', '169.254.169.254', 'fe80::1'] }],
  ['the well-known prefix of DNS64', { dns64: '64:ff9b::/96' }],
  ['a prefix of the operator', { dns64: '2001:db8:64:0:3::/96' }],
  ['an order of records', { recordOrder: 'random' }],
];
for (const [name, resolver] of admitted) {
  test(`admits ${name}`, (t) => t.deepEqual(site().apply([{ ...network('new'), spec: { resolver } }]), []));
}
