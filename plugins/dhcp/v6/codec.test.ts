import test from 'ava';
import { iaNa, payload } from '../test/client6.ts';
import { buildMessage, parseMessage, readOptions } from './codec.ts';
import { readIa, writeIa } from './identity-association.ts';
import { messageTypes, ntpServers, type Option, optionCodes, uint32 } from './option.ts';
import { unwrap, wrap, wrapBytes } from './relay.ts';

// Made with scapy: DHCP6_Solicit(trid=0x123456)/DHCP6OptClientId(duid=DUID_LL(lladdr='02:00:00:00:00:01'))/DHCP6OptIA_NA(iaid=1, T1=0, T2=0)/DHCP6OptOptReq(reqopts=[23,24])
const wire = '01123456' + '0001000a00030001020000000001' + '0003000c000000010000000000000000' + '0006000400170018';

test('reads what scapy builds, and builds it again', (t) => {
  const message = parseMessage(Buffer.from(wire, 'hex'));
  t.is(message?.type, messageTypes.solicit);
  t.is(message?.transactionId, 0x12_3456);
  t.deepEqual(
    message?.options.map(([code]) => code),
    [1, 3, 6],
  );
  if (message !== undefined) t.is(buildMessage(message).toString('hex'), wire);
});

test('refuses a message that ends inside an option, wherever', (t) => {
  const whole = Buffer.from(wire, 'hex');
  const ends = [4, 18, 34, 42];
  for (let length = 0; length <= whole.length; length++)
    t.is(parseMessage(whole.subarray(0, length)) !== undefined, ends.includes(length), `${length}`);
});

test('reads empty options and options of unknown codes', (t) => {
  t.deepEqual(readOptions(Buffer.alloc(0)), []);
  t.deepEqual(readOptions(Buffer.from('ffff0000fffe000101', 'hex')), [
    [0xffff, Buffer.alloc(0)],
    [0xfffe, Buffer.from([1])],
  ]);
});

test('reads identity associations with what is in them', (t) => {
  t.like(readIa(iaNa(7, '2001:db8:1::11', '2001:db8:1::12')), { code: optionCodes.iaNa, iaid: 7 });
  t.is(readIa(iaNa(7, '2001:db8:1::11', '2001:db8:1::12'))?.leases.length, 2);
  const prefix: Option = [optionCodes.iaPrefix, Buffer.alloc(25)];
  t.is(readIa(writeIa({ code: optionCodes.iaPd, iaid: 1 }, [prefix]))?.leases.length, 1);
});

for (const [name, option] of [
  ['an IA_NA without its times', [optionCodes.iaNa, uint32(1)]],
  ['an IA_TA without its number', [optionCodes.iaTa, Buffer.alloc(3)]],
  ['an option cut short in an IA_NA', [optionCodes.iaNa, Buffer.concat([uint32(1, 0, 0), Buffer.from([0, 5, 0, 24])])]],
  ['an address cut short', writeIa({ code: optionCodes.iaNa, iaid: 1 }, [[optionCodes.iaAddress, Buffer.alloc(23)]])],
  ['an option cut short in an address', writeIa({ code: optionCodes.iaNa, iaid: 1 }, [[optionCodes.iaAddress, Buffer.alloc(25)]])],
  ['a prefix cut short', writeIa({ code: optionCodes.iaPd, iaid: 1 }, [[optionCodes.iaPrefix, Buffer.alloc(24)]])],
] as readonly [string, Option][]) {
  test(`refuses ${name}`, (t) => {
    t.is(readIa(option), undefined);
  });
}

test('writes NTP servers as suboptions', (t) => {
  t.is(ntpServers(['2001:db8::1']).toString('hex'), '00010010' + '20010db8000000000000000000000001');
});

/** As a relay with this hop count sends it. */
function relayed(inner: Buffer, hopCount: number, ...more: readonly Option[]): Buffer {
  const head = Buffer.concat([Buffer.from([messageTypes.relayForward, hopCount]), Buffer.alloc(16, 0xaa), Buffer.alloc(16, 0xbb)]);
  const options = buildMessage({ type: 0, transactionId: 0, options: [...more, [optionCodes.relayMessage, inner]] }).subarray(4);
  return Buffer.concat([head, options]);
}

test('a chain of relays comes off and goes around the reply, innermost first, with each Interface-Id (§19.3)', (t) => {
  const request = payload(messageTypes.solicit);
  const chain = Array.from({ length: 9 }, (_, hop) => hop).reduce(
    (inner, hop) => relayed(inner, hop, [optionCodes.interfaceId, Buffer.from(`if${hop}`)]),
    request,
  );
  const read = unwrap(chain);
  t.deepEqual(read?.message, request);
  t.is(read?.hops.length, 9);
  t.is(unwrap(relayed(chain, 9)), undefined, 'a tenth relay');
  const reply = wrap(read?.hops ?? [], request);
  t.is(reply.length, request.length + wrapBytes(read?.hops ?? []));
  const answered = Buffer.from(reply.toString('latin1').replaceAll('\x0d', '\x0c'), 'latin1');
  t.deepEqual(
    unwrap(answered)?.hops.map(({ head, interfaceId }) => [head[0], interfaceId?.[1].toString()]),
    [8, 7, 6, 5, 4, 3, 2, 1, 0].map((hop) => [hop, `if${hop}`]),
  );
});

test('a relay message that says nothing, twice, or is cut short is none', (t) => {
  const inner = payload(messageTypes.solicit);
  const good = relayed(inner, 0);
  t.is(unwrap(relayed(inner, 0, [optionCodes.relayMessage, inner])), undefined);
  t.is(unwrap(good.subarray(0, 34)), undefined);
  t.is(unwrap(good.subarray(0, 30)), undefined);
  t.is(unwrap(good.subarray(0, -1)), undefined);
  t.deepEqual(unwrap(inner), { hops: [], message: inner });
});
