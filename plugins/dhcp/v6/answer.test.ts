import { parsePrefix } from '@weft/kernel/contract/net';
import test, { type ExecutionContext } from 'ava';
import { bytesOf, clientId, iaNa, iaPd, iaTa, lease, message, serverDuid, serverId } from '../test/client6.ts';
import { type Answer, answer } from './answer.ts';
import { readOptions } from './codec.ts';
import { messageTypes, type Option, optionCodes, uint32 } from './option.ts';
import { readRequest } from './request.ts';

const { solicit, advertise, request, confirm, renew, rebind, reply, release, decline, informationRequest } = messageTypes;
const [own, second, neighbor, stranger] = ['2001:db8:1::11', '2001:db8:2::11', '2001:db8:1::99', '2001:db8:99::1'] as const;
const onLink = ['2001:db8:1::/64', '2001:db8:2::/64'].flatMap((cidr) => parsePrefix(cidr)?.prefix ?? []);
const facts = { addresses: [bytesOf(own)], onLink };
const settings = { leaseSeconds: 1000 };
const rapidCommit: Option = [optionCodes.rapidCommit, Buffer.alloc(0)];

function say(type: number, options: readonly Option[], known = facts): Answer {
  const named = ([request, renew, release, decline] as number[]).includes(type) ? [clientId, serverId] : [clientId];
  const read = readRequest(message(type, ...named, ...options), serverDuid);
  if (!read.ok) throw new Error(read.reason);
  return answer(read.request, known, settings);
}

function replyOf(t: ExecutionContext, said: Answer): Answer & { kind: 'reply' } {
  if (said.kind !== 'reply') throw t.fail('silent');
  return said;
}

/** Each IA as `CODE/IAID T1/T2: ADDRESS preferred/valid … status N`, as a client reads it. */
function shown(said: Answer): readonly string[] {
  if (said.kind !== 'reply') return ['silence'];
  return said.options.flatMap(([code, value]) => {
    if (code === optionCodes.statusCode) return [`status ${value.readUInt16BE(0)}`];
    if (code !== optionCodes.iaNa && code !== optionCodes.iaTa && code !== optionCodes.iaPd) return [];
    const head = code === optionCodes.iaTa ? 4 : 12;
    const times = head === 12 ? ` ${value.readUInt32BE(4)}/${value.readUInt32BE(8)}` : '';
    const inner = (readOptions(value.subarray(head)) ?? []).map(([each, bytes]) => {
      if (each === optionCodes.statusCode) return `status ${bytes.readUInt16BE(0)}`;
      if (each === optionCodes.iaPrefix) return `prefix ${bytes.readUInt32BE(0)}/${bytes.readUInt32BE(4)}`;
      return `${bytes.subarray(14, 16).toString('hex')} ${bytes.readUInt32BE(16)}/${bytes.readUInt32BE(20)}`;
    });
    return [`${code}/${value.readUInt32BE(0)}${times}: ${inner.join(', ')}`];
  });
}
const given = '3/1 500/800: 0011 1000/1000';

test('§18.3.1: a Solicit is answered by an Advertise of preference 255 with the port’s address', (t) => {
  const said = replyOf(t, say(solicit, [iaNa(1)]));
  t.is(said.type, advertise);
  t.deepEqual(said.options[0], [optionCodes.preference, Buffer.from([255])]);
  t.deepEqual(shown(said), [given]);
  t.like(said, { outcome: 'offered', address: own, leaseSeconds: 0, informs: true });
});

test('§18.3.1: with rapid commit at once by a Reply that says so', (t) => {
  const said = replyOf(t, say(solicit, [iaNa(1), rapidCommit]));
  t.is(said.type, reply);
  t.deepEqual(said.options[0], rapidCommit);
  t.like(said, { outcome: 'acknowledged', leaseSeconds: 1000 });
});

test('§18.3.1: what cannot be committed is advertised', (t) => {
  t.is(replyOf(t, say(solicit, [iaNa(1), rapidCommit], { addresses: [], onLink })).type, advertise);
  t.is(replyOf(t, say(solicit, [iaPd(1), rapidCommit])).type, advertise);
});

test('§18.3.1: a hint of the client changes nothing', (t) => {
  t.deepEqual(shown(say(solicit, [iaNa(1, stranger)])), [given]);
});

test('§18.3.9: without an address the status is in the IA', (t) => {
  const said = say(solicit, [iaNa(1)], { addresses: [], onLink });
  t.deepEqual(shown(said), ['3/1 0/0: status 2']);
  t.like(said, { outcome: 'refused', reason: 'port has no address in an IPv6 subnet with dhcp' });
});

test('all addresses of the port are in the first IA_NA; other associations hear that there is nothing', (t) => {
  const two = { addresses: [bytesOf(own), bytesOf(second)], onLink };
  t.deepEqual(shown(say(solicit, [iaNa(1), iaNa(2), iaTa(3), iaPd(4)], two)), [
    '3/1 500/800: 0011 1000/1000, 0011 1000/1000',
    '3/2 0/0: status 2',
    '4/3: status 2',
    '25/4 0/0: status 6',
  ]);
});

