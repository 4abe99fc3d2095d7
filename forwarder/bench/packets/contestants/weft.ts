/** Weft: libforwarder of this tree in a process of its own (weft-process.ts). */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild } from '../child.ts';
import { buildFolder, loadEnvironment } from '../load.ts';
import type { Assignment, Contestant, Running } from '../scenario.ts';
import type { WeftJob } from '../weft-process.ts';
import { supported } from '../weft-rows.ts';

const program = fileURLToPath(new URL('../weft-process.ts', import.meta.url));
const libforwarder = join(buildFolder, 'libforwarder.so');
/** A million rows are written in this time, too. */
const startMs = 60_000;

export const weft: Contestant = {
  name: 'weft',
  version: installedVersion,
  supports: ({ kind }) => supported.some((known) => known === kind),
  start,
};

/** The commit of this tree, with a mark when files differ from it. */
function installedVersion(): string | undefined {
  if (!existsSync(libforwarder)) return undefined;
  const { status, stdout } = spawnSync('git', ['describe', '--always', '--dirty'], { cwd: import.meta.dirname, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : 'of no commit';
}

async function start(assignment: Assignment): Promise<Running> {
  const { scenario, packetCpu, hugepages } = assignment;
  const child = startChild({
    program: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      program,
      JSON.stringify({ libforwarder, scenario, packetCpu, hugepages } satisfies WeftJob),
    ],
    environment: loadEnvironment(assignment),
    cpu: assignment.controlCpu,
  });
  const running = { stop: () => child.stop('') };
  try {
    await child.says(/^ready$/m, startMs);
  } catch (error) {
    await running.stop();
    throw error;
  }
  return running;
}
