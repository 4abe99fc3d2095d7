import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { ask, hammer, Occurrences, percentile, Watchers } from './api-client.ts';

function serve(t: ExecutionContext, answer: (path: string, response: ServerResponse) => void): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-bench-test-'));
  const socketPath = join(folder, 's');
  const server: Server = createServer((request, response) => answer(request.url ?? '', response));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return new Promise((resolve) => server.listen(socketPath, () => resolve(socketPath)));
}

test('a percentile is one of the values', (t) => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  t.is(percentile(values, 0.5), 51);
  t.is(percentile(values, 0.99), 100);
  t.is(percentile([7], 0.99), 7);
  t.true(Number.isNaN(percentile([], 0.5)));
});

test('occurrences are counted once, wherever the stream is cut', (t) => {
  const text = 'aab\nevent: x\nevent: \nevent:event: \n';
  for (let cut = 0; cut <= text.length; cut += 1) {
    for (let second = cut; second <= text.length; second += 1) {
      const found = new Occurrences('\nevent: ');
      for (const part of [text.slice(0, cut), text.slice(cut, second), text.slice(second)]) found.add(Buffer.from(part));
      t.is(found.count, 2, `${cut}, ${second}`);
    }
  }
});

test('a refusal is an error that says why', async (t) => {
  const socketPath = await serve(t, (path, response) => response.writeHead(path === '/good' ? 200 : 503).end(`at ${path}`));
  t.is(await ask(socketPath, 'GET', '/good'), 'at /good');
  await t.throwsAsync(ask(socketPath, 'POST', '/bad', '{}'), { message: 'POST /bad: 503 at /bad' });
});

test('load with refusals gives no figure', async (t) => {
  let asked = 0;
  const socketPath = await serve(t, (_path, response) => {
    asked += 1;
    response.writeHead(asked === 3 ? 500 : 200).end('x');
  });
  await t.throwsAsync(
    hammer(socketPath, 0.1, 1, () => ({ method: 'GET', path: '/' })),
    { message: /1 requests failed/ },
  );
});

test('load asks what it is told to, and counts what was answered', async (t) => {
  const paths = new Set<string>();
  let answers = 0;
  const socketPath = await serve(t, (path, response) => {
    paths.add(path);
    answers += 1;
    setTimeout(() => response.end('x'), 5);
  });
  let next = 0;
  const load = await hammer(socketPath, 0.2, 2, () => {
    next += 1;
    return { method: 'GET', path: `/${next % 3}` };
  });
  t.deepEqual([...paths].sort(), ['/0', '/1', '/2']);
  t.true(load.p50 >= 4 && load.p50 <= load.p99, JSON.stringify(load));
  t.true(load.perSecond > 0 && load.perSecond <= 400 && answers > 2, JSON.stringify({ load, answers }));
});

test('watchers are done when the slowest is', async (t) => {
  const streams: ServerResponse[] = [];
  const socketPath = await serve(t, (_path, response) => {
    streams.push(response);
    response.writeHead(200);
    response.write('begin\n');
  });
  const watchers = new Watchers();
  t.teardown(() => watchers.close());
  await watchers.open(2, 'event', { socketPath, method: 'GET', path: '/' });
  let done = false;
  const both = watchers.all(1).then(() => {
    done = true;
  });
  streams[0]?.write('event event');
  await sleep(50);
  t.false(done);
  streams[1]?.write('event');
  await both;
  t.true(done);
  await t.throwsAsync(watchers.all(2, 50), { message: 'a watcher has 1 of 2 events' });
});
