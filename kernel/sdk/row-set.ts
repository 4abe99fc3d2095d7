/**
 * Keeps the plugin's wanted rows and brings the forwarder to them: differences while the connection holds; after a start or reconnect the whole set
 * under a new generation, then a sweep. One change at a time, in the order of the calls; a change that the forwarder refuses is undone and rejected.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Caller } from '../bus/index.ts';
import type { ForwarderCalls, Row, RowKey } from '../contract/net/index.ts';
import { type ErrorCode, toWeftError } from '../contract/system/errors.ts';
import type { RowSet } from './plugin.ts';
import { bytesOf, type PackedText, type RowChanges, rowChanges, WantedRows } from './wanted-rows.ts';

/** Operations in one batch: what the forwarder takes at once. */
const batchOps = 1_000;
const retryMs = 200;
/** Failures of the way to the forwarder, or of what it remembers (CONFLICT: it knows the generation no more), not of the rows. */
const passingCodes: ReadonlySet<ErrorCode> = new Set(['UNAVAILABLE', 'DEADLINE', 'BUS_OVERLOADED', 'CANCELLED', 'CONFLICT']);

interface Job {
  /** The upserts are the whole set. */
  readonly whole: boolean;
  readonly upserts: readonly Row[];
  readonly deletes: readonly RowKey[];
  /** The same packed, once it is its turn. */
  changes?: RowChanges;
  resolve(): void;
  reject(reason: unknown): void;
}

export class RowPublisher implements RowSet {
  readonly #forwarder: Caller<ForwarderCalls>;
  readonly #log: Logger;
  readonly #onSent: (rows: number) => void;
  readonly #jobs: Job[] = [];
  readonly #wanted: WantedRows;
  /** The plugin has said what it wants; until then, what the forwarder holds of an earlier life stays. */
  #told = false;
  /** Of the rows in the forwarder; null: it may hold anything. */
  #generation: number | null = null;
  /** Logged last, once while it stays the same; empty when all is well. */
  #complaint = '';
  /** The forwarder did not take again what it had taken: a change may mend that. */
  #refused = false;
  #running = false;
  #closed = false;

  /** @param onSent is told how many rows went out, changed or removed */
  constructor(forwarder: Caller<ForwarderCalls>, log: Logger, wanted = new WantedRows(), onSent: (rows: number) => void = () => undefined) {
    this.#forwarder = forwarder;
    this.#log = log;
    this.#onSent = onSent;
    this.#wanted = wanted;
  }

  async replace(rows: readonly Row[]): Promise<void> {
    await this.#queue(true, rows, []);
  }

  async update(upserts: readonly Row[], deletes: readonly RowKey[]): Promise<void> {
    await this.#queue(false, upserts, deletes);
  }

  /** The forwarder is there, perhaps another one than before: everything is published anew. */
  reconnected(): void {
    this.#generation = null;
    if (this.#told) void this.#run();
  }

  /** Removes all rows; changes from now on are accepted and ignored. */
  async disable(): Promise<void> {
    this.#closed = true;
    for (const job of this.#jobs.splice(0)) job.resolve();
    await this.#forwarder.call('rows.clear', {});
  }

  #queue(whole: boolean, upserts: readonly Row[], deletes: readonly RowKey[]): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#jobs.push({ whole, upserts, deletes, resolve, reject });
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      while (!this.#closed && (this.#jobs.length > 0 || (this.#generation === null && this.#told))) await this.#step();
    } finally {
      this.#running = false;
    }
  }

  async #step(): Promise<void> {
    await this.#forwarder.whenConnected();
    if (this.#closed) return;
    // What was wanted before comes first and alone, unless it is refused: until a generation is complete, rows of the former one are there, and a
    // change that is sent within would be mixed with what it removes.
    const again = this.#generation === null && this.#told && !this.#refused;
    const job = again ? undefined : this.#jobs[0];
    const changes = await this.#packed(job);
    if (changes === null || this.#closed) return;
    const { ops, undo } = this.#wanted.change(changes);
    try {
      if (this.#generation === null) await this.#publishAll();
      else await this.#publish(this.#generation, ops);
      if (this.#closed) return;
      this.#told = true;
      this.#complaint = '';
      this.#refused = false;
      if (job !== undefined) this.#done().resolve();
    } catch (thrown) {
      undo();
      await this.#failed(job, thrown);
    }
  }

  /** The changes of a job, if any; null when they cannot be packed: then the job is over. */
  async #packed(job: Job | undefined): Promise<RowChanges | null> {
    if (job === undefined) return new Map();
    try {
      job.changes ??= await rowChanges(job.upserts, job.deletes);
      return job.whole ? this.#wanted.whole(job.changes) : job.changes;
    } catch (thrown) {
      if (!this.#closed) this.#done().reject(thrown);
      return null;
    }
  }

  async #failed(job: Job | undefined, thrown: unknown): Promise<void> {
    if (this.#closed) return;
    // What the forwarder holds is uncertain after any failure: the next step publishes everything.
    this.#generation = null;
    const error = toWeftError(thrown);
    if (passingCodes.has(error.code)) {
      if (this.#forwarder.connected && error.message !== this.#complaint)
        this.#log.warn({ error }, 'the forwarder does not take the rows now; trying again');
      this.#complaint = error.message;
      return sleep(retryMs);
    }
    if (job !== undefined) return this.#done().reject(thrown);
    this.#refused = true;
    this.#log.error({ error }, 'the forwarder refuses rows that it had taken before; trying again');
    await sleep(10 * retryMs);
  }

  #done(): Job {
    const job = this.#jobs.shift();
    if (job === undefined) throw new Error('row set: no job to finish');
    return job;
  }

  async #publishAll(): Promise<void> {
    const { generation } = await this.#forwarder.call('rows.begin', {});
    this.#generation = generation;
    await this.#publish(generation, this.#wanted.upserts());
    const { swept } = await this.#forwarder.call('rows.commit', { generation });
    this.#log.debug({ generation, rows: this.#wanted.size, swept }, 'rows published');
  }

  async #publish(generation: number, ops: readonly PackedText[]): Promise<void> {
    for (let at = 0; at < ops.length; at += batchOps) {
      // Nothing may follow the `rows.clear` of disable.
      if (this.#closed) return;
      const more = at + batchOps < ops.length;
      await this.#forwarder.call('rows.apply', { generation, ops: bytesOf(ops.slice(at, at + batchOps)), ...(more ? { more } : {}) });
      this.#onSent(Math.min(batchOps, ops.length - at));
    }
  }
}
