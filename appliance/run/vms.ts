/** Network namespaces as VMs for tests: made with names of their own, and all deleted at the end. */
import { existsSync } from 'node:fs';
import { type Appliance, type Result, run, spawnMortal, until } from './appliance.ts';

export interface Vm {
  readonly name: string;
  readonly netns: string;
}

export interface VmPort {
  readonly vm: string;
  readonly project: string;
  readonly network: string;
  readonly address: string;
}

async function must(program: string, args: readonly string[]): Promise<string> {
  const result = await run(program, args);
  if (result.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

export class Vms {
  readonly #prefix: string;
  readonly #made: string[] = [];

  /** `label` and the process id make the namespaces' names unique. */
  constructor(label: string) {
    this.#prefix = `wt${process.pid}-${label}`;
  }

  netns(vm: string): string {
    return `${this.#prefix}-${vm}`;
  }

  async add(vm: string): Promise<Vm> {
    if (this.#made.length === 0) await removeLeftovers();
    const netns = this.netns(vm);
    await must('ip', ['netns', 'add', netns]);
    this.#made.push(netns);
    await must('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
    return { name: vm, netns };
  }

  exec(vm: string, command: readonly string[], timeoutMs = 30_000): Promise<Result> {
    return run('ip', ['netns', 'exec', this.netns(vm), ...command], { timeoutMs });
  }

  /** Starts a program in the VM; `stop` sends SIGTERM and resolves with what it printed. */
  start(vm: string, command: readonly string[]): { pid: number; ended: Promise<string>; stop(): Promise<string> } {
    const child = spawnMortal('ip', ['netns', 'exec', this.netns(vm), ...command]);
    child.stderr.on('data', (chunk) => process.stderr.write(chunk));
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    const ended = new Promise<string>((resolve) => child.on('close', () => resolve(output)));
    const stop = () => {
      child.kill('SIGTERM');
      return ended;
    };
    return { pid: child.pid ?? 0, ended, stop };
  }

  /** A port of `network` in a new VM, Active, its address configured on eth0 as a client would have. */
  async join(appliance: Appliance, { vm, project, network, address }: VmPort, gateway: string): Promise<Vm> {
    const made = await this.add(vm);
    const port = {
      kind: 'Port',
      metadata: { name: vm, project },
      spec: { network, hostname: vm, addresses: [address], binding: { type: 'netns', netns: made.netns, interface: 'eth0' } },
    };
    await appliance.apply([port]);
    await appliance.must(['--project', project, 'wait', 'Port', vm, '--for=ready', '--timeout=20s']);
    await this.configure(vm, address, gateway);
    return made;
  }

  /** What a DHCP client would do; also needed after a stop of the appliance, which takes its links along. */
  async configure(vm: string, address: string, gateway: string): Promise<void> {
    await must('ip', ['-n', this.netns(vm), 'address', 'replace', `${address}/24`, 'dev', 'eth0']);
    await must('ip', ['-n', this.netns(vm), 'route', 'replace', 'default', 'via', gateway]);
  }

  async remove(): Promise<void> {
    for (const netns of this.#made.splice(0)) await removeNetns(netns);
  }
}

async function removeNetns(netns: string): Promise<void> {
  const pids = (await run('ip', ['netns', 'pids', netns])).stdout.split('\n').filter(Boolean).map(Number);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await run('ip', ['netns', 'delete', netns]);
}

/** Removes what test runs left that were killed: namespaces named after a process that is no more. */
async function removeLeftovers(): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'list']);
  for (const [netns, pid] of stdout.matchAll(/^wt(\d+)-\S+/gm)) if (!existsSync(`/proc/${pid}`)) await removeNetns(netns);
}

/** Waits until `vm` gets an answer from `target`. */
export async function reachable(vms: Vms, vm: string, target: string, timeoutMs = 10_000): Promise<boolean> {
  const answered = await until(async () => (await vms.exec(vm, ['ping', '-n', '-c', '1', '-W', '1', target])).code === 0, timeoutMs);
  return answered === true;
}
