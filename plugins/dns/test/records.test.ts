import { formatKey, keyOf } from '@weft/kernel/contract/system';
import { startPlugin } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import plugin from '../index.ts';
import type { DnsRecordSpec } from '../kinds.ts';
import { dataText, started } from './asking.ts';
import { network, port, record, tenants } from './world.ts';

type Written = readonly [string, DnsRecordSpec['type'], ...string[]];

const reverseOf4 = '11.0.1.10.in-addr.arpa';

// What stands in red of project a beside web1 (10.1.0.11, 2001:db8:1::11), and what its ports are told.
const added: readonly Written[] = [
  ['www', 'CNAME', 'web1'],
  ['WWW2.red.example.', 'CNAME', 'www.red.example.'],
  ['ext', 'CNAME', 'www.example.org.'],
  ['gone', 'CNAME', 'nowhere'],
  ['a', 'CNAME', 'b'],
  ['b', 'CNAME', 'a'],
  ['web1', 'A', '10.1.0.99'],
  ['web1', 'TXT', 'first', 'x'.repeat(300)],
  ['@', 'MX', '10 web1', '20 mail.example.org.'],
  ['@', 'TXT', 'v=spf1 -all'],
  ['_sip._tcp', 'SRV', '1 2 5060 web1'],
  ['*.apps', 'A', '10.1.0.50'],
  ['real.apps', 'AAAA', '2001:db8:1::50'],
  ['deep.er.apps', 'TXT', 'here'],
  ['10.1.0.11', 'PTR', 'mail.example.org.'],
  ['2001:db8:1::77', 'PTR', 'printer'],
  ['_http._tcp', 'PTR', 'site._http._tcp.red.example.'],
];

const told: readonly [question: string, type: string, data: string[]][] = [
  ['www.red.example', 'A', ['web1.red.example.', '10.1.0.99', '10.1.0.11']],
  ['WWW.red.example', 'AAAA', ['web1.red.example.', '2001:db8:1::11']],
  ['www', 'A', ['web1.red.example.', '10.1.0.99', '10.1.0.11']],
  ['www.red.example', 'CNAME', ['web1.red.example.']],
  ['www.red.example', 'ANY', ['web1.red.example.']],
  ['www2.red.example', 'A', ['www.red.example.', 'web1.red.example.', '10.1.0.99', '10.1.0.11']],
  ['web1.red.example', 'A', ['10.1.0.99', '10.1.0.11']],
  ['web1.red.example', 'TXT', ['\x05first', `\xff${'x'.repeat(255)}\x2d${'x'.repeat(45)}`]],
  ['red.example', 'MX', ['10 web1.red.example.', '20 mail.example.org.']],
  ['red.example', 'TXT', ['\x0bv=spf1 -all']],
  ['red.example', 'A', ['10.1.0.1']],
  ['_sip._tcp.red.example', 'SRV', ['1 2 5060 web1.red.example.']],
  ['any.apps.red.example', 'A', ['10.1.0.50']],
  ['all.of.these.apps.red.example', 'A', ['10.1.0.50']],
  ['*.apps.red.example', 'A', ['10.1.0.50']],
  ['real.apps.red.example', 'AAAA', ['2001:db8:1::50']],
  [reverseOf4, 'PTR', ['mail.example.org.', 'web1.red.example.']],
  ['7.7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa', 'PTR', ['printer.red.example.']],
  ['_http._tcp.red.example', 'PTR', ['site._http._tcp.red.example.']],
];

const world = (more: readonly Written[] = added) => [
  ...tenants,
  ...more.map((each, index) => record('a', 'red', each, { object: `r${index}` })),
];

test('tells added records beside those of ports', async (t) => {
  const { ask, asked } = await started(t, world());
  for (const [question, type, data] of told) t.deepEqual((await ask(1, question, type)).data, data, `${type} ${question}`);
  t.deepEqual(asked, []);
});

