import type { DhcpOptions } from '@weft/kernel/contract/net';
import test from 'ava';
import { compressedDomainList } from '../domain-list.ts';
import { type Asked, assignment, clientMessage } from '../test/client.ts';
import { toldOptions } from '../told-options.ts';
import { answer } from './answer.ts';
import type { Assignment } from './assignment.ts';
import { buildDhcp, type DhcpMessage, parseDhcp } from './codec.ts';
import { messageTypes, optionCodes, uint16 } from './option.ts';

const { discover, request, inform, ack } = messageTypes;
const bound = { requested: '10.1.0.11' };

function facts(told: DhcpOptions, fields: Partial<Assignment> = {}): Assignment {
  return { ...assignment, ...fields, told: toldOptions(4, [told]) };
}

/** The reply as it goes out, read again. */
function told(asked: Asked, given: Assignment, fields: Partial<DhcpMessage> = {}) {
  const said = answer(clientMessage(asked, fields), given, { leaseSeconds: 3600 }, '0.0.0.0');
  if (said.kind !== 'reply') throw new Error(`silence: ${said.reason}`);
  const { bytes, omitted } = buildDhcp(said.message, said.limit);
  const parsed = parseDhcp(bytes);
  if (!parsed.ok) throw new Error(parsed.reason);
  return { message: parsed.message, bytes, omitted, limit: said.limit };
}

const boot: DhcpOptions = {
  ntp: ['10.1.0.5', '2001:db8::5', '10.1.0.6'],
  domainSearch: ['eng.apple.com', 'marketing.apple.com'],
  tftpServerName: 'boot.example',
  bootFile: 'pxelinux.0',
  tftpServers: ['10.1.0.7', '10.1.0.8'],
};

const encoded: readonly [name: string, code: number, hex: string][] = [
  ['NTP servers (RFC 2132 §8.3)', optionCodes.ntpServers, '0a010005' + '0a010006'],
  ['the TFTP server name (RFC 2132 §9.4)', optionCodes.tftpServerName, Buffer.from('boot.example').toString('hex')],
  ['the boot file (RFC 2132 §9.5)', optionCodes.bootFile, Buffer.from('pxelinux.0').toString('hex')],
  ['the search list (RFC 3397)', optionCodes.domainSearch, '03656e67056170706c6503636f6d00' + '096d61726b6574696e67c004'],
  ['TFTP servers (RFC 5859)', optionCodes.tftpServers, '0a010007' + '0a010008'],
];
for (const [name, code, hex] of encoded) {
  test(`tells ${name} when asked, and without a list`, (t) => {
    t.is(
      told({ type: discover, list: [code] }, facts(boot))
        .message.options.get(code)
        ?.toString('hex'),
      hex,
    );
    t.is(told({ type: discover }, facts(boot)).message.options.get(code)?.toString('hex'), hex);
    t.false(told({ type: discover, list: [1] }, facts(boot)).message.options.has(code));
    t.false(told({ type: discover }, assignment).message.options.has(code));
  });
}

test('fills siaddr, sname and file for boot loaders, in OFFER and ACK, and to an INFORM', (t) => {
  const asks: readonly [Asked, Partial<DhcpMessage>][] = [
    [{ type: discover, list: [1] }, {}],
    [{ type: request, ...bound }, {}],
    [{ type: inform }, { ciaddr: '10.1.0.50' }],
  ];
  for (const [asked, fields] of asks) {
    const { siaddr, sname, file } = told(asked, facts(boot), fields).message;
    t.deepEqual([siaddr, sname.toString(), file.toString()], ['10.1.0.7', 'boot.example', 'pxelinux.0']);
  }
});

const nextServers: readonly [name: string, options: DhcpOptions, siaddr: string][] = [
  ['the first TFTP server', { tftpServers: ['10.1.0.7'], tftpServerName: '10.1.0.9' }, '10.1.0.7'],
  ['the server name that is an address', { tftpServerName: '10.1.0.9' }, '10.1.0.9'],
  ['nobody for a server name that is none', { tftpServerName: '10.1.0.999' }, '0.0.0.0'],
  ['nobody for an IPv6 address', { tftpServerName: '2001:db8::9' }, '0.0.0.0'],
];
for (const [name, options, siaddr] of nextServers) {
  test(`names as next server ${name}`, (t) => t.is(told({ type: discover }, facts(options)).message.siaddr, siaddr));
}

test('a NAK names no server and no file', (t) => {
  const { message } = told({ type: request, requested: '10.1.0.12' }, facts(boot));
  t.deepEqual([message.siaddr, message.sname.length, message.file.length], ['0.0.0.0', 0, 0]);
});

test('names that are too long for their fields are options only', (t) => {
  const { message } = told({ type: discover }, facts({ tftpServerName: 'a'.repeat(64), bootFile: 'b'.repeat(128) }));
  t.deepEqual([message.sname.length, message.file.length], [0, 0]);
  t.deepEqual([message.options.get(66)?.length, message.options.get(67)?.length], [64, 128]);
});

const custom = (...options: NonNullable<DhcpOptions['custom']>): DhcpOptions => ({ custom: options });

test('custom options are sent to all clients, behind what they ask for', (t) => {
  const options = custom({ code: 224, text: 'hello' }, { code: 43, hex: '0102ff' });
  const asked = told({ type: discover, list: [43, 3] }, facts(options));
  t.deepEqual([...asked.message.options.keys()].slice(5), [1, 43, 3, 224]);
  t.is(asked.message.options.get(43)?.toString('hex'), '0102ff');
  t.is(asked.message.options.get(224)?.toString(), 'hello');
  t.true(told({ type: request, ...bound }, facts(options)).message.options.has(224));
});

