import test from 'ava';
import { type Asked, assignment, clientMac, clientMessage } from '../test/client.ts';
import { type Answer, answer } from './answer.ts';
import type { Assignment } from './assignment.ts';
import type { DhcpMessage } from './codec.ts';
import { messageTypes, optionCodes, uint16 } from './option.ts';

const settings = { leaseSeconds: 3600 };
const { discover, request, decline, release, inform } = messageTypes;
const { offer, ack, nak } = messageTypes;
const all = 'ff:ff:ff:ff:ff:ff';

function ask(asked: Asked, fields: Partial<DhcpMessage> = {}, facts: Assignment = assignment, source = '0.0.0.0'): Answer {
  return answer(clientMessage(asked, fields), facts, settings, source);
}

function replied(said: Answer): Answer & { kind: 'reply' } {
  if (said.kind !== 'reply') throw new Error(`silence: ${said.reason}`);
  return said;
}

const typeOf = (said: Answer): number | undefined => replied(said).message.options.get(optionCodes.messageType)?.readUInt8(0);
const hex = (said: Answer, code: number): string | undefined => replied(said).message.options.get(code)?.toString('hex');
const order = (said: Answer): number[] => [...replied(said).message.options.keys()];

// What a client in each state is told: RFC 2131 §4.3.2 and table 4.
const states: readonly [name: string, asked: Asked, fields: Partial<DhcpMessage>, type: number, outcome: string][] = [
  ['INIT', { type: discover }, {}, offer, 'offered'],
  ['INIT, wishing for another address', { type: discover, requested: '10.1.0.99' }, {}, offer, 'offered'],
  ['SELECTING', { type: request, server: '10.1.0.1', requested: '10.1.0.11' }, {}, ack, 'acknowledged'],
  ['SELECTING with a foreign address', { type: request, server: '10.1.0.1', requested: '10.1.0.12' }, {}, nak, 'refused'],
  ['INIT-REBOOT', { type: request, requested: '10.1.0.11' }, {}, ack, 'acknowledged'],
  ['INIT-REBOOT with the address of another network', { type: request, requested: '192.168.1.5' }, {}, nak, 'refused'],
  ['RENEWING and REBINDING', { type: request }, { ciaddr: '10.1.0.11' }, ack, 'acknowledged'],
  ['RENEWING with a foreign address', { type: request }, { ciaddr: '10.1.0.12' }, nak, 'refused'],
  ['RENEWING, address and ciaddr disagree', { type: request, requested: '10.1.0.11' }, { ciaddr: '10.1.0.12' }, nak, 'refused'],
  ['BOUND and informing', { type: inform }, { ciaddr: '10.1.0.50' }, ack, 'acknowledged'],
];
for (const [name, asked, fields, type, outcome] of states) {
  test(`answers a client in ${name}`, (t) => {
    const said = ask(asked, fields);
    t.is(typeOf(said), type);
    t.is(replied(said).outcome, outcome as 'offered');
  });
}

const silences: readonly [name: string, said: Answer, count: string][] = [
  ['another server was chosen', ask({ type: request, server: '10.1.0.2', requested: '10.1.0.11' }), 'other-server'],
  [
    'the server identifier is malformed',
    ask({ type: request, requested: '10.1.0.11', options: [[54, Buffer.from('0a', 'hex')]] }),
    'other-server',
  ],
  ['a request names no address', ask({ type: request, server: '10.1.0.1' }), 'malformed'],
  ['it is a server message', ask({ type: offer }), 'not-a-request'],
  ['it is a BOOTREPLY', ask({ type: discover }, { op: 2 }), 'not-a-request'],
  ['there is no message type', ask({}), 'not-a-request'],
  ['the message type is two bytes', ask({ options: [[53, Buffer.from('0101', 'hex')]] }), 'not-a-request'],
  ['it is a lease query', ask({ type: 10 }), 'not-a-request'],
  ['chaddr is not the port’s', ask({ type: discover }, { chaddr: Buffer.alloc(16, 2) }), 'wrong-hardware-address'],
  ['hlen is 0', ask({ type: discover }, { hlen: 0 }), 'wrong-hardware-address'],
  ['the hardware is no Ethernet', ask({ type: discover }, { htype: 6 }), 'wrong-hardware-address'],
  ['an inform has no address', ask({ type: inform }), 'malformed'],
];
for (const [name, said, count] of silences) {
  test(`says nothing when ${name}`, (t) => {
    t.is(said.kind, 'silence');
    if (said.kind === 'silence') t.is(said.count, count as 'malformed');
    t.is(said.outcome, undefined);
  });
}

test('does not take a decline or a release of an address that is not the port’s for one of its own', (t) => {
  t.like(ask({ type: decline, server: '10.1.0.1', requested: '10.1.0.12' }), { kind: 'silence', outcome: undefined, count: 'malformed' });
  t.like(ask({ type: release, server: '10.1.0.1' }, { ciaddr: '10.1.0.12' }), { kind: 'silence', outcome: undefined, count: 'malformed' });
  t.is(ask({ type: decline, server: '10.1.0.1' }).outcome, 'declined');
});

