import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type StartOptions, startPlugin, type TestPlugin } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import plugin from '../index.ts';
import { dial, fetchOnce, speak } from './client.ts';
import { FakeNova } from './fake-nova.ts';
import { instanceIds, metadata, ports, secret, tenants } from './world.ts';

const value = 'hunter2-äöü';

interface Stage {
  readonly nova: FakeNova;
  readonly running: TestPlugin;
  readonly log: () => string;
}

/** Project a behind a fake Nova. */
async function stage(
  t: ExecutionContext,
  spec: { url?: string; timeoutMs?: number; requireToken?: boolean } = {},
  config: object = {},
): Promise<Stage> {
  const nova = new FakeNova(value);
  const listening = await nova.listen();
  const { url = listening, timeoutMs = 5_000, requireToken = false } = spec;
  const lines: unknown[] = [];
  const log = recorder(lines);
  const proxied = metadata('a', 'all', { mode: 'proxy', nova: { url, secretRef: 'nova', timeoutMs }, requireToken });
  const running = await startPlugin(plugin, {
    objects: [...tenants, secret('a', 'nova', { secret: value }), proxied as never],
    config: { deniedUpstreams: [], ...config },
    log,
  });
  t.teardown(async () => {
    await running.stop();
    nova.close();
  });
  return { nova, running, log: () => JSON.stringify(lines) };
}

/** A log that keeps what it is told. */
function recorder(lines: unknown[]): NonNullable<StartOptions['log']> {
  const note = (...parts: unknown[]): void => void lines.push(parts);
  const levels = Object.fromEntries(['trace', 'debug', 'info', 'warn', 'error', 'fatal'].map((level) => [level, note]));
  const log = { ...levels, child: () => log } as unknown as NonNullable<StartOptions['log']>;
  return log;
}

const status = (running: TestPlugin) => running.kernel.status({ kind: 'Metadata', project: 'a', name: 'all' });

test('Nova is told who asks, and proves it; path, query and other headers pass as they are', async (t) => {
  const { nova, running } = await stage(t);
  const reply = await fetchOnce(running, ports.web1, '/latest//meta-data/?x=%2F&y', {
    headers: { 'X-Other': ['1', '2'], 'User-Agent': 'cloud-init' },
  });
  t.deepEqual([reply.status, reply.text], [200, instanceIds.web1]);
  const [seen] = nova.seen;
  t.is(seen?.url, '/latest//meta-data/?x=%2F&y');
  const has = (name: string) =>
    seen?.raw.flatMap((text, index) => (index % 2 === 0 && text.toLowerCase() === name ? [seen.raw[index + 1]] : []));
  t.deepEqual(has('x-tenant-id'), ['aaaaaaaa00004000800000000000000a']);
  t.deepEqual(has('x-forwarded-for'), ['10.1.0.11']);
  t.deepEqual(has('x-other'), ['1', '2']);
  t.deepEqual(has('user-agent'), ['cloud-init']);
  t.deepEqual(has('host'), [new URL(`http://${seen?.raw[1]}`).host]);
  await fetchOnce(running, ports.web1, '/', { address: 'fd00:ec2::254' });
  t.true(nova.seen[1]?.raw.includes('2001:db8:1::11'), 'asked over IPv6');
});

test('forged headers never reach Nova', async (t) => {
  const { nova, running } = await stage(t);
  const names = [
    'X-Instance-ID',
    'x_instance_id',
    'X-Instance-ID-Signature',
    'X-Tenant-ID',
    'X_Tenant-ID',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'Forwarded',
  ];
  const more = ['X-Metadata-Provider', 'X-Metadata-Provider-Signature', 'X-Real-IP'];
  const headers = Object.fromEntries([...names, ...more].map((name) => [name, 'forged']));
  t.is((await fetchOnce(running, ports.web1, '/', { headers })).text, instanceIds.web1);
  t.is((await fetchOnce(running, ports.web1, '/', { headers: { Connection: 'X-Instance-ID, X-Tenant-ID' } })).text, instanceIds.web1);
  t.notRegex(JSON.stringify(nova.seen), /forged/);
});

