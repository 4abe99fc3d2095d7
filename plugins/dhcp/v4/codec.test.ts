import test from 'ava';
import * as fc from 'fast-check';
import { clientMessage } from '../test/client.ts';
import { buildDhcp, type DhcpMessage, parseDhcp } from './codec.ts';
import { optionCodes } from './option.ts';

const cookie = '63825363';

/** A DISCOVER as udhcpc sends it, options replaced. */
function bytes(options: string, { file = '', sname = '' } = {}): Buffer {
  const head = `0101060012345678000380000000000000000000000000000000000002000000000100000000000000000000`;
  return Buffer.from(head + sname.padEnd(128, '0') + file.padEnd(256, '0') + cookie + options, 'hex');
}

function parsed(payload: Buffer): DhcpMessage {
  const result = parseDhcp(payload);
  if (!result.ok) throw new Error(result.reason);
  return result.message;
}

const hex = (message: DhcpMessage, code: number): string | undefined => message.options.get(code)?.toString('hex');

test('reads every fixed field', (t) => {
  const message = parsed(bytes('350101ff'));
  t.is(message.op, 1);
  t.is(message.xid, 0x12345678);
  t.is(message.secs, 3);
  t.is(message.flags, 0x8000);
  t.is(message.ciaddr, '0.0.0.0');
  t.is(message.chaddr.toString('hex', 0, 6), '020000000001');
  t.is(hex(message, optionCodes.messageType), '01');
});

test('skips padding and reads nothing behind the end option', (t) => {
  const message = parsed(bytes('0000350101000c0161ff0c0162'));
  t.is(hex(message, 12), '61');
});

test('tolerates a missing end option', (t) => {
  t.is(hex(parsed(bytes('350103')), 53), '03');
});

test('joins the pieces of a split option (RFC 3396)', (t) => {
  t.is(hex(parsed(bytes('3d02ffaa3501013d0200bbff')), 61), 'ffaa00bb');
});

test('reads overloaded file, then sname (RFC 2131 §4.1)', (t) => {
  const message = parsed(bytes('340103350101ff', { file: '3d02aaaaff', sname: '3d01bb0c0178ff' }));
  t.is(hex(message, 61), 'aaaabb');
  t.is(hex(message, 12), '78');
  t.false(message.options.has(optionCodes.overload));
});

test('leaves file and sname alone without overload', (t) => {
  const message = parsed(bytes('350101ff', { file: '0c0178ff', sname: '0c0178ff' }));
  t.false(message.options.has(12));
});

test('overload of file only, of sname only', (t) => {
  const areas = { file: '0c0166ff', sname: '0c0173ff' };
  t.is(hex(parsed(bytes('340101ff', areas)), 12), '66');
  t.is(hex(parsed(bytes('340102ff', areas)), 12), '73');
});

const malformed: readonly [name: string, payload: Buffer, reason: RegExp][] = [
  ['nothing', Buffer.alloc(0), /shorter/],
  ['one byte less than a header', bytes('').subarray(0, 239), /shorter/],
  ['another cookie', Buffer.alloc(300), /cookie/],
  ['an option without length', bytes('35'), /53 is cut short/],
  ['an option longer than the message', bytes('350201'), /53 is cut short/],
  ['an option longer than file', bytes('340101ff', { file: `0cff${'61'.repeat(126)}` }), /12 is cut short/],
  ['overload of nothing', bytes('340100ff'), /52/],
  ['overload with a value of two bytes', bytes('34020101ff'), /52/],
  ['a hardware address of 17 bytes', Buffer.from(bytes('ff').fill(17, 2, 3)), /hardware/],
];
for (const [name, payload, reason] of malformed) {
  test(`refuses ${name}`, (t) => {
    const result = parseDhcp(payload);
    t.false(result.ok);
    if (!result.ok) t.regex(result.reason, reason);
  });
}

test('builds what it reads', (t) => {
  const message = parsed(bytes('3501013d02ffaa37040103060fff'));
  t.deepEqual(parsed(buildDhcp(message, 548).bytes), message);
});

test('pads to 300 bytes (RFC 1542 §2.1)', (t) => {
  t.is(buildDhcp(clientMessage({ type: 1 }), 548).bytes.length, 300);
});

test('splits an option longer than 255 bytes (RFC 3396)', (t) => {
  const value = Buffer.alloc(300, 7);
  const { bytes: built } = buildDhcp(clientMessage({ options: [[121, value]] }), 1400);
  t.is(built.readUInt8(240), 121);
  t.is(built.readUInt8(241), 255);
  t.is(built.readUInt8(240 + 257), 121);
  t.is(built.readUInt8(240 + 258), 45);
  t.deepEqual(parsed(built).options.get(121), value);
});