test('notes a decline and a release, unless they are for another server', (t) => {
  t.is(ask({ type: decline, server: '10.1.0.1', requested: '10.1.0.11' }).outcome, 'declined');
  t.is(ask({ type: release, server: '10.1.0.1' }, { ciaddr: '10.1.0.11' }).outcome, 'released');
  t.is(ask({ type: release, server: '10.1.0.9' }, { ciaddr: '10.1.0.11' }).outcome, undefined);
});

// RFC 2131 §4.1: giaddr, then ciaddr, then the broadcast bit, then unicast to the new address.
const relay = '10.9.0.1';
const bound = '10.1.0.11';
const destinations: readonly [giaddr: string, ciaddr: string, flags: number, mac: string, address: string, port: number][] = [
  ['0.0.0.0', '0.0.0.0', 0, clientMac, bound, 68],
  ['0.0.0.0', '0.0.0.0', 0x8000, all, '255.255.255.255', 68],
  ['0.0.0.0', bound, 0, clientMac, bound, 68],
  ['0.0.0.0', bound, 0x8000, clientMac, bound, 68],
  [relay, '0.0.0.0', 0, clientMac, relay, 67],
  [relay, '0.0.0.0', 0x8000, clientMac, relay, 67],
  [relay, bound, 0, clientMac, relay, 67],
  [relay, bound, 0x8000, clientMac, relay, 67],
];
const askedIn: Readonly<Record<string, Asked>> = {
  INIT: { type: discover },
  SELECTING: { type: request, server: '10.1.0.1', requested: bound },
  'INIT-REBOOT': { type: request, requested: bound },
  // And REBINDING, which differs in where the question goes only.
  RENEWING: { type: request },
};
for (const [giaddr, ciaddr, flags, mac, address, l4Port] of destinations) {
  for (const [state, asked] of Object.entries(askedIn)) {
    if (state === 'RENEWING' && ciaddr === '0.0.0.0') continue;
    test(`replies to ${address}:${l4Port} for giaddr ${giaddr}, ciaddr ${ciaddr}, flags ${flags} in ${state}`, (t) => {
      const { to, message } = replied(ask(asked, { giaddr, ciaddr, flags }));
      t.deepEqual(to, { mac, address, l4Port });
      t.is(message.giaddr, giaddr);
      t.is(message.flags, flags);
    });
  }
  test(`sends a NAK for giaddr ${giaddr}, ciaddr ${ciaddr}, flags ${flags} by broadcast or to the relay`, (t) => {
    const { to, message } = replied(ask({ type: request, requested: '10.1.0.12' }, { giaddr, ciaddr, flags }));
    if (giaddr === relay) t.deepEqual(to, { mac: clientMac, address: relay, l4Port: 67 });
    else t.deepEqual(to, { mac: all, address: '255.255.255.255', l4Port: 68 });
    t.is(message.flags, giaddr === relay ? 0x8000 : flags);
  });
}

// §4.3.5: to ciaddr, never by broadcast; §4.1: through a relay to the relay.
for (const flags of [0, 0x8000]) {
  test(`answers an inform with flags ${flags} to its address, or to the relay`, (t) => {
    const to = (giaddr: string) => replied(ask({ type: inform }, { giaddr, ciaddr: '10.1.0.50', flags })).to;
    t.deepEqual(to('0.0.0.0'), { mac: clientMac, address: '10.1.0.50', l4Port: 68 });
    t.deepEqual(to(relay), { mac: clientMac, address: relay, l4Port: 67 });
  });
}

test('fills the fields of an OFFER and an ACK as table 3 says', (t) => {
  const offered = replied(ask({ type: discover }, { hops: 3 })).message;
  t.like(offered, { op: 2, htype: 1, hlen: 6, hops: 0, xid: 0x12345678, secs: 0, ciaddr: '0.0.0.0', yiaddr: bound, siaddr: '0.0.0.0' });
  const renewed = replied(ask({ type: request }, { ciaddr: bound })).message;
  t.like(renewed, { ciaddr: bound, yiaddr: bound });
});

test('a lease has its time, renewal at a half and rebinding at seven eighths', (t) => {
  const said = ask({ type: discover, list: [] });
  t.is(hex(said, optionCodes.leaseTime), '00000e10');
  t.is(hex(said, optionCodes.renewalTime), '00000708');
  t.is(hex(said, optionCodes.rebindingTime), '00000c4e');
});

test('a NAK carries server, reason and client identifier, and no address', (t) => {
  const said = ask({ type: request, requested: '10.1.0.12', options: [[61, Buffer.from('ff00', 'hex')]] });
  t.deepEqual(order(said), [53, 54, 61, 56]);
  t.like(replied(said).message, { ciaddr: '0.0.0.0', yiaddr: '0.0.0.0' });
});

