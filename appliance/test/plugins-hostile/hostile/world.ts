/** What a hostile program gets hold of: the channels and sockets that the SDK made in its process, and all of libc. */
import { createRequire } from 'node:module';
import type { PluginContext } from '@weft/kernel/sdk';

/** Whom and what the tests tell it to go for. */
export interface Target {
  /** Of other processes, by name. */
  readonly pids: Readonly<Record<string, number>>;
  /** Number of a virtual network that dhcp serves. */
  readonly network: number;
  readonly stateDir: string;
  readonly runDir: string;
  /** Abstract socket and TCP port on which somebody outside listens. */
  readonly abstractSocket: string;
  readonly tcpPort: number;
}

/** A channel of the bus, without its types: any method, any input. */
export interface AnyCaller {
  call(method: string, input: unknown, options?: { deadlineMs?: number }): Promise<Record<string, unknown>>;
  stream(method: string, input: unknown): AsyncIterableIterator<unknown>;
}

/** A DEALER socket of the SDK. */
export interface AnySocket {
  send(message: unknown): Promise<void>;
  readonly lastEndpoint: string | null;
}

export interface World {
  readonly context: PluginContext<unknown>;
  readonly kernel: AnyCaller;
  readonly forwarder: AnyCaller;
  readonly sockets: { readonly kernel: AnySocket; readonly forwarder: AnySocket; readonly punts: AnySocket };
  /** Addresses of the three. */
  readonly paths: readonly string[];
  /** Calls a function of libc; throws its errno's name when the answer is below 0. */
  readonly libc: (declaration: string, ...args: unknown[]) => number;
}

export interface Act {
  readonly name: string;
  /** Returns what it got, throws what it was refused with. */
  readonly run: (world: World, target: Target) => unknown;
}

const sdk = import.meta.resolve('@weft/kernel/sdk');
export const requireFromSdk = createRequire(sdk);

const callers: AnyCaller[] = [];
const sockets: AnySocket[] = [];

/** Before the SDK connects: whatever it makes is kept here, too. */
export async function tap(): Promise<void> {
  const { Channel } = (await import(new URL('../bus/channel.ts', sdk).href)) as { Channel: { prototype: AnyCaller } };
  const { call } = Channel.prototype;
  Channel.prototype.call = function (this: AnyCaller, ...args) {
    if (!callers.includes(this)) callers.push(this);
    return call.apply(this, args);
  };
  const files = { 'link.ts': 'Link', 'raw.ts': 'RawSocket' };
  for (const [file, name] of Object.entries(files)) {
    const module = (await import(new URL(`../bus/${file}`, sdk).href)) as Record<
      string,
      { prototype: { attach(socket: AnySocket): void } }
    >;
    const { prototype } = module[name] ?? { prototype: { attach: () => undefined } };
    const { attach } = prototype;
    prototype.attach = function (this: object, socket) {
      sockets.push(socket);
      attach.call(this, socket);
    };
  }
}

/** After the SDK has greeted both: it calls the kernel first, and makes its sockets in this order. */
export async function worldOf(context: PluginContext<unknown>): Promise<World> {
  const [kernelSocket, forwarderSocket, punts] = sockets;
  const probe = async (caller: AnyCaller): Promise<boolean> =>
    caller.call('ports.read', {}).then(
      () => true,
      () => false,
    );
  const isForwarder = await Promise.all(callers.map(probe));
  const forwarder = callers.find((_, index) => isForwarder[index]);
  const kernel = callers.find((_, index) => !isForwarder[index]);
  if (!kernel || !forwarder || !kernelSocket || !forwarderSocket || !punts) throw new Error('the taps caught nothing');
  return {
    context,
    kernel,
    forwarder,
    sockets: { kernel: kernelSocket, forwarder: forwarderSocket, punts },
    paths: sockets.map(({ lastEndpoint }) => lastEndpoint?.replace('ipc://', '') ?? ''),
    libc,
  };
}

interface Koffi {
  load(path: string | null): { func(declaration: string): (...args: unknown[]) => number };
  errno(): number;
  readonly os: { readonly errno: Readonly<Record<string, number>> };
}

function libc(declaration: string, ...args: unknown[]): number {
  const koffi = requireFromSdk('koffi') as Koffi;
  const result = koffi.load('libc.so.6').func(declaration)(...args);
  if (result >= 0) return result;
  const number = koffi.errno();
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0];
  throw new Error(`${declaration.replace(/\(.*/, '')}: ${name ?? number}`);
}
