/** Every error code, provoked; and the reference tells of just these. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LightMyRequestResponse } from 'fastify';
import { BusServer, type Caller, connect, newKeyPair } from '../../bus/index.ts';
import { type ErrorCode, errorCodes, errorGuide, problemUri, type Unary } from '../../contract/system/index.ts';
import { makeApi, type TestApi } from './test/api.ts';

interface Silent {
  readonly silence: Unary<Record<string, never>, Record<string, never>>;
}

const shelf = '/v1/default/shelves/a';
const operation = '/v1/default/operations/library.count';

/** A plugin on a real bus that never answers. */
async function silentPlugin(t: ExecutionContext): Promise<Caller<Silent>> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-errors-'));
  const [server, client] = [newKeyPair(), newKeyPair()];
  const bus = await BusServer.open(server);
  await bus.setKey('mute', client.publicKey);
  const path = join(folder, 'mute.sock');
  const caller = await bus.channel<object, Silent>({ client: 'mute', path, handlers: {} });
  const plugin = connect<Silent, object>({
    path,
    keys: client,
    serverKey: server.publicKey,
    peer: 'kernel',
    handlers: { silence: () => new Promise(() => undefined) },
  });
  t.teardown(async () => {
    plugin.close();
    await bus.close();
    rmSync(folder, { recursive: true });
  });
  await caller.whenConnected();
  return caller;
}

const provoke: Readonly<Record<ErrorCode, (api: TestApi, t: ExecutionContext) => Promise<LightMyRequestResponse>>> = {
  INVALID: ({ ask }) => ask('PUT', shelf, { spec: { width: -1 } }),
  MALFORMED: ({ ask }) => ask('PUT', shelf, '{'),
  TOO_LARGE: ({ ask }) => ask('PUT', shelf, { spec: { place: 'x'.repeat(1024 * 1024) } }),
  UNAUTHENTICATED: ({ ask }) => ask('GET', shelf, undefined, { authorization: 'Bearer nonsense' }),
  FORBIDDEN: (api) => {
    api.uid = 1000;
    return api.ask('GET', shelf);
  },
  NOT_FOUND: ({ ask }) => ask('GET', shelf),
  CONFLICT: async ({ ask }) => {
    await ask('PUT', shelf, { spec: {} });
    return await ask('POST', '/v1/default/shelves', { metadata: { name: 'a' } });
  },
  REFERENCED: async ({ ask }) => {
    await ask('PUT', shelf, { spec: {} });
    await ask('PUT', '/v1/default/books/b', { spec: { shelf: 'a' } });
    return await ask('DELETE', shelf);
  },
  REVISION_MISMATCH: ({ ask }) => ask('PUT', shelf, { spec: {} }, { 'if-match': '"12345"' }),
  REVISION_GONE: ({ ask }) => ask('GET', '/v1/watch?since=12345'),
  UNAVAILABLE: ({ ask, world }) => {
    world.admitter.down.set('library', 'it is disabled');
    return ask('PUT', shelf, { spec: {} });
  },
  DEADLINE: async ({ ask, control }, t) => {
    const plugin = await silentPlugin(t);
    control.operation = () => plugin.call('silence', {}, { deadlineMs: 20 });
    return await ask('POST', operation, {});
  },
  BUS_OVERLOADED: async ({ ask, world }) => {
    const { promise: freed, resolve: free } = Promise.withResolvers<void>();
    const { promise: held, resolve: hold } = Promise.withResolvers<void>();
    world.admitter.answer = async () => {
      hold();
      await freed;
      return { patches: [], refusals: [] };
    };
    const begun = ask('PUT', shelf, { spec: {} });
    await held;
    const others = Array.from({ length: 1_024 }, () => ask('DELETE', '/v1/default/shelves/ghost'));
    // the only one that is answered while the first is held
    const tooMany = await Promise.race(others);
    free();
    await Promise.all([begun, ...others]);
    return tooMany;
  },
  CANCELLED: async ({ ask, control }, t) => {
    const plugin = await silentPlugin(t);
    control.operation = () => plugin.call('silence', {}, { signal: AbortSignal.timeout(20) });
    return await ask('POST', operation, {});
  },
  INTERNAL: ({ ask, world }) => {
    world.admitter.answer = () => {
      throw new Error('cannot read properties of undefined');
    };
    return ask('PUT', shelf, { spec: {} });
  },
};

for (const [word, status] of Object.entries(errorCodes)) {
  const code = word as ErrorCode;
  test(`${code} is what its cause leads to, as a problem document`, async (t) => {
    const api = await makeApi(t);
    const answer = await provoke[code](api, t);
    t.is(answer.statusCode, status);
    t.regex(String(answer.headers['content-type']), /^application\/problem\+json/);
    t.like(answer.json(), { code, status, type: problemUri(code), title: errorGuide[code].title });
    t.not(answer.json().detail, '');
    t.notRegex(answer.body, / {4}at |\.ts:\d/, 'no stack');
  });
}

test('every code has its cause here, and no cause is of a code that there is not', (t) => {
  t.deepEqual(Object.keys(provoke).sort(), Object.keys(errorCodes).sort());
});

test('the reference tells of every code with its status and type, and of no other', (t) => {
  const page = readFileSync(new URL('../../../docs/reference/errors.md', import.meta.url), 'utf8');
  const told = [...page.matchAll(/^## (\w+)\n\n.* · `(\d+)` · `(urn:[^`]+)`$/gm)].map(([, code, status, type]) => [
    code,
    Number(status),
    type,
  ]);
  t.deepEqual(
    told,
    Object.entries(errorCodes).map(([code, status]) => [code, status, problemUri(code as ErrorCode)]),
  );
  t.is([...page.matchAll(/^## /gm)].length, told.length);
  t.is(new Set(told.map(([, , type]) => type)).size, told.length);
});

test('the description knows every code and every type', async (t) => {
  const { ask } = await makeApi(t);
  const { components } = (await ask('GET', '/openapi.json')).json();
  const { code, type } = components.schemas.Problem.properties;
  t.deepEqual([...code.enum].sort(), Object.keys(errorCodes).sort());
  t.deepEqual(
    [...type.enum].sort(),
    Object.keys(errorCodes)
      .map((one) => problemUri(one as ErrorCode))
      .sort(),
  );
});