test('an inform is answered without lease, to the address that it has', (t) => {
  const said = ask({ type: inform }, { ciaddr: '10.1.0.50', flags: 0x8000 });
  t.is(replied(said).message.yiaddr, '0.0.0.0');
  t.is(replied(said).message.ciaddr, '10.1.0.50');
  for (const code of [optionCodes.leaseTime, optionCodes.renewalTime, optionCodes.rebindingTime]) t.false(order(said).includes(code));
  t.deepEqual(replied(said).to, { mac: clientMac, address: '10.1.0.50', l4Port: 68 });
  t.is(replied(ask({ type: inform }, {}, assignment, '10.1.0.51')).to.address, '10.1.0.51');
});

test('echoes the client identifier byte for byte (RFC 6842)', (t) => {
  for (const id of ['00', 'ff00000001000100', 'aa'.repeat(255)]) {
    t.is(hex(ask({ type: discover, options: [[61, Buffer.from(id, 'hex')]] }), 61), id);
    t.is(hex(ask({ type: request, requested: bound, options: [[61, Buffer.from(id, 'hex')]] }), 61), id);
  }
  t.false(order(ask({ type: discover })).includes(61));
});

test('echoes relay agent information to a relay only (RFC 3046)', (t) => {
  const options: [number, Buffer][] = [[82, Buffer.from('0102abcd', 'hex')]];
  t.is(hex(ask({ type: discover, options }, { giaddr: relay }), 82), '0102abcd');
  t.false(order(ask({ type: discover, options })).includes(82));
});

test('tells the network by default', (t) => {
  const said = ask({ type: discover });
  t.deepEqual(order(said), [53, 54, 51, 58, 59, 1, 3, 6, 28, 26, 15, 12]);
  t.is(hex(said, 1), 'ffffff00');
  t.is(hex(said, 3), '0a010001');
  t.is(hex(said, 6), '0a010001');
  t.is(hex(said, 28), '0a0100ff');
  t.is(hex(said, 26), '05aa');
  t.is(replied(said).message.options.get(15)?.toString(), 'red.example');
  t.is(replied(said).message.options.get(12)?.toString(), 'web1');
});

test('gives what is asked for, in that order, once, after the subnet mask (RFC 2132 §3.3)', (t) => {
  t.deepEqual(order(ask({ type: discover, list: [15, 3, 6, 1, 15, 42, 51] })), [53, 54, 51, 58, 59, 1, 15, 3, 6]);
});

test('leaves out what the port does not have', (t) => {
  const said = ask({ type: discover }, {}, { ...assignment, hostname: '', dns: [] });
  t.false(order(said).includes(6));
  t.false(order(said).includes(12));
});

const routed: Assignment = { ...assignment, routes: [{ prefix: '10.9.0.0/16', nextHop: '10.1.0.9' }] };
const list = [1, 121, 3];

test('classless routes hold the default route and replace option 3 (RFC 3442)', (t) => {
  const said = ask({ type: discover, list }, {}, routed);
  t.deepEqual(order(said).slice(5), [1, 121]);
  t.is(hex(said, 121), '100a090a010009' + '000a010001');
});

test('a client that does not ask for classless routes gets option 3', (t) => {
  t.deepEqual(order(ask({ type: discover, list: [1, 3] }, {}, routed)).slice(5), [1, 3]);
  const unlisted = order(ask({ type: discover }, {}, routed));
  t.true(unlisted.includes(3));
  t.true(unlisted.includes(121));
});

test('without routes there is no option 121 but option 3', (t) => {
  t.deepEqual(order(ask({ type: discover, list })).slice(5), [1, 3]);
});

test('a configured default route takes the place of the gateway in 3 and 121', (t) => {
  const facts = { ...assignment, routes: [{ prefix: '0.0.0.0/0', nextHop: '10.1.0.7' }] };
  t.is(hex(ask({ type: discover, list }, {}, facts), 121), '000a010007');
  t.is(hex(ask({ type: discover, list: [3] }, {}, facts), 3), '0a010007');
});

// Option 57 counts IP and UDP headers; 576 is the least that a client must take.
const limits: readonly [name: string, size: Buffer | undefined, limit: number][] = [
  ['nothing', undefined, 548],
  ['576', uint16(576), 548],
  ['300', uint16(300), 548],
  ['1000', uint16(1000), 972],
  ['more than the MTU', uint16(9000), 1422],
  ['a malformed size', Buffer.from([9]), 548],
];
for (const [name, size, limit] of limits) {
  test(`sends at most ${limit} bytes to a client that takes ${name}`, (t) => {
    const options: [number, Buffer][] = size === undefined ? [] : [[57, size]];
    t.is(replied(ask({ type: discover, options })).limit, limit);
  });
}
