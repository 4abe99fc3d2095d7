import type { PortState } from '@weft/kernel/contract/net';
import test from 'ava';
import type { Forwarder } from '../plugin.ts';
import { Callers } from './callers.ts';
import type { Identity } from './identity.ts';

type Tell = Parameters<Forwarder['onPorts']>[0];

function setup() {
  let tell: Tell = () => undefined;
  const callers = new Callers({
    onPorts: (listener) => {
      tell = listener;
    },
  });
  return { callers, tell: (ports: PortState[], removed: number[] = []) => tell(ports, removed) };
}

const port = (id: number, slot: number, generation = 1): PortState => ({
  id,
  slot,
  generation,
  state: 'up',
  mac: '00:00:00:00:00:00',
  reason: '',
});
const who = (slot: number, generation = 1): Identity => ({ slot, generation, mask: 0x7f });

test('a port is found by slot and generation, as long as it is there', (t) => {
  const { callers, tell } = setup();
  tell([port(7, 3, 130)]);
  t.is(callers.find(who(3, 2))?.id, 7);
  t.is(callers.find(who(3, 1)), undefined);
  tell([port(8, 3, 131)]);
  t.is(callers.find(who(3, 2)), undefined, 'the place is of another port now');
  t.is(callers.find(who(3, 3))?.id, 8);
  tell([], [7]);
  t.is(callers.find(who(3, 3))?.id, 8, 'the former one went late');
  tell([port(8, 4, 131)]);
  t.deepEqual([callers.find(who(3, 3)), callers.find(who(4, 3))?.id], [undefined, 8]);
  tell([], [8]);
  t.is(callers.find(who(4, 3)), undefined);
});

test('who is not known yet waits for the news', async (t) => {
  const { callers, tell } = setup();
  const waiting = callers.whenKnown(who(3));
  tell([port(9, 4)]);
  tell([port(7, 3)]);
  t.is((await waiting)?.id, 7);
  t.is((await callers.whenKnown(who(4)))?.id, 9);
});

test('who stays unknown, and who comes while too many wait, is a stranger', async (t) => {
  const { callers } = setup();
  const waiting = Array.from({ length: 256 }, (_, slot) => callers.whenKnown(who(slot + 1)));
  t.is(await callers.whenKnown(who(999)), undefined, 'at once');
  t.deepEqual(new Set(await Promise.all(waiting)), new Set([undefined]));
});
