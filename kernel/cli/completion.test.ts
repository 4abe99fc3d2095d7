import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FakeApi, port, weft } from './test/fake-api.ts';

async function complete(t: ExecutionContext, line: string): Promise<string[]> {
  const api = await new FakeApi({
    'GET /v1/default/ports': () => ({ items: [port('web1', 'Active'), port('db', 'Active')] }),
    'GET /v1/red/ports': () => ({ items: [port('red1', 'Active')] }),
    'GET /v1/projects': () => ({ items: [{ metadata: { name: 'red' } }, { metadata: { name: 'blue' } }] }),
    'GET /v1/plugins': () => [{ name: 'network' }, { name: 'dns' }],
  }).start();
  t.teardown(() => api.stop());
  const { code, out, err } = await weft(api.address, ['complete', '--', ...line.split(' ')]);
  t.deepEqual({ code, err }, { code: 0, err: '' }, line);
  return out.split('\n').filter((word) => word !== '');
}

const lines: [line: string, candidates: string[]][] = [
  ['pl', ['plugin']],
  ['dr', ['drops']],
  ['plugin re', ['restart']],
  ['plugin logs ', ['dns', 'forwarder', 'kernel', 'network']],
  ['get po', ['ports']],
  ['get ports ', ['db', 'web1']],
  ['--project red get ports ', ['red1']],
  ['--project=red describe port ', ['red1']],
  ['--project ', ['blue', 'red']],
  ['get ports -o ', ['custom-columns=', 'json', 'jsonpath=', 'name', 'table', 'wide', 'yaml']],
  ['get ports --wa', ['--watch']],
  ['drops --po', ['--port']],
  ['drops --port ', ['db', 'web1']],
  ['drops --port web1 -o js', ['json', 'jsonpath=']],
  ['wait port web1 --for ', ['deleted', 'ready']],
  ['record --c', ['--count']],
  ['completion ', []],
  ['apply -f ', []],
  ['nothing ', []],
];
for (const [line, wanted] of lines)
  test(`"weft ${line}" goes on with ${wanted.join(', ') || 'files'}`, async (t) => {
    t.deepEqual(await complete(t, line), wanted);
  });

test('all commands are offered, but the one that the shell calls', async (t) => {
  const words = await complete(t, '');
  for (const word of ['get', 'support-bundle', 'drops', 'explain']) t.true(words.includes(word), word);
  t.false(words.includes('complete'));
});

test('an API that is not there, or does not answer, is left out silently within a second or so', async (t) => {
  const api = await new FakeApi({}).start();
  const { folder } = api;
  const mute = createServer((socket) => socket.resume()).listen(join(folder, 'mute.sock'));
  t.teardown(() => api.stop());
  t.teardown(() => mute.close());
  for (const address of ['unix:/nowhere/api.sock', `unix:${join(folder, 'mute.sock')}`]) {
    for (const words of [
      ['get', 'ports', ''],
      ['drops', '--port', ''],
    ]) {
      const outcome = await Promise.race([
        weft(address, ['complete', '--', ...words]),
        new Promise((resolve) => setTimeout(resolve, 10_000, 'hung')),
      ]);
      t.deepEqual(outcome, { code: 0, out: '', err: '', exec: [] }, words.join(' '));
    }
  }
});

test('completion prints a script for each shell, and knows no other', async (t) => {
  for (const shell of ['bash', 'zsh', 'fish']) t.regex((await weft('unix:/nowhere', ['completion', shell])).out, /weft complete -- /);
  const { code, err } = await weft('unix:/nowhere', ['completion', 'csh']);
  t.is(code, 2);
  t.regex(err, /unknown shell "csh"/);
});
