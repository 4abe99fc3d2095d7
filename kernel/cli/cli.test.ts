import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parse } from 'yaml';
import { FakeApi, type Outcome, port, problem, type Route, weft } from './test/fake-api.ts';

async function withApi(t: ExecutionContext, routes: Readonly<Record<string, Route>>): Promise<FakeApi> {
  const api = await new FakeApi(routes).start();
  t.teardown(() => api.stop());
  return api;
}

function says(t: ExecutionContext, outcome: Outcome, wanted: { code?: number; out?: string; err?: string }): void {
  t.deepEqual({ code: outcome.code, out: outcome.out, err: outcome.err }, { code: 0, out: '', err: '', ...wanted });
}

const listed = { kind: 'Port', revision: 9, items: [port('web1', 'Active'), port('db', 'Pending')] };

test('get prints a table with the names first and the columns of the kind', async (t) => {
  const api = await withApi(t, { 'GET /v1/default/ports': () => listed });
  says(t, await weft(api.address, ['get', 'port']), {
    out: ['NAME  ADDRESSES            PHASE', 'db    10.1.0.11,10.1.0.12  Pending', 'web1  10.1.0.11,10.1.0.12  Active', ''].join('\n'),
  });
});

test('get -o wide adds the wide columns, -A the project', async (t) => {
  const api = await withApi(t, { 'GET /v1/-/ports': () => listed });
  says(t, await weft(api.address, ['get', 'p', '-A', '-o', 'wide']), {
    out: [
      'PROJECT  NAME  ADDRESSES            PHASE    REASON',
      'default  db    10.1.0.11,10.1.0.12  Pending  no link',
      'default  web1  10.1.0.11,10.1.0.12  Active   -',
      '',
    ].join('\n'),
  });
});

test("get -o json prints the API's own answer, -o name the names, -o yaml one document for each object", async (t) => {
  const api = await withApi(t, { 'GET /v1/default/ports': () => listed });
  const json = await weft(api.address, ['get', 'ports', '-o', 'json']);
  t.deepEqual(JSON.parse(json.out), listed);
  says(t, await weft(api.address, ['get', 'ports', '-o', 'name']), { out: 'db\nweb1\n' });
  const yaml = await weft(api.address, ['get', 'ports', '-o', 'yaml']);
  t.is(yaml.out.split('---\n').length, 2);
  t.regex(yaml.out, /^apiVersion: weft\/v1\nkind: Port\n/);
});

test('get of one object that is missing says so on one line and exits 1', async (t) => {
  const api = await withApi(t, {});
  says(t, await weft(api.address, ['--project', 'red', 'get', 'port', 'web9']), {
    code: 1,
    err: 'error: /v1/red/ports/web9 does not exist (Port web9): name one that does\n',
  });
});

test('an unknown kind names the kinds that exist', async (t) => {
  const api = await withApi(t, {});
  says(t, await weft(api.address, ['get', 'prot']), { code: 1, err: 'error: there is no kind "prot" (KIND): use one of Port, Project\n' });
});

test('system kinds are asked for without a project', async (t) => {
  const api = await withApi(t, { 'GET /v1/projects': () => ({ kind: 'Project', revision: 1, items: [] }) });
  says(t, await weft(api.address, ['get', 'projects', '-A']), { out: 'NAME\n' });
});

test('get -w shows what is there and then each change', async (t) => {
  const api = await withApi(t, {
    'GET /v1/default/ports': () => listed,
    'GET /v1/watch': (request, response) => {
      t.is(request.path, '/v1/watch?kinds=Port&since=9');
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`: hello\n\nid: 10\nevent: updated\ndata: ${JSON.stringify(port('db', 'Active'))}\n\n`);
      response.write(`id: 11\nevent: created\ndata: ${JSON.stringify(port('other', 'Active', 'blue'))}\n\n`);
      response.write(`id: 12\nevent: deleted\ndata: ${JSON.stringify(port('web1', 'Active'))}\n\n`);
    },
  });
  const outcome = await weft(api.address, ['get', 'port', '-w'], { stop: 'deleted' });
  t.is(
    outcome.out,
    [
      'EVENT    NAME              ADDRESSES            PHASE',
      'current  db                10.1.0.11,10.1.0.12  Pending',
      'current  web1              10.1.0.11,10.1.0.12  Active',
      'updated  db                10.1.0.11,10.1.0.12  Active',
      'deleted  web1              10.1.0.11,10.1.0.12  Active',
      '',
    ].join('\n'),
  );
});

