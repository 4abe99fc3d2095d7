/** The connecting side of the bus: reconnects by itself, for ever, until closed. */
import { Dealer } from 'zeromq';
import type { KeyPair } from '../contract/system/handoff.ts';
import { type Caller, Channel } from './channel.ts';
import { clientMessageBytes } from './limits.ts';
import { Link } from './link.ts';
import { RawSocket } from './raw.ts';
import type { Handlers } from './serving.ts';
import { checkPath } from './socket-path.ts';

export interface ConnectTarget {
  /** Of the server's socket for this client; need not exist yet. */
  readonly path: string;
  readonly keys: KeyPair;
  readonly serverKey: string;
}

export interface ConnectOptions<Served> extends ConnectTarget {
  /** Name of the server in messages. */
  readonly peer: string;
  /** What this side serves to the server. */
  readonly handlers: Handlers<Served>;
  /** At the first connection and at each later one; calls made here reach the live server. */
  readonly onConnect?: () => void;
  readonly onDisconnect?: () => void;
  readonly onMalformed?: (reason: string) => void;
  readonly silenceMs?: number;
}

export interface BusClient<Remote> {
  readonly caller: Caller<Remote>;
  close(): void;
}

/** Never fails for want of a server: `caller.whenConnected()` tells when it is there. */
export function connect<Served, Remote>(options: ConnectOptions<Served>): BusClient<Remote> {
  const onRefused = (_act: string, detail: string): void => options.onMalformed?.(detail);
  const link = new Link({ role: 'client', onRefused, ...(options.silenceMs === undefined ? {} : { silenceMs: options.silenceMs }) });
  const channel = new Channel<Served, Remote>({ ...options, send: (frame) => link.send(frame) });
  link.join(channel);
  const socket = dealer(options);
  socket.events.on('disconnect', () => link.lost());
  socket.connect(`ipc://${options.path}`);
  link.attach(socket);
  return { caller: channel, close: () => link.detach()?.close() };
}

/** A raw socket to the server, e.g. for punts. */
export function connectRaw(target: ConnectTarget, onFrame: (frame: Buffer) => void): RawSocket {
  const raw = new RawSocket(onFrame);
  const socket = dealer(target, { sendTimeout: 0 });
  socket.connect(`ipc://${target.path}`);
  raw.attach(socket);
  return raw;
}

function dealer({ path, keys, serverKey }: ConnectTarget, extra: { sendTimeout?: number } = {}): Dealer {
  checkPath(path);
  return new Dealer({
    curveServerKey: serverKey,
    curvePublicKey: keys.publicKey,
    curveSecretKey: keys.secretKey,
    linger: 0,
    // Without it frames for a dead server would wait for its successor.
    immediate: true,
    // A server that does not know the key yet (ZAP 300) may leave the handshake hanging, which libzmq would give up after 30 s.
    handshakeInterval: 500,
    reconnectInterval: 20,
    reconnectMaxInterval: 200,
    maxMessageSize: clientMessageBytes,
    ...extra,
  });
}
