import { type IpPrefix, parsePrefix } from '@weft/kernel/contract/net';
import test from 'ava';
import { parseName, reverseName } from '../message/name.ts';
import { Reader } from '../message/wire.ts';
import { answerLocally } from './authority.ts';
import type { View, Zone } from './directory.ts';

const settings = { ttlSeconds: 60, negativeTtlSeconds: 10, serial: 42 };
const name = (text: string) => parseName(text) ?? [];

function prefix(cidr: string): IpPrefix {
  const parsed = parsePrefix(cidr);
  if (!parsed) throw new TypeError(cidr);
  return parsed.prefix;
}

/** Its subnets are 2001:db8:N::/64, too, where N is the second octet of the IPv4 one. */
function zone(origin: string, cidr: string, hosts: Record<string, string[]>): Zone {
  const cidr6 = `2001:db8:${cidr.split('.')[1]}::/64`;
  const gateway = cidr.replace(/\.0\/.*/, '.1');
  const names = Object.entries(hosts).flatMap(([host, list]) => list.map((address) => [address, name(`${host}.${origin}`)] as const));
  return {
    origin: name(origin),
    hosts: new Map(Object.entries(hosts)),
    names: new Map([[gateway, name(origin)], ...names]),
    gateways: [gateway],
    prefixes: [prefix(cidr), prefix(cidr6)],
  };
}

const view: View = {
  mtuBytes: 1450,
  zones: [
    zone('red.example', '10.1.0.0/24', { web1: ['10.1.0.11'], db: ['10.1.0.12', '2001:db8:1::12'] }),
    zone('blue.default.weft.internal', '10.2.0.0/20', { web1: ['10.2.0.11'], only: ['10.2.0.12'] }),
    zone('x.deep.red.example', '10.3.0.0/26', { web1: ['10.3.0.11'] }),
  ],
};

const types: Record<string, number> = { A: 1, NS: 2, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, ANY: 255 };
const ask = (text: string, type: string) => answerLocally({ name: name(text), type: types[type] ?? 0, class: 1 }, view, settings);

/** Answer data as text. */
function told(text: string, type: string): string[] | undefined {
  return ask(text, type)?.answers.map(({ type: found, data }) => {
    if (found === 1) return [...data].join('.');
    return found === 28 ? data.toString('hex') : new Reader(data).name().join('.');
  });
}

const found: readonly [question: string, type: string, data: string[]][] = [
  ['web1.red.example', 'A', ['10.1.0.11']],
  ['WEB1.Red.EXAMPLE', 'A', ['10.1.0.11']],
  ['db.red.example', 'AAAA', ['20010db8000100000000000000000012']],
  ['db.red.example', 'ANY', ['10.1.0.12', '20010db8000100000000000000000012']],
  ['web1.blue.default.weft.internal', 'A', ['10.2.0.11']],
  ['web1.x.deep.red.example', 'A', ['10.3.0.11']],
  ['web1', 'A', ['10.1.0.11']],
  ['only', 'A', ['10.2.0.12']],
  ['red.example', 'A', ['10.1.0.1']],
  ['red.example', 'NS', ['red.example']],
  ['red.example', 'SOA', ['red.example']],
  [reverseName('10.1.0.11').join('.'), 'PTR', ['web1.red.example']],
  [reverseName('10.1.0.1').join('.'), 'PTR', ['red.example']],
  [reverseName('2001:db8:1::12').join('.'), 'PTR', ['db.red.example']],
  [reverseName('2001:db8:1::12').join('.').toUpperCase(), 'PTR', ['db.red.example']],
  [reverseName('10.2.0.12').join('.'), 'PTR', ['only.blue.default.weft.internal']],
];
for (const [question, type, data] of found) {
  test(`answers ${type} of ${question}`, (t) => {
    t.deepEqual(told(question, type), data);
    t.like(ask(question, type), { rcode: 0, authoritative: true, authorities: [] });
  });
}

// The SOA that goes with a negative answer stands at or above the name.
const negative: readonly [question: string, type: string, rcode: number, soa: string][] = [
  ['web1.red.example', 'AAAA', 0, 'red.example'],
  ['web1.red.example', 'TXT', 0, 'red.example'],
  ['red.example', 'AAAA', 0, 'red.example'],
  ['web9.red.example', 'A', 3, 'red.example'],
  ['a.web1.red.example', 'A', 3, 'red.example'],
  ['deep.red.example', 'A', 0, 'red.example'],
  ['web9.x.deep.red.example', 'A', 3, 'x.deep.red.example'],
  ['web1', 'AAAA', 0, 'web1'],
  ['web1.green.default.weft.internal', 'A', 3, 'weft.internal'],
  ['default.weft.internal', 'A', 0, 'weft.internal'],
  ['weft.internal', 'A', 0, 'weft.internal'],
  [reverseName('10.1.0.99').join('.'), 'PTR', 3, '0.1.10.in-addr.arpa'],
  [reverseName('10.1.0.11').join('.'), 'A', 0, '0.1.10.in-addr.arpa'],
  ['0.1.10.in-addr.arpa', 'PTR', 0, '0.1.10.in-addr.arpa'],
  [reverseName('10.2.15.99').join('.'), 'PTR', 3, '15.2.10.in-addr.arpa'],
  [reverseName('10.3.0.60').join('.'), 'PTR', 3, '0.3.10.in-addr.arpa'],
  [reverseName('2001:db8:1::99').join('.'), 'PTR', 3, '0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'],
  ['0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa', 'PTR', 0, '0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'],
];
for (const [question, type, rcode, soa] of negative) {
  test(`says ${rcode === 0 ? 'NODATA' : 'NXDOMAIN'} to ${type} of ${question}`, (t) => {
    const resolution = ask(question, type);
    t.like(resolution, { rcode, authoritative: true, answers: [] });
    t.deepEqual(
      resolution?.authorities.map((record) => [record.name.join('.'), record.type, record.ttl]),
      [[soa, 6, 10]],
    );
  });
}

for (const question of [
  'www.example.org',
  'example',
  'web9',
  'com',
  '1.10.in-addr.arpa',
  reverseName('10.2.16.1').join('.'),
  reverseName('2001:db8:9::1').join('.'),
  '1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
  reverseName('10.3.0.99').join('.'),
  '11.in-addr.arpa.red',
]) {
  test(`leaves ${question} to the upstreams`, (t) => t.is(ask(question, 'A'), undefined));
}

test('leaves the root to the upstreams', (t) => {
  t.is(answerLocally({ name: [], type: 2, class: 1 }, view, settings), undefined);
});

test('echoes the case of the question', (t) => {
  t.deepEqual(ask('WEB1.red.Example', 'A')?.answers[0]?.name, ['WEB1', 'red', 'Example']);
});

test('ports and networks that share a name make one record set', (t) => {
  const shared = {
    mtuBytes: 1450,
    zones: [
      zone('corp', '10.1.0.0/24', { a: ['10.1.0.11', '10.1.0.12'] }),
      zone('corp', '10.2.0.0/24', { a: ['10.2.0.11'], b: ['10.2.0.12'] }),
    ],
  };
  const both = answerLocally({ name: name('a.corp'), type: 1, class: 1 }, shared, settings);
  t.deepEqual(
    both?.answers.map((record) => [...record.data].join('.')),
    ['10.1.0.11', '10.1.0.12', '10.2.0.11'],
  );
  t.is(new Set(both?.answers.map((record) => record.ttl)).size, 1);
  t.is(answerLocally({ name: name('b.corp'), type: 1, class: 1 }, shared, settings)?.answers.length, 1);
});
