/** The audit log of a whole appliance: who changed what, who was refused, whatever becomes of the kernel. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Appliance, run, until } from '../run/appliance.ts';

interface Line {
  readonly subject: string | null;
  readonly method: string;
  readonly objects: readonly string[];
  readonly status: number;
  readonly source: string;
}

const asStranger = `const { request } = require('node:http');
request({ socketPath: process.argv[1], method: 'DELETE', path: '/v1/default/virtual-networks/red' }, (answer) => {
  console.log(answer.statusCode);
  answer.resume();
}).end();`;

test('a change, a refusal and a stranger stand in the log, which outlives a killed kernel and only root and the kernel may read', async (t) => {
  const appliance = new Appliance();
  t.teardown(() => appliance.stop());
  await appliance.start();
  const log = join(appliance.stateDir, 'log', 'audit.log');
  const lines = (): Line[] =>
    readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  await appliance.apply([{ kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } }]);
  t.like(lines().at(-1), { subject: 'user:uid-0', method: 'POST', objects: ['VirtualNetwork/default/red'], status: 200, source: 'uid 0' });
  t.is(statSync(log).mode & 0o777, 0o640);

  const socket = realpathSync(join(appliance.stateDir, 'api.sock'));
  const stranger = ['--reuid', '54321', '--regid', '54321', '--clear-groups', 'node', '-e', asStranger, socket];
  const { stdout } = await run('setpriv', stranger, { cwd: '/' });
  t.is(stdout.trim(), '403');
  t.like(lines().at(-1), { subject: 'user:uid-54321', status: 403, source: 'uid 54321', objects: [] });

  const count = lines().length;
  process.kill(await appliance.pid('kernel'), 'SIGKILL');
  t.true(await until(async () => (await appliance.weft(['get', 'vn'])).code === 0, 20_000), 'the kernel serves again');
  t.is(lines().length, count, 'nothing of it is lost');
  const { items } = await appliance.json<{ items: Line[] }>(['audit', '--subject', 'user:uid-54321']);
  t.deepEqual(
    items.map(({ method, status }) => [method, status]),
    [['DELETE', 403]],
  );
  t.regex(await appliance.must(['audit', '-n', '5']), /user:uid-54321 .*DELETE \/v1\/default\/virtual-networks\/red .*403 FORBIDDEN/);
});
