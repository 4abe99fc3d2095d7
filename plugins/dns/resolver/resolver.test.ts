import test from 'ava';
import {
  type Behaviour,
  cname,
  isProbe,
  pretendedUpstreams,
  question,
  soa,
  upstreamsOf,
  withAddress,
} from '../test/pretended-upstreams.ts';
import { Resolver, type ResolverSettings } from './resolver.ts';

const settings: ResolverSettings = {
  ...{ timeoutMs: 1000, hedgeMs: 300, rounds: 2, maxPerPort: 2, maxInFlight: 4 },
  cache: { entries: 10, bytes: 100_000, minSeconds: 0, maxSeconds: 1000, maxNegativeSeconds: 30, staleSeconds: 3600, failureSeconds: 4 },
};
const flags = { dnssecOk: false, checkingDisabled: false };

function world(behaviour: Behaviour, more: { list?: string[]; settings?: Partial<ResolverSettings> } = {}) {
  const { heard, clock, transports } = pretendedUpstreams(behaviour);
  const list = upstreamsOf(...(more.list ?? ['192.0.2.1', '192.0.2.2']));
  const resolver = new Resolver({ ...settings, ...more.settings }, () => list, transports, clock);
  const ask = (name: string, asker: { port?: number; network?: string; upstreams?: string[]; flags?: typeof flags } = {}) => {
    const { port = 1, network = 'red', upstreams } = asker;
    const spec = upstreams === undefined ? undefined : { upstreams };
    return Promise.resolve(resolver.resolve(question(name), asker.flags ?? flags, { port, network, spec }));
  };
  /** Asks and lets time pass until there is an answer. */
  const askAndWait = async (...how: Parameters<typeof ask>) => {
    const from = clock.now();
    const asking = ask(...how).then((resolution) => ({ ...resolution, tookMs: clock.now() - from }));
    await clock.pass(10_000);
    return asking;
  };
  const questions = () => heard.filter((one) => !isProbe(one));
  return { heard: questions, resolver, clock, ask, askAndWait };
}

test('asks the first upstream and keeps the answer', async (t) => {
  const { ask, heard, resolver, clock } = world(withAddress);
  t.like(await ask('www.example.com'), { rcode: 0, authoritative: false });
  await clock.pass(5000);
  t.is((await ask('WWW.example.com')).answers[0]?.ttl, 15);
  t.deepEqual(
    heard().map(({ upstream }) => upstream),
    ['192.0.2.1'],
  );
  t.like(resolver.counters, { cacheHits: 1, cacheMisses: 1, upstreamQueries: 1 });
  await clock.pass(15_000);
  await ask('www.example.com');
  t.is(heard().length, 2);
});

test('gives cached answers at once', async (t) => {
  const { ask, resolver } = world(withAddress);
  await ask('www.example.com');
  t.false(resolver.resolve(question('www.example.com'), flags, { port: 1, network: 'red', spec: undefined }) instanceof Promise);
});

test('believes NXDOMAIN and NODATA, and keeps them as long as the SOA says', async (t) => {
  for (const rcode of [0, 3]) {
    const { ask, heard, clock } = world(() => ({ rcode, authorities: [soa('example', 600, 20)] }));
    t.is((await ask('www.example')).rcode, rcode);
    await clock.pass(19_000);
    t.is((await ask('www.example')).authorities[0]?.ttl, 1);
    t.is(heard().length, 1);
    await clock.pass(1000);
    await ask('www.example');
    t.is(heard().length, 2);
  }
});

test('fails without upstreams', async (t) => {
  t.is((await world(withAddress, { list: [] }).ask('www.example.com')).rcode, 2);
});

test('joins the same question, and only the same', async (t) => {
  const gate = Promise.withResolvers<void>();
  const { ask, heard, resolver } = world((one) => gate.promise.then(() => withAddress(one)));
  const waiting = [ask('a.example'), ask('A.example', { port: 2 }), ask('a.example', { port: 3, flags: { ...flags, dnssecOk: true } })];
  gate.resolve();
  for (const one of await Promise.all(waiting)) t.is(one.answers.length, 1);
  t.is(heard().length, 2);
  t.is(resolver.counters.joined, 1);
});

test('bounds what is under way: per port, per network and in all', async (t) => {
  const gate = Promise.withResolvers<void>();
  const { ask, resolver } = world((one) => gate.promise.then(() => withAddress(one)));
  const waiting = [ask('a.example'), ask('b.example')];
  t.is((await ask('c.example')).rcode, 2, 'the third of a port');
  t.is((await ask('a.example')).rcode, 2, 'the third of a port, joined or not');
  t.is((await ask('c.example', { port: 2 })).rcode, 2, 'a network leaves half of the room to others');
  waiting.push(ask('c.example', { port: 3, network: 'blue' }), ask('a.example', { port: 3, network: 'blue' }));
  gate.resolve();
  for (const one of await Promise.all(waiting)) t.is(one.rcode, 0);
  t.is(resolver.counters.overload, 3);
  t.is((await ask('d.example')).rcode, 0, 'room again');
});

