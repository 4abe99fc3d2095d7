/** What a VM may send to do harm: malformed and ambiguous requests, slow ones, too many, too large. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startPlugin, type TestPlugin } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import plugin from '../index.ts';
import { dial, fetchOnce, speak } from './client.ts';
import { instanceIds, ports, tenants } from './world.ts';

const idPath = '/latest/meta-data/instance-id';
const get = `GET ${idPath} HTTP/1.1\r\nHost: x\r\n\r\n`;

async function started(t: ExecutionContext, config: object = {}): Promise<TestPlugin> {
  const running = await startPlugin(plugin, { objects: tenants, config });
  t.teardown(() => running.stop());
  return running;
}

/** By the first line of the answer; '' where the connection is closed without one. */
const requests: readonly [string, string | Buffer, RegExp][] = [
  ['noise', Buffer.from([0, 255, 1, 2, 3, 13, 10, 13, 10]), /^HTTP\/1.1 400 /],
  ['the hello of TLS', Buffer.from('160301020001000', 'hex'), /^HTTP\/1.1 400 /],
  ['nothing but empty lines', '\r\n\r\n', /^HTTP\/1.1 408 /],
  ['HTTP/0.9', `GET ${idPath}\r\n\r\n`, /^HTTP\/1.1 505 /],
  ['HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^HTTP\/1.1 4/],
  ['HTTP/1.1 without Host', `GET ${idPath} HTTP/1.1\r\n\r\n`, /^HTTP\/1.1 400 /],
  ['HTTP/1.0 without Host', `GET ${idPath} HTTP/1.0\r\n\r\n`, /^HTTP\/1.1 200 /],
  ['two Hosts', `GET ${idPath} HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n`, /^HTTP\/1.1 (200|400) /],
  [
    'both Transfer-Encoding and Content-Length',
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    /^HTTP\/1.1 400 /,
  ],
  ['two Content-Lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n', /^HTTP\/1.1 400 /],
  ['a signed Content-Length', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello', /^HTTP\/1.1 400 /],
  ['a Content-Length beyond all numbers', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n', /^HTTP\/1.1 400 /],
  [
    'a Transfer-Encoding that does not end in chunked',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n',
    /^HTTP\/1.1 400 /,
  ],
  ['a Transfer-Encoding in disguise', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n', /^HTTP\/1.1 400 /],
  ['a header before its colon has a blank', `GET / HTTP/1.1\r\nHost : x\r\n\r\n`, /^HTTP\/1.1 400 /],
  ['a folded header', `GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n`, /^HTTP\/1.1 400 /],
  ['a bare CR in a header', `GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n`, /^HTTP\/1.1 400 /],
  ['a zero byte in a header', 'GET / HTTP/1.1\r\nHost: x\0\r\n\r\n', /^HTTP\/1.1 400 /],
  ['a bad chunk size', 'PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', /^HTTP\/1.1 400 /],
  ['a method that nobody knows', `BREW ${idPath} HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1.1 405 /],
  [
    'a method that is not allowed here',
    `DELETE ${idPath} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    /^HTTP\/1.1 405 .*\r\n(?:.*\r\n)*Allow: GET, HEAD, OPTIONS\r\n/,
  ],
  ['CONNECT', 'CONNECT 10.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1.1 405 /],
  [
    'a wish for another protocol',
    `GET ${idPath} HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n`,
    /^HTTP\/1.1 200 /,
  ],
  ['an expectation that nobody can meet', 'PUT / HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\nConnection: close\r\n\r\n', /^HTTP\/1.1 417 /],
  ['a head that is too large', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(17_000)}\r\n\r\n`, /^HTTP\/1.1 431 /],
  ['a head of too many fields', `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${'A: b\r\n'.repeat(99)}\r\n`, /^HTTP\/1.1 431 /],
  ['a target that is too large', `GET /${'a'.repeat(17_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1.1 431 /],
  ['a body that is too large', `PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n${'a'.repeat(5000)}`, /^HTTP\/1.1 413 /],
  [
    'chunks that are too large',
    `PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n${'a'.repeat(5000)}\r\n`,
    /^HTTP\/1.1 413 /,
  ],
  ['a way up', 'GET /latest/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', /^HTTP\/1.1 400 /],
  ['an escaped way up', 'GET /latest/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', /^HTTP\/1.1 400 /],
  [
    'bytes outside of ASCII in the target',
    Buffer.from('GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 'latin1'),
    /^HTTP\/1.1 400 /,
  ],
];

for (const [title, bytes, first] of requests)
  test(`${title} is answered, and the connection ends`, async (t) => {
    const running = await started(t, { headSeconds: 1 });
    const socket = await dial(running, ports.web1);
    const heard = await speak(socket, bytes);
    t.regex(heard, first, heard);
    t.true((heard.match(/^HTTP\/1\.1/gm) ?? []).length <= 1, heard);
    t.is((await fetchOnce(running, ports.twin, idPath)).text, instanceIds.twin, 'another port goes on');
  });

test('what stands behind a request that breaks off is no request', async (t) => {
  const running = await started(t);
  const smuggled = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${get}`;
  t.notRegex(await speak(await dial(running, ports.web1), smuggled), /8a66c114/);
});

test('good requests before a malformed one are answered', async (t) => {
  const running = await started(t);
  const heard = await speak(await dial(running, ports.web1), `${get}${get}@@@@\r\n\r\n`);
  t.deepEqual(
    [...heard.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
    ['200', '200', '400'],
  );
});

test('a request may come byte by byte, and many at once', async (t) => {
  const running = await started(t);
  const slow = await dial(running, ports.web1);
  const answered = speak(slow, '', /8a66c114/);
  for (const byte of get) {
    slow.write(byte);
    await new Promise(setImmediate);
  }
  t.regex(await answered, /200 OK/);
  const heard = await speak(await dial(running, ports.web1), get.repeat(100), /8a66c114/, 100);
  t.is(heard.match(/200 OK/g)?.length, 100);
});

test('connections that are reset at any moment harm nobody', async (t) => {
  const running = await started(t);
  const beginnings = [
    '',
    'GET /',
    get,
    'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n',
    'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab',
    '@@@@\r\n\r\n',
  ];
  for (const beginning of beginnings)
    for (const pause of [0, 1, 20]) {
      const socket = await dial(running, ports.web1);
      socket.on('error', () => undefined);
      socket.write(beginning);
      if (pause > 0) await sleep(pause);
      socket.resetAndDestroy();
    }
  await sleep(50);
  t.is((await fetchOnce(running, ports.web1, idPath)).text, instanceIds.web1);
});

test('small bodies are taken and forgotten', async (t) => {
  const running = await started(t);
  t.is(
    (await fetchOnce(running, ports.web1, idPath, { body: Buffer.from('x'), headers: { 'Content-Length': '1' } })).text,
    instanceIds.web1,
  );
  const put = {
    method: 'PUT',
    body: Buffer.from('x'),
    headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '60', 'Transfer-Encoding': 'chunked' },
  };
  t.is((await fetchOnce(running, ports.web1, '/latest/api/token', put)).status, 200);
});

test('who is slow with a head or a body is cut off with 408, who is idle without a word', async (t) => {
  const running = await started(t, { headSeconds: 1, requestSeconds: 1 });
  const [head, body, idle, silent] = await Promise.all([1, 2, 3, 4].map(() => dial(running, ports.web1)));
  if (!head || !body || !idle || !silent) return t.fail();
  const heard = await Promise.all([
    speak(head, 'GET / HTTP/1.1\r\nHost'),
    speak(body, 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab'),
    speak(idle, get),
    speak(silent, ''),
  ]);
  t.regex(heard[0] ?? '', /^HTTP\/1.1 408/);
  t.is(heard[1], '', 'a request under way is cut off');
  t.regex(heard[2] ?? '', /^HTTP\/1.1 200 (?:.|\r\n)*8a66c114[-0-9a-f]*$/);
  t.is(heard[3], '');
  const { items } = (await running.operation('requests', {}, 'a')) as { items: { refused: number }[] };
  t.is(items[0]?.refused, 2);
});

test('a head that trickles in is cut off all the same', async (t) => {
  const running = await started(t, { headSeconds: 1 });
  const socket = await dial(running, ports.web1);
  const heard = speak(socket, 'GET / HTTP/1.1\r\n');
  const drip = setInterval(() => socket.write('A: b\r\n'), 50);
  t.teardown(() => clearInterval(drip));
  t.regex(await heard, /^HTTP\/1.1 408/);
});

test('connections of one port are bounded, and leave those of others alone', async (t) => {
  const running = await started(t, { connectionsPerPort: 4, requestBurst: 100 });
  const held = await Promise.all(Array.from({ length: 4 }, () => dial(running, ports.web1)));
  t.is(await speak(await dial(running, ports.web1), get), '', 'one too many');
  t.is((await fetchOnce(running, ports.twin, idPath)).text, instanceIds.twin);
  held[0]?.destroy();
  const open = async () => ((await running.operation('requests', {}, 'a')) as { items: { connections: number }[] }).items[0]?.connections;
  while ((await open()) === 4) await sleep(5);
  t.is((await fetchOnce(running, ports.web1, idPath)).status, 200);
  t.regex(await running.metrics(), /weft_metadata_refusals_total\{reason="connections"\} 1/);
});

test('requests of one port are bounded by rate, and leave those of others alone', async (t) => {
  const running = await started(t, { requestRate: 1, requestBurst: 11 });
  const heard = await speak(await dial(running, ports.web1), get.repeat(20), /\n\d{3}: |0123456789ab/, 20);
  const [answered, refused] = [/HTTP\/1\.1 200/g, /HTTP\/1\.1 429/g].map((line) => heard.match(line)?.length ?? 0);
  // Ten, as the connection is the eleventh; one more for each second that this takes.
  t.true(answered !== undefined && answered >= 10 && answered < 20, `${answered} answered`);
  t.is(refused, 20 - (answered ?? 0));
  t.regex(heard, /Retry-After: 1/);
  t.is((await fetchOnce(running, ports.twin, idPath)).status, 200);
});

test('a VM that reads nothing holds no more than its socket does', async (t) => {
  const running = await started(t, { requestSeconds: 1, headSeconds: 1, requestRate: 100_000, requestBurst: 100_000 });
  const socket = await dial(running, ports.web1);
  socket.pause();
  const list = 'GET /latest/meta-data/public-keys/0/openssh-key HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1000);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  let written = 0;
  // Until neither side takes any more.
  while (socket.write(list) && written < 200) {
    written += 1;
    await new Promise(setImmediate);
  }
  socket.on('error', () => undefined);
  t.is((await fetchOnce(running, ports.twin, idPath)).status, 200);
  socket.destroy();
  await closed;
});

test('all at once: slow, malformed and greedy VMs do not touch the answers of another', async (t) => {
  const running = await started(t, { headSeconds: 1, requestRate: 1000, requestBurst: 1000 });
  const attack = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) {
      const sockets = await Promise.all(Array.from({ length: 8 }, () => dial(running, ports.web1)));
      for (const [index, socket] of sockets.entries()) {
        socket.on('error', () => undefined);
        socket.write(['GET /', '@@@@\r\n\r\n', get.repeat(50), 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n'][index % 4] ?? '');
      }
      await sleep(5);
      for (const socket of sockets) socket.destroy();
    }
  };
  const read = async (): Promise<void> => {
    for (let turn = 0; turn < 100; turn++) t.is((await fetchOnce(running, ports.twin, idPath)).text, instanceIds.twin);
  };
  await Promise.all([attack(), read()]);
});
