/**
 * `weft up`: starts kernel and forwarder, runs the plugins that the kernel wants, keeps the forwarder's state memory, and puts everything away at the
 * end. It opens neither store nor bus. Usage: node launcher.ts [--config FILE] [--state-dir DIR] [--api ADDRESS]
 */
import { closeSync, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Enforcement, fail, toWeftError } from '../../contract/system/index.ts';
import { tlsHandoff } from './certificate.ts';
import { Containment } from './containment.ts';
import { ControlGroups, groupName } from './control-groups.ts';
import { closeInherited } from './descriptors.ts';
import { Instance } from './instance.ts';
import { Launches, weftPrograms } from './launches.ts';
import { cleanRun, clearRun, deleteLinks, deleteRules, recordRun, removeRun, strangerIn } from './leftovers.ts';
import { lockHolder, takeLock } from './lock.ts';
import { LogRotation } from './log-rotation.ts';
import { removeMounts } from './marked-mounts.ts';
import { readOptions } from './options.ts';
import { type InstancePaths, programDir } from './paths.ts';
import { assertReadable } from './readable.ts';
import { assertRoom, openStateMemory, type StateMemory } from './state-memory.ts';
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
  deleteRules(memory.linkTag);
  removeMounts(memory.linkTag);
  rmSync(apiSocket, { force: true });
  removeRun(runDir);
}

async function up(): Promise<void> {
  const uid = process.getuid?.();
  if (uid !== 0) throw fail('FORBIDDEN', `weft up needs root (it runs with uid ${uid})`, 'start it with: sudo weft up');
  closeInherited();
  const { settings, paths } = await readOptions();
  assertReadable(programDir, settings.pluginDirs);
  await claim(paths);
  const tls = tlsHandoff(settings.api.tls, paths.stateDir, say);
  assertRoom(settings.forwarder.flows.pairs, settings.forwarder.nat.addresses);
  const memory = openStateMemory();
  const groups = new ControlGroups(groupName(paths.runDir));
  groups.removeDead((name) => lockHolder(join('/run', name, 'lock')) !== null);
  const containment = new Containment(groups);
  const programs = { dir: programDir, ...weftPrograms };
  const launches = new Launches({ paths, settings, programs, uids: new Uids(paths.stateDir), memory, containment, tls });
  launches.prepare();
  const logDir = join(paths.stateDir, 'log');
  const { maxMib, files } = settings.log;
  const logs = new LogRotation({ dir: logDir, maxBytes: maxMib * 1024 * 1024, files, say });
  const instance = new Instance({
    launches,
    containment,
    logDir,
    onProcesses: (processes) => recordRun(paths.runDir, { processes, linkTag: memory.linkTag }),
    say,
    onReady: () => process.stdout.write('ready\n'),
  });
  onceAsked(async () => {
    say('stopping');
    await instance.stop();
    await containment.close();
    logs.close();
    release(paths, memory);
    process.exit(0);
  });
  say(`state in ${paths.stateDir}, API at ${paths.apiSocket}`);
  tellEnforcement(containment.enforcement);
  await containment.open();
  logs.open();
  instance.start();
}

function tellEnforcement({ memory, cpu, tasks }: Enforcement): void {
  const missing = [
    ...(memory === 'group' ? [] : ['memory is looked at now and then']),
    ...(cpu === 'group' ? [] : ['CPU time is not limited']),
    ...(tasks === 'group' ? [] : ['threads are counted by user']),
  ];
  if (missing.length > 0) say(`limits of plugins: no control group to use, so ${missing.join(', ')}`);
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
