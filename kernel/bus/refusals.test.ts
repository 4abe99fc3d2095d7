import test from 'ava';
import { Refusals, refusalWindowMs } from './refusals.ts';

function setup() {
  let now = 0;
  const lines: string[] = [];
  const told: [string, number][] = [];
  const refusals = new Refusals({
    log: (peer, act, detail, count) => void lines.push(`${peer} ${act} ${count}: ${detail}`),
    onCount: (peer, inWindow) => void told.push([peer, inWindow]),
    now: () => now,
  });
  return { refusals, lines, told, pass: (ms: number) => (now += ms) };
}

test('each refusal is counted by peer and act', (t) => {
  const { refusals } = setup();
  for (let n = 0; n < 1_000; n++) refusals.record('evil', 'malformed', 'x');
  refusals.record('evil', 'hello', 'x');
  refusals.record('dns', 'hello', 'x');
  t.deepEqual(refusals.counts(), [
    { peer: 'evil', act: 'malformed', count: 1_000 },
    { peer: 'evil', act: 'hello', count: 1 },
    { peer: 'dns', act: 'hello', count: 1 },
  ]);
});

test('a flood writes a few lines per window, and does not keep other acts and peers out of the log', (t) => {
  const { refusals, lines, pass } = setup();
  for (let n = 0; n < 10_000; n++) refusals.record('evil', 'malformed', 'x'.repeat(10_000));
  t.is(lines.length, 5);
  t.true(lines.every((line) => line.length < 600));
  refusals.record('evil', 'hello', 'another act');
  refusals.record('dns', 'hello', 'another peer');
  t.is(lines.length, 7);
  pass(refusalWindowMs);
  refusals.record('evil', 'malformed', 'again');
  t.is(lines.at(-1), 'evil malformed 10001: again');
});

test('the window counts what the peer did itself, and begins anew', (t) => {
  const { refusals, told, pass } = setup();
  refusals.record('dns', 'foreign-key', 'somebody else');
  refusals.record('dns', 'hello', 'x');
  refusals.record('dns', 'ready', 'x');
  pass(refusalWindowMs);
  refusals.record('dns', 'hello', 'x');
  t.deepEqual(told, [
    ['dns', 1],
    ['dns', 2],
    ['dns', 1],
  ]);
});
