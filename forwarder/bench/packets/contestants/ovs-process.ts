/**
 * One Open vSwitch of a sample's own: ovsdb-server and ovs-vswitchd-dpdk with every file in the sample's folder, in a network namespace of their own.
 * Who uses it adds ports last, so that the load's first packet meets all flows.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const vswitchd = '/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk';
const schema = '/usr/share/openvswitch/vswitch.ovsschema';
const startMs = 20_000;
const commandMs = 120_000;

export interface SwitchSettings {
  /** For sockets, database and logs; the caller removes it. */
  readonly folder: string;
  readonly packetCpu: number;
  readonly controlCpu: number;
  readonly hugepages: boolean;
  /** Of ovs-vswitchd alone: LD_PRELOAD, LOAD, … */
  readonly environment: Readonly<Record<string, string>>;
  /** Arguments of DPDK, such as `--vdev=net_null0`. */
  readonly devices: readonly string[];
  /** `other_config` of the switch, such as `emc-insert-inv-prob`. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

export interface Switch {
  /** Process id of ovs-vswitchd. */
  readonly pid: number;
  /** Runs one transaction of ovs-vsctl and waits until ovs-vswitchd has carried it out. */
  vsctl(...args: string[]): Promise<string>;
  /** Asks ovs-vswitchd. */
  appctl(...args: string[]): Promise<string>;
  /** Adds flows, one a line, as one bundle of OpenFlow 1.4: all or none. */
  addFlows(bridge: string, flows: string): Promise<void>;
  /** Runs a program in the switch's network namespace. */
  inNamespace(program: string, ...args: string[]): Promise<void>;
  /** An Error that ends with what the log says last. */
  failure(what: string): Error;
  stop(): Promise<void>;
}

/** `3.1.0`, or undefined when the programs are not installed. */
export function installedVersion(): string | undefined {
  if (!existsSync(vswitchd) || !existsSync(schema)) return undefined;
  return /\(Open vSwitch\) (\S+)/.exec(execFileSync(vswitchd, ['--version'], { encoding: 'utf8' }))?.[1];
}