for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])
  test(`${method} passes, with and without a body`, async (t) => {
    const { nova, running } = await stage(t);
    nova.handler = (request, response, body) => void response.writeHead(207, { 'X-Method': request.method }).end(body);
    const bare = await fetchOnce(running, ports.web1, '/x', { method });
    t.deepEqual([bare.status, bare.headers['x-method'], bare.text], [207, method, '']);
    const sized = await fetchOnce(running, ports.web1, '/x', { method, body: Buffer.from('hello'), headers: { 'Content-Length': '5' } });
    t.is(sized.text, method === 'HEAD' ? '' : 'hello');
    const chunked = await fetchOnce(running, ports.web1, '/x', {
      method,
      body: Buffer.from('hello'),
      headers: { 'Transfer-Encoding': 'chunked' },
    });
    t.is(chunked.text, method === 'HEAD' ? '' : 'hello');
    t.deepEqual(
      nova.seen.map(({ bytes }) => bytes),
      [0, 5, 5],
    );
  });

test('large bodies pass both ways, with Expect: 100-continue', async (t) => {
  const { nova, running } = await stage(t);
  const large = Buffer.alloc(8 << 20, 'weft');
  nova.handler = (_request, response, body) => void response.end(Buffer.concat([body, body]));
  const reply = await fetchOnce(running, ports.web1, '/x', { method: 'PUT', body: large, headers: { Expect: '100-continue' } });
  t.is(reply.body.length, 16 << 20);
  t.true(reply.body.subarray(8 << 20).equals(large));
  t.false(nova.seen[0]?.raw.some((text) => /expect/i.test(text)));
});

test('pipelined requests are answered in order, over few connections to Nova', async (t) => {
  const { nova, running } = await stage(t);
  nova.handler = (request, response) => void setTimeout(() => response.end(`[${request.url}]`), request.url === '/0' ? 50 : 0);
  const socket = await dial(running, ports.web1);
  const wish = Array.from({ length: 60 }, (_, index) => `GET /${index} HTTP/1.1\r\nHost: x\r\n\r\n`).join('');
  const heard = await speak(socket, wish, /\[\/59\]/);
  t.deepEqual(
    [...heard.matchAll(/\[\/(\d+)\]/g)].map(([, index]) => Number(index)),
    Array.from({ length: 60 }, (_, index) => index),
  );
  t.true(nova.connections <= 2, `${nova.connections} connections`);
});

test('a Nova that is away is 502, and is said in status, alarm and weft metadata', async (t) => {
  const away = createServer().listen(0, '127.0.0.1');
  await once(away, 'listening');
  const { port } = away.address() as { port: number };
  away.close();
  const { running } = await stage(t, { url: `http://127.0.0.1:${port}` });
  const reply = await fetchOnce(running, ports.web1, '/');
  t.is(reply.status, 502);
  t.regex(reply.text, /weft get metadata/);
  t.notRegex(reply.text, /127\.0\.0\.1/);
  await running.until(() => status(running)?.phase === 'Degraded');
  t.regex(`${status(running)?.reason}`, /^http:\/\/127\.0\.0\.1:\d+ refuses connections/);
  await running.until(() => /Metadata\/a\/all: .*refuses connections/.test(running.kernel.alarms.get('nova')?.text ?? ''));
  const { items } = (await running.operation('requests', {}, 'a')) as { items: { lastError: string; lastStatus: number }[] };
  t.like(items[0], { lastStatus: 502, mode: 'proxy' });
  t.regex(items[0]?.lastError ?? '', /refuses connections/);
});

test('a Nova at an address that is denied is not asked, named or not', async (t) => {
  const nova = new FakeNova(value);
  t.teardown(() => nova.close());
  const url = await nova.listen();
  for (const [host, reason] of [
    ['127.0.0.1', /^127\.0\.0\.1 is denied by the setting deniedUpstreams/],
    ['localhost', /has a name whose addresses are all denied by the setting deniedUpstreams/],
  ] as const) {
    const { running } = await stage(t, { url: url.replace('127.0.0.1', host) }, { deniedUpstreams: ['127.0.0.0/8', '::1/128'] });
    t.is((await fetchOnce(running, ports.web1, '/')).status, 502, host);
    await running.until(() => reason.test(`${status(running)?.reason}`));
  }
  t.is(nova.connections, 0);
  const { running } = await stage(t, { url: url.replace('127.0.0.1', 'localhost') }, { deniedUpstreams: ['::1/128'] });
  t.is((await fetchOnce(running, ports.web1, '/')).text, instanceIds.web1, 'what is not denied is asked by its name');
});

