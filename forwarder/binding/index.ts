/**
 * libforwarder with types: what each call takes and gives, errors as exceptions with the library's sentence. Calls may be made from the main isolate
 * and from Workers alike: all share one library and its state.
 */
import { type Library, loadLibrary } from './load.ts';
import {
  type Config,
  type Drop,
  dropBytes,
  errors,
  type PortState,
  type PortStats,
  packConfig,
  portStateBytes,
  portStatsBytes,
  readDrop,
  readPortState,
  readPortStats,
  readState,
  type State,
  stateBytes,
  tableNumber,
} from './pack.gen.ts';

export { libraryPath } from './load.ts';
export { type Config, type Drop, links, type PortState, type PortStats, rowBytes, type State, tableNumber } from './pack.gen.ts';

export type ForwarderCode = keyof typeof errors;

/** What a call refused, with the library's sentence (operation, table and field of a bad row). */
export class ForwarderError extends Error {
  readonly code: ForwarderCode;
  constructor(code: ForwarderCode, message: string) {
    super(message);
    this.name = 'ForwarderError';
    this.code = code;
  }
}

const codes = new Map<number, ForwarderCode>(Object.entries(errors).map(([code, number]) => [number, code as ForwarderCode]));
const lastPart = 0xffff_ffff;
/** Room for what one read call writes. */
const readBytes = 64 * 1024;

export class Forwarder {
  readonly #library: Library;
  readonly #dropNames = new Map<number, string>();

  /** Throws an Error with one sentence when the library is missing or of another interface. */
  constructor(path?: string) {
    this.#library = loadLibrary(path);
  }

  /** Once per process; blocks for about 0.3 s. */
  start(config: Config): State {
    const packed = packConfig(config);
    this.#check(this.#library.fwd_start(packed, packed.length));
    return this.state();
  }

  stop(): void {
    this.#check(this.#library.fwd_stop());
  }

  state(): State {
    const out = Buffer.alloc(stateBytes);
    this.#check(this.#library.fwd_state_read(out, out.length));
    return readState(out, 0);
  }

  /** Number of the owner with this name; stays the same as long as the state memory lives. */
  ownerOpen(name: string): number {
    return this.#check(this.#library.fwd_owner_open(name));
  }

  /** Number of a new generation. */
  rowsBegin(owner: number): number {
    return this.#check(this.#library.fwd_rows_begin(owner));
  }

  /** Rows that changed. `more`: stages only; the first batch without it publishes all, or nothing when anything was refused. */
  rowsApply(owner: number, generation: number, ops: Uint8Array, more = false): number {
    return this.#check(this.#library.fwd_rows_apply(owner, generation, ops, ops.length, more ? 1 : 0));
  }

  /** Throws away what the owner has staged; its generation stays. */
  rowsForget(owner: number): void {
    // No generation has the number 0, and every refusal forgets.
    this.#library.fwd_rows_apply(owner, 0, Buffer.alloc(0), 0, 0);
  }

  /** Rows that were removed because nobody sent them since `rowsBegin`. */
  rowsCommit(owner: number, generation: number): number {
    return this.#check(this.#library.fwd_rows_commit(owner, generation));
  }

  /** Rows that were removed: all of the owner. */
  rowsClear(owner: number): number {
    return this.#check(this.#library.fwd_rows_clear(owner));
  }

  /** All rows of the owner (0: of everybody) in a table, back to back. Throws a RangeError for an unknown table. */
  rowsRead(owner: number, table: string): Buffer {
    const number = tableNumber[table];
    if (number === undefined) throw new RangeError(`no table '${table}': there are ${Object.keys(tableNumber).join(', ')}`);
    const cursor = Buffer.alloc(4);
    const parts: Buffer[] = [];
    while (cursor.readUInt32LE() !== lastPart) {
      const part = Buffer.alloc(readBytes);
      parts.push(part.subarray(0, this.#check(this.#library.fwd_rows_read(owner, number, cursor, part, part.length))));
    }
    return Buffer.concat(parts);
  }

  portsRead(): PortState[] {
    return this.#readAll(this.#library.fwd_ports_read, portStateBytes, readPortState, (port) => port.id);
  }

  statsRead(): PortStats[] {
    return this.#readAll(this.#library.fwd_stats_read, portStatsBytes, readPortStats, (port) => port.id);
  }

  dropsRead(): Drop[] {
    return this.#readAll(this.#library.fwd_drops_read, dropBytes, readDrop, (drop) => drop.port);
  }

  /** Stable name of a drop reason, e.g. `no-route`. */
  dropName(reason: number): string {
    let name = this.#dropNames.get(reason);
    if (name === undefined) {
      const out = Buffer.alloc(512);
      const length = this.#check(this.#library.fwd_drop_name(reason, out, out.length));
      name = out.toString('utf8', 0, length).split(':', 1)[0] ?? '';
      this.#dropNames.set(reason, name);
    }
    return name;
  }

  /** Pipe end (the library's) that gets a byte when a port's state changed. */
  portsFd(): number {
    return this.#check(this.#library.fwd_ports_fd());
  }

  /** Pipe end (the library's) that gets a byte when a punt record waits after `puntArm`. */
  puntFd(): number {
    return this.#check(this.#library.fwd_punt_fd());
  }

  /** Asks for the next byte; true: records wait already and no byte will come. */
  puntArm(): boolean {
    return this.#check(this.#library.fwd_punt_arm()) === 1;
  }

  /** Bytes of whole punt records written to `out`; 0: none wait. One caller per owner at a time. */
  puntRead(owner: number, out: Uint8Array): number {
    return this.#check(this.#library.fwd_punt_read(owner, out, out.length));
  }

  /** Records that were taken; the rest is counted as drops. */
  inject(owner: number, records: Uint8Array): number {
    return this.#check(this.#library.fwd_inject(owner, records, records.length));
  }

  #readAll<T>(
    read: (from: number, out: Uint8Array, length: number) => number,
    bytes: number,
    decode: (buffer: Buffer, at: number) => T,
    idOf: (record: T) => number,
  ): T[] {
    const records: T[] = [];
    const out = Buffer.alloc(readBytes);
    for (let from = 0; ; ) {
      const count = this.#check(read(from, out, out.length));
      if (count === 0) return records;
      for (let index = 0; index < count; index++) records.push(decode(out, index * bytes));
      from = idOf(records.at(-1) as T) + 1;
    }
  }

  #check(result: number): number {
    if (result >= 0) return result;
    const out = Buffer.alloc(512);
    const length = Math.max(0, this.#library.fwd_error_text(out, out.length));
    throw new ForwarderError(codes.get(result) ?? 'SYSTEM', out.toString('utf8', 0, length) || `libforwarder answered ${result}`);
  }
}
