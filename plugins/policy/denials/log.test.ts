import test from 'ava';
import { denial } from '../test/world.ts';
import { DenialLog } from './log.ts';

function logged(perSecond: number) {
  const lines: [facts: { readonly unlogged?: number }, text: string][] = [];
  const clock = { ms: 0 };
  const info = (facts: object, text: string) => void lines.push([facts, text]);
  return { lines, clock, log: new DenialLog({ info } as never, perSecond, () => clock.ms) };
}

test('a line says what was denied, in the words of a trace', (t) => {
  const { lines, log } = logged(1);
  log.add(denial({ text: 'ingress of db1: no rule of group db allows tcp 22 from 10.1.0.9' }));
  t.is(lines[0]?.[1], 'ingress of db1: no rule of group db allows tcp 22 from 10.1.0.9');
  t.like(lines[0]?.[0], { denial: { port: 'db1', reason: 'policy-denied' } });
});

test('so many a second, after a burst of ten times as many; the next line counts the others', (t) => {
  const { lines, clock, log } = logged(2);
  for (let count = 0; count < 25; count += 1) log.add(denial());
  t.is(lines.length, 20);
  clock.ms += 1000;
  for (let count = 0; count < 5; count += 1) log.add(denial());
  t.deepEqual(
    lines.slice(20).map(([{ unlogged }]) => unlogged),
    [5, undefined],
  );
  clock.ms += 500;
  log.add(denial());
  t.is(lines.at(-1)?.[0].unlogged, 3);
});

test('none at all when the operator wants none', (t) => {
  const { lines, log } = logged(0);
  log.add(denial());
  t.is(lines.length, 0);
});
