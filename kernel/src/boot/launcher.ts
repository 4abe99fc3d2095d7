/**
 * `weft up`: starts kernel and forwarder, runs the plugins that the kernel wants, keeps the forwarder's state memory, and puts everything away at the
 * end. It opens neither store nor bus. Usage: node launcher.ts [--config FILE] [--state-dir DIR] [--api ADDRESS]
 */
import { closeSync, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail, toWeftError } from '../../contract/system/index.ts';
import { tlsHandoff } from './certificate.ts';
import { Instance } from './instance.ts';
import { Launches, weftPrograms } from './launches.ts';
import { cleanRun, clearRun, deleteLinks, recordRun, removeRun, strangerIn } from './leftovers.ts';
import { takeLock } from './lock.ts';
import { readOptions } from './options.ts';
import { type InstancePaths, programDir } from './paths.ts';
import { assertReadable } from './readable.ts';
import { openStateMemory, type StateMemory } from './state-memory.ts';
import { Uids } from './uids.ts';

function say(line: string): void {
  process.stderr.write(`weft: ${line}\n`);
}

/** Takes the run directory over from whoever is dead, and puts the API's address where clients look for it. */
async function claim({ runDir, stateDir, apiSocket }: InstancePaths): Promise<void> {
  const stranger = strangerIn(runDir);
  if (stranger !== null)
    throw fail(
      'CONFLICT',
      `the run directory holds other things (${join(runDir, stranger)})`,
      'name an empty folder in the setting runDir',
    );
  mkdirSync(stateDir, { recursive: true });
  mkdirSync(runDir, { recursive: true, mode: 0o755 });
  const { stale } = takeLock(join(runDir, 'lock'));
  const { processes, links } = await cleanRun(runDir);
  if (stale) say(`cleaned up after a run that crashed: ${processes.length} processes, ${links.length} links, the sockets in ${runDir}`);
  clearRun(runDir);
  publishApi(apiSocket, join(runDir, 'api', 'api.sock'));
}

/** The kernel may not reach the address itself (a state directory below /root), so a link leads from there to its own folder. */
function publishApi(address: string, socket: string): void {
  const there = lstatSync(address, { throwIfNoEntry: false });
  if (there !== undefined && !there.isSymbolicLink() && !there.isSocket())
    throw fail('CONFLICT', `the API address is taken by a file (${address})`, 'remove it or choose another with --api');
  rmSync(address, { force: true });
  mkdirSync(dirname(address), { recursive: true });
  symlinkSync(socket, address);
}

function release({ runDir, apiSocket }: InstancePaths, memory: StateMemory): void {
  closeSync(memory.descriptor);
  deleteLinks(memory.linkTag);
  rmSync(apiSocket, { force: true });
  removeRun(runDir);
}

async function up(): Promise<void> {
  const uid = process.getuid?.();
  if (uid !== 0) throw fail('FORBIDDEN', `weft up needs root (it runs with uid ${uid})`, 'start it with: sudo weft up');
  const { settings, paths } = await readOptions();
  assertReadable(programDir, settings.pluginDirs);
  await claim(paths);
  const tls = tlsHandoff(settings.api.tls, paths.stateDir, say);
  const memory = openStateMemory();
  const launches = new Launches(paths, settings, { dir: programDir, ...weftPrograms }, new Uids(paths.stateDir), memory, tls);
  launches.prepare();
  const instance = new Instance({
    launches,
    logDir: join(paths.stateDir, 'log'),
    onProcesses: (processes) => recordRun(paths.runDir, { processes, linkTag: memory.linkTag }),
    say,
    onReady: () => process.stdout.write('ready\n'),
  });
  onceAsked(async () => {
    say('stopping');
    await instance.stop();
    release(paths, memory);
    process.exit(0);
  });
  say(`state in ${paths.stateDir}, API at ${paths.apiSocket}`);
  instance.start();
}

function onceAsked(stop: () => Promise<void>): void {
  let asked = false;
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (asked) return;
      asked = true;
      void stop();
    });
  }
}

try {
  await up();
} catch (thrown) {
  const { message, fix } = toWeftError(thrown);
  process.stderr.write(`error: ${message}${fix === undefined ? '' : `: ${fix}`}\n`);
  process.exit(1);
}
