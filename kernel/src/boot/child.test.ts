import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { newKeyPair } from '../../bus/keys.ts';
import { Child, type Launch } from './child.ts';

test('what cannot be started is told of and tried again', async (t) => {
  const logDir = mkdtempSync(join(tmpdir(), 'weft-child-'));
  t.teardown(() => rmSync(logDir, { recursive: true }));
  const handoff = { name: 'a', stateDir: logDir, keys: newKeyPair() } as Launch['handoff'];
  const sleeper = { command: 'sleep', args: ['60'], cwd: '/', environment: {}, handoff, ipc: false };
  const runs = Promise.withResolvers<void>();
  const ends: (string | null | undefined)[] = [];
  let tries = 0;
  const child: Child = new Child({
    name: 'a',
    logDir,
    launch: () => {
      tries += 1;
      if (tries < 3) throw new Error('no room');
      return sleeper;
    },
    onChange: () => {
      const { pid, exit } = child.state();
      if (pid === null) ends.push(exit?.signal);
      else runs.resolve();
    },
  });
  child.start();
  await runs.promise;
  t.deepEqual(ends, ['no room', 'no room']);
  t.is(child.state().restarts, 2);
  await child.stop();
});