// RFC 4592 §2.2.1 and §3.3.1, RFC 8020, RFC 2308 §2.
const negative: readonly [question: string, type: string, rcode: number, why: string][] = [
  ['any.apps.red.example', 'TXT', 0, 'the wildcard has other types'],
  ['real.apps.red.example', 'A', 0, 'a name that is there is none of the wildcard'],
  ['er.apps.red.example', 'A', 0, 'an empty non-terminal is there'],
  ['x.er.apps.red.example', 'A', 3, 'and hides the wildcard from what is below it'],
  ['x.real.apps.red.example', 'A', 3, 'so does a name that is there'],
  ['apps.red.example', 'A', 0, 'the parent of a wildcard is there'],
  ['_tcp.red.example', 'SRV', 0, 'the parent of a service is there'],
  ['gone.red.example', 'A', 3, 'the end of the aliases decides'],
  ['other.red.example', 'A', 3, 'there is no such name'],
];

test('says what is not there', async (t) => {
  const { ask } = await started(t, world());
  for (const [question, type, rcode, why] of negative) {
    const reply = await ask(1, question, type);
    t.is(reply.rcode, rcode, why);
    t.deepEqual(
      reply.authorities.map((each) => [each.type, each.name.join('.')]),
      [[6, 'red.example']],
      why,
    );
  }
  t.is((await ask(1, 'gone.red.example')).answers.length, 1);
});

test('an alias that leads outside is followed there, once recursion is asked for', async (t) => {
  const { ask, asked } = await started(t, world());
  const reply = await ask(1, 'ext.red.example');
  t.deepEqual(reply.data, ['www.example.org.', '192.0.2.80']);
  t.like(reply, { rcode: 0, authoritative: true });
  t.deepEqual(
    reply.answers.map(({ name }) => name.join('.').toLowerCase()),
    ['ext.red.example', 'www.example.org'],
  );
  t.deepEqual((await ask(1, 'ext.red.example', 'A', { recursionDesired: false })).data, ['www.example.org.']);
  t.deepEqual(asked, ['www.example.org']);
});

test('a loop of aliases is an error, soon', async (t) => {
  const chain = Array.from({ length: 20 }, (_, index): Written => [`c${index}`, 'CNAME', `c${index + 1}`]);
  const { ask } = await started(t, world([...added, ...chain]));
  for (const name of ['a.red.example', 'c0.red.example']) t.like(await ask(1, name), { rcode: 2, data: [] }, name);
  t.is((await ask(1, 'c10.red.example')).rcode, 3);
});

test('MX and SRV bring the addresses of local hosts along', async (t) => {
  const { ask } = await started(t, world());
  for (const [name, type] of [
    ['red.example', 'MX'],
    ['_sip._tcp.red.example', 'SRV'],
  ] as const) {
    t.deepEqual((await ask(1, name, type)).additionals.map(dataText), ['10.1.0.99', '10.1.0.11', '2001:db8:1::11']);
  }
});

test('records are seen where names of ports are, and nowhere else', async (t) => {
  const { ask, running } = await started(t, world());
  t.is((await ask(2, 'www.red.example')).answers.length, 3);
  t.is((await ask(2, 'www')).answers.length, 3);
  for (const question of ['www.red.example', 'any.apps.red.example', '_sip._tcp.red.example'])
    t.is((await ask(3, question)).rcode, 3, question);
  t.deepEqual((await ask(3, 'web1.red.example')).data, ['10.1.0.21']);
  t.is((await ask(3, '7.7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa', 'PTR')).rcode, 3);
  await running.remove({ kind: 'LogicalRouter', project: 'a', name: 'r' });
  t.deepEqual((await ask(2, 'www.red.example')).data, ['192.0.2.80']);
});

