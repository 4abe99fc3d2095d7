import test from 'ava';
import { a, type Behaviour, isProbe, pretendedUpstreams, question, soa, upstreamsOf, withAddress } from '../test/pretended-upstreams.ts';
import { ListAsker } from './ask-list.ts';
import { Asker } from './ask-one.ts';
import { Fleet } from './fleet.ts';

const flags = { dnssecOk: false, checkingDisabled: false };
const [first, second, third] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'] as const;

function world(behaviour: Behaviour, maxHedged = 100) {
  const { heard, clock, transports } = pretendedUpstreams(behaviour);
  const fleet = new Fleet(transports, clock, 1000);
  const list = new ListAsker({ timeoutMs: 1000, rounds: 2, hedgeMs: 300, maxHedged }, new Asker(transports, clock, 1000), fleet, clock);
  const ask = async (upstreams: readonly string[] = [first, second], name = 'www.example') => {
    const from = clock.now();
    const asking = list.ask(upstreamsOf(...upstreams), question(name), flags).then((message) => ({ message, tookMs: clock.now() - from }));
    await clock.pass(20_000);
    return asking;
  };
  const asked = () => heard.filter((one) => !isProbe(one)).map(({ upstream, at }) => [upstream, at]);
  return { heard, clock, fleet, list, ask, asked };
}

test('goes through the list in order, twice, then fails', async (t) => {
  const { ask, asked, list } = world((one) => (isProbe(one) ? {} : 'silent'));
  const { message, tookMs } = await ask();
  t.is(message, undefined);
  t.is(tookMs, 1900);
  t.deepEqual(asked(), [
    [first, 0],
    [second, 300],
    [first, 600],
    [second, 900],
  ]);
  t.like(list.counters, { upstreamQueries: 4, upstreamFailures: 4, hedged: 3 });
});

test('asks the next at once when one cannot be reached', async (t) => {
  const { ask, asked } = world((one) => (one.upstream === first ? 'ECONNREFUSED' : withAddress(one)));
  t.like(await ask(), { tookMs: 0 });
  t.deepEqual(asked(), [
    [first, 0],
    [second, 0],
  ]);
});

for (const rcode of [1, 2, 4, 5, 9]) {
  test(`passes over an upstream that answers ${rcode}, once and for all rounds`, async (t) => {
    const { ask, fleet } = world((one) => (one.upstream === first ? { rcode } : withAddress(one)));
    t.is((await ask()).message?.answers.length, 1);
    const [health] = fleet.ranked(upstreamsOf(first));
    t.like(health, { state: 'up', sent: rcode === 1 || rcode === 4 ? 1 : 1, failures: 1 });
    t.is((await ask([first])).message, undefined);
    t.is(health?.sent, 2, 'the second round spares who said no');
  });
}

test('takes a referral for no answer', async (t) => {
  const ns = { ...question('example', 2), ttl: 9, data: Buffer.from([0]) };
  const { ask, fleet } = world((one) => (one.upstream === first ? { authorities: [ns] } : withAddress(one)));
  t.is((await ask()).message?.answers.length, 1);
  t.is(fleet.ranked(upstreamsOf(first))[0]?.lastError, 'referral');
  const negative = world(() => ({ authorities: [ns, soa('example', 9, 9)] }));
  t.is((await negative.ask()).message?.rcode, 0);
});

test('the first good answer counts, whoever gives it', async (t) => {
  const { ask, clock } = world(async (one) => {
    await clock.sleep(one.upstream === first ? 500 : 100);
    return { answers: [a('www.example', 9, one.upstream)] };
  });
  const { message, tookMs } = await ask();
  t.is(tookMs, 400);
  t.deepEqual([...(message?.answers[0]?.data ?? [])], [192, 0, 2, 2]);
});

test('an upstream that is late but answers is not taken for dead', async (t) => {
  const { ask, clock, fleet } = world(async (one) => {
    await clock.sleep(one.upstream === first ? 700 : 10);
    return withAddress(one);
  });
  for (let index = 0; index < 5; index += 1) await ask();
  const [health] = fleet.ranked(upstreamsOf(first));
  t.like(health, { state: 'up', failures: 0 });
  t.is(Math.round(health?.rttMs ?? 0), 700);
});

test('waits longer for an upstream that is usually slow', async (t) => {
  const { ask, asked, clock } = world(async (one) => {
    await clock.sleep(250);
    return withAddress(one);
  });
  await ask([first, second], 'a.example');
  await ask([first, second], 'b.example');
  t.deepEqual(
    asked().map(([upstream]) => upstream),
    [first, first],
  );
});

test('with much under way nobody is asked before another has failed', async (t) => {
  const { ask, asked } = world((one) => (isProbe(one) ? {} : 'silent'), 1);
  await ask();
  t.deepEqual(
    asked().map(([, at]) => at),
    [0, 1000, 2000, 3000],
  );
});

test('one that does not answer is passed over until it does', async (t) => {
  let works = false;
  const { ask, asked, fleet, clock } = world((one) => (one.upstream === first && !works ? 'silent' : withAddress(one)));
  for (let index = 0; index < 2; index += 1) t.like(await ask(), { tookMs: 300 });
  t.is(fleet.ranked(upstreamsOf(first))[0]?.state, 'down');
  t.like(await ask([first, second, third]), { tookMs: 0 });
  t.is(asked().at(-1)?.[0], second);
  works = true;
  await clock.pass(60_000);
  t.is(fleet.ranked(upstreamsOf(first))[0]?.state, 'up');
  await ask();
  t.is(asked().at(-1)?.[0], first);
});

test('asks those that are down when nobody else is left', async (t) => {
  let works = false;
  const { ask, fleet, heard } = world((one) => (works && !isProbe(one) ? withAddress(one) : 'silent'));
  for (let index = 0; index < 3; index += 1) await ask([first]);
  t.is(fleet.ranked(upstreamsOf(first))[0]?.state, 'down');
  t.true(heard.some(isProbe));
  works = true;
  t.is((await ask([first])).message?.answers.length, 1);
  t.is(fleet.ranked(upstreamsOf(first))[0]?.state, 'up', 'an answer is as good as a probe');
});
