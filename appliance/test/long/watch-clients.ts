/**
 * Many who watch: one process of `watchers.test.ts`. Over Node IPC it is told `{open, socket}`, `{pause}`, `{resume}`, `{await: revision}`, and tells
 * `{opened}` and, once each of its watchers has had that revision, `{reached, ids, wrong}`. Usage: node watch-clients.ts
 */
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export type Order =
  | { readonly open: number; readonly socket: string; readonly path: string }
  | { readonly pause: number }
  | { readonly resume: true }
  | { readonly await: number };

export interface Reached {
  /** Milliseconds since 1970. */
  readonly reached: number;
  /** Every revision that the first watcher has had. */
  readonly ids: readonly number[];
  /** Watchers whose revisions are others than those of the first, or in another order. */
  readonly wrong: number;
}

class Watcher {
  readonly ids: number[] = [];
  readonly #stream: IncomingMessage;
  #rest = '';

  constructor(stream: IncomingMessage, onEvents: () => void) {
    this.#stream = stream;
    stream.setEncoding('latin1');
    stream.on('data', (chunk: string) => {
      const lines = (this.#rest + chunk).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('id: ')) this.ids.push(Number(line.slice(4)));
      onEvents();
    });
    stream.on('error', (error) => {
      process.stderr.write(`a watch broke: ${error.message}\n`);
      process.exit(1);
    });
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }
}

const watchers: Watcher[] = [];
let awaited = Number.POSITIVE_INFINITY;

function open(socketPath: string, path: string): Promise<Watcher> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false }, (response) => {
      if (response.statusCode === 200) resolve(new Watcher(response, tell));
      else reject(new Error(`status ${response.statusCode}`));
    });
    asked.on('error', reject);
    asked.end();
  });
}

function tell(): void {
  if (awaited === Number.POSITIVE_INFINITY || watchers.some(({ ids }) => (ids.at(-1) ?? 0) < awaited)) return;
  awaited = Number.POSITIVE_INFINITY;
  const [first] = watchers;
  const right = JSON.stringify(first?.ids);
  const wrong = watchers.filter(({ ids }) => JSON.stringify(ids) !== right).length;
  process.send?.({ reached: Date.now(), ids: first?.ids ?? [], wrong } satisfies Reached);
}

async function openAll({ open: count, socket, path }: Extract<Order, { open: number }>): Promise<void> {
  const batch = 50;
  while (watchers.length < count) {
    const more = Math.min(batch, count - watchers.length);
    watchers.push(...(await Promise.all(Array.from({ length: more }, () => open(socket, path)))));
    await sleep(1);
  }
  process.send?.({ opened: watchers.length });
}

process.on('message', (order: Order) => {
  if ('open' in order) void openAll(order);
  if ('pause' in order) for (const watcher of watchers.slice(0, order.pause)) watcher.pause();
  if ('resume' in order) for (const watcher of watchers) watcher.resume();
  if ('await' in order) {
    awaited = order.await;
    tell();
  }
});
process.on('disconnect', () => process.exit(0));