test('follows records as they come, change and go', async (t) => {
  const { ask, running } = await started(t);
  t.is((await ask(1, 'new.red.example')).rcode, 3);
  const made = await running.put(record('a', 'red', ['new', 'A', '10.1.0.70'], { ttl: 5 }));
  const reply = await ask(1, 'new.red.example');
  t.deepEqual(reply.data, ['10.1.0.70']);
  t.is(reply.answers[0]?.ttl, 5);
  await running.put({ ...made, spec: { ...made.spec, data: ['10.1.0.71'] } });
  t.deepEqual((await ask(1, 'new.red.example')).data, ['10.1.0.71']);
  await running.remove(keyOf(made));
  t.is((await ask(1, 'new.red.example')).rcode, 3);
});

test('a hostname given later hides an alias of that name', async (t) => {
  const { ask, running } = await started(t, world());
  await running.put(port('a', 'red', 'www', 9, '10.1.0.19'));
  t.deepEqual((await ask(1, 'www.red.example')).data, ['10.1.0.19']);
  await running.remove({ kind: 'Port', project: 'a', name: 'red-www' });
  t.is((await ask(1, 'www.red.example')).data[0], 'web1.red.example.');
});

test('records of one name and type share the least time to live, and tell nothing twice', async (t) => {
  const { ask } = await started(t, [
    ...tenants,
    record('a', 'red', ['set', 'A', '10.1.0.70', '10.1.0.71'], { ttl: 100, object: 'one' }),
    record('a', 'red', ['SET.red.example.', 'A', '10.1.0.71', '10.1.0.72'], { ttl: 30, object: 'two' }),
  ]);
  const reply = await ask(1, 'set.red.example');
  t.deepEqual([...reply.data].sort(), ['10.1.0.70', '10.1.0.71', '10.1.0.72']);
  t.deepEqual([...new Set(reply.answers.map(({ ttl }) => ttl))], [30]);
});

test('records keep to the new domain of their network, or say why not', async (t) => {
  const kept = record('a', 'red', ['www', 'CNAME', 'web1'], { object: 'kept' });
  const lost = record('a', 'red', ['x.red.example.', 'A', '10.1.0.70'], { object: 'lost' });
  const { running, ask } = await started(t);
  await running.write([kept, lost]);
  t.like(running.kernel.status(keyOf(kept)), { fqdn: 'www.red.example.', reason: '' });
  await running.put(network('a', 'red', 1, 1, { domain: 'crimson.example' }));
  t.like(running.kernel.status(keyOf(kept)), { fqdn: 'www.crimson.example.', reason: '' });
  t.regex(String(running.kernel.status(keyOf(lost))?.reason), /not in crimson\.example\./);
  t.is((await ask(1, 'www.crimson.example')).data[1], '10.1.0.11');
  t.is((await ask(1, 'x.crimson.example')).rcode, 3);
});

test('what changed while the plugin was away is told when it is back', async (t) => {
  const lost = { ...record('a', 'red', ['x.crimson.example.', 'A', '10.1.0.70']), status: { fqdn: 'x.crimson.example.', reason: '' } };
  const { running } = await started(t, [...tenants, lost]);
  await running.until(() => running.kernel.status(keyOf(lost))?.fqdn === '');
  t.regex(String(running.kernel.status(keyOf(lost))?.reason), /not in red\.example\./);
});

interface Refusal {
  readonly why: string;
  readonly write: Written;
  readonly at: string;
  readonly says: RegExp;
}