test('get -w goes on after the API went away, from the last revision it saw', async (t) => {
  const asked: string[] = [];
  const api = await withApi(t, {
    'GET /v1/default/ports': () => listed,
    'GET /v1/watch': (request, response) => {
      asked.push(request.path);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const revision = 9 + asked.length;
      response.write(`id: ${revision}\nevent: updated\ndata: ${JSON.stringify(port(`p${revision}`, 'Active'))}\n\n`);
      if (asked.length === 1) setImmediate(() => response.destroy());
    },
  });
  const outcome = await weft(api.address, ['get', 'port', '-w', '-o', 'name'], { stop: 'p11' });
  t.is(outcome.out, 'db\nweb1\np10\np11\n');
  t.deepEqual(asked, ['/v1/watch?kinds=Port&since=9', '/v1/watch?kinds=Port&since=10']);
});

test('wait ends when the object becomes ready', async (t) => {
  const api = await withApi(t, {
    'GET /v1/default/ports': () => listed,
    'GET /v1/watch': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`id: 10\nevent: updated\ndata: ${JSON.stringify(port('db', 'Active'))}\n\n`);
    },
  });
  says(t, await weft(api.address, ['wait', 'port', 'db', '--for=ready', '--timeout=20s']), {});
});

test('wait exits 3 with what the object lacks when the time is over', async (t) => {
  const api = await withApi(t, {
    'GET /v1/default/ports': () => listed,
    'GET /v1/watch': (_request, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
  });
  says(t, await weft(api.address, ['wait', 'port', 'db', '--for=ready', '--timeout=1500ms']), {
    code: 3,
    err: 'error: Port/default/db is not ready after 1.5 s (phase Pending, no link): see: weft describe Port db\n',
  });
  says(t, await weft(api.address, ['wait', 'port', 'db', '--for=deleted', '--timeout=1500ms']), {
    code: 3,
    err: 'error: Port/default/db still exists after 1.5 s (phase Pending, no link): see: weft describe Port db\n',
  });
});

test('wait --for=deleted ends at once when there is no such object', async (t) => {
  const api = await withApi(t, { 'GET /v1/default/ports': () => listed });
  says(t, await weft(api.address, ['wait', 'port', 'gone', '--for=deleted']), {});
});

test('status shows one screen and exits 1 when something is wrong', async (t) => {
  const report = {
    healthy: false,
    kernel: { version: '0.1.0', pid: 11, uptimeSeconds: 90, revision: 7, rssBytes: 100 << 20 },
    forwarder: { state: 'running', pid: 12, restarts: 2 },
    plugins: [
      { name: 'network', version: '0.2.0', state: 'failed', pid: null, restarts: 9, rssBytes: null, reason: 'exit code 1' },
      { name: 'dns', version: '0.1.0', state: 'running', pid: 13, restarts: 0, rssBytes: 80 << 20, limits: { memoryMib: 256 }, reason: '' },
    ],
    enforcement: { memory: 'watch', cpu: 'none', tasks: 'group' },
    counts: { Port: 2, Project: 1 },
    alarms: [{ status: { severity: 'critical', subject: 'plugin network', text: 'failed 5 times' } }],
  };
  const api = await withApi(t, { 'GET /v1/status': () => report });
  says(t, await weft(api.address, ['status']), {
    code: 1,
    out: [
      'not healthy',
      '',
      'PROCESS    STATE    PID  VERSION  MEMORY      RESTARTS  REASON',
      'kernel     running  11   0.1.0    100 MiB     -         -',
      'forwarder  running  12   0.1.0    -           2         -',
      'network    failed   -    0.2.0    -           9         exit code 1',
      'dns        running  13   0.1.0    80/256 MiB  0         -',
      '',
      'version 0.1.0, up 90 s, revision 7',
      'limits of plugins, without control groups: memory is looked at now and then, CPU is not limited',
      'objects: Port 2, Project 1',
      'alarms: 1',
      '  critical plugin network: failed 5 times',
      '',
    ].join('\n'),
  });
  const json = await weft(api.address, ['status', '-o', 'json']);
  t.deepEqual(JSON.parse(json.out), report);
});

test('describe shows the object and its alarms only', async (t) => {
  const alarm = (subject: string) => ({ metadata: { name: subject }, status: { severity: 'warning', subject, text: 'look here' } });
  const api = await withApi(t, {
    'GET /v1/default/ports/web1': () => port('web1', 'Active'),
    'GET /v1/alarms': () => ({ items: [alarm('Port/default/web1'), alarm('Port/default/other')] }),
  });
  const { out } = await weft(api.address, ['describe', 'port', 'web1']);
  t.regex(out, /^Port\/default\/web1\n\nmetadata:\n {2}uid: uid-web1\n/);
  t.regex(out, /alarms:\n {2}- "warning: look here"\n$/);
});

test('explain prints every field with type, default and description', async (t) => {
  const api = await withApi(t, {});
  says(t, await weft(api.address, ['explain', 'port']), {
    out: `Port (ports, p), in a project, of network
An interface of a VM.

spec:
  network <string, required>
      Its network.
  mtu <integer 68–9000, default 1500>
      MTU, bytes.
  rules <list of object (at most 8 items)>
    rules[].direction <ingress | egress>
  binding <{type: none} | {type: vlan}, required>
      Where packets come from.
    binding{type: vlan}.vlan <integer, required>
        Tag.

status:
  phase <Active | Pending>
      How it is.
`,
  });
  says(t, await weft(api.address, ['explain', 'port.binding.vlan']), {
    out: 'Port spec\nbinding{type: vlan}.vlan <integer, required>\n    Tag.\n',
  });
  says(t, await weft(api.address, ['explain', 'port.nothing']), {
    code: 1,
    err: 'error: Port has no field "nothing" (Port spec): fields are: network, mtu, rules, binding\n',
  });
});

test('plugin commands call the API and say what happened', async (t) => {
  const api = await withApi(t, {
    'GET /v1/plugins': () => [{ name: 'one', state: 'running', pid: 5, restarts: 0, reason: '' }],
    'GET /v1/plugins/one': () => ({ name: 'one', state: 'running' }),
    'PUT /v1/plugins/one': () => ({}),
    'POST /v1/plugins/one/restart': () => ({}),
    'GET /v1/plugins/one/logs': (_request, response) => void response.writeHead(200).end('{"a":1}\n{"b":2}\n'),
  });
  says(t, await weft(api.address, ['plugin', 'list']), { out: 'NAME  STATE    PID  RESTARTS  REASON\none   running  5    0         -\n' });
  says(t, await weft(api.address, ['plugin', 'disable', 'one']), { out: 'plugin one disabled\n' });
  t.is(api.requests.at(-1)?.body, '{"enabled":false}');
  says(t, await weft(api.address, ['plugin', 'restart', 'one']), { out: 'plugin one restarted\n' });
  says(t, await weft(api.address, ['plugin', 'logs', 'one', '-n', '2']), { out: '{"a":1}\n{"b":2}\n' });
  t.is(api.requests.at(-1)?.path, '/v1/plugins/one/logs?lines=2');
});

test('verbs come from the operations: options from the input, a table from the columns', async (t) => {
  const reply = { items: [{ port: 'web1', packets: 3 }] };
  const api = await withApi(t, { 'POST /v1/red/operations/network.drops.list': () => reply });
  says(t, await weft(api.address, ['drops', '--project', 'red', '--port', 'web1', '--max-items', '5', '--all']), {
    out: 'PORT  PACKETS\nweb1  3\n',
  });
  t.is(api.requests.at(-1)?.body, '{"port":"web1","maxItems":5,"all":true}');
  const json = await weft(api.address, ['drops', '--project', 'red', '-o', 'json']);
  t.deepEqual(JSON.parse(json.out), reply);
  t.is((await weft(api.address, ['drops', '--max-items', 'many'])).code, 2);
  const help = await weft(api.address, ['--help']);
  t.regex(help.out, /drops .*Dropped packets/);
  t.notRegex(help.out, /hidden/);
});

test('a streaming verb prints each item as it comes, and the error that ends it', async (t) => {
  const api = await withApi(t, {
    'POST /v1/default/operations/network.events': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(
        'event: item\ndata: {"what":"up"}\n\nevent: error\ndata: {"code":"UNAVAILABLE","detail":"it stopped","fix":"try again"}\n\n',
      );
    },
  });
  says(t, await weft(api.address, ['events']), { code: 1, out: 'WHAT\nup\n', err: 'error: it stopped (events): try again\n' });
});