/** Starts both processes and brings DPDK up; there is no bridge yet. Throws an Error with the end of the log. */
export async function startSwitch(settings: SwitchSettings): Promise<Switch> {
  const { folder } = settings;
  const control = String(settings.controlCpu);
  const environment = { PATH: process.env.PATH, OVS_RUNDIR: folder, OVS_LOGDIR: folder, OVS_DBDIR: folder, OVS_SYSCONFDIR: folder };
  const run = async (program: string, ...args: string[]): Promise<string> =>
    (await execute(program, args, { cwd: folder, env: environment, timeout: commandMs, maxBuffer: 1 << 26 })).stdout;
  const children: ChildProcess[] = [];
  const daemon = (name: string, args: readonly string[]): ChildProcess => {
    const output = openSync(join(folder, `${name}.out`), 'a');
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'taskset', '-c', control, ...args], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', output, output],
    });
    // Without this a program that is missing would end the bench; appears() tells it.
    child.once('error', (error) => void appendFile(join(folder, `${name}.out`), `${error.message}\n`));
    children.push(child);
    return child;
  };
  const log = (name: string) => ['--no-chdir', `--log-file=${folder}/${name}.log`, '-vconsole:off', '-vsyslog:off', '-vfile:info'];
  const stop = () => stopAll(children);
  const failure = (what: string) => new Error(`${what}\n${endOfLogs(folder)}`);
  try {
    await run('ovsdb-tool', 'create', 'conf.db', schema);
    const database = daemon('ovsdb', ['ovsdb-server', 'conf.db', '--remote=punix:db.sock', '--unixctl=ovsdb.ctl', ...log('ovsdb')]);
    await appears(join(folder, 'db.sock'), database, failure);
    await run('ovs-vsctl', '--db=unix:db.sock', '--no-wait', 'init', '--', 'set', 'Open_vSwitch', '.', ...configuration(settings));
    const variables = Object.entries(settings.environment).map(([name, value]) => `${name}=${value}`);
    const main = daemon('vswitchd', [
      'unshare',
      '--net',
      'env',
      ...variables,
      vswitchd,
      'unix:db.sock',
      '--unixctl=vswitchd.ctl',
      ...log('vswitchd'),
    ]);
    await appears(join(folder, 'vswitchd.ctl'), main, failure);
    const died = once(main, 'exit').then((): never => {
      throw failure('ovs-vswitchd ended');
    });
    // Nobody may be waiting when it ends.
    died.catch(() => undefined);
    const vsctl = (...args: string[]) => Promise.race([died, run('ovs-vsctl', '--db=unix:db.sock', '--timeout=30', ...args)]);
    if ((await vsctl('get', 'Open_vSwitch', '.', 'dpdk_initialized')).trim() !== 'true') await initialised(vsctl, failure);
    return {
      pid: main.pid ?? 0,
      vsctl,
      appctl: (...args) => run('ovs-appctl', '-t', join(folder, 'vswitchd.ctl'), ...args),
      addFlows: async (bridge, flows) => {
        await writeFile(join(folder, `${bridge}.flows`), flows);
        await run('ovs-ofctl', '-O', 'OpenFlow14', '--bundle', 'add-flows', `unix:${folder}/${bridge}.mgmt`, `${bridge}.flows`);
      },
      inNamespace: async (...args) => void (await run('nsenter', '--net', '--target', String(main.pid), ...args)),
      failure,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configuration(settings: SwitchSettings): string[] {
  const memory = settings.hugepages ? '--in-memory' : '--no-huge --legacy-mem --no-shconf';
  const options = {
    'dpdk-init': true,
    'dpdk-lcore-mask': cpuMask(settings.controlCpu),
    'pmd-cpu-mask': cpuMask(settings.packetCpu),
    'dpdk-extra': [memory, '-m 256', '--no-pci', '--no-telemetry', ...settings.devices].join(' '),
    // Pools of 2 × about 20,000 buffers instead of one of 262,144: fits the hugepages that a small machine has.
    'per-port-memory': true,
    'n-handler-threads': 1,
    'n-revalidator-threads': 1,
    ...settings.options,
  };
  return Object.entries(options).map(([name, value]) => `other_config:${name}="${value}"`);
}

function cpuMask(cpu: number): string {
  return `0x${(1n << BigInt(cpu)).toString(16)}`;
}

async function appears(path: string, child: ChildProcess, failure: (what: string) => Error): Promise<void> {
  for (const end = Date.now() + startMs; !existsSync(path); await sleep(5)) {
    if (isGone(child)) throw failure(`${path} did not appear: its process ended`);
    if (Date.now() > end) throw failure(`${path} did not appear in ${startMs} ms`);
  }
}

async function initialised(vsctl: Switch['vsctl'], failure: Switch['failure']): Promise<void> {
  await vsctl('wait-until', 'Open_vSwitch', '.', 'dpdk_initialized=true').catch((error: unknown) => {
    throw failure(`DPDK did not start in ovs-vswitchd: ${String(error)}`);
  });
}

/** Ended, or never begun. */
function isGone(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** Ends processes, the youngest first, and waits for their end. */
async function stopAll(children: readonly ChildProcess[]): Promise<void> {
  for (const child of children.toReversed()) {
    child.kill('SIGTERM');
    for (let waited = 0; !isGone(child); waited += 5) {
      if (waited === 3_000) child.kill('SIGKILL');
      await sleep(5);
    }
  }
}

function endOfLogs(folder: string): string {
  const logs = ['ovsdb.out', 'vswitchd.out', 'vswitchd.log'].map((name) => join(folder, name)).filter((path) => existsSync(path));
  return logs.map((path) => readFileSync(path, 'utf8').trimEnd().split('\n').slice(-8).join('\n')).join('\n');
}
