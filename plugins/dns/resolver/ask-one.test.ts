import test from 'ava';
import type { DnsMessage } from '../message/codec.ts';
import { type Behaviour, pretendedUpstreams, question, upstreamsOf, withAddress } from '../test/pretended-upstreams.ts';
import { Asker } from './ask-one.ts';
import { Health } from './health.ts';

const flags = { dnssecOk: false, checkingDisabled: false };
const [upstream = { address: '', port: 0 }] = upstreamsOf('192.0.2.1');
const nameOf = ({ questions }: DnsMessage): string => questions[0]?.name.join('.') ?? '';
/** A name with so many letters is sent in one case only once in 2^39. */
const long = question('a-name-with-quite-a-few-letters-in-it.example');
const lowered = ({ questions }: DnsMessage) => questions.map((one) => ({ ...one, name: one.name.map((label) => label.toLowerCase()) }));

function world(behaviour: Behaviour) {
  const { heard, clock, transports } = pretendedUpstreams(behaviour);
  const health = new Health(upstream);
  const asker = new Asker(transports, clock, 1000);
  const ask = async (asked = long) => {
    const asking = asker.ask(health, asked, flags);
    await clock.pass(10_000);
    return asking;
  };
  return { heard, clock, health, ask, ways: () => heard.map(({ tcp }) => (tcp ? 'tcp' : 'udp')) };
}

test('sends names in random case, and reads them in lower case', async (t) => {
  const { ask, heard } = world((one) => withAddress(one));
  const asked = await ask();
  await ask();
  const [sent, again] = heard.map(({ query }) => nameOf(query));
  t.not(sent, sent?.toLowerCase());
  t.not(sent, again);
  t.true(asked.ok);
  if (asked.ok) t.deepEqual([nameOf(asked.message), asked.message.answers[0]?.name.join('.')], Array(2).fill(sent?.toLowerCase()));
});

test('does not believe a name in another case over UDP, and finds out over TCP whether the upstream keeps it', async (t) => {
  const forged = world((one) => (one.tcp ? withAddress(one) : { questions: lowered(one.query) }));
  t.true((await forged.ask()).ok);
  t.deepEqual(forged.ways(), ['udp', 'tcp']);
  t.true(forged.health.manner(0).mixCase, 'it keeps the case: the other reply was forged');
  const lowering = world((one) => ({ ...withAddress(one), questions: lowered(one.query) }));
  t.true((await lowering.ask()).ok);
  t.deepEqual(lowering.ways(), ['udp', 'tcp']);
  t.false(lowering.health.manner(lowering.clock.now()).mixCase);
  t.true((await lowering.ask()).ok);
  t.deepEqual(lowering.ways(), ['udp', 'tcp', 'udp'], 'no random case from now on');
  await lowering.clock.pass(3_600_000);
  t.true(lowering.health.manner(lowering.clock.now()).mixCase, 'for an hour');
});

test('an upstream that does not keep the case and has no TCP is asked in lower case', async (t) => {
  const { ask, ways, health, clock } = world((one) => (one.tcp ? 'ECONNREFUSED' : { ...withAddress(one), questions: lowered(one.query) }));
  t.true((await ask()).ok);
  t.deepEqual(ways(), ['udp', 'tcp', 'udp']);
  t.false(health.manner(clock.now()).mixCase);
});

test('asks over TCP what was truncated', async (t) => {
  const { ask, ways, health } = world((one) => ({ ...(one.tcp ? withAddress(one) : {}), truncated: !one.tcp }));
  const asked = await ask();
  t.true(asked.ok && asked.message.answers.length === 1);
  t.deepEqual(ways(), ['udp', 'tcp']);
  t.like(health, { truncated: 1, tcp: 1, sent: 2 });
});

test('what stays truncated, or has no TCP, is no answer, but no silence either', async (t) => {
  const { ask } = world(() => ({ truncated: true }));
  t.deepEqual(await ask(), { ok: false, reason: 'truncated over TCP', silent: false });
  const closed = world(({ tcp }) => (tcp ? 'ECONNREFUSED' : { truncated: true }));
  t.deepEqual(await closed.ask(), { ok: false, reason: 'ECONNREFUSED', silent: false });
});

for (const rcode of [1, 4]) {
  test(`an old server that answers EDNS with ${rcode} is asked without, from then on`, async (t) => {
    const plain = { edns: undefined } as unknown as Partial<DnsMessage>;
    const { ask, heard, health, clock } = world((one) => (one.query.edns === undefined ? withAddress(one) : { ...plain, rcode }));
    t.true((await ask()).ok);
    t.false(health.manner(clock.now()).edns);
    await ask();
    t.deepEqual(
      heard.map(({ query }) => query.edns !== undefined),
      [true, false, false],
    );
    await clock.pass(3_600_000);
    t.true(health.manner(clock.now()).edns);
  });

  test(`a server that knows EDNS and answers ${rcode} means it`, async (t) => {
    const { ask, heard } = world(() => ({ rcode }));
    const asked = await ask();
    t.true(asked.ok && asked.message.rcode === rcode);
    t.is(heard.length, 1);
  });

  test(`one that answers ${rcode} with and without EDNS is not taken for an old one`, async (t) => {
    const plain = { edns: undefined } as unknown as Partial<DnsMessage>;
    const { ask, health, clock } = world(() => ({ ...plain, rcode }));
    await ask();
    t.true(health.manner(clock.now()).edns);
  });
}

test('tells silence, and why', async (t) => {
  t.deepEqual(await world(() => 'silent').ask(), { ok: false, reason: 'timeout', silent: true });
  t.deepEqual(await world(() => 'EHOSTUNREACH').ask(), { ok: false, reason: 'EHOSTUNREACH', silent: true });
});
