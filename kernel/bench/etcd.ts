/** etcd as a peer: one member of its own in a folder of its own, spoken to as JSON over HTTP on a unix socket (its gRPC gateway). */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from './api-client.ts';

const startMs = 20_000;

/** What etcd wants in JSON: bytes in base64. */
function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** Body of POST /v3/kv/put. */
export function putBody(key: string, value: string): string {
  return JSON.stringify({ key: base64(key), value: base64(value) });
}

/** Body of POST /v3/kv/range: one key, or all keys that begin with `key`. */
export function rangeBody(key: string, prefix = false): string {
  return JSON.stringify({ key: base64(key), ...(prefix && { range_end: base64(after(key)) }) });
}

/** Body of POST /v3/kv/txn that puts all pairs. */
export function putAllBody(pairs: readonly (readonly [key: string, value: string])[]): string {
  return JSON.stringify({ success: pairs.map(([key, value]) => ({ request_put: { key: base64(key), value: base64(value) } })) });
}

/** Body of POST /v3/watch for all keys that begin with `key`, from now on. */
export function watchBody(key: string): string {
  return JSON.stringify({ create_request: { key: base64(key), range_end: base64(after(key)) } });
}

/** The first key behind all that begin with `prefix`, which ends with an ASCII character. */
function after(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

/** What `etcd --version` says, such as `3.4.23`; undefined when it is not installed. */
export function etcdVersion(): string | undefined {
  const { stdout } = spawnSync('etcd', ['--version'], { encoding: 'utf8' });
  return /etcd Version: (\S+)/.exec(stdout ?? '')?.[1];
}

/** Of a file of etcd's data folder: the backend, without the write-ahead log. */
export const backendFile = 'etcd/data/member/snap/db';

export class Etcd {
  readonly #folder: string;
  #process: ChildProcess | undefined;

  /** @param folder on the same disk as what it is compared with; `etcd` is made there */
  constructor(folder: string) {
    this.#folder = join(folder, 'etcd');
  }

  get socketPath(): string {
    return join(this.#folder, 'client:0');
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Resolves when it answers; throws an Error with what it said. Its defaults, but for transactions as large as Weft's. */
  async start(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true });
    // relative: etcd wants host:port behind unix://, and takes it as the name of the socket
    const [client, peer] = ['unix://client:0', 'unix://peer:0'];
    const args = [
      ...['--name', 'bench', '--data-dir', 'data', '--log-level', 'error', '--logger', 'zap'],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `bench=${peer}`],
      ...['--max-txn-ops', '20000', '--max-request-bytes', String(32 << 20)],
    ];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'etcd', ...args], { cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    let said = '';
    child.stderr.on('data', (chunk) => {
      said = (said + chunk).slice(-4_000);
    });
    for (const end = Date.now() + startMs; child.exitCode === null && Date.now() < end; ) {
      await sleep(100);
      if (await this.#answers()) return;
    }
    throw new Error(`etcd does not serve within ${startMs / 1000} s (exit ${child.exitCode}): ${said}`);
  }

  async #answers(): Promise<boolean> {
    try {
      await ask(this.socketPath, 'POST', '/v3/kv/put', putBody('bench/ready', '1'));
      return true;
    } catch {
      // not yet: the socket is missing, or there is no leader
      return false;
    }
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
}
