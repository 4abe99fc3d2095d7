/** The demo is a promise of the README: it holds. */
import test from 'ava';
import { run, top } from '../run/appliance.ts';

test('the demo exits 0', async (t) => {
  const result = await run('node', ['appliance/demo/main.ts'], { cwd: top, timeoutMs: 240_000 });
  t.log(result.stdout);
  t.is(result.code, 0, result.stderr);
});
