import test from 'ava';
import { instancePaths, programDir } from './paths.ts';

const settings = { stateDir: '/var/lib/weft', runDir: '', api: { socket: '' } };

test('a state folder of its own brings a run folder and an API address of its own', (t) => {
  t.deepEqual(instancePaths({ settings }), { stateDir: '/var/lib/weft', runDir: '/run/weft', apiSocket: '/run/weft/api.sock' });
  const other = instancePaths({ settings, stateDir: '/tmp/other' });
  t.is(other.apiSocket, '/tmp/other/api.sock');
  t.regex(other.runDir, /^\/run\/weft-[0-9a-f]{8}$/);
});

test('neither nothing nor the program folder holds the state', (t) => {
  for (const stateDir of ['', programDir, `${programDir}/kernel/..`])
    t.throws(() => instancePaths({ settings, stateDir }), { message: /this is no folder for the state/ });
});
