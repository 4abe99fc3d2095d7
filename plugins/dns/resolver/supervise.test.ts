import type { PluginContext } from '@weft/kernel/sdk';
import test from 'ava';
import { type Behaviour, pretendedUpstreams, upstreamsOf } from '../test/pretended-upstreams.ts';
import { Fleet } from './fleet.ts';
import { supervise } from './supervise.ts';

type Alarm = { severity: string; subject: string; text: string } | null;

function world(behaviour: Behaviour, texts: readonly string[]) {
  const { clock, transports } = pretendedUpstreams(behaviour);
  const fleet = new Fleet(transports, clock, 1000);
  const alarms: Alarm[] = [];
  let forgotten = 0;
  let list = upstreamsOf(...texts);
  const host = {
    log: { info: () => undefined } as unknown as PluginContext<unknown>['log'],
    alarm: async (_key: string, alarm: Alarm) => void alarms.push(alarm),
  };
  const forgetFailures = (): void => {
    forgotten += 1;
  };
  supervise({ fleet, forgetFailures }, () => list, host);
  const fall = async (text: string) => {
    for (const upstream of upstreamsOf(text)) {
      for (let index = 0; index < 3; index += 1) fleet.report(fleet.of(upstream), { silent: true, fault: 'timeout' });
    }
    await clock.pass(3000);
  };
  const hear = (text: string): void => {
    for (const upstream of upstreamsOf(text)) fleet.report(fleet.of(upstream), { silent: false });
  };
  const use = (...others: string[]) => {
    list = upstreamsOf(...others);
  };
  return { alarms, fall, hear, clock, forgotten: () => forgotten, use };
}

test('an alarm when none of the list answers, and its end', async (t) => {
  let works = false;
  const { alarms, fall, clock, forgotten } = world(() => (works ? {} : 'silent'), ['192.0.2.1', '192.0.2.2:5353']);
  await fall('192.0.2.1');
  t.deepEqual(alarms, []);
  await fall('192.0.2.2:5353');
  t.is(alarms.length, 1);
  t.like(alarms[0], { severity: 'critical', subject: 'plugin dns' });
  t.regex(alarms[0]?.text ?? '', /192\.0\.2\.1 \(timeout\), 192\.0\.2\.2:5353 \(timeout\)/);
  works = true;
  await clock.pass(5000);
  t.deepEqual(alarms.slice(1), [null]);
  t.true(forgotten() > 0, 'and questions may be asked again');
});

test('upstreams of networks raise no alarm', async (t) => {
  const { alarms, fall } = world(() => 'silent', ['192.0.2.1']);
  await fall('198.51.100.1');
  t.deepEqual(alarms, []);
});

test('no upstreams at all are no alarm', async (t) => {
  const { alarms, fall } = world(() => 'silent', []);
  await fall('198.51.100.1');
  t.deepEqual(alarms, []);
});

test('the alarm ends when the host names other upstreams', async (t) => {
  const { alarms, fall, use } = world(() => 'silent', ['192.0.2.1']);
  await fall('192.0.2.1');
  use('192.0.2.9');
  await fall('198.51.100.1');
  t.deepEqual(alarms.slice(1), [null]);
});

test('an alarm that an earlier process left ends with the first answer', async (t) => {
  const { alarms, hear } = world(() => 'silent', ['192.0.2.1', '192.0.2.2']);
  t.deepEqual(alarms, []);
  hear('192.0.2.2');
  t.deepEqual(alarms, [null]);
  hear('192.0.2.1');
  t.is(alarms.length, 1);
});
