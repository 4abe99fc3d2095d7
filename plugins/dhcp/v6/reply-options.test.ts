import test from 'ava';
import { clientId, message, serverDuid, wanting } from '../test/client6.ts';
import { network6, port6 } from '../test/world6.ts';
import { assignmentOf } from './assignment.ts';
import { messageTypes, type Option, optionCodes } from './option.ts';
import { fitting, wantedOptions } from './reply-options.ts';
import { readRequest } from './request.ts';

const assigned = assignmentOf(port6(1, { hostname: 'web1', dhcpOptions: { custom: [{ code: 59, family: 6, text: 'x' }] } }), network6());

function told(type: number, ...options: readonly Option[]): readonly Option[] {
  const read = readRequest(message(type, clientId, ...options), serverDuid);
  if (!read.ok || !assigned.ok) throw new Error('not answered');
  return wantedOptions(read.request, assigned.assignment, { leaseSeconds: 3600 });
}
const codes = (options: readonly Option[]) => options.map(([code]) => code);
const { solicit, informationRequest } = messageTypes;

test('§21.7: what the client asks for, in its order, once, and custom options besides', (t) => {
  t.deepEqual(codes(told(solicit, wanting(24, 23, 24, 999))), [24, 23, 59]);
  t.deepEqual(codes(told(solicit, wanting(59))), [59]);
  t.deepEqual(codes(told(solicit, wanting())), [59]);
});

test('a client that sends no option request gets resolvers and search list', (t) => {
  t.deepEqual(codes(told(solicit)), [23, 24, 59]);
});

test('§21.24, §21.25: the longest waits are told on request', (t) => {
  t.deepEqual(
    told(solicit, wanting(82, 83)).slice(0, 2).map(([code, value]) => [code, value.readUInt32BE(0)]), // biome-ignore format: one line
    [
      [82, 120],
      [83, 120],
    ],
  );
});

test('§21.23: when to ask again is told in answers to an Information-request only', (t) => {
  t.deepEqual(codes(told(solicit, wanting(32))), [59]);
  t.is(told(informationRequest, wanting(32))[0]?.[1].readUInt32BE(0), 3600);
});

test('RFC 4704 §4.1: the name is the port’s, and the client hears who keeps it', (t) => {
  const fqdnFor = (flags: number) => told(solicit, wanting(), [optionCodes.clientFqdn, Buffer.from([flags, 0])])[0]?.[1];
  t.is(fqdnFor(1)?.readUInt8(0), 1, 'as asked');
  t.is(fqdnFor(0)?.readUInt8(0), 3, 'against what was asked');
  t.is(fqdnFor(4)?.readUInt8(0), 3);
  t.is(fqdnFor(1)?.subarray(1).toString(), '\x04web1\x03red\x07default\x04weft\x08internal\0');
  t.is(codes(told(solicit, wanting(39))).includes(39), false, 'not to who sent none');
});

test('options that do not fit are left out, later ones that do are not', (t) => {
  const options: readonly Option[] = [
    [1, Buffer.alloc(6)],
    [2, Buffer.alloc(7)],
    [3, Buffer.alloc(2)],
  ];
  t.deepEqual(fitting(options, 16), { taken: [[1, Buffer.alloc(6)], [3, Buffer.alloc(2)]], omitted: [2] }); // biome-ignore format: one line
});

test('a lease shorter than the least refresh time does not make clients ask more often', (t) => {
  const read = readRequest(message(informationRequest, wanting(32)), serverDuid);
  if (!read.ok || !assigned.ok) return t.fail();
  t.is(wantedOptions(read.request, assigned.assignment, { leaseSeconds: 60 })[0]?.[1].readUInt32BE(0), 600);
});