/** Answers with these events. */
const events =
  (...items: readonly (readonly [event: string, data: unknown])[]): Route =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(items.map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join(''));
  };
const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('the argument of a verb is an input field without its name', async (t) => {
  const api = await withApi(t, { 'POST /v1/default/operations/network.record': events(['item', { what: 'hello' }], ['end', {}]) });
  says(t, await weft(api.address, ['record', 'hall', '--count', '2']), { out: 'WHAT\nhello\n' });
  t.is(api.requests.at(-1)?.body, '{"room":"hall","count":2}');
  t.is((await weft(api.address, ['record'])).code, 2);
});

test('a verb whose answer can be a file writes it with -w, part by part', async (t) => {
  const parts = [
    ['item', base64('ab')],
    ['item', base64('cd\n')],
    ['end', {}],
  ] as const;
  const api = await withApi(t, { 'POST /v1/default/operations/network.record': events(...parts) });
  const path = join(api.folder, 'voice');
  says(t, await weft(api.address, ['record', 'hall', '-w', path]), { err: `5 bytes written to ${path}\n` });
  t.is(readFileSync(path, 'utf8'), 'abcd\n');
  t.is(api.requests.at(-1)?.path, '/v1/default/operations/network.record?file=true');
  const nowhere = await weft(api.address, ['record', 'hall', '-w', join(api.folder, 'none/voice')]);
  t.is(nowhere.code, 1);
  t.regex(nowhere.err, /^error: ENOENT: no such file or directory \(.*none\/voice\): name a file that you may write\n$/);
});

