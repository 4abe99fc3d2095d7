import test from 'ava';
import type { DnsRecordSpec } from '../kinds.ts';
import { parseName, reverseName } from '../message/name.ts';
import { Reader } from '../message/wire.ts';
import { network, port, record } from '../test/world.ts';
import { answerLocally } from './authority.ts';
import { type View, viewOf } from './directory.ts';
import { placeOf } from './record.ts';
import { makeZone, type Zone } from './zone.ts';

const settings = { negativeTtlSeconds: 10, serial: 42 };
const about = { network: 'VirtualNetwork/a/red', resolver: undefined, mtuBytes: 1450, ttlSeconds: 60 };
const name = (text: string) => parseName(text) ?? [];
type Added = readonly [string, DnsRecordSpec['type'], ...string[]];

/** Its subnets are CIDR and 2001:db8:N::/64, where N is the second octet; it has no gateway of IPv6. */
function zone(origin: string, cidr: string, hosts: Record<string, string[]>, added: readonly Added[] = []): Zone {
  const made = network('a', 'red', 1, Number(cidr.split('.')[1]), { domain: origin });
  const subnets = [cidr, made.spec.subnets[1]?.cidr ?? ''].map((each) => ({ cidr: each, dhcp: true }));
  const status = { ...made.status, gateways: [cidr.replace(/\.0\/.*/, '.1')] };
  const ours = { ...made, spec: { ...made.spec, subnets }, status };
  const ports = Object.entries(hosts).map(([host, addresses]) => {
    const one = port('a', 'red', host, 1, '10.1.0.1');
    return { ...one, status: { ...one.status, addresses } };
  });
  const records = added.flatMap((each) => {
    const placed = placeOf(record('a', 'red', each), ours);
    if ('owner' in placed) return [placed];
    throw new TypeError(JSON.stringify(placed));
  });
  const zone = makeZone(ours, ports, records, 60);
  if (zone === undefined) throw new TypeError(origin);
  return zone;
}

const view: View = viewOf(
  [
    zone('red.example', '10.1.0.0/24', { web1: ['10.1.0.11'], db: ['10.1.0.12', '2001:db8:1::12'] }),
    zone('blue.default.weft.internal', '10.2.0.0/20', { web1: ['10.2.0.11'], only: ['10.2.0.12'] }),
    zone('x.deep.red.example', '10.3.0.0/26', { web1: ['10.3.0.11'] }),
  ],
  about,
);

const types: Record<string, number> = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33, ANY: 255 };
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
  const shared = viewOf(
    [zone('corp', '10.1.0.0/24', { a: ['10.1.0.11', '10.1.0.12'] }), zone('corp', '10.2.0.0/24', { a: ['10.2.0.11'], b: ['10.2.0.12'] })],
    about,
  );
  const both = answerLocally({ name: name('a.corp'), type: 1, class: 1 }, shared, settings);
  t.deepEqual(
    both?.answers.map((record) => [...record.data].join('.')),
    ['10.1.0.11', '10.1.0.12', '10.2.0.11'],
  );
  t.is(new Set(both?.answers.map((record) => record.ttl)).size, 1);
  t.is(answerLocally({ name: name('b.corp'), type: 1, class: 1 }, shared, settings)?.answers.length, 1);
});

test('a domain of one label is a zone as any other', (t) => {
  const corp = viewOf([zone('corp', '10.1.0.0/24', { a: ['10.1.0.11'] })], about);
  const ask = (type: number) => answerLocally({ name: name('corp'), type, class: 1 }, corp, settings)?.answers.map((each) => each.type);
  t.deepEqual(ask(6), [6]);
  t.deepEqual(ask(2), [2]);
  t.deepEqual(answerLocally({ name: name('a'), type: 6, class: 1 }, corp, settings)?.answers, [], 'a bare host name is none');
});
