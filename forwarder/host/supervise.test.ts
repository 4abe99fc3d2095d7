import { EventEmitter, once } from 'node:events';
import test from 'ava';
import { restartPause, Supervisor } from './supervise.ts';

test('the first five deaths in a minute are answered at once, the next after a growing pause', (t) => {
  const deaths = (count: number): number[] => Array.from({ length: count }, (_, index) => 1_000 + index);
  t.deepEqual(
    [1, 5, 6, 7, 8, 11, 12, 60].map((count) => restartPause(deaths(count), 1_100)),
    [0, 0, 100, 200, 400, 1_000, 1_000, 1_000],
  );
});

test('deaths more than a minute ago are forgotten', (t) => {
  t.is(restartPause([0, 1, 2, 3, 4, 5, 6, 90_000], 90_000), 0);
});

class StandIn extends EventEmitter {
  async terminate(): Promise<void> {
    this.emit('exit', 1);
  }
}

test('replaces what dies and lets go of what was stopped', async (t) => {
  const started: StandIn[] = [];
  const deaths: number[] = [];
  const supervisor = new Supervisor(
    () => {
      const standIn = new StandIn();
      started.push(standIn);
      return standIn;
    },
    (code) => deaths.push(code),
  );
  supervisor.run();
  await supervisor.kill();
  started[1]?.emit('exit', 7);
  t.deepEqual(deaths, [1, 7]);
  t.is(started.length, 3);
  const gone = once(started[2] ?? new StandIn(), 'exit');
  await supervisor.stop();
  await gone;
  t.is(started.length, 3);
});
