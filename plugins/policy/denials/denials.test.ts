import test from 'ava';
import { denial } from '../test/world.ts';
import { Denials } from './denials.ts';

const ports = (items: Iterable<{ readonly port: string }>) => [...items].map(({ port }) => port).join(' ');

test('the newest are remembered, with what was lost before them', (t) => {
  const denials = new Denials(3);
  for (const port of ['a', 'b', 'c']) denials.add(denial({ port }));
  denials.lose(5);
  denials.lose(2);
  denials.add(denial({ port: 'd' }));
  denials.add(denial({ port: 'e' }));
  t.is(ports(denials.list()), 'c d e');
  t.deepEqual(
    denials.list().map(({ lost }) => lost),
    [undefined, 7, undefined],
  );
  t.like(denials, { told: 5, lost: 7 });
});

test('what was denied in a project that is gone is forgotten', (t) => {
  const denials = new Denials(3);
  for (const project of ['a', 'b', 'a']) denials.add(denial({ project, port: project }));
  denials.forget('a');
  t.is(ports(denials.list()), 'b');
});

test('who follows gets those that are remembered, then the others, until it stops', async (t) => {
  const denials = new Denials(10);
  denials.add(denial({ port: 'a' }));
  const stop = new AbortController();
  const followed = denials.follow(stop.signal);
  t.is(ports((await followed.next()).value ?? []), 'a');
  const next = followed.next();
  denials.add(denial({ port: 'b' }));
  t.is(ports((await next).value ?? []), 'b');
  denials.add(denial({ port: 'c' }));
  denials.add(denial({ port: 'd' }));
  t.is(ports((await followed.next()).value ?? []), 'c d');
  const last = followed.next();
  stop.abort();
  t.deepEqual(await last, { done: true, value: undefined });
});

test('who reads too slowly is told how many it missed', async (t) => {
  const denials = new Denials(1);
  const stop = new AbortController();
  const followed = denials.follow(stop.signal);
  const first = followed.next();
  denials.add(denial({ port: 'first' }));
  await first;
  for (let more = 0; more < 1010; more += 1) denials.add(denial({ port: 'p' }));
  t.is((await followed.next()).value?.length, 1000);
  denials.add(denial({ port: 'last' }));
  const [last] = (await followed.next()).value ?? [];
  t.like(last, { port: 'last', lost: 10 });
  stop.abort();
});