test('moves what does not fit to file and sname, and names what is left out', (t) => {
  const values: [number, Buffer][] = [
    [12, Buffer.alloc(250, 1)],
    [15, Buffer.alloc(100, 2)],
    [17, Buffer.alloc(60, 3)],
    [18, Buffer.alloc(200, 4)],
  ];
  const built = buildDhcp(clientMessage({ options: values }), 548);
  t.deepEqual(built.omitted, [18]);
  t.true(built.bytes.length <= 548);
  const message = parsed(built.bytes);
  for (const [code, value] of values.slice(0, 3)) t.deepEqual(message.options.get(code), value);
  t.false(message.options.has(18));
});

test('keeps names in their fields unless options need the room; the boot file is then option 67', (t) => {
  const names = { sname: Buffer.from('boot'), file: Buffer.from('pxelinux.0') };
  const alone = parsed(buildDhcp(clientMessage({ type: 2 }, names), 548).bytes);
  t.deepEqual([alone.sname.toString(), alone.file.toString(), alone.options.has(67)], ['boot', 'pxelinux.0', false]);
  const crowd: [number, Buffer][] = [[12, Buffer.alloc(250)], [15, Buffer.alloc(100)]]; // biome-ignore format: one line
  const crowded = parsed(buildDhcp(clientMessage({ type: 2, options: crowd }, names), 548).bytes);
  t.deepEqual([crowded.sname.toString(), crowded.file.toString(), crowded.options.get(67)?.toString()], ['boot', '', 'pxelinux.0']);
  t.is(crowded.options.get(15)?.length, 100);
});

test('a server name whose field is needed, too, is option 66', (t) => {
  const names = { sname: Buffer.from('boot'), file: Buffer.from('pxelinux.0') };
  const crowd: [number, Buffer][] = [[12, Buffer.alloc(250)], [15, Buffer.alloc(100)], [17, Buffer.alloc(40)]]; // biome-ignore format: one line
  const { bytes, omitted } = buildDhcp(clientMessage({ type: 2, options: crowd }, names), 548);
  const crowded = parsed(bytes);
  t.deepEqual([crowded.sname.length, crowded.options.get(66)?.toString(), crowded.options.get(67)?.toString()], [0, 'boot', 'pxelinux.0']);
  t.deepEqual([omitted, crowded.options.get(17)?.length], [[], 40]);
});

test('a name as long as its field has no zero at its end', (t) => {
  const full = clientMessage({ type: 2 }, { sname: Buffer.alloc(64, 's'), file: Buffer.alloc(128, 'f') });
  t.deepEqual(parsed(buildDhcp(full, 548).bytes), full);
});

const names: readonly number[] = [optionCodes.tftpServerName, optionCodes.bootFile];
const code = fc.integer({ min: 1, max: 254 }).filter((each) => each !== optionCodes.overload && !names.includes(each));
const options = fc.array(fc.tuple(code, fc.uint8Array({ maxLength: 400 })), { maxLength: 40 });
const nameOf = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes.map((byte) => byte || 1)));
test('whatever the options: none is changed, those left out are named, the names are told, and the limit holds', async (t) => {
  await fc.assert(
    fc.property(options, nameOf(127), nameOf(63), fc.integer({ min: 548, max: 1472 }), (values, file, sname, limit) => {
      const said = clientMessage({ type: 2, options: values.map(([each, value]) => [each, Buffer.from(value)]) }, { file, sname });
      const { bytes: built, omitted } = buildDhcp(said, limit);
      t.true(built.length <= limit);
      const heard = parsed(built);
      if (file.length > 0) t.deepEqual(heard.file.length > 0 ? heard.file : heard.options.get(optionCodes.bootFile), file);
      if (sname.length > 0) t.deepEqual(heard.sname.length > 0 ? heard.sname : heard.options.get(optionCodes.tftpServerName), sname);
      const sorted = (all: ReadonlyMap<number, Buffer>) => [...all].filter(([each]) => !names.includes(each)).sort(([x], [y]) => x - y);
      t.deepEqual(sorted(heard.options), sorted(said.options).filter(([each]) => !omitted.includes(each))); // biome-ignore format: one line
    }),
    { numRuns: 500 },
  );
});

test('fills the limit to the last byte without overload', (t) => {
  const built = buildDhcp(
    clientMessage({
      options: [
        [12, Buffer.alloc(255)],
        [15, Buffer.alloc(48)],
      ],
    }),
    548,
  );
  t.is(built.bytes.length, 548);
  t.deepEqual(built.omitted, []);
  t.is(built.bytes.readUInt8(547), 255);
});
