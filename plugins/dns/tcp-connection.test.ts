/** Connections without sockets and a limiter without a clock: nothing here depends on how busy the machine is. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { framed } from './message/frames.ts';
import { RateLimit } from './rate-limit.ts';
import { type ConnectionHost, TcpConnection } from './tcp-connection.ts';
import { TcpServer } from './tcp-server.ts';

/** The VM's end: what it sends, and what it takes of the answers. */
class Vm extends Duplex {
  readonly #taken: Buffer[] = [];
  #waiting: (() => void) | undefined;
  #takes: boolean;

  constructor(takes = true) {
    super();
    this.#takes = takes;
  }

  get answers(): number {
    return this.#taken.length;
  }

  send(count: number): void {
    this.push(Buffer.concat(Array.from({ length: count }, () => framed(Buffer.alloc(30)))));
  }

  /** From now on it takes all. */
  takeAll(): void {
    this.#takes = true;
    this.#waiting?.();
  }

  override _read(): void {
    // What it sends is pushed.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#taken.push(chunk);
    if (this.#takes) done();
    else this.#waiting = done;
  }

  get socket(): Socket {
    return this as unknown as Socket;
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

const kind = { idleMs: 3_600_000, waitMs: () => 0, answer: (message: Buffer) => message };

function open(host: Partial<ConnectionHost>, vm = new Vm()): Vm {
  new TcpConnection(vm.socket, { ...kind, ...host });
  return vm;
}

test('a VM that does not take its answers is read no further, until it does', async (t) => {
  let asked = 0;
  const answer = (): Buffer => {
    asked += 1;
    return Buffer.alloc(4000);
  };
  const vm = open({ answer }, new Vm(false));
  vm.send(500);
  await until(() => asked > 0);
  for (let count = 0; count < 20; count += 1) await turn();
  t.is(asked, 17, '64 KiB of answers');
  vm.takeAll();
  await until(() => vm.answers === 500);
  t.is(asked, 500);
  vm.destroy();
});

test('beyond its rate a port waits, in all its connections; others do not', async (t) => {
  let now = 0;
  const limit = new RateLimit(1, 10);
  const view = {} as never;
  const server = new TcpServer({
    ...{ limit, now: () => now, most: 10, mostPerPort: 10, idleMs: 3_600_000 },
    directory: { view: () => view },
    answerer: { answer: ({ bytes }) => bytes },
  });
  const [first, second, other] = [new Vm(), new Vm(), new Vm()];
  const accept = (vm: Vm, port: number): void => server.accept(vm.socket, { port, generation: 1, address: '10.1.0.1' });
  accept(first, 1);
  accept(second, 1);
  accept(other, 3);
  first.send(20);
  await until(() => first.answers === 10);
  second.send(1);
  other.send(5);
  await until(() => other.answers === 5);
  t.deepEqual([first.answers, second.answers], [10, 0]);
  now = 5000;
  await until(() => first.answers + second.answers === 15);
  for (let count = 0; count < 20; count += 1) await turn();
  t.is(first.answers + second.answers, 15);
  now = 60_000;
  await until(() => first.answers === 20 && second.answers === 1);
  for (const vm of [first, second, other]) vm.destroy();
});

test('a question that waits for its turn keeps the connection', async (t) => {
  let refused = 0;
  const waitMs = (): number => {
    refused += 1;
    return refused < 20 ? 10 : 0;
  };
  const vm = open({ waitMs, idleMs: 20 });
  vm.send(1);
  await until(() => vm.answers === 1 || vm.destroyed);
  t.is(vm.answers, 1);
  await until(() => vm.destroyed);
});