test('a custom option takes the place of a generated one', (t) => {
  const { message } = told({ type: discover, list: [6, 15] }, facts({ ...custom({ code: 6, hex: '08080808' }) }));
  t.is(message.options.get(6)?.toString('hex'), '08080808');
  t.is(message.options.get(15)?.toString(), 'red.example');
});

test('a custom router is the default route of option 121 too', (t) => {
  const given = facts(custom({ code: 3, hex: '0a010009' }), { routes: [{ prefix: '10.9.0.0/16', nextHop: '10.1.0.8' }] });
  t.is(
    told({ type: discover, list: [3, 121] }, given)
      .message.options.get(121)
      ?.toString('hex'),
    '100a090a010008' + '000a010009',
  );
});

test('a long custom option is split and joined again (RFC 3396)', (t) => {
  const given = facts(custom({ code: 224, hex: 'ab'.repeat(500) }));
  const { message, omitted } = told({ type: discover, options: [[57, uint16(1500)]] }, given);
  t.deepEqual(omitted, []);
  t.is(message.options.get(224)?.toString('hex'), 'ab'.repeat(500));
});

test('a search list longer than 255 bytes is compressed as one and then split (RFC 3396)', (t) => {
  const domainSearch = Array.from({ length: 16 }, (_, index) => `department-number-${index}.headquarters.example`);
  const { message, bytes } = told({ type: discover, list: [119], options: [[57, uint16(1500)]] }, facts({ domainSearch }));
  const whole = compressedDomainList(domainSearch);
  t.true(whole.length > 255 && whole.length < 16 * 45);
  t.deepEqual(message.options.get(119), whole);
  t.is(bytes.indexOf(Buffer.from([119, 255]), 240), bytes.indexOf(Buffer.from([119, whole.length - 255]), 240) - 257);
});

// A client that says nothing takes 576 bytes of IP datagram: 548 of DHCP (RFC 2131 §2).
const crowded = facts({ ...boot, domainSearch: Array.from({ length: 6 }, (_, index) => `${'a'.repeat(30)}${index}.example`) });

test('a 576-byte client gets no longer message: options move to file and sname, the boot file to option 67', (t) => {
  for (const options of [[], [[57, uint16(576)]], [[57, uint16(100)]]] as [number, Buffer][][]) {
    const { message, bytes, omitted, limit } = told({ type: discover, options }, crowded);
    t.is(limit, 548);
    t.true(bytes.length <= 548);
    t.deepEqual(omitted, []);
    t.is(bytes.readUInt8(bytes.indexOf(Buffer.from([52, 1]), 240) + 2) & 1, 1, 'file holds options');
    t.is(message.options.get(67)?.toString(), 'pxelinux.0');
    t.is(message.options.get(119)?.length, 41 + 5 * 34);
  }
});

test('the boot file becomes an option also for a client that did not ask for it', (t) => {
  const { message } = told({ type: discover, list: [119, 6, 42, 150, 15, 12, 26, 28, 121, 3] }, { ...crowded, hostname: 'h'.repeat(63) });
  t.is(message.file.length, 0);
  t.is(message.options.get(67)?.toString(), 'pxelinux.0');
});

test('what does not fit is left out from the end of what was asked, and named; a larger client gets it', (t) => {
  const given = facts(custom({ code: 224, hex: '00'.repeat(255) }, { code: 225, hex: '00'.repeat(255) }));
  const small = told({ type: discover, list: [3, 6, 224] }, given);
  t.true(small.bytes.length <= 548);
  t.deepEqual(small.omitted, [225]);
  t.true([1, 3, 6, 51, 53, 54, 224].every((code) => small.message.options.has(code)));
  const large = told({ type: discover, list: [3, 6, 224], options: [[57, uint16(1500)]] }, given);
  t.deepEqual(large.omitted, []);
  t.is(large.message.options.get(53)?.readUInt8(0), messageTypes.offer);
});

test('an ACK is as the OFFER was', (t) => {
  const list = [1, 3, 6, 42, 66, 67, 119, 150, 224];
  const given = facts({ ...boot, ...custom({ code: 224, text: 'x' }) });
  const offered = told({ type: discover, list }, given).message;
  const acknowledged = told({ type: request, ...bound, list }, given).message;
  t.is(acknowledged.options.get(53)?.readUInt8(0), ack);
  t.deepEqual([...acknowledged.options].slice(1), [...offered.options].slice(1));
});

const onLink = [{ prefix: '169.254.0.0/16', nextHop: '0.0.0.0' }];
const { router: _, ...unrouted } = assignment;

test('without a router link-local services are reached on the link, with one the default route is beside it (RFC 3442)', (t) => {
  const service = '10a9fe' + '00000000';
  const alone = told({ type: discover, list: [1, 3, 121] }, { ...unrouted, routes: onLink }).message.options;
  t.deepEqual([alone.get(121)?.toString('hex'), alone.has(3)], [service, false]);
  const routed = told({ type: discover, list: [1, 3, 121] }, { ...assignment, routes: onLink }).message.options;
  t.deepEqual([routed.get(121)?.toString('hex'), routed.has(3)], [`${service}000a010001`, false]);
});