for (const first of ['000 x', '099 x', '101 Switching Protocols', '600 x', '999 x'])
  test(`a Nova that answers ${first} is 502, and harms nobody`, async (t) => {
    const odd = createServer((socket) => void socket.on('error', () => undefined).end(`HTTP/1.1 ${first}\r\nContent-Length: 0\r\n\r\n`));
    await once(odd.listen(0, '127.0.0.1'), 'listening');
    t.teardown(() => odd.close());
    const { running } = await stage(t, { url: `http://127.0.0.1:${(odd.address() as { port: number }).port}` });
    for (const _ of [1, 2]) t.is((await fetchOnce(running, ports.web1, '/')).status, 502);
    await running.until(() => /does not speak HTTP/.test(`${status(running)?.reason}`));
    t.is((await fetchOnce(running, ports.twin, '/latest/meta-data/instance-id')).text, instanceIds.twin);
  });

test('TRACE, which would bring the signature back, does not pass', async (t) => {
  const { nova, running } = await stage(t);
  t.is((await fetchOnce(running, ports.web1, '/', { method: 'TRACE' })).status, 405);
  t.deepEqual(nova.seen, []);
});

test('requests that wait for Nova are bounded, and forgotten when the VM goes', async (t) => {
  const { nova, running } = await stage(t, {}, { pendingPerPort: 4 });
  nova.handler = () => undefined;
  const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  t.is(await speak(await dial(running, ports.web1), get.repeat(50)), '', 'far too many at once: the connection is cut');
  const five = await dial(running, ports.web1);
  five.write(get.repeat(5));
  await running.until(() => nova.seen.length === 1);
  nova.handler = (_request, response) => void response.end('here');
  five.resetAndDestroy();
  const free = async () => (await fetchOnce(running, ports.web1, '/')).status === 200;
  while (!(await free())) await sleep(5);
  t.regex(await running.metrics(), /weft_metadata_refusals_total\{reason="pending"\} [2-9]/);
  t.is(nova.seen.length, 2, 'those that waited are not asked for any more');
});

test('a Nova that comes back is Active again', async (t) => {
  const { running, nova } = await stage(t, { timeoutMs: 300 });
  let silent = true;
  nova.handler = (_request, response) => void (silent || response.end('here'));
  const reply = await fetchOnce(running, ports.web1, '/');
  t.is(reply.status, 504);
  t.regex(reply.text, /did not answer in time/);
  await running.until(() => status(running)?.phase === 'Degraded');
  t.regex(`${status(running)?.reason}`, /did not answer within 300 ms/);
  silent = false;
  t.is((await fetchOnce(running, ports.web1, '/')).text, 'here');
  await running.until(() => status(running)?.phase === 'Active');
  await running.until(() => !running.kernel.alarms.has('nova'));
  t.pass();
});

test('what is no HTTP is 502', async (t) => {
  const stranger = createServer((socket) => void socket.on('error', () => undefined).end('220 smtp ready\r\n')).listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  t.teardown(() => stranger.close());
  const { running } = await stage(t, { url: `http://127.0.0.1:${(stranger.address() as { port: number }).port}` });
  t.is((await fetchOnce(running, ports.web1, '/')).status, 502);
  await running.until(() => /does not speak HTTP/.test(`${status(running)?.reason}`));
  t.pass();
});

