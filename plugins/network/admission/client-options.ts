/** Rules for `dhcpOptions` of networks, subnets and ports: what the plugin dhcp can tell, and what it must not be told. */
import { type CustomDhcpOption, type DhcpOptions, type IpFamily, parseIp } from '@weft/kernel/contract/net';
import type { Problem } from './refusals.ts';

/** What the options of one object may take in a DHCPv4 message, headers included: a packet of 1,500 bytes has room for it beside all others. */
const limitBytes = 1024;
const headerBytes: Readonly<Record<IpFamily, number>> = { 4: 2, 6: 4 };
/** DHCPv6 has no text form of these: who boots over IPv6 is told by custom options 59 and 60 (RFC 5970). */
const ipv4Only = ['tftpServerName', 'bootFile', 'tftpServers'] as const;

/** Who sets these options: the protocol, in every message anew. First and last code. */
const reserved: Readonly<Record<IpFamily, readonly (readonly [from: number, to: number, what: string])[]>> = {
  4: [
    [1, 1, 'the mask of the subnet'],
    [50, 59, 'part of the exchange'],
    [61, 61, 'the identifier of the client'],
    [82, 82, "a relay's"],
    [90, 90, 'part of the exchange'],
  ],
  6: [
    [1, 9, 'part of the exchange'],
    [11, 14, 'part of the exchange'],
    [18, 20, 'part of the exchange'],
    [25, 26, 'part of the exchange'],
    [32, 32, 'part of the exchange'],
    [82, 83, 'part of the exchange'],
  ],
};
const lastCode: Readonly<Record<IpFamily, number>> = { 4: 254, 6: 65_535 };

/** `family`: that of the subnet; absent where clients of both families are told. */
export function dhcpOptionsProblems(options: DhcpOptions | undefined, pointer: string, family?: IpFamily): readonly Problem[] {
  if (options === undefined) return [];
  return [
    ...addressProblems(options.ntp, `${pointer}/ntp`, family),
    ...bootProblems(options, pointer, family),
    ...addressProblems(options.tftpServers, `${pointer}/tftpServers`, 4),
    ...customProblems(options.custom ?? [], `${pointer}/custom`, family),
    ...sizeProblems(options, pointer),
  ];
}

function addressProblems(addresses: readonly string[] | undefined, pointer: string, family?: IpFamily): readonly Problem[] {
  return (addresses ?? []).flatMap((text, index) => {
    const address = parseIp(text);
    if (address !== undefined && (family === undefined || address.family === family)) return [];
    const message = address ? `${text} is IPv${address.family}, and IPv${family} clients are told` : `${text} is not an IP address`;
    const fix = `write ${family === 6 ? 'an IPv6 address, such as 2001:db8:1::5' : 'an address, such as 10.1.0.5'}`;
    return [{ pointer: `${pointer}/${index}`, message, fix }];
  });
}

function bootProblems(options: DhcpOptions, pointer: string, family?: IpFamily): readonly Problem[] {
  if (family !== 6) return [];
  const named = ipv4Only.filter((field) => options[field] !== undefined);
  return named.map((field) => ({
    pointer: `${pointer}/${field}`,
    message: `${field} is told over DHCPv4 only, and the subnet is IPv6`,
    fix: 'move it to an IPv4 subnet, or use custom options 59 and 60 with family: 6 (RFC 5970)',
  }));
}

function customProblems(custom: readonly CustomDhcpOption[], pointer: string, subnet?: IpFamily): readonly Problem[] {
  const seen = new Set<string>();
  return custom.flatMap((option, index) => {
    const at = `${pointer}/${index}`;
    const family = option.family ?? 4;
    const name = `option ${option.code} of DHCPv${family}`;
    const twice = seen.has(name);
    seen.add(name);
    if (twice) return [{ pointer: `${at}/code`, message: `${name} is listed twice`, fix: 'list it once, with its whole value' }];
    return [...familyProblems(family, at, subnet), ...codeProblems(option.code, family, at), ...valueProblems(option, at)];
  });
}

function familyProblems(family: IpFamily, at: string, subnet?: IpFamily): readonly Problem[] {
  if (subnet === undefined || subnet === family) return [];
  const message = `the option is for DHCPv${family}, and the subnet is IPv${subnet}`;
  return [{ pointer: `${at}/family`, message, fix: `write family: ${subnet}, or move it to an IPv${family} subnet or to the network` }];
}

function codeProblems(code: number, family: IpFamily, at: string): readonly Problem[] {
  const pointer = `${at}/code`;
  if (code > lastCode[family]) {
    return [{ pointer, message: `DHCPv${family} has no option ${code}`, fix: `choose a code from 1 to ${lastCode[family]}` }];
  }
  const [, , what] = reserved[family].find(([from, to]) => code >= from && code <= to) ?? [];
  if (what === undefined) return [];
  return [{ pointer, message: `option ${code} of DHCPv${family} is ${what}: the plugin dhcp sets it`, fix: 'leave it out' }];
}

function valueProblems({ hex, text }: CustomDhcpOption, at: string): readonly Problem[] {
  if (hex === undefined && text === undefined) return [{ pointer: at, message: 'the option has no value', fix: 'give hex or text' }];
  if (hex === undefined || text === undefined) return [];
  return [{ pointer: `${at}/text`, message: 'the option has two values', fix: 'give hex or text, not both' }];
}

function sizeProblems(options: DhcpOptions, pointer: string): readonly Problem[] {
  const bytes = encodedBytes(options);
  if (bytes <= limitBytes) return [];
  const message = `the options take ${bytes} bytes, and at most ${limitBytes} fit a message`;
  return [{ pointer, message, fix: 'shorten or leave out some' }];
}

/** As they stand in messages of both families, domains without compression, IPv6 time servers each with a head (RFC 5908): an upper bound. */
function encodedBytes({
  ntp = [],
  domainSearch = [],
  tftpServerName = '',
  bootFile = '',
  tftpServers = [],
  custom = [],
}: DhcpOptions): number {
  const named = [
    ntp.reduce((sum, address) => sum + (address.includes(':') ? 20 : 4), 0),
    domainSearch.reduce((sum, domain) => sum + domain.length + 2, 0),
    tftpServerName.length,
    bootFile.length,
    tftpServers.length * 4,
  ];
  const own = custom.map(
    ({ family = 4, hex, text }) => headerBytes[family] + (hex === undefined ? Buffer.byteLength(text ?? '') : hex.length / 2),
  );
  const values = named.filter((bytes) => bytes > 0).map((bytes) => bytes + headerBytes[6]);
  return [...values, ...own].reduce((sum, bytes) => sum + bytes, 0);
}