test('what is refused leaves the file that is there alone', async (t) => {
  const api = await withApi(t, {
    'POST /v1/default/operations/network.record': (_request, response) =>
      problem(response, 409, { code: 'CONFLICT', detail: 'the hall is taken', fix: 'wait' }),
  });
  const path = join(api.folder, 'voice');
  writeFileSync(path, 'old');
  says(t, await weft(api.address, ['record', 'hall', '-w', path]), { code: 1, err: 'error: the hall is taken (record): wait\n' });
  t.is(readFileSync(path, 'utf8'), 'old');
});

test('a refreshing verb shows one table, and on a terminal each in place of the one before', async (t) => {
  const tables = [
    ['item', { items: [{ who: 'a' }] }],
    ['item', { items: [{ who: 'b' }] }],
    ['end', {}],
  ] as const;
  const api = await withApi(t, { 'POST /v1/default/operations/network.busy': events(...tables) });
  says(t, await weft(api.address, ['busy']), { out: 'WHO\na\n' });
  t.deepEqual(JSON.parse((await weft(api.address, ['busy', '-o', 'json'])).out), { items: [{ who: 'a' }] });
  const shown = await weft(api.address, ['busy'], { terminal: true });
  t.is(shown.out, '\u001b[H\u001b[2JWHO\na\n\u001b[H\u001b[2JWHO\nb\n');
});

test('a table that comes in parts is one document, unless it goes on', async (t) => {
  const parts = [
    ['item', { items: [{ who: 'a' }, { who: 'b' }] }],
    ['item', { items: [] }],
    ['item', { items: [{ who: 'c' }] }],
    ['end', {}],
  ] as const;
  const api = await withApi(t, { 'POST /v1/default/operations/network.guests': events(...parts) });
  const whole = { items: [{ who: 'a' }, { who: 'b' }, { who: 'c' }] };
  says(t, await weft(api.address, ['guests']), { out: 'WHO\na\nb\nc\n' });
  t.deepEqual(JSON.parse((await weft(api.address, ['guests', '-o', 'json'])).out), whole);
  t.deepEqual(parse((await weft(api.address, ['guests', '-o', 'yaml'])).out), whole);
  says(t, await weft(api.address, ['guests', '-o', 'jsonpath={.items[2].who}']), { out: 'c\n' });
  says(t, await weft(api.address, ['guests', '--follow', '-o', 'json']), { out: '{"who":"a"}\n{"who":"b"}\n{"who":"c"}\n' });
  const nobody = await withApi(t, { 'POST /v1/default/operations/network.guests': events(['end', {}]) });
  t.deepEqual(JSON.parse((await weft(nobody.address, ['guests', '-o', 'json'])).out), { items: [] });
  t.deepEqual(parse((await weft(nobody.address, ['guests', '-o', 'yaml'])).out), { items: [] });
});