test('answers of different upstreams never mix', async (t) => {
  const own = { upstreams: ['198.51.100.1'] };
  const { ask, heard } = world((one) =>
    one.upstream === '198.51.100.1' ? withAddress(one) : { rcode: 3, authorities: [soa('example', 60, 60)] },
  );
  t.is((await ask('db.example', { network: 'blue', ...own })).rcode, 0);
  t.is((await ask('db.example', { network: 'red' })).rcode, 3);
  t.is((await ask('db.example', { network: 'green', ...own })).rcode, 0, 'the same upstream, but another network');
  t.is((await ask('db.example', { network: 'blue', ...own })).rcode, 0);
  t.is(heard().length, 3);
  t.is((await ask('db.example', { network: 'blue', upstreams: ['192.0.2.1'] })).rcode, 3, 'not what the former upstream said');
  t.is((await ask('db.example', { network: 'blue' })).rcode, 3);
});

test('an answer that ended is given when no upstream answers, and the fresh one once there is one', async (t) => {
  let works = true;
  const { ask, askAndWait, clock, resolver, heard } = world((one) => (works ? withAddress(one) : 'ECONNREFUSED'));
  await ask('www.example');
  works = false;
  await clock.pass(25_000);
  t.is((await askAndWait('www.example')).answers[0]?.ttl, 30);
  const before = heard().length;
  t.like(await askAndWait('www.example'), { tookMs: 0, rcode: 0 });
  t.is(heard().length, before, 'upstreams are left alone for a while');
  works = true;
  await clock.pass(31_000);
  t.is((await askAndWait('www.example')).answers[0]?.ttl, 20);
  t.is(resolver.counters.staleAnswers, 2);
});

test('with an upstream back, questions that failed are asked again at once', async (t) => {
  let works = true;
  const { ask, askAndWait, clock, resolver } = world((one) => (works ? withAddress(one) : 'ECONNREFUSED'));
  await ask('www.example');
  works = false;
  await clock.pass(25_000);
  await askAndWait('www.example');
  works = true;
  resolver.forgetFailures();
  t.is((await ask('www.example')).answers[0]?.ttl, 20);
});

test('nobody waits longer than 1.8 s for a fresh answer when there is a stale one', async (t) => {
  let slowMs = 0;
  const world1 = world(
    async (one) => {
      await world1.clock.sleep(slowMs);
      return withAddress(one);
    },
    { settings: { timeoutMs: 9000 } },
  );
  const { askAndWait, clock } = world1;
  await askAndWait('www.example');
  slowMs = 5000;
  await clock.pass(25_000);
  const stale = await askAndWait('www.example');
  t.like(stale, { tookMs: 1800 });
  t.is(stale.answers[0]?.ttl, 30);
  t.is((await askAndWait('www.example')).answers[0]?.ttl, 15, 'refreshed behind it');
});

test('a stale answer is better than an overload', async (t) => {
  let works = true;
  const { ask, clock } = world((one) => (works ? withAddress(one) : 'silent'));
  await ask('www.example');
  works = false;
  await clock.pass(25_000);
  for (const name of ['a.example', 'b.example']) void ask(name);
  t.is((await ask('www.example')).answers[0]?.ttl, 30);
});

test('stale answers have an end', async (t) => {
  let works = true;
  const { ask, askAndWait, clock } = world((one) => (works ? withAddress(one) : 'silent'));
  await ask('www.example');
  works = false;
  await clock.pass(3_600_000 + 20_000);
  t.is((await askAndWait('www.example')).rcode, 2);
});

test('a question that failed is spared for 1, 2, 4 seconds, and no longer than the setting', async (t) => {
  const { ask, heard, clock, resolver } = world(() => ({ rcode: 2 }));
  const spared: number[] = [];
  for (let failure = 0; failure < 5; failure += 1) {
    t.is((await ask('www.example')).rcode, 2);
    const [asked, from] = [heard().length, clock.now()];
    while (heard().length === asked) {
      await clock.pass(500);
      await ask('www.example');
    }
    spared.push(clock.now() - from);
    await clock.pass(0);
  }
  t.deepEqual(spared, [1000, 2000, 4000, 4000, 4000]);
  t.true((resolver.counters.failureHits ?? 0) > 0);
});

test('asks anew for popular answers before they end', async (t) => {
  const { ask, heard, clock, resolver } = world((one) => withAddress(one, 100));
  for (let index = 0; index < 4; index += 1) await ask('www.example');
  await ask('seldom.example');
  await clock.pass(89_000);
  await ask('www.example');
  t.is(heard().length, 2);
  await clock.pass(2000);
  t.is((await ask('www.example')).answers[0]?.ttl, 9, 'nobody waits for it');
  await ask('seldom.example');
  await clock.pass(0);
  t.is(heard().length, 3);
  t.is((await ask('www.example')).answers[0]?.ttl, 100);
  t.is(resolver.counters.prefetches, 1);
});

test('keeps authorities that prove something, drops the rest', async (t) => {
  const ns = { ...question('example', 2), ttl: 9, data: Buffer.from([0]) };
  const signature = { ...question('example', 46), ttl: 9, data: Buffer.alloc(20) };
  const { ask } = world((one) => ({ ...withAddress(one), authorities: [ns, signature], additionals: [ns] }));
  t.is((await ask('a.example')).authorities.length, 0);
  t.deepEqual(
    (await ask('a.example', { flags: { ...flags, dnssecOk: true } })).authorities.map(({ type }) => type),
    [46],
  );
});

test('drops what does not belong to the question', async (t) => {
  const { ask } = world((one) => ({
    answers: [
      cname('a.example', 60, 'b.example'),
      ...(withAddress(one).answers ?? []),
      { ...question('bank.example'), ttl: 60, data: Buffer.alloc(4) },
    ],
  }));
  t.deepEqual(
    (await ask('a.example')).answers.map(({ name }) => name.join('.')),
    ['a.example', 'a.example'],
  );
});
