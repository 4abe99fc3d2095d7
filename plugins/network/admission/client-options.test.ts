import test from 'ava';
import { type Refused, refuses, site } from '../test/refused.ts';
import { network, port } from '../test/store.ts';

const told = (dhcpOptions: Record<string, unknown>): Refused['apply'] => [port('new', { dhcpOptions })];
const custom = (...options: readonly Record<string, unknown>[]): Refused['apply'] => told({ custom: options });
const inSubnet = (cidr: string, dhcpOptions: Record<string, unknown>): Refused['apply'] => [network('new', { cidr, dhcpOptions })];
const ofPort = 'Port/default/new /spec/dhcpOptions';
const ofSubnet = 'VirtualNetwork/default/new /spec/subnets/0/dhcpOptions';
const hex = '00';

refuses([
  {
    why: 'a time server that is no address',
    apply: told({ ntp: ['10.1.0.5', '10.1.0.500'] }),
    at: `${ofPort}/ntp/1`,
    says: /not an IP address: write/,
  },
  {
    why: 'a time server of the other family in a subnet',
    apply: inSubnet('10.9.0.0/24', { ntp: ['2001:db8::5'] }),
    at: `${ofSubnet}/ntp/0`,
    says: /is IPv6, and IPv4 clients are told: write an address, such as 10\.1\.0\.5/,
  },
  {
    why: 'an IPv4 time server in an IPv6 subnet',
    apply: inSubnet('2001:db8:9::/64', { ntp: ['10.1.0.5'] }),
    at: `${ofSubnet}/ntp/0`,
    says: /write an IPv6 address/,
  },
  { why: 'an IPv6 TFTP server', apply: told({ tftpServers: ['2001:db8::5'] }), at: `${ofPort}/tftpServers/0`, says: /is IPv6/ },
  {
    why: 'a boot file in an IPv6 subnet',
    apply: inSubnet('2001:db8:9::/64', { bootFile: 'pxelinux.0' }),
    at: `${ofSubnet}/bootFile`,
    says: /custom options 59 and 60/,
  },
  { why: 'a custom option without a value', apply: custom({ code: 224 }), at: `${ofPort}/custom/0`, says: /no value: give hex or text/ },
  { why: 'a custom option with two values', apply: custom({ code: 224, hex, text: 'a' }), at: `${ofPort}/custom/0/text`, says: /not both/ },
  {
    why: 'a custom option twice',
    apply: custom({ code: 224, hex }, { code: 224, family: 4, hex }),
    at: `${ofPort}/custom/1/code`,
    says: /listed twice/,
  },
  {
    why: 'the end option',
    apply: custom({ code: 255, hex }),
    at: `${ofPort}/custom/0/code`,
    says: /no option 255: choose a code from 1 to 254/,
  },
  {
    why: 'a custom option of the other family in a subnet',
    apply: inSubnet('2001:db8:9::/64', { custom: [{ code: 224, hex }] }),
    at: `${ofSubnet}/custom/0/family`,
    says: /for DHCPv4, and the subnet is IPv6: write family: 6/,
  },
  ...[1, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 61, 82, 90].map((code) => ({
    why: `option ${code} of DHCPv4, which the protocol needs`,
    apply: custom({ code, hex }),
    at: `${ofPort}/custom/0/code`,
    says: /the plugin dhcp sets it: leave it out/,
  })),
  ...[1, 2, 3, 6, 9, 11, 13, 14, 18, 20, 25, 26, 32, 82, 83].map((code) => ({
    why: `option ${code} of DHCPv6, which the protocol needs`,
    apply: custom({ code, family: 6, hex }),
    at: `${ofPort}/custom/0/code`,
    says: /option \d+ of DHCPv6 is .*: the plugin dhcp sets it/,
  })),
  {
    why: 'more than a message holds',
    apply: [
      { ...network('new'), spec: { dhcpOptions: { custom: [1, 2, 3].map((code) => ({ code: 223 + code, text: 'a'.repeat(400) })) } } },
    ],
    at: 'VirtualNetwork/default/new /spec/dhcpOptions',
    says: /take 1206 bytes, and at most 1024 fit/,
  },
  {
    why: 'a search list that no message holds',
    apply: told({ domainSearch: Array.from({ length: 16 }, (_, index) => `${`${'a'.repeat(60)}.`.repeat(3)}d${index}`) }),
    at: ofPort,
    says: /shorten or leave out some/,
  },
]);

const admitted: readonly (readonly [name: string, options: Record<string, unknown>])[] = [
  ['servers of both families for a port', { ntp: ['10.1.0.5', '2001:db8::5'] }],
  ['all that boots a machine', { tftpServerName: 'boot.example', bootFile: 'pxelinux.0', tftpServers: ['10.1.0.5'] }],
  ['the vendor class that boot loaders look for', { custom: [{ code: 60, text: 'HTTPClient' }] }],
  ['an option in the place of one that Weft sends', { custom: [{ code: 3, hex: '0a010009' }] }],
  ['one code in both families', { custom: [{ code: 43, hex }, { code: 43, family: 6, hex }] }], // biome-ignore format: one line
  ['nothing at all', { ntp: [], domainSearch: [], custom: [] }],
];
for (const [name, dhcpOptions] of admitted) {
  test(`admits ${name}`, (t) => t.deepEqual(site().apply([port('new', { dhcpOptions })]), []));
}
