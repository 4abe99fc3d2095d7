import test from 'ava';
import { type Behaviour, isProbe, pretendedUpstreams, upstreamsOf } from '../test/pretended-upstreams.ts';
import { Fleet } from './fleet.ts';
import type { HealthState } from './health.ts';

const list = upstreamsOf('192.0.2.1');
const [upstream = { address: '', port: 0 }] = list;

function world(behaviour: Behaviour) {
  const { heard, clock, transports } = pretendedUpstreams(behaviour);
  const fleet = new Fleet(transports, clock, 1000);
  const states: HealthState[] = [];
  fleet.onState = ({ state }) => states.push(state);
  const health = fleet.of(upstream);
  const fall = (times = 2) => {
    health.usedAt = clock.now();
    for (let index = 0; index < times; index += 1) fleet.report(health, { silent: true, fault: 'timeout' });
  };
  return { heard, clock, fleet, states, health, fall };
}

test('two questions in a row without a reply make it suspect; the probe decides', async (t) => {
  const answering = world(() => ({ rcode: 5 }));
  answering.fall(1);
  t.is(answering.health.state, 'unknown');
  answering.fall(1);
  t.is(answering.health.state, 'suspect');
  await answering.clock.pass(0);
  t.deepEqual(answering.states, ['suspect', 'up'], 'any reply to the probe is a sign of life');
  const silent = world(() => 'silent');
  silent.fall();
  await silent.clock.pass(3000);
  t.deepEqual(silent.states, ['suspect', 'down']);
  t.like(silent.health, { failures: 2, lastError: 'timeout' });
});

test('what a VM can provoke takes no upstream away', (t) => {
  const { fleet, health } = world(() => 'silent');
  for (let index = 0; index < 100; index += 1) fleet.report(health, { silent: false, fault: 'SERVFAIL' });
  t.like(health, { state: 'up', failures: 100, lastError: 'SERVFAIL' });
});

test('a reply in between counts', (t) => {
  const { fleet, health, fall } = world(() => 'silent');
  fall(1);
  fleet.report(health, { silent: false });
  fall(1);
  t.is(health.state, 'up');
});

test('probes it again after longer and longer times, one minute at most, until it answers', async (t) => {
  let works = false;
  const { clock, health, heard, fall } = world(() => (works ? {} : 'ECONNREFUSED'));
  fall();
  await clock.pass(400_000);
  const at = heard.filter(({ tcp }) => !tcp).map((one) => one.at);
  const waits = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  for (const [index, expected] of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000].entries()) {
    t.true(Math.abs((waits[index] ?? 0) / expected - 1) <= 0.25, `wait ${index}: ${waits[index]} ms`);
  }
  t.true(heard.every(isProbe));
  works = true;
  await clock.pass(75_000);
  t.is(health.state, 'up');
  const before = heard.length;
  await clock.pass(600_000);
  t.is(heard.length, before);
});

test('where only TCP is answered, questions go there, for a while', async (t) => {
  const { clock, health, fall } = world(({ tcp }) => (tcp ? {} : 'silent'));
  fall();
  await clock.pass(2000);
  t.is(health.state, 'up');
  t.true(health.manner(clock.now()).tcp);
  await clock.pass(600_000);
  t.false(health.manner(clock.now()).tcp);
});

test('one that nobody asks for is probed no more, unless it is in the plugin’s own list', async (t) => {
  const stranger = world(() => 'silent');
  stranger.fall();
  await stranger.clock.pass(1_000_000);
  t.is(stranger.health.state, 'unknown');
  t.is(stranger.clock.timers, 0);
  const own = world(() => 'silent');
  own.fleet.keep(list);
  own.fall();
  await own.clock.pass(1_000_000);
  t.is(own.health.state, 'down');
});

test('stops', async (t) => {
  const { clock, fleet, fall } = world(() => 'silent');
  fall();
  await clock.pass(5000);
  fleet.stop();
  await clock.pass(100_000);
  t.is(clock.timers, 0);
});

test('remembers a bounded number of upstreams: forgets those that were asked longest ago, never its own', (t) => {
  const { fleet, health } = world(() => 'silent');
  fleet.keep(list);
  const used = fleet.of({ address: '192.0.2.1', port: 1 });
  used.usedAt = 5;
  for (let index = 2; index < 5000; index += 1) fleet.of({ address: '192.0.2.2', port: index });
  t.is(fleet.size, 4096);
  t.is(fleet.of(upstream), health);
  t.is(fleet.of(used.upstream), used);
});
