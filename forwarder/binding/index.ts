/**
 * libforwarder with types: what each call takes and gives, errors as exceptions with the library's sentence. Calls may be made from the main isolate
 * and from Workers alike: all share one library and its state.
 */
import { type Library, loadLibrary } from './load.ts';
import {
  type Captured,
  type Config,
  capturedBytes,
  type Drop,
  dropBytes,
  errors,
  type Flow,
  type FlowFilter,
  type FlowStats,
  flowBytes,
  flowStatsBytes,
  type NatAddressStats,
  type NatEvent,
  natAddressStatsBytes,
  natEventBytes,
  type PortState,
  type PortStats,
  packConfig,
  packFlowFilter,
  portStateBytes,
  portStatsBytes,
  type RuleStats,
  readCaptured,
  readDrop,
  readFlow,
  readFlowStats,
  readNatAddressStats,
  readNatEvent,
  readPortState,
  readPortStats,
  readRuleStats,
  readState,
  readStep,
  ruleStatsBytes,
  type State,
  type Step,
  stateBytes,
  stepBytes,
  tableNumber,
  tcpPickups,
} from './pack.gen.ts';

export { libraryPath } from './load.ts';
export {
  type Drop,
  directions,
  type Flow,
  type FlowFilter,
  type FlowStats,
  flowEvents,
  flowStates,
  internalTables,
  links,
  type NatAddressStats,
  type NatEvent,
  natEventKinds,
  type PortState,
  type PortStats,
  type RuleStats,
  readFlow,
  rowBytes,
  type State,
  stepKinds,
  tableNumber,
  tcpPickups,
  verdicts,
} from './pack.gen.ts';

export type ForwarderCode = keyof typeof errors;

/** A frame that passed a port. */
export interface CapturedFrame extends Captured {
  /** Its first bytes, as many as the capture takes. */
  readonly data: Buffer;
}

/** A step of a trace; what it tells says enum fwd_step_kind. */
export interface TracedStep extends Step {
  readonly data: Buffer;
}

/** Some of many records; without a cursor the last of them. */
export interface Part<T> {
  readonly records: readonly T[];
  readonly cursor?: number;
}

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
/** 4,096 instructions. */
const filterBytes = 32 * 1024;
/** Records of the most shared addresses that there may be. */
const natStatsBytes = 1_024 * natAddressStatsBytes;
const natEventsPerPart = 512;
/** Holds the longest frame. */
const capturedRoom = 128 * 1024;

/** A frame flooded to some thousand ports. */
const traceBytes = 4 * 1024 * 1024;

/** The library's own values. */
const defaults = {
  flowPairs: 0,
  flowPortPercent: 0,
  flowTcpEstablished: 0,
  flowTcpTransitory: 0,
  flowUdp: 0,
  flowIcmp: 0,
  flowOther: 0,
  flowTcpPickup: tcpPickups.FORWARD,
  natAddresses: 0,
  natReuseWait: 0,
};
type Optional = keyof typeof defaults;

/** What is left out about flows and shared addresses is the library's default. */
export type StartConfig = Omit<Config, Optional> & Partial<Pick<Config, Optional>>;

/** Records that are followed by bytes, padded to 8; these are copied. */
function withData<T>(
  out: Buffer,
  length: number,
  headBytes: number,
  read: (buffer: Buffer, at: number) => T,
  following: (head: T) => number,
): (T & { readonly data: Buffer })[] {
  const records: (T & { readonly data: Buffer })[] = [];
  for (let at = 0; at < length; ) {
    const head = read(out, at);
    const from = at + headBytes;
    const to = from + following(head);
    records.push({ ...head, data: Buffer.from(out.subarray(from, to)) });
    at = (to + 7) & ~7;
  }
  return records;
}

/** Records back to back. */
function recordsIn<T>(out: Buffer, length: number, bytes: number, read: (buffer: Buffer, at: number) => T): T[] {
  return Array.from({ length: Math.floor(length / bytes) }, (_, index) => read(out, index * bytes));
}

function textOf(buffer: Buffer): string {
  return buffer.toString('utf8', 0, buffer.indexOf(0));
}

export class Forwarder {
  readonly #library: Library;
  readonly #drops = new Map<number, { readonly name: string; readonly sentence: string }>();
  #captured: Buffer | undefined;
  #flows: Buffer | undefined;

  /** Throws an Error with one sentence when the library is missing or of another interface. */
  constructor(path?: string) {
    this.#library = loadLibrary(path);
  }

  /** Once per process; blocks for about 0.3 s. */
  start(config: StartConfig): State {
    const packed = packConfig({ ...defaults, ...config });
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
    return this.#drop(reason).name;
  }

