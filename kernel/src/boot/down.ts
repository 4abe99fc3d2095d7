/** `weft down`: ends the launcher of a run directory and waits; puts away what a crashed one left. Usage as launcher.ts. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, toWeftError } from '../../contract/system/index.ts';
import { ControlGroups, groupName } from './control-groups.ts';
import { cleanRun, removeRun, strangerIn } from './leftovers.ts';
import { lockHolder } from './lock.ts';
import { readOptions } from './options.ts';
import { isAlive, signal } from './proc.ts';

const waitMs = 30_000;

async function down(): Promise<void> {
  const { paths } = await readOptions();
  const holder = lockHolder(join(paths.runDir, 'lock'));
  if (holder !== null) {
    signal(holder, 'SIGTERM');
    const end = performance.now() + waitMs;
    while (isAlive(holder)) {
      if (performance.now() > end)
        throw fail('DEADLINE', `process ${holder.pid} did not end within ${waitMs / 1000} s`, `kill -9 ${holder.pid}`);
      await sleep(20);
    }
  }
  if (!existsSync(paths.runDir) || strangerIn(paths.runDir) !== null) return;
  await cleanRun(paths.runDir);
  await new ControlGroups(groupName(paths.runDir)).close();
  rmSync(paths.apiSocket, { force: true });
  removeRun(paths.runDir);
}

try {
  await down();
} catch (thrown) {
  const { message, fix } = toWeftError(thrown);
  process.stderr.write(`error: ${message}${fix === undefined ? '' : `: ${fix}`}\n`);
  process.exit(1);
}
