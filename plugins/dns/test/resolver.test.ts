/** The resolver with real sockets, and upstreams that misbehave. */
import test, { type ExecutionContext } from 'ava';
import { buildDns, type DnsMessage } from '../message/codec.ts';
import { hostClock } from '../resolver/clock.ts';
import { Resolver } from '../resolver/resolver.ts';
import { TcpTransport } from '../resolver/tcp.ts';
import { exchangeOverUdp } from '../resolver/udp.ts';
import type { Upstream } from '../resolver/upstream.ts';
import { answersOf, kind, type NastyQuery, nastyServer, type Script } from './nasty-server.ts';
import { question } from './pretended-upstreams.ts';

const cache = { entries: 100, bytes: 1e6, minSeconds: 0, maxSeconds: 100, maxNegativeSeconds: 30, staleSeconds: 60, failureSeconds: 5 };
const flags = { dnssecOk: false, checkingDisabled: false };

function resolverFor(t: ExecutionContext, upstreams: readonly Upstream[], timeoutMs = 10_000) {
  const tcp = new TcpTransport(hostClock);
  const settings = { timeoutMs, hedgeMs: timeoutMs, rounds: 1, maxPerPort: 64, maxInFlight: 512, cache };
  const resolver = new Resolver(settings, () => upstreams, { udp: exchangeOverUdp, tcp: tcp.exchange }, hostClock);
  t.teardown(() => {
    resolver.fleet.stop();
    tcp.close();
  });
  const ask = async (name = 'a-name-with-quite-a-few-letters.example', type = 1) =>
    await resolver.resolve(question(name, type), flags, { port: 1, network: 'red', spec: undefined });
  return { resolver, ask };
}

const lowered = ({ questions }: DnsMessage) => ({
  questions: questions.map((one) => ({ ...one, name: one.name.map((label) => label.toLowerCase()) })),
});
const kindly = (one: NastyQuery, more: Partial<DnsMessage> = {}) => one.reply({ ...answersOf(one.query), ...more });
const inTurn = (one: NastyQuery, ...replies: (Partial<DnsMessage> | Buffer)[]): void => {
  for (const reply of replies) one.reply(reply);
};
const forged = Buffer.from([198, 51, 100, 66]);

const cut = (query: DnsMessage) => buildDns({ ...query, response: true, truncated: true, ...answersOf(query) }).subarray(0, -14);

const misdeeds: readonly [title: string, script: Script, options?: { tcp?: boolean; udp?: boolean }][] = [
  ['is kind', kind],
  ['lies in the id, then tells the truth', (one) => inTurn(one, { ...answersOf(one.query), id: one.query.id ^ 1 }, answersOf(one.query))],
  [
    'lies in the question, then tells the truth',
    (one) => {
      kindly(one, {
        questions: [question('other.example')],
        answers: one.query.questions.map((asked) => ({ ...asked, ttl: 9, data: forged })),
      });
      kindly(one);
    },
  ],
  ['sends garbage before the reply', (one) => inTurn(one, Buffer.alloc(0), Buffer.alloc(7), Buffer.alloc(500, 0xff), answersOf(one.query))],
  ['sends its own query back before the reply', (one) => inTurn(one, one.bytes, answersOf(one.query))],
  ['truncates over UDP', (one) => (one.tcp ? kindly(one) : one.reply({ truncated: true }))],
  ['truncates in the middle of a record', (one) => (one.tcp ? kindly(one) : one.reply(cut(one.query)))],
  ['does not keep the case of names', (one) => kindly(one, lowered(one.query))],
  ['does not keep the case of names, and has no TCP', (one) => kindly(one, lowered(one.query)), { tcp: false }],
  [
    'does not know EDNS',
    ({ query, reply }) => {
      const { edns, ...plain } = { ...query, response: true };
      reply(edns === undefined ? answersOf(query) : ({ ...plain, edns: undefined, rcode: 1 } as unknown as Partial<DnsMessage>));
    },
  ],
  [
    'answers EDNS with FORMERR and nothing but a header',
    ({ query, reply }) => {
      const header = Buffer.alloc(12);
      header.writeUInt16BE(query.id, 0);
      header.writeUInt16BE(0x8001, 2);
      reply(query.edns === undefined ? answersOf(query) : header);
    },
  ],
  [
    'puts records of others into its reply',
    (one) => kindly(one, { answers: [{ ...question('bank.example'), ttl: 9, data: forged }, ...(answersOf(one.query).answers ?? [])] }),
  ],
];
for (const [title, script, options] of misdeeds) {
  test(`an upstream that ${title}`, async (t) => {
    const { upstream } = await nastyServer(t, script, options);
    const { ask } = resolverFor(t, [upstream]);
    const { answers, rcode } = await ask();
    t.is(rcode, 0);
    t.deepEqual(
      answers.map(({ name, data }) => [name.join('.'), [...data]]),
      [['a-name-with-quite-a-few-letters.example', [192, 0, 2, 80]]],
    );
  });
}

const failures: readonly [title: string, script: Script, options?: { tcp?: boolean; udp?: boolean }][] = [
  ['answers nothing but SERVFAIL', (one) => one.reply({ rcode: 2 })],
  ['refuses', (one) => one.reply({ rcode: 5 })],
  ['truncates, and resets TCP', (one) => (one.tcp ? one.reset() : one.reply({ truncated: true }))],
  ['truncates, and has no TCP', (one) => one.reply({ truncated: true }), { tcp: false }],
];
for (const [title, script, options] of failures) {
  test(`an upstream that ${title} is passed over`, async (t) => {
    const bad = await nastyServer(t, script, options);
    const good = await nastyServer(t, kind);
    const { ask, resolver } = resolverFor(t, [bad.upstream, good.upstream]);
    t.is((await ask()).answers.length, 1);
    t.is(resolver.fleet.of(bad.upstream).failures, 1);
  });
}

test('without any that answers, SERVFAIL', async (t) => {
  const { upstream } = await nastyServer(t, () => undefined);
  const { ask } = resolverFor(t, [upstream], 50);
  t.is((await ask()).rcode, 2);
});

test('a long reply comes whole', async (t) => {
  const text = Buffer.from(`\xff${'x'.repeat(255)}`, 'latin1');
  const long = (one: NastyQuery) => one.query.questions.map((asked) => ({ ...asked, ttl: 9, data: Buffer.concat(Array(200).fill(text)) }));
  const { upstream } = await nastyServer(t, (one) => one.reply(one.tcp ? { answers: long(one) } : { truncated: true }));
  const { ask, resolver } = resolverFor(t, [upstream]);
  t.is((await ask('long.example', 16)).answers[0]?.data.length, 51_200);
  t.like(resolver.fleet.of(upstream), { truncated: 1, tcp: 1, sent: 2 });
});

test('an upstream that only knows TCP is found out', async (t) => {
  const { upstream, heard } = await nastyServer(t, kind, { udp: false });
  const { ask, resolver } = resolverFor(t, [upstream], 50);
  for (const name of ['a.example', 'b.example', 'c.example']) t.is((await ask(name)).rcode, 2);
  while (resolver.fleet.of(upstream).state !== 'up') await new Promise((resolve) => setTimeout(resolve, 10));
  t.is((await ask('d.example')).rcode, 0);
  t.true(heard.every(({ tcp }) => tcp));
});
