import test from 'ava';
import { clientDuid, clientId, iaNa, iaPd, iaTa, message, serverDuid, serverId, wanting } from '../test/client6.ts';
import { messageTypes, type Option, optionCodes } from './option.ts';
import { readRequest } from './request.ts';

const { solicit, request, confirm, renew, rebind, release, decline, informationRequest } = messageTypes;
const foreign: Option = [optionCodes.serverId, Buffer.from('0003000102000000ffff', 'hex')];
const ia = iaNa(1, '2001:db8:1::11');
const option = (code: number, bytes: number): Option => [code, Buffer.alloc(bytes)];

/** Clause, what is wrong, message type, options. RFC 9915 §16 unless noted. */
const discarded: readonly (readonly [clause: string, wrong: string, type: number, options: readonly Option[]])[] = [
  ['§16.2', 'a Solicit without a client identifier', solicit, [ia]],
  ['§16.2', 'a Solicit with a server identifier', solicit, [clientId, serverId, ia]],
  ['§16.3', 'an Advertise', messageTypes.advertise, [clientId, serverId, ia]],
  ['§16.4', 'a Request without a server identifier', request, [clientId, ia]],
  ['§16.4', 'a Request to another server', request, [clientId, foreign, ia]],
  ['§16.4', 'a Request without a client identifier', request, [serverId, ia]],
  ['§16.5', 'a Confirm without a client identifier', confirm, [ia]],
  ['§16.5', 'a Confirm with a server identifier', confirm, [clientId, serverId, ia]],
  ['§16.6', 'a Renew without a server identifier', renew, [clientId, ia]],
  ['§16.6', 'a Renew to another server', renew, [clientId, foreign, ia]],
  ['§16.6', 'a Renew without a client identifier', renew, [serverId, ia]],
  ['§16.7', 'a Rebind without a client identifier', rebind, [ia]],
  ['§16.7', 'a Rebind with a server identifier', rebind, [clientId, serverId, ia]],
  ['§16.8', 'a Decline without a server identifier', decline, [clientId, ia]],
  ['§16.8', 'a Decline to another server', decline, [clientId, foreign, ia]],
  ['§16.8', 'a Decline without a client identifier', decline, [serverId, ia]],
  ['§16.9', 'a Release without a server identifier', release, [clientId, ia]],
  ['§16.9', 'a Release to another server', release, [clientId, foreign, ia]],
  ['§16.9', 'a Release without a client identifier', release, [serverId, ia]],
  ['§16.10', 'a Reply', messageTypes.reply, [clientId, serverId, ia]],
  ['§16.11', 'a Reconfigure', messageTypes.reconfigure, [clientId, serverId]],
  ['§16.12', 'an Information-request to another server', informationRequest, [clientId, foreign]],
  ['§16.12', 'an Information-request with an IA_NA', informationRequest, [clientId, ia]],
  ['§16.12', 'an Information-request with an IA_TA', informationRequest, [clientId, iaTa(1)]],
  ['§16.12', 'an Information-request with an IA_PD', informationRequest, [clientId, iaPd(1)]],
  ['§16.14', 'a Relay-reply', messageTypes.relayReply, [clientId]],
  ['§7.3', 'a message of type 0', 0, [clientId, ia]],
  ['§7.3', 'a message of an unknown type', 200, [clientId, ia]],
  ['§11.1', 'a client identifier of a type only', solicit, [option(optionCodes.clientId, 2), ia]],
  ['§11.1', 'a client identifier of 131 bytes', solicit, [option(optionCodes.clientId, 131), ia]],
  ['§11.1', 'an empty client identifier', solicit, [option(optionCodes.clientId, 0), ia]],
  ['§21', 'two client identifiers', solicit, [clientId, clientId, ia]],
  ['§21', 'two server identifiers', request, [clientId, serverId, serverId, ia]],
  ['§21.4', 'an IA_NA without T1 and T2', solicit, [clientId, option(optionCodes.iaNa, 4)]],
  ['§21.5', 'an IA_TA without an IAID', solicit, [clientId, option(optionCodes.iaTa, 2)]],
  ['§21.7', 'an option request of three bytes', solicit, [clientId, option(optionCodes.optionRequest, 3), ia]],
  ['§21.9', 'an elapsed time of one byte', solicit, [clientId, option(optionCodes.elapsedTime, 1), ia]],
  ['§21.14', 'a rapid commit with a value', solicit, [clientId, option(optionCodes.rapidCommit, 1), ia]],
  ['§21.16', 'a vendor class without its enterprise', solicit, [clientId, option(optionCodes.vendorClass, 3), ia]],
  ['§21.21', 'an IA_PD without T1 and T2', solicit, [clientId, option(optionCodes.iaPd, 8)]],
  ['RFC 4704 §4', 'an empty client FQDN', solicit, [clientId, option(optionCodes.clientFqdn, 0), ia]],
  ['(bound)', 'seventeen identity associations', solicit, [clientId, ...Array.from({ length: 17 }, (_, index) => iaNa(index))]],
];
for (const [clause, wrong, type, options] of discarded) {
  test(`${clause}: discards ${wrong}`, (t) => {
    t.false(readRequest(message(type, ...options), serverDuid).ok);
  });
}

test('tells malformed messages, foreign types and messages to others apart', (t) => {
  const causeOf = (type: number, ...options: readonly Option[]) => {
    const read = readRequest(message(type, ...options), serverDuid);
    return read.ok ? 'ok' : read.cause;
  };
  t.is(causeOf(solicit), 'malformed');
  t.is(causeOf(messageTypes.reply, clientId), 'not-a-request');
  t.is(causeOf(request, clientId, foreign, ia), 'other-server');
});

test('reads what a client says', (t) => {
  const vendorClass: Option = [optionCodes.vendorClass, Buffer.from(`\0\0\x01\x37\0\x08MSFT 5.0`, 'latin1')];
  const options: readonly Option[] = [clientId, ia, iaTa(2), wanting(23, 24), option(optionCodes.rapidCommit, 0), vendorClass];
  const read = readRequest(message(solicit, ...options, [optionCodes.clientFqdn, Buffer.from([1, 0])]), serverDuid);
  if (!read.ok) return t.fail(read.reason);
  t.like(read.request, { type: solicit, transactionId: 0x12_3456, wanted: [23, 24], rapidCommit: true, fqdnFlags: 1 });
  t.deepEqual(read.request.clientId?.[1], clientDuid);
  t.is(read.request.vendorClass.toString(), 'MSFT 5.0');
  t.deepEqual(
    read.request.ias.map(({ code, iaid }) => [code, iaid]),
    [
      [optionCodes.iaNa, 1],
      [optionCodes.iaTa, 2],
    ],
  );
});

test('an Information-request may leave out the client identifier, and name this server', (t) => {
  t.true(readRequest(message(informationRequest), serverDuid).ok);
  t.true(readRequest(message(informationRequest, serverId), serverDuid).ok);
});
