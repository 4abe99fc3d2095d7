import test from 'ava';
import { SnatAlarms } from './alarms.ts';
import { event } from './test/world.ts';

function raised(standing: readonly string[] = []) {
  const alarms = new Map<string, string>();
  const clock = { ms: 0 };
  const changes: string[] = [];
  const set = async (key: string, alarm: { text: string } | null) => {
    changes.push(key);
    if (alarm === null) alarms.delete(key);
    else alarms.set(key, alarm.text);
  };
  return { alarms, clock, changes, told: new SnatAlarms(set, standing, () => clock.ms) };
}

const exhausted = (id: number) => event(1, { event: 'exhausted', insidePort: id });
const vm = { project: 'default', port: 'vm1' };

test('a port that finds no outside port is told of until a minute after the last time', (t) => {
  const { alarms, clock, changes, told } = raised();
  told.exhausted(exhausted(11), vm);
  t.regex(alarms.get('exhausted.11') ?? '', /^default\/vm1 finds no outside port of 192\.0\.2\.8/);
  clock.ms = 50_000;
  told.exhausted(exhausted(11), vm);
  told.look();
  clock.ms = 109_000;
  told.look();
  t.deepEqual([...alarms.keys()], ['exhausted.11']);
  clock.ms = 110_000;
  told.look();
  t.is(alarms.size, 0);
  t.deepEqual(changes, ['exhausted.11', 'exhausted.11']);
});

test('many ports have no alarm each', (t) => {
  const { alarms, clock, changes, told } = raised();
  for (let id = 1; id <= 100; id += 1) told.exhausted(exhausted(id), vm);
  t.is(alarms.size, 21);
  t.regex(alarms.get('exhausted.others') ?? '', /^80 more ports/);
  const count = changes.length;
  for (let id = 1; id <= 100; id += 1) told.exhausted(exhausted(id), vm);
  t.is(changes.length, count);
  clock.ms = 60_000;
  told.look();
  t.is(alarms.size, 0);
});

test('what an earlier life has left goes when its cause does not come back', (t) => {
  const { clock, changes, told } = raised(['exhausted.7', 'pool-low.3', 'log']);
  told.pools([]);
  told.log(undefined);
  t.deepEqual(changes, ['pool-low.3', 'log']);
  clock.ms = 60_000;
  told.look();
  t.deepEqual(changes.at(-1), 'exhausted.7');
});

test('a pool is low above nine tenths, until it is below eight', (t) => {
  const { alarms, told } = raised();
  const use = (blocked: number) => told.pools([{ id: 3, name: 'default/out', ports: 1_000, blocked }]);
  use(900);
  t.is(alarms.size, 0);
  use(901);
  t.regex(alarms.get('pool-low.3') ?? '', /more than 90 % of the 1000/);
  use(850);
  t.is(alarms.size, 1);
  use(800);
  t.is(alarms.size, 0);
});

test('a log that cannot be written is critical, once', (t) => {
  const { alarms, changes, told } = raised();
  told.log('ENOSPC');
  told.log('ENOSPC');
  t.regex(alarms.get('log') ?? '', /ENOSPC/);
  told.log(undefined);
  t.deepEqual(changes, ['log', 'log']);
});
