import test from 'ava';
import { isRefusalAlarm, refusalAlarm, watchConduct } from './conduct.ts';

function setup() {
  const alarms: [string, string | null][] = [];
  const faults: string[] = [];
  const lines: unknown[] = [];
  const refusals = watchConduct({
    log: { warn: (fields) => void lines.push(fields) },
    alarm: (plugin, text) => void alarms.push([plugin, text]),
    fault: (plugin) => void faults.push(plugin),
  });
  const refuse = (plugin: string, times: number): void => {
    for (let n = 0; n < times; n++) refusals.record(plugin, 'objects.apply', 'no');
  };
  return { refusals, refuse, alarms, faults, lines };
}

test('the twentieth refusal names the plugin in an alarm, once', (t) => {
  const { refuse, alarms, faults, lines } = setup();
  refuse('evil', 19);
  t.deepEqual(alarms, []);
  refuse('evil', 100);
  t.is(alarms.length, 1);
  t.regex(alarms[0]?.[1] ?? '', /plugin evil was refused 20 acts within 60 s/);
  t.deepEqual(faults, []);
  t.like(lines[0], { plugin: 'evil', act: 'objects.apply', count: 1, detail: 'no' });
});

test('each thousand of them ends the process', (t) => {
  const { refuse, faults } = setup();
  refuse('evil', 2_500);
  refuse('dns', 999);
  t.deepEqual(faults, ['evil', 'evil']);
});

test('the alarm has a name that the kernel knows again', (t) => {
  t.true(isRefusalAlarm(refusalAlarm('evil')));
  t.false(isRefusalAlarm('evil.refusals'));
});