const wrong: readonly Refusal[] = [
  { why: 'an IPv6 address in A', write: ['x', 'A', '2001:db8::1'], at: '/spec/data/0', says: /not an IPv4 address.*10\.1\.0\.11/ },
  { why: 'an IPv4 address in AAAA', write: ['x', 'AAAA', '10.1.0.1'], at: '/spec/data/0', says: /not an IPv6 address/ },
  { why: 'an address with zeros', write: ['x', 'A', '10.1.0.011'], at: '/spec/data/0', says: /not an IPv4/ },
  {
    why: 'a name that may be whole or not',
    write: ['x', 'CNAME', 'web1.red.example'],
    at: '/spec/data/0',
    says: /web1\.red\.example\. if it is/,
  },
  { why: 'two aliases', write: ['x', 'CNAME', 'web1', 'db'], at: '/spec/data/1', says: /one canonical name/ },
  { why: 'an alias of itself', write: ['x', 'CNAME', 'X'], at: '/spec/data/0', says: /alias of itself/ },
  { why: 'an alias of the root', write: ['x', 'CNAME', '.'], at: '/spec/data/0', says: /not a name/ },
  { why: 'an alias at the apex', write: ['@', 'CNAME', 'web1'], at: '/spec/name', says: /domain itself/ },
  { why: 'an alias at a hostname', write: ['WEB1', 'CNAME', 'db'], at: '/spec/name', says: /hostname of Port\/a\/red-web1/ },
  { why: 'an alias beside a record', write: ['txt', 'CNAME', 'db'], at: '/spec/name', says: /DnsRecord\/a\/there-txt/ },
  { why: 'a record beside an alias', write: ['Alias', 'TXT', 'x'], at: '/spec/name', says: /alias already, by DnsRecord\/a\/there-alias/ },
  { why: 'a second alias', write: ['alias', 'CNAME', 'db'], at: '/spec/name', says: /other records/ },
  { why: 'an MX without preference', write: ['x', 'MX', 'web1'], at: '/spec/data/0', says: /PREFERENCE NAME/ },
  { why: 'a preference out of range', write: ['x', 'MX', '65536 web1'], at: '/spec/data/0', says: /PREFERENCE is "65536"/ },
  { why: 'an SRV with two numbers', write: ['x', 'SRV', '1 2 web1'], at: '/spec/data/0', says: /PRIORITY, WEIGHT, PORT/ },
  { why: 'a negative weight', write: ['x', 'SRV', '1 -2 3 web1'], at: '/spec/data/0', says: /WEIGHT is "-2"/ },
  { why: 'two blanks', write: ['x', 'SRV', '1 2  3 web1'], at: '/spec/data/0', says: /one blank/ },
  { why: 'too long a text', write: ['x', 'TXT', 'ä'.repeat(2049)], at: '/spec/data/0', says: /4098 bytes/ },
  { why: 'the same data twice', write: ['x', 'AAAA', '2001:db8::1', '2001:DB8:0::1'], at: '/spec/data/1', says: /twice/ },
  { why: 'a wildcard inside a name', write: ['a.*.b', 'A', '10.1.0.1'], at: '/spec/name', says: /only the first may be \*/ },
  { why: 'an empty label', write: ['a..b', 'A', '10.1.0.1'], at: '/spec/name', says: /not a name/ },
  { why: 'a label of 64', write: ['a'.repeat(64), 'A', '10.1.0.1'], at: '/spec/name', says: /not a name/ },
  { why: 'a name of more than 255 bytes', write: [`${'a.'.repeat(123)}a`, 'A', '10.1.0.1'], at: '/spec/name', says: /longer than 255/ },
  { why: 'a whole name elsewhere', write: ['www.example.org.', 'A', '10.1.0.1'], at: '/spec/name', says: /not in red\.example\./ },
  { why: 'a domain without its dot', write: ['x.red.example', 'A', '10.1.0.1'], at: '/spec/name', says: /x\.red\.example\. with a dot/ },
  { why: 'an address elsewhere', write: ['10.9.0.1', 'PTR', 'web1'], at: '/spec/name', says: /10\.1\.0\.0\/24/ },
  { why: 'a part of an address', write: ['1.10.in-addr.arpa.', 'PTR', 'web1'], at: '/spec/name', says: /no whole address/ },
  { why: 'another type for an address', write: [`${reverseOf4}.`, 'TXT', 'x'], at: '/spec/name', says: /type: PTR/ },
];