test('a VM that never ends its body gets 408, and Nova is not blamed', async (t) => {
  const { running } = await stage(t, { timeoutMs: 200 });
  const socket = await dial(running, ports.web1);
  t.regex(await speak(socket, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc'), /^HTTP\/1.1 408 (?:.|\r\n)*Connection: close/);
  await sleep(1_100);
  t.not(status(running)?.phase, 'Degraded');
});

test('a body beyond the limit is 413', async (t) => {
  const { running, nova } = await stage(t, {}, { proxyBodyMib: 1 });
  const socket = await dial(running, ports.web1);
  const heard = await speak(
    socket,
    Buffer.concat([Buffer.from(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${2 << 20}\r\n\r\n`), Buffer.alloc(3 << 19)]),
    /413/,
  );
  t.regex(heard, /^HTTP\/1.1 413 /);
  t.deepEqual(nova.seen, []);
});

test('a VM that goes away ends the request to Nova', async (t) => {
  const { running, nova } = await stage(t);
  const asked = new Promise<void>((resolve) => {
    nova.handler = (_request, response) => {
      response.once('close', () => resolve());
      response.write('a');
    };
  });
  const socket = await dial(running, ports.web1);
  await speak(socket, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', /200 OK/);
  socket.destroy();
  await asked;
  t.not(status(running)?.phase, 'Degraded');
});

test('a VM that goes away within its body, or while a large answer comes, harms nobody', async (t) => {
  const { running, nova } = await stage(t);
  nova.handler = (_request, response) => void response.end(Buffer.alloc(4 << 20));
  for (const beginning of [
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  ])
    for (const pause of [1, 10, 30]) {
      const socket = await dial(running, ports.web1);
      socket.on('error', () => undefined);
      socket.write(beginning);
      await sleep(pause);
      socket.resetAndDestroy();
    }
  await sleep(50);
  t.is((await fetchOnce(running, ports.web1, '/')).body.length, 4 << 20);
  await sleep(1_100);
  t.not(status(running)?.phase, 'Degraded');
});

test('an answer that breaks off breaks the connection of the VM off, never joins another answer', async (t) => {
  const { running, nova } = await stage(t);
  nova.handler = (_request, response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('half', () => response.destroy());
  };
  const socket = await dial(running, ports.web1);
  const heard = await speak(socket, 'GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n');
  t.is(heard.match(/HTTP\/1\.1/g)?.length, 1);
});

test('a kept connection that Nova has closed meanwhile costs no answer', async (t) => {
  const { running, nova } = await stage(t);
  nova.handler = (request, response) => {
    const { socket } = request;
    response.end('ok', () => setImmediate(() => socket.destroy()));
  };
  for (let turn = 0; turn < 20; turn++) t.is((await fetchOnce(running, ports.web1, '/')).status, 200);
});

test('a wrong secret: Nova’s 403 passes, the operator is told, and the right one is used from the next request on', async (t) => {
  const { running } = await stage(t);
  await running.put(secret('a', 'nova', { secret: 'other' }));
  t.is((await fetchOnce(running, ports.web1, '/')).status, 403);
  await running.until(() => /refuses the signature/.test(`${status(running)?.reason}`));
  await running.put(secret('a', 'nova', { secret: value }));
  t.is((await fetchOnce(running, ports.web1, '/')).status, 200);
  await running.until(() => status(running)?.phase === 'Active');
});

test('a secret that has lost its value is said at once, and asked for in vain', async (t) => {
  const { running, nova } = await stage(t);
  await running.put(secret('a', 'nova', {}));
  t.like(status(running), { phase: 'Degraded', reason: 'Secret/a/nova has no value "secret": put it into data.secret of the Secret' });
  t.is((await fetchOnce(running, ports.web1, '/')).status, 502);
  t.deepEqual(nova.seen, []);
});

test('a port without an instance id is told so', async (t) => {
  const { running, nova } = await stage(t);
  const reply = await fetchOnce(running, ports.blue, '/');
  t.is(reply.status, 500);
  t.regex(reply.text, /instanceId/);
  t.deepEqual(nova.seen, []);
});

test('with requireToken the plugin asks for tokens itself', async (t) => {
  const { running, nova } = await stage(t, { requireToken: true });
  t.is((await fetchOnce(running, ports.web1, '/')).status, 401);
  const { text } = await fetchOnce(running, ports.web1, '/latest/api/token', {
    method: 'PUT',
    headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '60' },
  });
  t.is((await fetchOnce(running, ports.web1, '/', { headers: { 'X-aws-ec2-metadata-token': text } })).text, instanceIds.web1);
  t.is(nova.seen.length, 1);
  t.notRegex(JSON.stringify(nova.seen), new RegExp(text));
});

test('no secret is in logs, statuses, alarms, operations, answers or metrics', async (t) => {
  const { running, log } = await stage(t);
  await running.put(secret('a', 'nova', { secret: `${value}-2` }));
  const replies = [await fetchOnce(running, ports.web1, '/'), await fetchOnce(running, ports.blue, '/')];
  await running.until(() => status(running)?.phase === 'Degraded');
  const said = [
    log(),
    status(running),
    [...running.kernel.alarms.values()],
    await running.operation('requests', {}, '-'),
    replies,
    await running.metrics(),
  ];
  t.regex(log(), /metadata is degraded/);
  t.notRegex(JSON.stringify(said), /hunter2/);
});

test('a path that leads elsewhere does not reach Nova', async (t) => {
  const { running, nova } = await stage(t);
  for (const path of ['/../admin', '/a/%2e%2e/b', '*', '/%2e/'])
    t.regex(
      await speak(await dial(running, ports.web1), `OPTIONS ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
      /^HTTP\/1.1 400/,
      path,
    );
  t.deepEqual(nova.seen, []);
});
