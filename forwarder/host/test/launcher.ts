/** A stand-in for the launcher and for plugins: starts host/main.ts as a real child with descriptors 3 and 4 and Node IPC, and talks to it over the bus. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Caller, connect, connectRaw, newKeyPair, type RawSocket } from '@weft/kernel/bus';
import type { ForwarderCalls } from '@weft/kernel/contract/net';
import { type Grants, type KeyPair, type Peer, type PuntClassSpec, plugSockets } from '@weft/kernel/contract/system';

const program = fileURLToPath(new URL('../main.ts', import.meta.url));

export interface StandInPlugin {
  readonly caller: Caller<ForwarderCalls>;
  readonly punts: RawSocket;
}

export class Launcher {
  readonly #folder = mkdtempSync(join(tmpdir(), 'wt-host-'));
  readonly #keys = newKeyPair();
  readonly #state: number;
  readonly #peers: Record<string, Peer> = {};
  /** The pid in base 36: several tests run at once. */
  readonly linkTag = (process.pid % 36 ** 3).toString(36);
  #disabled: readonly string[] = [];
  readonly #clients: { close(): void }[] = [];
  #child: ChildProcess | undefined;
  /** Everything that the process has printed. */
  output = '';

  constructor() {
    const path = `/dev/shm/wt-host-${process.pid}-${Math.random().toString(36).slice(2)}`;
    this.#state = openSync(path, 'wx+');
    unlinkSync(path);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Resolves when the forwarder says `ready`; rejects with its output when it ends before. */
  async start(settings: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'pipe', 'pipe', this.#state, 'ipc'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => {
        this.output += data.toString();
      });
    const handoff = {
      name: 'forwarder',
      runDir: this.#folder,
      stateDir: this.#folder,
      logLevel: 'info',
      linkTag: this.linkTag,
      keys: this.#keys,
      servers: { kernel: '', forwarder: this.#keys.publicKey },
      settings: { memoryMib: 64, stateMib: 64, maxPorts: 64, ...settings },
    };
    (child.stdio[3] as Writable).end(JSON.stringify(handoff));
    child.send({ type: 'peers', peers: this.#peers, disabled: this.#disabled });
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code, signal) => reject(new Error(`the forwarder ended (${code ?? signal}): ${this.output}`)));
    });
  }

  /** Names a plugin to the forwarder and connects as it. */
  async plugin(
    name: string,
    rows: readonly string[],
    puntClasses: readonly PuntClassSpec[] = [],
    onPunts: (batch: Buffer) => void = () => undefined,
    more: Partial<Grants> = {},
  ): Promise<StandInPlugin> {
    const keys = newKeyPair();
    this.#peers[name] = { publicKey: keys.publicKey, grants: { rows, reads: [], writes: [], ...more }, puntClasses };
    this.#tell();
    const client = connect<Record<string, never>, ForwarderCalls>({
      ...this.#target(name, 'control', keys),
      peer: 'forwarder',
      handlers: {},
    });
    const punts = connectRaw(this.#target(name, 'punts', keys), onPunts);
    this.#clients.push(client, punts);
    await client.caller.whenConnected();
    return { caller: client.caller, punts };
  }

  /** The plugin is no peer any more. */
  forget(name: string, disabled = false): void {
    delete this.#peers[name];
    this.#disabled = disabled ? [name] : [];
    this.#tell();
  }

  /** Path of a plugin's `service.sock`. */
  serviceSocket(name: string): string {
    return plugSockets(this.#folder, name).service;
  }

  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Ends the process and waits; returns its exit code, null when a signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exit = once(child, 'exit');
    child.kill(signal);
    const [code] = (await exit) as [number | null];
    return code;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.end('SIGKILL');
    closeSync(this.#state);
    rmSync(this.#folder, { recursive: true });
  }

  #tell(): void {
    if (this.#child?.connected === true) this.#child.send({ type: 'peers', peers: this.#peers, disabled: this.#disabled });
  }

  #target(name: string, socket: 'control' | 'punts', keys: KeyPair) {
    return { path: plugSockets(this.#folder, name)[socket], keys, serverKey: this.#keys.publicKey };
  }
}
