/** The forwarder as a plugin sees it: rows by table, ports, counters, and the far end of the punt socket. */
import type { CallContext, Handlers } from '../../bus/index.ts';
import {
  type CapturedFrame,
  type CaptureRequest,
  type DropCount,
  type ForwarderCalls,
  type PortState,
  type PortStats,
  type PuntRecord,
  packPunt,
  packUpsert,
  type Row,
  readPunts,
  readRows,
  rowId,
  type TableName,
  type TraceStep,
  tables,
} from '../../contract/net/index.ts';
import { fail } from '../../contract/system/index.ts';
import { Feed } from './feed.ts';
import { FakeFlows } from './flows.ts';
import { FakeNat } from './nat.ts';

const opHeaderBytes = 8;
const upsert = 1;
const batchOps = 1_000;
const noMac = '00:00:00:00:00:00';

interface PortNews {
  readonly ports: readonly PortState[];
  readonly removed: readonly number[];
}

interface Held {
  readonly row: Row;
  generation: number;
}

export class FakeForwarder {
  /** Frames that the plugin injected, oldest first. */
  readonly injected: PuntRecord[] = [];
  readonly ports = new Map<number, PortState>();
  stats: readonly PortStats[] = [];
  drops: readonly DropCount[] = [];
  /** Answers `ports.trace`. */
  trace: (port: number, frame: Buffer) => readonly TraceStep[] = () => [];
  /** What `ports.capture` gives before it waits for the reader to stop. */
  captured: readonly CapturedFrame[] = [];
  /** Captures that were asked for and have not ended. */
  captures: readonly CaptureRequest[] = [];
  readonly flows = new FakeFlows(() => this.#granted.has('port') || this.#granted.has('rule'));
  readonly nat = new FakeNat(() => this.#granted.has('nat_address'));
  /** Number of calls of `rows.apply` so far, of changed rows, and of generations begun. */
  applies = 0;
  changes = 0;
  generations = 0;
  /** Returns why a row is refused, or null; set it to see how the plugin takes a refusal. */
  refuse: (row: Row) => string | null = () => null;
  readonly #rows = new Map<string, Held>();
  readonly #granted: ReadonlySet<string>;
  readonly #puntClasses: readonly string[];
  readonly #portNews = new Feed<PortNews>();
  #staged: Buffer[] = [];

  constructor(granted: readonly string[], puntClasses: readonly string[]) {
    this.#granted = new Set(granted);
    this.#puntClasses = puntClasses;
  }

  /** Published rows, of one table or all, in no particular order. */
  rows<T extends TableName>(table: T): Extract<Row, { table: T }>[];
  rows(): Row[];
  rows(table?: TableName): Row[] {
    const all = [...this.#rows.values()].map((held) => held.row);
    return table === undefined ? all : all.filter((row) => row.table === table);
  }

  /** Rows that are there before the plugin starts: of its earlier life, or of the forwarder itself. */
  put(rows: readonly Row[]): void {
    for (const row of rows) this.#rows.set(rowId(row), { row, generation: 0 });
  }

  /** Number of a punt class: its place in the definition, from 1. */
  classNumber(puntClass: string): number {
    const index = this.#puntClasses.indexOf(puntClass);
    if (index < 0) throw new Error(`the plugin declares no punt class '${puntClass}'`);
    return index + 1;
  }

  /** Tells the plugin of ports; what is left out of a state is `up`, generation 1. */
  setPorts(states: readonly (Partial<PortState> & { id: number })[], removed: readonly number[] = []): void {
    const ports = states.map((state): PortState => ({ generation: 1, slot: state.id, state: 'up', mac: noMac, reason: '', ...state }));
    for (const port of ports) this.ports.set(port.id, port);
    for (const id of removed) this.ports.delete(id);
    this.#portNews.tell({ ports, removed });
  }

  /** A batch of punts as it arrives at the plugin. */
  batch(puntClass: string, records: readonly (Partial<PuntRecord> & { port: number; frame: Buffer })[]): Buffer {
    const number = this.classNumber(puntClass);
    return Buffer.concat(records.map((record) => packPunt({ generation: 1, vrf: 0, ...record, puntClass: number })));
  }

  /** A frame of the punt socket from the plugin. */
  inject(frame: Buffer): void {
    for (const record of readPunts(Buffer.from(frame))) this.injected.push(record);
  }

  handlers(): Handlers<ForwarderCalls> {
    return {
      hello: () => ({
        epoch: 'test',
        puntClasses: Object.fromEntries(this.#puntClasses.map((name) => [name, this.classNumber(name)])),
      }),
      'rows.begin': () => {
        this.generations += 1;
        this.#staged = [];
        return { generation: this.generations };
      },
      'rows.apply': (input) => this.#apply(input),
      'rows.commit': ({ generation }) => {
        this.#check(generation);
        return { swept: this.#sweep((held) => held.generation < generation) };
      },
      'rows.clear': () => ({ swept: this.#sweep(() => true) }),
      'rows.read': ({ table }) => ({
        rows: Buffer.concat(this.rows(table as TableName).map((row) => packUpsert(row).subarray(opHeaderBytes))),
      }),
      'ports.read': () => ({ ports: [...this.ports.values()] }),
      'ports.trace': ({ port, frame }) => ({ steps: this.trace(port, frame) }),
      'ports.capture': (request, context) => this.#capture(request, context),
      'ports.watch': (_, { signal }) => this.#portNews.follow({ ports: [...this.ports.values()], removed: [] }, signal),
      'service.socket': () => noSockets(),
      'service.namespace': () => noSockets(),
      'stats.read': ({ ports }) => ({ ports: this.stats.filter((entry) => ports === undefined || ports.includes(entry.id)) }),
      ...this.flows.handlers(),
      ...this.nat.handlers(),
      'drops.read': ({ ports }) => ({ drops: this.drops.filter((entry) => ports === undefined || ports.includes(entry.port)) }),
    };
  }

  #check(generation: number): void {
    if (generation !== this.generations) throw fail('CONFLICT', `generation ${generation} is not the current one, ${this.generations}`);
  }

  #apply({ generation, ops, more }: ForwarderCalls['rows.apply']['in']): { changed: number } {
    this.#check(generation);
    this.applies += 1;
    const batch = split(ops);
    if (batch.length > batchOps) throw fail('TOO_LARGE', `${batch.length} operations in one batch, the limit is ${batchOps}`);
    this.#staged.push(...batch);
    if (more === true) return { changed: 0 };
    const staged = this.#staged;
    this.#staged = [];
    for (const op of staged) this.#admit(op);
    const changed = staged.reduce((sum, op) => sum + this.#publish(op, generation), 0);
    this.changes += changed;
    return { changed };
  }

  #admit(op: Buffer): void {
    const row = rowOf(op);
    if (!this.#granted.has(row.table))
      throw fail('FORBIDDEN', `the plugin may not write rows of table ${row.table}`, 'add it to grants.rows');
    const reason = op[0] === upsert ? this.refuse(row) : null;
    if (reason !== null) throw fail('INVALID', reason);
  }

  #publish(op: Buffer, generation: number): number {
    const row = rowOf(op);
    const id = rowId(row);
    if (op[0] !== upsert) return this.#rows.delete(id) ? 1 : 0;
    const former = this.#rows.get(id);
    this.#rows.set(id, { row, generation });
    return former !== undefined && JSON.stringify(former.row) === JSON.stringify(row) ? 0 : 1;
  }

  #sweep(stale: (held: Held) => boolean): number {
    const swept = [...this.#rows].filter(([, held]) => stale(held));
    for (const [id] of swept) this.#rows.delete(id);
    return swept.length;
  }

  async *#capture(request: CaptureRequest, { signal }: CallContext): AsyncGenerator<{ frames: readonly CapturedFrame[]; lost: number }> {
    this.captures = [...this.captures, request];
    try {
      yield { frames: [], lost: 0 };
      if (this.captured.length > 0) yield { frames: this.captured, lost: 0 };
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    } finally {
      this.captures = this.captures.filter((open) => open !== request);
    }
  }
}

/** Operations back to back, each padded to 8 bytes. */
function split(ops: Buffer): Buffer[] {
  const batch: Buffer[] = [];
  for (let at = 0; at + opHeaderBytes <= ops.length; ) {
    const end = at + opHeaderBytes + ops.readUInt16LE(at + 2);
    batch.push(ops.subarray(at, end));
    at = (end + 7) & ~7;
  }
  return batch;
}

function rowOf(op: Buffer): Row {
  const table = (Object.keys(tables) as TableName[]).find((name) => tables[name].number === op[1]);
  const [row] = table === undefined ? [] : readRows(table, op.subarray(opHeaderBytes));
  if (row === undefined) throw fail('MALFORMED', `no row of table ${op[1]}`);
  return row;
}

/** `FakeServicePort` has its own. */
function noSockets(): never {
  throw fail('FORBIDDEN', 'there are no sockets here', 'use the service port of startPlugin');
}
