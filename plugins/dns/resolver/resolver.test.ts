import test from 'ava';
import { buildDns, type DnsMessage, parseDns, type Question } from '../message/codec.ts';
import { acceptReply, Resolver } from './resolver.ts';
import type { Exchange, Upstream } from './upstream.ts';

const settings = {
  ...{ timeoutMs: 1000, rounds: 2, maxPerPort: 2, maxInFlight: 3 },
  cache: { entries: 10, minSeconds: 0, maxSeconds: 100, maxNegativeSeconds: 30 },
};
const flags = { dnssecOk: false, checkingDisabled: false };
const question = (name: string): Question => ({ name: name.split('.'), type: 1, class: 1 });
const upstreams: readonly Upstream[] = [
  { address: '192.0.2.1', port: 53 },
  { address: '192.0.2.2', port: 53 },
];

/** What an upstream does with a query: a reply, an error's reason, or nothing yet. */
type Behaviour = (query: DnsMessage, upstream: Upstream) => Partial<DnsMessage> | string | Promise<Partial<DnsMessage>>;

function world(behaviour: Behaviour, list = upstreams) {
  const asked: { upstream: string; query: DnsMessage }[] = [];
  let nowMs = 0;
  const exchange: Exchange = async (upstream, bytes, _timeoutMs, accept) => {
    const query = parseDns(bytes);
    asked.push({ upstream: upstream.address, query });
    const said = await behaviour(query, upstream);
    if (typeof said === 'string') return { ok: false, reason: said };
    const value = accept(buildDns({ ...query, response: true, ...said }));
    return value === undefined ? { ok: false, reason: 'timeout' } : { ok: true, value };
  };
  const resolver = new Resolver(
    settings,
    () => list,
    exchange,
    () => nowMs,
  );
  const ask = (name: string, port = 1, more = flags) => resolver.resolve(question(name), more, port);
  return { asked, resolver, ask, pass: (ms: number) => (nowMs += ms) };
}

const address = (query: DnsMessage, ttl = 20): Partial<DnsMessage> => ({
  answers: query.questions.map((asked) => ({ ...asked, ttl, data: Buffer.from([192, 0, 2, 80]) })),
});

test('asks the first upstream and keeps the answer', async (t) => {
  const { ask, asked, resolver, pass } = world((query) => address(query));
  t.like(await ask('www.example.com'), { rcode: 0, authoritative: false });
  pass(5000);
  t.is((await ask('WWW.example.com')).answers[0]?.ttl, 15);
  t.deepEqual(
    asked.map((one) => one.upstream),
    ['192.0.2.1'],
  );
  t.like(resolver.counters, { cacheHits: 1, cacheMisses: 1, upstreamQueries: 1 });
  pass(15_000);
  await ask('www.example.com');
  t.is(asked.length, 2);
});

test('asks for recursion with EDNS and an id of its own', async (t) => {
  const { ask, asked } = world((query) => address(query));
  for (let index = 0; index < 40; index += 1) await ask(`n${index}.example`);
  t.true(asked.every(({ query }) => query.recursionDesired && !query.response && query.edns?.size === 1232));
  t.true(new Set(asked.map(({ query }) => query.id)).size > 30);
});

test('goes through the list in order, twice, then fails', async (t) => {
  const { ask, asked, resolver } = world(() => 'timeout');
  t.is((await ask('www.example.com')).rcode, 2);
  t.deepEqual(
    asked.map((one) => one.upstream),
    ['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.2'],
  );
  t.is(resolver.counters.upstreamFailures, 4);
  await ask('www.example.com');
  t.is(asked.length, 8, 'a failure is not kept');
});

for (const rcode of [1, 2, 4, 5]) {
  test(`passes over an upstream that answers ${rcode}`, async (t) => {
    const { ask } = world((query, upstream) => (upstream.address === '192.0.2.1' ? { rcode } : address(query)));
    t.is((await ask('www.example.com')).answers.length, 1);
  });
}

test('believes NXDOMAIN', async (t) => {
  const { ask, asked } = world(() => ({ rcode: 3 }));
  t.is((await ask('www.example.com')).rcode, 3);
  t.is(asked.length, 1);
});

test('fails without upstreams', async (t) => {
  t.is((await world(() => 'timeout', []).ask('www.example.com')).rcode, 2);
});

test('joins the same question, and only the same', async (t) => {
  const gate = Promise.withResolvers<void>();
  const { ask, asked, resolver } = world((query) => gate.promise.then(() => address(query)));
  const waiting = [ask('a.example', 1), ask('A.example', 2), ask('a.example', 3, { ...flags, dnssecOk: true })];
  gate.resolve();
  for (const one of await Promise.all(waiting)) t.is(one.answers.length, 1);
  t.is(asked.length, 2);
  t.is(resolver.counters.joined, 1);
});

test('bounds what is under way: per port and in all', async (t) => {
  const gate = Promise.withResolvers<void>();
  const { ask, resolver } = world((query) => gate.promise.then(() => address(query)));
  const waiting = [ask('a.example', 1), ask('b.example', 1)];
  t.is((await ask('c.example', 1)).rcode, 2, 'the third of a port');
  t.is((await ask('a.example', 1)).rcode, 2, 'the third of a port, joined or not');
  waiting.push(ask('c.example', 2));
  t.is((await ask('d.example', 3)).rcode, 2, 'the fourth in all');
  waiting.push(ask('a.example', 3));
  gate.resolve();
  for (const one of await Promise.all(waiting)) t.is(one.rcode, 0);
  t.is(resolver.counters.overload, 3);
  t.is((await ask('d.example', 1)).rcode, 0, 'room again');
});

test('keeps authorities that prove something, drops the rest', async (t) => {
  const ns = { name: ['com'], type: 2, class: 1, ttl: 9, data: Buffer.from([0]) };
  const { ask } = world((query) => ({ ...address(query), authorities: [ns], additionals: [ns] }));
  t.is((await ask('a.example')).authorities.length, 0);
  t.is((await ask('a.example', 1, { ...flags, dnssecOk: true })).authorities.length, 1);
});

const reply = (more: Partial<DnsMessage> = {}): DnsMessage => ({
  ...{ id: 7, response: true, opcode: 0, authoritative: false, truncated: false, recursionDesired: true, recursionAvailable: true },
  ...{
    authenticData: false,
    checkingDisabled: false,
    rcode: 0,
    questions: [question('a.example')],
    answers: [],
    authorities: [],
    additionals: [],
  },
  ...more,
});
const strangers: readonly [name: string, bytes: Buffer][] = [
  ['another id', buildDns(reply({ id: 8 }))],
  ['a query', buildDns(reply({ response: false }))],
  ['another opcode', buildDns(reply({ opcode: 4 }))],
  ['another name', buildDns(reply({ questions: [question('b.example')] }))],
  ['another type', buildDns(reply({ questions: [{ ...question('a.example'), type: 28 }] }))],
  ['another class', buildDns(reply({ questions: [{ ...question('a.example'), class: 3 }] }))],
  ['no question', buildDns(reply({ questions: [] }))],
  ['two questions', buildDns(reply({ questions: [question('a.example'), question('a.example')] }))],
  ['garbage with the right id', Buffer.from('000780', 'hex')],
  ['nothing', Buffer.alloc(0)],
];
for (const [name, bytes] of strangers) {
  test(`does not take ${name} for its reply`, (t) => t.is(acceptReply(bytes, 7, question('a.example')), undefined));
}
test('takes its reply, whatever the case of the name', (t) => {
  t.truthy(acceptReply(buildDns(reply({ questions: [question('A.EXAMPLE')] })), 7, question('a.example')));
});
