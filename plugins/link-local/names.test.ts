import test from 'ava';
import { Names } from './names.ts';

function world() {
  const state = { now: 0, asked: 0, fails: false, count: 1 };
  const lookup = async () => {
    state.asked += 1;
    if (state.fails) throw new Error('ENOTFOUND');
    return Array.from({ length: state.count }, (_, at) => `192.0.2.${at}`);
  };
  const names = new Names([], lookup, () => state.now);
  const resolve = () => names.resolve([{ address: 'a.example', port: 1 }]);
  return { state, resolve };
}

test('a name is asked once in 30 s, and one without an address once a second', async (t) => {
  const { state, resolve } = world();
  await Promise.all([resolve(), resolve()]);
  state.now = 29_999;
  await resolve();
  t.is(state.asked, 1);
  state.now = 30_000;
  state.fails = true;
  t.deepEqual((await resolve()).unusable, [{ upstream: 'a.example', why: 'the name a.example has no address' }]);
  state.now = 30_999;
  await resolve();
  t.is(state.asked, 2);
  state.now = 31_000;
  state.fails = false;
  t.is((await resolve()).endpoints.length, 1);
});

test('of a name with many addresses 16 are asked', async (t) => {
  const { state, resolve } = world();
  state.count = 100;
  t.is((await resolve()).endpoints.length, 16);
});
