import test, { type ExecutionContext } from 'ava';
import { FakeApi, type Outcome, weft } from './test/fake-api.ts';

const disabling = ['these objects stay: 3 Port', 'what it set (port) is removed'];

async function begin(t: ExecutionContext): Promise<FakeApi> {
  const api = await new FakeApi({
    'GET /v1/plugins/one': () => ({ name: 'one', state: 'running', disabling }),
    'PUT /v1/plugins/one': () => ({}),
  }).start();
  t.teardown(() => api.stop());
  return api;
}

function changes(api: FakeApi): number {
  return api.requests.filter(({ method }) => method === 'PUT').length;
}

function disable(api: FakeApi, options: Parameters<typeof weft>[2] = {}, ...more: string[]): Promise<Outcome> {
  return weft(api.address, ['plugin', 'disable', 'one', ...more], options);
}

test('disabling a plugin tells first what it does; without a terminal it goes on', async (t) => {
  const api = await begin(t);
  const { code, out, err } = await disable(api);
  t.is(code, 0);
  t.is(out, 'plugin one disabled\n');
  t.is(err, 'warning: these objects stay: 3 Port\nwarning: what it set (port) is removed\n');
});

test('on a terminal it asks, and takes nothing but yes for yes', async (t) => {
  const api = await begin(t);
  for (const stdin of ['n\n', '\n', '']) {
    const { code, err } = await disable(api, { terminal: true, stdin });
    t.is(code, 1);
    t.regex(err, /disable the plugin one\? \[y\/N\] error: nothing was changed/);
  }
  t.is(changes(api), 0);
  t.is((await disable(api, { terminal: true, stdin: 'y\n' })).code, 0);
  t.is(changes(api), 1);
});

test('--yes asks nobody', async (t) => {
  const api = await begin(t);
  const { code, err } = await disable(api, { terminal: true }, '--yes');
  t.is(code, 0);
  t.notRegex(err, /\[y\/N\]/);
});

test('enabling and restarting are done when the plugin serves', async (t) => {
  const states = [
    { state: 'running', pid: 7 },
    { state: 'running', pid: 7 },
    { state: 'starting', pid: 8 },
    { state: 'running', pid: 8 },
  ];
  const api = await new FakeApi({
    'GET /v1/plugins/one': () => ({ name: 'one', ...(states.length > 1 ? states.shift() : states[0]) }),
    'POST /v1/plugins/one/restart': () => ({}),
    'PUT /v1/plugins/one': () => ({}),
  }).start();
  t.teardown(() => api.stop());
  t.is((await weft(api.address, ['plugin', 'restart', 'one'])).out, 'plugin one restarted\n');
  t.is(states.length, 1);
  t.is((await weft(api.address, ['plugin', 'enable', 'one'])).code, 0);
  const before = api.requests.length;
  await weft(api.address, ['plugin', 'enable', 'one', '--no-wait']);
  t.is(api.requests.length, before + 1);
});

test('a plugin that is given up is told of, with the reason', async (t) => {
  const api = await new FakeApi({
    'GET /v1/plugins/one': () => ({ name: 'one', state: 'failed', pid: null, reason: 'it crashed 5 times' }),
    'PUT /v1/plugins/one': () => ({}),
  }).start();
  t.teardown(() => api.stop());
  const { code, err } = await weft(api.address, ['plugin', 'enable', 'one']);
  t.is(code, 1);
  t.is(err, 'error: it crashed 5 times (plugin one): see: weft plugin logs one\n');
});
