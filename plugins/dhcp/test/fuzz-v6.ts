/** Fuzz target: the DHCPv6 codec, relays and rules, and router solicitations, on whatever a VM may send. */
import assert from 'node:assert/strict';
import { buildIcmpv6Frame, buildUdpFrame, parseIcmpv6Frame, parsePrefix, parseUdpFrame } from '@weft/kernel/contract/net';
import { parseSolicitation } from '../ra/solicitation.ts';
import { answer } from '../v6/answer.ts';
import type { Assignment } from '../v6/assignment.ts';
import { buildMessage, parseMessage } from '../v6/codec.ts';
import { isIa, readIa } from '../v6/identity-association.ts';
import { messageTypes, type Option, optionCodes } from '../v6/option.ts';
import { unwrap, wrap, wrapBytes } from '../v6/relay.ts';
import { wantedOptions } from '../v6/reply-options.ts';
import { readRequest } from '../v6/request.ts';
import { bytesOf, clientId, iaNa, iaPd, iaTa, payload, serverDuid, serverId, wanting } from './client6.ts';
import { macOf } from './world6.ts';

const own = '2001:db8:1::11';
const settings = { leaseSeconds: 3600 };
const assignment: Assignment = {
  ...{ mac: macOf(1), addresses: [bytesOf(own)], fqdn: 'web1.red.example', mtuBytes: 1500, custom: [59] },
  onLink: [parsePrefix('2001:db8:1::/64')?.prefix ?? []].flat(),
  options: new Map([
    [23, bytesOf('2001:db8:1::1')],
    [59, Buffer.from('tftp://[2001:db8::1]/x')],
  ]),
};

const asked: readonly Option[] = [
  clientId,
  iaNa(1, own),
  wanting(23, 24, 32, 39, 56, 59, 82, 83),
  [optionCodes.elapsedTime, Buffer.alloc(2)],
];
const more: readonly Option[] = [
  ...[iaTa(2), iaPd(3, [optionCodes.iaPrefix, Buffer.alloc(25)])],
  ...([[optionCodes.rapidCommit, Buffer.alloc(0)], [optionCodes.clientFqdn, Buffer.from('\x01\x04web1\0', 'latin1')]] as const), // biome-ignore format: one line
  [optionCodes.vendorClass, Buffer.from('\0\0\x01\x37\0\x08MSFT 5.0', 'latin1')],
];
const bare = Object.values(messageTypes).flatMap((type) => [
  payload(type, ...asked),
  payload(type, ...asked, serverId),
  payload(type, ...asked, ...more),
]);
const relayed = bare.slice(0, 3).map((message) => {
  const hops = [1, 0].map((hop) => ({
    head: Buffer.alloc(33, hop),
    interfaceId: [optionCodes.interfaceId, Buffer.from([hop])] as const,
  }));
  const chain = wrap(hops, message);
  // A reply made into the question that it would answer.
  for (const at of [0, 34 + 5 + 4]) chain.writeUInt8(messageTypes.relayForward, at);
  return chain;
});
const addresses = { srcMac: macOf(1), dstMac: '33:33:00:01:00:02', src: 'fe80::1', dst: 'ff02::1:2' };
const solicitation = Buffer.from('000000000101020000000001', 'hex');

/** DHCPv6 messages bare and inside a frame, and router solicitations. */
export const seeds: readonly Buffer[] = [
  ...bare,
  ...relayed,
  ...bare.slice(0, 6).map((each) => buildUdpFrame({ ...addresses, srcPort: 546, dstPort: 547, payload: each })),
  buildIcmpv6Frame({ ...addresses, hopLimit: 255, type: 133, code: 0, body: solicitation }),
  buildIcmpv6Frame({ ...addresses, vlan: 7, src: '::', hopLimit: 255, type: 133, code: 0, body: solicitation.subarray(0, 4) }),
];

export function run(data: Buffer): void {
  const framed = parseUdpFrame(data);
  if (framed !== undefined) assert.deepEqual(parseUdpFrame(buildUdpFrame(framed)), framed);
  const control = parseIcmpv6Frame(data);
  if (control !== undefined) assert.deepEqual(parseIcmpv6Frame(buildIcmpv6Frame(control)), control);
  parseSolicitation(data);
  dhcp(framed?.payload ?? data);
}

function dhcp(data: Buffer): void {
  const outer = unwrap(data);
  const message = outer && parseMessage(outer.message);
  if (outer === undefined || message === undefined) return;
  assert.ok(outer.hops.length <= 9);
  assert.ok(buildMessage(message).equals(outer.message), 'not built as it was read');
  const read = readRequest(message, serverDuid);
  if (!read.ok) return;
  const said = answer(read.request, assignment, settings);
  if (said.kind === 'silence') return;
  const options = [...said.options, ...wantedOptions(read.request, assignment, settings)];
  const reply = buildMessage({ type: said.type, transactionId: message.transactionId, options });
  assert.equal(wrap(outer.hops, reply).length, reply.length + wrapBytes(outer.hops));
  const heard = parseMessage(reply);
  assert.ok(heard, 'own reply is malformed');
  for (const option of heard.options) if (isIa(option[0])) assert.ok(readIa(option), 'own association is malformed');
}