test('refusals about several fields are one line each', async (t) => {
  const errors = [
    { object: 'Port/default/a', pointer: '/spec/network', message: 'there is no such\nnetwork.', fix: 'name one' },
    { object: 'Port/default/b', pointer: '', message: 'twice', fix: 'name it once' },
  ];
  const api = await withApi(t, {
    'POST /v1/apply': (_request, response) => problem(response, 422, { code: 'INVALID', detail: 'two errors', errors }),
  });
  says(t, await weft(api.address, ['apply', '-f', '-'], { stdin: 'kind: Port' }), {
    code: 1,
    err: 'error: there is no such network (Port/default/a /spec/network): name one\nerror: twice (Port/default/b): name it once\n',
  });
});

test('nothing running is said with how to start it', async (t) => {
  for (const args of [['status'], ['drops'], ['get', 'port']])
    says(t, await weft('unix:/nowhere/api.sock', args), {
      code: 1,
      err: 'error: Weft is not running here (unix:/nowhere/api.sock): start it with: weft up, or name its API in WEFT_API\n',
    });
});

test('wrong usage is one line and exit code 2', async (t) => {
  const api = await withApi(t, {});
  for (const args of [
    ['get'],
    ['get', 'port', '--bad'],
    ['nothing'],
    ['delete', 'port'],
    ['wait', 'port', 'a', '--for=ready', '--timeout=x'],
  ]) {
    const { code, out, err } = await weft(api.address, args);
    t.is(code, 2, args.join(' '));
    t.is(out, '');
    t.regex(err, /^error: .+ \(weft .+\): .+\n$/);
    t.is(err.split('\n').length, 2);
  }
  t.is((await weft('http://host', ['status'])).code, 2);
});

test('colours appear on a terminal only', async (t) => {
  const report = { healthy: true, kernel: { pid: 1 }, forwarder: { state: 'running', pid: 2 }, plugins: [], counts: {}, alarms: [] };
  const api = await withApi(t, { 'GET /v1/status': () => report });
  t.false((await weft(api.address, ['status'])).out.includes('\u001b'));
  t.true((await weft(api.address, ['status'], { terminal: true })).out.includes('\u001b[32mhealthy\u001b[0m'));
});

test('up, down and lab hand over to their programs with their arguments', async (t) => {
  const up = await weft('unix:/nowhere/api.sock', ['up', '--state-dir', '/tmp/s', '--config', 'c.yaml']);
  t.regex(up.exec[0] ?? '', /kernel\/src\/boot\/launcher\.ts$/);
  t.deepEqual(up.exec.slice(1), ['--config', 'c.yaml', '--state-dir', '/tmp/s']);
  const down = await weft('unix:/nowhere/api.sock', ['down', '--state-dir', '/tmp/s', '--api', 'unix:/tmp/a.sock']);
  t.regex(down.exec[0] ?? '', /kernel\/src\/boot\/down\.ts$/);
  t.deepEqual(down.exec.slice(1), ['--state-dir', '/tmp/s', '--api', 'unix:/tmp/a.sock']);
  const lab = await weft('unix:/nowhere/api.sock', ['lab', 'exec', 'vm1', '--', 'ls', '-A', '--help']);
  t.regex(lab.exec[0] ?? '', /appliance\/lab\/main\.ts$/);
  t.deepEqual(lab.exec.slice(1), ['exec', 'vm1', '--', 'ls', '-A', '--help']);
  const named = await weft('unix:/nowhere/api.sock', ['--project', 'red', 'lab', 'up', 'two-vms']);
  t.deepEqual(named.exec.slice(1), ['up', 'two-vms'], 'whatever stands before the command');
});