test('an IA_NA that says that it has the address keeps it, in whatever order', (t) => {
  t.deepEqual(shown(say(renew, [iaNa(2), iaNa(1, own)])), ['3/2 0/0: status 3', given]);
});

test('§18.3.2: a Request is answered with the address, also when the client asks for that of a neighbour', (t) => {
  t.deepEqual(shown(say(request, [iaNa(1, own)])), [given]);
  t.deepEqual(shown(say(request, [iaNa(1, neighbor)])), [given]);
  t.like(say(request, [iaNa(1, own)]), { type: reply, outcome: 'acknowledged', address: own, leaseSeconds: 1000 });
});

test('§18.3.2: an address of another link is NotOnLink, in the IA and without addresses', (t) => {
  const said = say(request, [iaNa(1, stranger)]);
  t.deepEqual(shown(said), ['3/1 0/0: status 4']);
  t.like(said, { outcome: 'refused', reason: `${stranger} is not of this network` });
});

test('§18.3.4: a Renew extends what the port has, adds what is missing, and ends what is not the port’s', (t) => {
  t.deepEqual(shown(say(renew, [iaNa(1, own)])), [given]);
  t.deepEqual(shown(say(renew, [iaNa(1)])), [given]);
  t.deepEqual(shown(say(renew, [iaNa(1, neighbor, own)])), ['3/1 500/800: 0011 1000/1000, 0099 0/0']);
});

test('§18.3.4: a Renew of what is not lent is NoBinding', (t) => {
  t.deepEqual(shown(say(renew, [iaNa(1, own), iaTa(2), iaPd(3)])), [given, '4/2: status 3', '25/3 0/0: status 3']);
});

test('§18.3.4: a port that lost its address ends it', (t) => {
  const said = say(renew, [iaNa(1, own)], { addresses: [], onLink });
  t.deepEqual(shown(said), ['3/1 0/0: 0011 0/0']);
  t.like(said, { outcome: 'refused', leaseSeconds: 0 });
});

test('§18.3.5: a Rebind is answered as a Renew; prefixes and temporary addresses end', (t) => {
  const prefix: Option = [optionCodes.iaPrefix, Buffer.concat([uint32(9, 9), Buffer.alloc(17)])];
  t.deepEqual(shown(say(rebind, [iaNa(1, own), iaPd(2, prefix), iaPd(3), iaTa(4)])), [
    given,
    '25/2 0/0: prefix 0/0',
    '25/3 0/0: status 6',
    '4/4: status 2',
  ]);
  t.like(say(rebind, [iaNa(1, own)]), { type: reply, outcome: 'acknowledged' });
});

test('§18.3.3: a Confirm succeeds for addresses of the port only', (t) => {
  t.deepEqual(shown(say(confirm, [iaNa(1, own)])), ['status 0']);
  t.deepEqual(shown(say(confirm, [iaNa(1, own, neighbor)])), ['status 4']);
  t.deepEqual(shown(say(confirm, [iaNa(1, stranger)])), ['status 4']);
  t.like(say(confirm, [iaNa(1, stranger)]), { outcome: 'refused', reason: `${stranger} is not an address of this port`, informs: false });
});

test('§18.3.3: a Confirm without an address is not answered', (t) => {
  t.is(say(confirm, [iaNa(1)]).kind, 'silence');
  t.is(say(confirm, []).kind, 'silence');
});

test('§18.3.7, §18.3.8: Release and Decline succeed, and name what was not lent', (t) => {
  t.deepEqual(shown(say(release, [iaNa(1, own)])), ['status 0']);
  t.deepEqual(shown(say(release, [iaNa(1, own), iaNa(2, stranger), iaTa(3)])), ['status 0', '3/2 0/0: status 3', '4/3: status 3']);
  t.like(say(release, [iaNa(1, own)]), { outcome: 'released', address: own, informs: false });
  t.like(say(decline, [iaNa(1, own)]), { outcome: 'declined', reason: `client found ${own} in use` });
  t.like(say(decline, [iaNa(1, stranger)]), { outcome: 'refused', address: '' });
});

test('§18.3.6: an Information-request gets parameters only', (t) => {
  t.like(say(informationRequest, []), { type: reply, informs: true, leaseSeconds: 0, options: [] });
});

test('a Solicit without an IA_NA is advertised parameters', (t) => {
  t.like(say(solicit, []), { type: advertise, informs: true, outcome: 'refused', reason: 'client asks for no address (no IA_NA)' });
});

test('lifetimes that a client invents are not taken', (t) => {
  const wish: Option = [optionCodes.iaNa, Buffer.concat([uint32(1, 9, 3), Buffer.from([0, 5, 0, 24]), lease(own)[1]])];
  t.deepEqual(shown(say(renew, [wish])), [given]);
});
