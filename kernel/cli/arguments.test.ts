/** Whatever stands on the command line: an answer or one line that says what is wrong, a documented exit code, and an end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import type { Io } from './io.ts';
import { run } from './run.ts';
import { FakeApi, port, type Route } from './test/fake-api.ts';

const runs = 2_000;
/** A command that goes on for ever is interrupted then. */
const patienceMs = 60;
const words = [
  ...['up', 'down', 'status', 'apply', 'confirm', 'diff', 'edit', 'delete', 'get', 'describe', 'explain', 'wait', 'history', 'rollback'],
  ...[
    'token',
    'issue',
    'plugin',
    'list',
    'enable',
    'restart',
    'logs',
    'lab',
    'support-bundle',
    'completion',
    'complete',
    'bash',
    'backup',
    'restore',
  ],
  ...[
    'drops',
    'events',
    'record',
    'busy',
    'port',
    'ports',
    'p',
    'project',
    'web1',
    'db',
    'nothing',
    'port.binding.vlan',
    'port.',
    '.',
    'settings',
    'settings.x',
  ],
  ...[
    'error',
    'REFERENCED',
    'operation',
    'drop',
    '-o',
    'json',
    'yaml',
    'name',
    'wide',
    'jsonpath={.items[*]',
    'jsonpath={..name}',
    'custom-columns=',
    'custom-columns=A:.b',
  ],
  ...[
    '-A',
    '--project',
    'red',
    '--project=',
    '-f',
    '-',
    'objects.yaml',
    'broken.yaml',
    '.',
    '/nowhere',
    '-n',
    '5',
    '-1',
    '1e9',
    'NaN',
    '--for',
    '--for=ready',
    '--for=x',
  ],
  ...[
    '--timeout=10ms',
    '--timeout',
    '-w',
    'out.file',
    '-l',
    'a=b',
    '=',
    '--sort-by',
    '/spec/x',
    '$[',
    '--dry-run',
    '--confirm',
    '1s',
    '--cascade',
    '--revert',
    '--status',
  ],
  ...[
    '--',
    '-',
    '--help',
    '-h',
    '--version',
    '--unknown',
    '-x',
    '',
    ' ',
    '\n',
    '\u0000',
    '💥',
    '%s%n',
    '../../etc',
    '__proto__',
    'constructor',
    'x'.repeat(5_000),
    '{}',
    '--no-headers',
  ],
];

/** Words that may come first. */
const verbs = words.slice(0, words.indexOf('bash')).concat('drops', 'events', 'record', 'busy', 'backup', 'restore');

/** A small generator of its own, so that a failure can be repeated. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function weft(api: string, args: readonly string[]): Promise<{ code: number; said: string; err: string; interrupted: boolean }> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), patienceMs);
  let said = '';
  let err = '';
  const io: Io = {
    env: { WEFT_API: api, EDITOR: 'false' },
    stdin: Readable.from([]),
    terminal: false,
    signal: controller.signal,
    out: (text) => {
      said += text;
    },
    err: (text) => {
      err += text;
    },
    run: () => 1,
    exec: () => {
      throw new HandedOver();
    },
  };
  const code = await run(args, io);
  clearTimeout(timer);
  return { code, said, err: err.includes(handedOver) ? '' : err, interrupted: controller.signal.aborted };
}

const handedOver = 'handed over to another program';
class HandedOver extends Error {
  constructor() {
    super(handedOver);
  }
}

test(`${runs} random command lines`, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-arguments-'));
  process.chdir(folder);
  writeFileSync('objects.yaml', 'kind: Port\nmetadata: {name: a}\n');
  writeFileSync('broken.yaml', 'kind: [\n');
  const stream: Route = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('event: end\ndata: {}\n\n');
  };
  const list = () => ({ revision: 9, items: [port('web1', 'Active'), port('db', 'Pending')] });
  const api = await new FakeApi({
    'GET /v1/default/ports': list,
    'GET /v1/-/ports': list,
    'GET /v1/default/ports/web1': () => port('web1', 'Active'),
    'GET /v1/history': () => ({ items: [], next: null }),
    'GET /v1/plugins': () => [],
    'GET /v1/trials': () => ({ items: [] }),
    'POST /v1/apply': () => ({ revision: 9, results: [] }),
    'POST /v1/default/operations/network.drops.list': () => ({ items: [] }),
    'POST /v1/default/operations/network.events': stream,
  }).start();
  t.teardown(() => {
    api.stop();
    process.chdir('/');
    rmSync(folder, { recursive: true });
  });
  const random = randomOf(20_261_121);
  for (let at = 0; at < runs; at += 1) {
    const length = Math.floor(random() * 6);
    const one = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? '';
    const args = [...(random() < 0.7 ? [one(verbs)] : []), ...Array.from({ length }, () => one(words))];
    const { code, said, err, interrupted } = await weft(api.address, args);
    const about = JSON.stringify(args.map((arg) => arg.slice(0, 40)));
    t.true([0, 1, 2, 3].includes(code) || (code === 130 && interrupted), `${about}: exit code ${code}`);
    t.notRegex(said + err, /\n\s+at .+:\d+:\d+|node:internal|\[object Object\]/, about);
    t.notRegex(err, /defect of Weft/, about);
    if (code === 2 || code === 3) t.regex(err, /^(?:.+\n)*error: .+ \(.+\): .+\n$/, about);
  }
});
