/** A real Linux guest in QEMU, emulated, with one virtio NIC over a vhost-user socket. Commands run in a shell on a virtio port. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Result } from './appliance.ts';
import { guestImage } from './guest-image.ts';
import type { GuestSystem } from './guest-kernel.ts';

export interface GuestNic {
  readonly socket: string;
  /** The appliance makes the socket; QEMU connects, and again whenever it is gone. Else QEMU listens. */
  readonly server: boolean;
  readonly mac: string;
  /** Checksums, TSO and buffers that merge: what a current Linux asks for. Else a guest that does everything itself. */
  readonly offloads: boolean;
}

const offloads = [
  'csum',
  'gso',
  'guest_csum',
  'mrg_rxbuf',
  ...['tso4', 'tso6', 'ecn', 'ufo'].flatMap((name) => [`host_${name}`, `guest_${name}`]),
];

/** A busy host's emulated timer fails the kernel's test of it. */
const kernelArguments = 'console=ttyS0 quiet panic=-1 mitigations=off no_timer_check';
/** What the shell says when it is done. */
const done = /<exit (\d+) of (\d+)>\r?\n/;

/** What a data source of cloud-init looks at: fields of the system's DMI table, as `product=…`. */
export type Smbios = readonly string[];

function qemuArguments(nic: GuestNic, system: GuestSystem, smbios: Smbios, console: string): string[] {
  const off = nic.offloads ? '' : offloads.map((name) => `,${name}=off`).join('');
  const memory = `${system.memoryMib}M`;
  const append = [kernelArguments, system.kernelArguments].filter(Boolean).join(' ');
  return [
    ...['-accel', 'tcg', '-machine', 'q35,memory-backend=memory', '-m', memory, '-nodefaults', '-display', 'none', '-no-reboot'],
    // The forwarder maps the guest's memory.
    ...['-object', `memory-backend-memfd,id=memory,size=${memory},share=on`],
    ...['-kernel', system.kernel, '-initrd', system.initrd, '-append', append, '-serial', `file:${console}`],
    ...(system.disk === undefined ? [] : ['-drive', `file=${system.disk},format=raw,snapshot=on,if=none,id=disk`]),
    ...(system.disk === undefined ? [] : ['-device', 'virtio-blk-pci,drive=disk,vectors=0']),
    ...(smbios.length === 0 ? [] : ['-smbios', ['type=1', ...smbios].join(',')]),
    ...['-chardev', `socket,id=vhost,path=${nic.socket},${nic.server ? 'reconnect=1' : 'server=on,wait=off'}`],
    ...['-netdev', 'vhost-user,id=net,chardev=vhost'],
    // No MSI-X: QEMU 7.2 without KVM crashes when a guest masks a vector of a vhost-user device.
    ...['-device', `virtio-net-pci,netdev=net,mac=${nic.mac},vectors=0,romfile=${off}`],
    // Not a serial line: the emulated one holds back the end of what it gets until more comes.
    ...['-chardev', 'stdio,id=shell', '-device', 'virtio-serial-pci,vectors=0', '-device', 'virtserialport,chardev=shell,nr=1'],
  ];
}

export class Guest {
  #qemu: ChildProcess | undefined;
  #consoleFile = '';
  #output = '';
  #commands = 0;
  #heard: (() => void) | undefined;

  /** Boots; resolves when the shell answers. Emulated on a busy machine that takes up to a minute. */
  async start(nic: GuestNic, options: { system?: GuestSystem; smbios?: Smbios; timeoutMs?: number } = {}): Promise<void> {
    const system = options.system ?? (await guestImage());
    this.#consoleFile = `${nic.socket}.console`;
    const args = qemuArguments(nic, system, options.smbios ?? [], this.#consoleFile);
    const qemu = spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...args], { stdio: 'pipe' });
    this.#qemu = qemu;
    let said = '';
    qemu.stderr.on('data', (chunk) => (said += chunk));
    qemu.stdout.on('data', (chunk) => {
      this.#output += chunk;
      this.#skipLate();
      this.#heard?.();
    });
    qemu.once('exit', () => this.#heard?.());
    if ((await this.#answer(options.timeoutMs ?? 240_000)).code === 0) return;
    throw new Error(`the guest does not boot (QEMU: ${qemu.exitCode ?? qemu.signalCode ?? 'runs'}): ${said}${this.console()}`);
  }

  get #runs(): boolean {
    return this.#qemu !== undefined && this.#qemu.exitCode === null && this.#qemu.signalCode === null;
  }

  /** What the guest's kernel said. */
  console(): string {
    return readFileSync(this.#consoleFile, 'utf8');
  }

  /** One command of the guest's shell; standard error comes with standard output. 124: no answer in time. */
  exec(command: string, timeoutMs = 60_000): Promise<Result> {
    this.#output = '';
    this.#qemu?.stdin?.write(`{ ${command}; } </dev/null 2>&1; echo "<exit $? of ${++this.#commands}>"\n`);
    return this.#answer(timeoutMs);
  }

  /** The answer to a command that was given up may still arrive. */
  #skipLate(): void {
    const end = done.exec(this.#output);
    if (end === null || Number(end[2]) >= this.#commands) return;
    this.#output = this.#output.slice(end.index + end[0].length);
    this.#skipLate();
  }

  async #answer(timeoutMs: number): Promise<Result> {
    const deadline = Date.now() + timeoutMs;
    let end = done.exec(this.#output);
    while (end === null && this.#runs && Date.now() < deadline) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
        timer = setTimeout(resolve, deadline - Date.now());
      });
      clearTimeout(timer);
      end = done.exec(this.#output);
    }
    return { code: end === null ? 124 : Number(end[1]), stdout: this.#output.slice(0, end?.index), stderr: '' };
  }

  /** Power off, without a word to the guest. */
  async stop(): Promise<void> {
    const qemu = this.#qemu;
    const running = this.#runs;
    this.#qemu = undefined;
    if (qemu === undefined || !running) return;
    const ended = new Promise((resolve) => qemu.once('exit', resolve));
    qemu.kill('SIGKILL');
    await ended;
  }
}