async function admitting(t: ExecutionContext, config: object = {}) {
  const there = [
    record('a', 'red', ['txt', 'TXT', 'x'], { object: 'there-txt' }),
    record('a', 'red', ['alias', 'CNAME', 'web1'], { object: 'there-alias' }),
  ];
  const running = await startPlugin(plugin, { objects: [...tenants, ...there], config });
  t.teardown(() => running.stop());
  return running;
}

for (const { why, write, at, says } of wrong) {
  test(`refuses ${why}`, async (t) => {
    const running = await admitting(t);
    const { refusals } = await running.write([record('a', 'red', write, { object: 'new' })]);
    t.is(refusals.length, 1);
    t.like(refusals[0], { object: 'DnsRecord/a/new', pointer: at });
    t.regex(`${refusals[0]?.message}: ${refusals[0]?.fix}`, says);
  });
}

test('refuses a network of another project and one that is not there', async (t) => {
  const running = await admitting(t);
  for (const each of [record('b', 'blue', ['x', 'A', '10.1.0.1']), record('a', 'none', ['x', 'A', '10.1.0.1'])]) {
    t.is((await running.write([each])).refusals[0]?.pointer, '/spec/network');
  }
});

test('sees what the same change brings and takes', async (t) => {
  const running = await admitting(t);
  const fresh = network('a', 'green', 7, 7, { domain: 'green.example' });
  const host = port('a', 'green', 'host', 8, '10.7.0.11');
  const alias = record('a', 'green', ['host', 'CNAME', 'other']);
  t.regex((await running.write([fresh, host, alias])).refusals[0]?.message ?? '', /hostname of Port\/a\/green-host/);
  const pair = [record('a', 'red', ['p', 'CNAME', 'web1'], { object: 'p1' }), record('a', 'red', ['p', 'TXT', 'x'], { object: 'p2' })];
  t.is((await running.write(pair)).refusals.length, 2);
  const swapped = record('a', 'red', ['txt', 'CNAME', 'web1'], { object: 'swapped' });
  t.deepEqual((await running.write([swapped], [{ kind: 'DnsRecord', project: 'a', name: 'there-txt' }])).refusals, []);
});

test('a network holds so many records and bytes, and may shrink beyond a lowered limit', async (t) => {
  const running = await admitting(t, { recordsPerNetwork: 3, recordBytesPerNetwork: 40 });
  const [first, second] = ['one', 'two'].map((name) => record('a', 'red', [name, 'TXT', 'x'], { object: name }));
  if (first === undefined || second === undefined) throw new TypeError('two');
  t.regex((await running.write([first, second])).refusals[0]?.message ?? '', /4 DnsRecords/);
  t.deepEqual((await running.write([first])).refusals, []);
  const long = { ...first, spec: { ...first.spec, data: ['x'.repeat(50)] } };
  t.regex((await running.write([long])).refusals[0]?.message ?? '', /55 bytes/);
  const lowered = await admitting(t, { recordsPerNetwork: 1, recordBytesPerNetwork: 1 });
  const smaller = record('a', 'red', ['alias', 'CNAME', 'db'], { object: 'there-alias' });
  t.deepEqual((await lowered.write([smaller])).refusals, []);
});

test('one name and type fit one answer', async (t) => {
  const running = await admitting(t);
  const texts = (from: number): string[] => Array.from({ length: 10 }, (_, index) => `${from + index}`.padEnd(4000, 'x'));
  t.deepEqual((await running.write([record('a', 'red', ['big', 'TXT', ...texts(0)], { object: 'big1' })])).refusals, []);
  const { refusals } = await running.write([record('a', 'red', ['big', 'TXT', ...texts(10)], { object: 'big2' })]);
  t.like(refusals[0], { object: formatKey({ kind: 'DnsRecord', project: 'a', name: 'big2' }), pointer: '/spec/data' });
});