  /** What it means, for an operator. */
  dropSentence(reason: number): string {
    return this.#drop(reason).sentence;
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

  /** The program of a pcap-filter expression. Waits for name servers, outside this thread, when it names hosts. Throws a SyntaxError with libpcap's sentence. */
  async filterCompile(text: string): Promise<Buffer> {
    const out = Buffer.alloc(filterBytes);
    const length = await this.#library.fwd_filter_compile(text, out, out.length);
    if (length < 0) throw new SyntaxError(textOf(out));
    return out.subarray(0, length);
  }

  /** Number of a new capture of the port. `snap`: bytes taken of each frame, 0: all; `filter`: of `filterCompile`, empty: all frames. */
  captureOpen(port: number, snap: number, filter: Uint8Array): number {
    return this.#check(this.#library.fwd_capture_open(port, snap, filter, filter.length));
  }

  /** Frames that wait, oldest first; those of one call into C. One caller per capture at a time. */
  captureRead(capture: number): CapturedFrame[] {
    this.#captured ??= Buffer.alloc(capturedRoom);
    const length = this.#check(this.#library.fwd_capture_read(capture, this.#captured, this.#captured.length));
    return withData(this.#captured, length, capturedBytes, readCaptured, ({ taken }) => taken);
  }

  /** Frames that found no room in it. */
  captureClose(capture: number): number {
    return this.#check(this.#library.fwd_capture_close(capture));
  }

  /** What would happen to a frame that came in through the port, step by step. */
  trace(port: number, frame: Uint8Array): TracedStep[] {
    const out = Buffer.allocUnsafe(traceBytes);
    const length = this.#check(this.#library.fwd_trace(port, frame, frame.length, out, out.length));
    return withData(out, length, stepBytes, readStep, ({ length: following }) => following);
  }

  /** Flows that fit, some at a time: begin with cursor 0; no cursor in the answer: that was all. A part may be empty. */
  flowsRead(filter: FlowFilter, cursor: number): Part<Flow> {
    const wanted = packFlowFilter(filter);
    const read = (place: Buffer, out: Buffer): number => this.#library.fwd_flows_read(wanted, place, out, out.length);
    return this.#readPart(read, cursor, flowBytes, readFlow);
  }

  /** What happened to flows, as much as fits one part; empty: nothing waits. `follow`: from now on also what begins and ends. One caller at a time. */
  flowEvents(follow: boolean): Flow[] {
    this.#flows ??= Buffer.alloc(readBytes);
    const length = this.#check(this.#library.fwd_flow_events(follow ? 1 : 0, this.#flows, this.#flows.length));
    return recordsIn(this.#flows, length, flowBytes, readFlow);
  }

  flowStatsRead(): FlowStats {
    const out = Buffer.alloc(flowStatsBytes);
    this.#check(this.#library.fwd_flow_stats_read(out, out.length));
    return readFlowStats(out, 0);
  }

  /** Of each shared address. */
  natStatsRead(): NatAddressStats[] {
    const out = Buffer.allocUnsafe(natStatsBytes);
    const length = this.#check(this.#library.fwd_nat_stats_read(out, out.length));
    return recordsIn(out, length, natAddressStatsBytes, readNatAddressStats);
  }

  /** Blocks that ports have, some at a time, as `flowsRead` gives flows. */
  natBlocksRead(cursor: number): Part<NatEvent> {
    const read = (place: Buffer, out: Buffer): number => this.#library.fwd_nat_blocks_read(place, out, out.length);
    return this.#readPart(read, cursor, natEventBytes, readNatEvent);
  }

  /** Events after the one with that sequence, oldest first, some at a time; empty: there is nothing new. */
  natEventsRead(after: bigint): NatEvent[] {
    const place = Buffer.alloc(8);
    place.writeBigUInt64LE(after);
    const out = Buffer.allocUnsafe(natEventBytes * natEventsPerPart);
    const length = this.#check(this.#library.fwd_nat_events_read(place, out, out.length));
    return recordsIn(out, length, natEventBytes, readNatEvent);
  }

  /** Counts of the rules that decided something, some at a time, as `flowsRead` gives flows. */
  ruleStatsRead(cursor: number): Part<RuleStats> {
    const read = (place: Buffer, out: Buffer): number => this.#library.fwd_rule_stats_read(place, out, out.length);
    return this.#readPart(read, cursor, ruleStatsBytes, readRuleStats);
  }

  /** Descriptor of a socket in the namespace of a plugin's service port; it is the caller's. `address`: of UDP; empty for TCP, which listens on all. */
  serviceSocket(owner: number, protocol: number, l4Port: number, address: string): number {
    return this.#check(this.#library.fwd_service_socket(owner, protocol, l4Port, address));
  }

  /** Number of the namespace of a plugin's service port; 0: there is none (yet). */
  serviceNamespace(owner: number): bigint {
    return this.#library.fwd_service_namespace(owner);
  }

  /** Sends a descriptor, which stays the caller's, over a connected UNIX socket. */
  serviceHand(connection: number, descriptor: number): void {
    this.#check(this.#library.fwd_service_hand(connection, descriptor));
  }

  #readPart<T>(
    read: (place: Buffer, out: Buffer) => number,
    cursor: number,
    bytes: number,
    decode: (buffer: Buffer, at: number) => T,
  ): Part<T> {
    const place = Buffer.alloc(4);
    place.writeUInt32LE(cursor);
    const out = Buffer.allocUnsafe(readBytes);
    const records = recordsIn(out, this.#check(read(place, out)), bytes, decode);
    const next = place.readUInt32LE();
    return { records, ...(next === lastPart ? {} : { cursor: next }) };
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
      records.push(...recordsIn(out, count * bytes, bytes, decode));
      from = idOf(records.at(-1) as T) + 1;
    }
  }

  #drop(reason: number): { readonly name: string; readonly sentence: string } {
    let drop = this.#drops.get(reason);
    if (drop === undefined) {
      const out = Buffer.alloc(512);
      const text = out.toString('utf8', 0, this.#check(this.#library.fwd_drop_name(reason, out, out.length)));
      const [name = '', sentence = ''] = text.split(/: (.*)/s);
      drop = { name, sentence };
      this.#drops.set(reason, drop);
    }
    return drop;
  }

  #check(result: number): number {
    if (result >= 0) return result;
    const out = Buffer.alloc(512);
    const length = Math.max(0, this.#library.fwd_error_text(out, out.length));
    throw new ForwarderError(codes.get(result) ?? 'SYSTEM', out.toString('utf8', 0, length) || `libforwarder answered ${result}`);
  }
}
