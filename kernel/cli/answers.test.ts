import test, { type ExecutionContext } from 'ava';
import { FakeApi, port, type Route, weft } from './test/fake-api.ts';

async function withApi(t: ExecutionContext, routes: Readonly<Record<string, Route>>): Promise<FakeApi> {
  const api = await new FakeApi(routes).start();
  t.teardown(() => api.stop());
  return api;
}

const items = [port('web2', 'Active', 'default', 3), port('web1', 'Active', 'default', 20), port('a', 'Pending', 'red', 1)];
const listed = { kind: 'Port', revision: 9, items };
const routes = { 'GET /v1/-/ports': () => listed, 'GET /v1/default/ports': () => listed, 'GET /v1/default/ports/web1': () => items[1] };

const printed: [args: string, out: string][] = [
  ['-o jsonpath={.items[*].metadata.name}', 'web2 web1 a\n'],
  ['-A --sort-by /metadata/revision -o jsonpath={.items[*].metadata.name}', 'a web2 web1\n'],
  ['-A --sort-by .metadata.revision -o name', 'red/a\ndefault/web2\ndefault/web1\n'],
  ['-A --sort-by .status.nothing -o name', 'default/web1\ndefault/web2\nred/a\n'],
  ['-A -o name', 'default/web1\ndefault/web2\nred/a\n'],
  ['web1 -o jsonpath={.status.phase}', 'Active\n'],
  ['-A -o custom-columns=WHO:.metadata.name,REV:/metadata/revision', 'WHO   REV\nweb1  20\nweb2  3\na     1\n'],
  [
    '-A --no-headers -o custom-columns=WHO:.metadata.name,FIRST:.spec.addresses[0,1]',
    'web1  10.1.0.11,10.1.0.12\nweb2  10.1.0.11,10.1.0.12\na     10.1.0.11,10.1.0.12\n',
  ],
  ['web1 --no-headers', 'web1  10.1.0.11,10.1.0.12  Active\n'],
];
for (const [args, out] of printed)
  test(`get ports ${args}`, async (t) => {
    const api = await withApi(t, routes);
    const outcome = await weft(api.address, ['get', 'ports', ...args.split(' ')]);
    t.deepEqual({ code: outcome.code, out: outcome.out, err: outcome.err }, { code: 0, out, err: '' });
  });

const refused: [args: string, err: RegExp][] = [
  ['-o xml', /Allowed are table, wide, json, yaml, name, jsonpath=TEMPLATE, custom-columns=/],
  ['-o jsonpath={.items[}', /is no JSONPath/],
  ['-o custom-columns=WHO', /"WHO" is no column: write TITLE:QUERY/],
  ['--sort-by .a[', /is no JSONPath/],
  ['-l a=b=c', /Write it like app=web/],
];
for (const [args, err] of refused)
  test(`get ports ${args} is wrong usage`, async (t) => {
    const api = await withApi(t, routes);
    const outcome = await weft(api.address, ['get', 'ports', ...args.split(' ')]);
    t.is(outcome.code, 2);
    t.regex(outcome.err, err);
    t.is(api.requests.length, 0, 'it asks nothing');
  });

test('a label selector goes to the API; changes of a watch are held against it here', async (t) => {
  const labelled = (name: string, app: string) => {
    const object = port(name, 'Active') as { metadata: object };
    return { ...object, metadata: { ...object.metadata, labels: { app } } };
  };
  const api = await withApi(t, {
    'GET /v1/default/ports': () => ({ ...listed, items: [labelled('web1', 'web')] }),
    'GET /v1/watch': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const object of [labelled('db', 'db'), labelled('web2', 'web')])
        response.write(`id: 10\nevent: created\ndata: ${JSON.stringify(object)}\n\n`);
    },
  });
  await weft(api.address, ['get', 'ports', '-l', 'app=web,!old']);
  t.is(api.requests.at(-1)?.path, '/v1/default/ports?labels=app%3Dweb%2C%21old');
  const { out } = await weft(api.address, ['get', 'ports', '-l', 'app=web', '-w', '-o', 'name'], { stop: 'web2' });
  t.is(out, 'web1\nweb2\n');
});

test('columns of a watch stay where they are, and long cells whole', async (t) => {
  const name = 'a-name-that-is-longer-than-all-others';
  const api = await withApi(t, {
    'GET /v1/default/ports': () => ({ ...listed, items: [] }),
    'GET /v1/watch': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const one of [port('a', 'Active'), port(name, 'Pending'), port('b', 'Pending')])
        response.write(`id: 10\nevent: created\ndata: ${JSON.stringify(one)}\n\n`);
    },
  });
  const { out } = await weft(api.address, ['get', 'ports', '-w'], { stop: '  b  ' });
  const [head = '', first = '', long = '', last = ''] = out.split('\n');
  t.is(first.indexOf('10.1.0.11'), head.indexOf('ADDRESSES'));
  t.is(last.indexOf('10.1.0.11'), head.indexOf('ADDRESSES'));
  t.true(long.includes(`${name}  10.1.0.11,10.1.0.12  Pending`));
});

test('answers that are no lists take templates, too', async (t) => {
  const report = { healthy: true, kernel: {}, forwarder: { state: 'running' }, plugins: [], counts: {}, alarms: [] };
  const api = await withApi(t, {
    'GET /v1/status': () => report,
    'GET /v1/plugins': () => [{ name: 'one', state: 'running' }],
    'POST /v1/default/operations/network.drops.list': () => ({ items: [{ port: 'web1', packets: 3 }] }),
  });
  t.is((await weft(api.address, ['status', '-o', 'jsonpath={.healthy}'])).out, 'true\n');
  t.is((await weft(api.address, ['plugin', 'list', '-o', 'jsonpath={[*].name}'])).out, 'one\n');
  t.is((await weft(api.address, ['drops', '-o', 'jsonpath={.items[0].packets}'])).out, '3\n');
  t.is((await weft(api.address, ['drops', '--no-headers'])).out, 'web1  3\n');
});
