/** Records, calls and layout of libforwarder. Written by forwarder/tools/gen.ts; edit the tables in schema.ts and calls.ts. */

/** What fwd_abi must return. */
export const abi = 0x682392e22b5cc015n;
/** What fwd_layout must write, as u32. */
export const layout: readonly number[] = [8, 0, 24, 0, 4, 8, 12, 14, 15, 16, 216, 0, 4, 8, 12, 16, 22, 24, 26, 27, 43, 107, 16, 0, 4, 12, 32, 0, 4, 8, 24, 30, 24, 0, 4, 8, 12, 18, 19, 20, 22, 32, 0, 4, 5, 8, 24, 28, 32, 0, 4, 5, 6, 8, 24, 26, 56, 0, 2, 4, 8, 12, 16, 20, 32, 0, 4, 5, 6, 12, 16, 0, 4, 8, 24, 0, 4, 12, 16, 40, 0, 4, 8, 24, 32, 36, 40, 0, 4, 8, 12, 16, 20, 24, 28, 29, 30, 152, 0, 4, 8, 12, 16, 17, 144, 0, 4, 8, 10, 11, 88, 0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 24, 0, 4, 8, 16, 32, 0, 1, 2, 4, 8, 12, 16, 20, 22, 24, 32, 0, 4, 8, 16, 24, 26, 16, 0, 4, 8, 12];

/** Bytes of a row, by name of the table as plugins write it. */
export const rowBytes: Readonly<Record<string, number>> = { vrf: 8, bridge: 24, port: 216, mac: 16, neighbor: 32, nexthop: 24, route: 32, service: 32, punt_class: 56, source: 32, member: 16, learned_mac: 24, learned_neighbor: 40 };
/** Tables that only the forwarder itself writes. */
export const internalTables: readonly string[] = ['learned_mac', 'learned_neighbor'];
/** Number of a table, by its name. */
export const tableNumber: Readonly<Record<string, number>> = { vrf: 1, bridge: 2, port: 3, mac: 4, neighbor: 5, nexthop: 6, route: 7, service: 8, punt_class: 9, source: 10, member: 11, learned_mac: 12, learned_neighbor: 13 };

/** What a call returns when it refuses; fwd_error_text has the sentence. */
export const errors = { ARGUMENT: -1, STATE: -2, ROW: -3, OWNER: -4, GENERATION: -5, FULL: -6, MEMORY: -7, SYSTEM: -8, EAL: -9, TAKEN: -10 } as const;
/** State of a port. */
export const links = { PENDING: 0, UP: 1, DOWN: 2 } as const;
/** How a captured frame passed the port. */
export const directions = { NONE: 0, IN: 1, OUT: 2 } as const;
/** What a step of a trace tells, and what follows it. */
export const stepKinds = { STAGE: 0, ROW: 1, SENT: 2, DROPPED: 3, PUNTED: 4, MADE: 5, LEARNED: 6 } as const;
/** What a stage says of a frame, besides the numbers of drop reasons, which lie below. */
export const verdicts = { NEXT: 128, SEND: 129, REPLY: 130, FLOOD: 131, PUNT: 132, ROUTE: 133, FRAGMENT: 134 } as const;

/** Signatures of all calls, in C's words. */
export const calls = {
  fwd_abi: { returns: 'uint64_t', parameters: [] },
  fwd_layout: { returns: 'int32_t', parameters: [['out', 'void *'], ['length', 'uint32_t']] },
  fwd_error_text: { returns: 'int32_t', parameters: [['out', 'void *'], ['length', 'uint32_t']] },
  fwd_start: { returns: 'int32_t', parameters: [['config', 'const void *'], ['length', 'uint32_t']] },
  fwd_stop: { returns: 'int32_t', parameters: [] },
  fwd_state_read: { returns: 'int32_t', parameters: [['out', 'void *'], ['length', 'uint32_t']] },
  fwd_owner_open: { returns: 'int32_t', parameters: [['name', 'const char *']] },
  fwd_rows_begin: { returns: 'int32_t', parameters: [['owner', 'uint32_t']] },
  fwd_rows_apply: { returns: 'int32_t', parameters: [['owner', 'uint32_t'], ['generation', 'uint32_t'], ['ops', 'const void *'], ['length', 'uint32_t'], ['more', 'uint32_t']] },
  fwd_rows_commit: { returns: 'int32_t', parameters: [['owner', 'uint32_t'], ['generation', 'uint32_t']] },
  fwd_rows_clear: { returns: 'int32_t', parameters: [['owner', 'uint32_t']] },
  fwd_rows_read: { returns: 'int32_t', parameters: [['owner', 'uint32_t'], ['table', 'uint32_t'], ['cursor', 'void *'], ['out', 'void *'], ['length', 'uint32_t']] },
  fwd_ports_read: { returns: 'int32_t', parameters: [['from', 'uint32_t'], ['out', 'void *'], ['length', 'uint32_t']] },
  fwd_ports_changes: { returns: 'uint64_t', parameters: [] },
  fwd_ports_fd: { returns: 'int32_t', parameters: [] },
  fwd_stats_read: { returns: 'int32_t', parameters: [['from', 'uint32_t'], ['out', 'void *'], ['length', 'uint32_t']] },
  fwd_drops_read: { returns: 'int32_t', parameters: [['from', 'uint32_t'], ['out', 'void *'], ['length', 'uint32_t']] },
  fwd_drop_name: { returns: 'int32_t', parameters: [['reason', 'uint32_t'], ['out', 'void *'], ['length', 'uint32_t']] },
  fwd_punt_fd: { returns: 'int32_t', parameters: [] },
  fwd_punt_arm: { returns: 'int32_t', parameters: [] },
  fwd_punt_read: { returns: 'int32_t', parameters: [['owner', 'uint32_t'], ['out', 'void *'], ['length', 'uint32_t']] },
  fwd_inject: { returns: 'int32_t', parameters: [['owner', 'uint32_t'], ['records', 'const void *'], ['length', 'uint32_t']] },
  fwd_filter_compile: { returns: 'int32_t', parameters: [['text', 'const char *'], ['out', 'void *'], ['length', 'uint32_t']] },
  fwd_capture_open: { returns: 'int32_t', parameters: [['port', 'uint32_t'], ['snap', 'uint32_t'], ['filter', 'const void *'], ['length', 'uint32_t']] },
  fwd_capture_read: { returns: 'int32_t', parameters: [['capture', 'uint32_t'], ['out', 'void *'], ['length', 'uint32_t']] },
  fwd_capture_close: { returns: 'int32_t', parameters: [['capture', 'uint32_t']] },
  fwd_trace: { returns: 'int32_t', parameters: [['port', 'uint32_t'], ['frame', 'const void *'], ['frame_length', 'uint32_t'], ['out', 'void *'], ['length', 'uint32_t']] },
  fwd_service_socket: { returns: 'int32_t', parameters: [['owner', 'uint32_t'], ['protocol', 'uint32_t'], ['l4_port', 'uint32_t'], ['address', 'const char *']] },
  fwd_service_namespace: { returns: 'uint64_t', parameters: [['owner', 'uint32_t']] },
  fwd_service_hand: { returns: 'int32_t', parameters: [['connection', 'uint32_t'], ['descriptor', 'uint32_t']] },
} as const;

function checkInteger(field: string, value: number): number {
  if (!Number.isInteger(value)) throw new RangeError(`${field} is ${value}: give an integer`);
  return value;
}

/** Fits with the NUL that ends it. */
function checkText(field: string, value: string, bytes: number): string {
  if (Buffer.byteLength(value) >= bytes) throw new RangeError(`${field} is '${value}': give at most ${bytes - 1} bytes`);
  return value;
}

function readText(buffer: Buffer, at: number, bytes: number): string {
  const end = buffer.indexOf(0, at);
  return buffer.toString('utf8', at, end === -1 ? at + bytes : Math.min(end, at + bytes));
}

/** What fwd_start needs. */
export interface Config {
  /** packet memory (EAL -m), MiB; 64 to 65536 */
  readonly memoryMib: number;
  /** state memory, MiB; 4 to 65536; unused parts cost nothing */
  readonly stateMib: number;
  /** descriptor of the state memory (tmpfs); stays the caller’s */
  readonly stateFd: number;
  /** descriptor for log lines; stays the caller’s */
  readonly logFd: number;
  /** CPU of the first packet thread; -1: wherever the scheduler likes */
  readonly cpu: number;
  /** 1 to 8, on following CPUs */
  readonly packetThreads: number;
  /** live ports; 1 to 65536 */
  readonly maxPorts: number;
  /** 1: packet memory in hugepages */
  readonly hugepages: number;
  /** EAL log level, 1 (emergency) to 8 (debug) */
  readonly logLevel: number;
  /** stands in the names of our links, wf<tag>p<port id>: 1 to 3 of a-z, 0-9; the same for each start with this memory */
  readonly linkTag: string;
}

/** What became of the state memory at start. */
export interface State {
  /** starts of a forwarder with this memory; changes with each */
  readonly epoch: number;
  /** rows found and taken over */
  readonly rows: number;
  /** rows found damaged and left out */
  readonly discarded: number;
  /** row changes of an interrupted batch that were finished */
  readonly replayed: number;
  /** 1: the memory was empty or had to be given up */
  readonly fresh: number;
  /** why it had to be given up; empty otherwise */
  readonly note: string;
}

/** How a port is doing. */
export interface PortState {
  /** of the port */
  readonly id: number;
  /** of the port row; another port with the same id has another */
  readonly generation: number;
  /** small number of the live port; stands in its identity addresses behind service ports */
  readonly slot: number;
  /** link */
  readonly state: number;
  /** why it is not up, for people; empty when up */
  readonly reason: string;
}

/** Counters of one port since it was made: rx_packets + injected + cloned + originated = sent + dropped + punted, by the port entered. */
export interface PortStats {
  /** of the port */
  readonly id: number;
  /** of the port */
  readonly generation: number;
  /** frames that came in */
  readonly rxPackets: bigint;
  /** of them */
  readonly rxBytes: bigint;
  /** frames that left through this port */
  readonly txPackets: bigint;
  /** of them */
  readonly txBytes: bigint;
  /** frames that plugins sent */
  readonly injected: bigint;
  /** copies made of frames that came in here */
  readonly cloned: bigint;
  /** frames made by the forwarder itself: errors, further fragments */
  readonly originated: bigint;
  /** left through any port */
  readonly sent: bigint;
  /** under a named reason */
  readonly dropped: bigint;
  /** handed to plugins */
  readonly punted: bigint;
}

/** Drops of one port under one reason. */
export interface Drop {
  /** entered through */
  readonly port: number;
  /** number for fwd_drop_name */
  readonly reason: number;
  /** frames */
  readonly packets: bigint;
  /** of them */
  readonly bytes: bigint;
}

/** Head of a captured frame; taken bytes of it follow, then zeros to a multiple of 8. */
export interface Captured {
  /** of the frame, bytes */
  readonly length: number;
  /** bytes that follow */
  readonly taken: number;
  /** CLOCK_REALTIME */
  readonly timestampNs: bigint;
  /** frames before this one that found no room, since the capture began */
  readonly lost: bigint;
  /** drop reason; 0xffff: it was not dropped */
  readonly reason: number;
  /** direction */
  readonly direction: number;
}

/** Head of a step of a trace; length bytes follow (see enum fwd_step_kind), then zeros to a multiple of 8. */
export interface Step {
  /** bytes that follow */
  readonly length: number;
  /** step_kind */
  readonly kind: number;
  /** id of the port; 0: none */
  readonly port: number;
  /** as the kind says */
  readonly value: number;
}

/** A struct fwd_config. Throws a RangeError that names the field. */
export function packConfig(config: Config): Buffer {
  const out = Buffer.alloc(40);
  out.writeUInt32LE(checkInteger('config.memoryMib', config.memoryMib), 0);
  out.writeUInt32LE(checkInteger('config.stateMib', config.stateMib), 4);
  out.writeInt32LE(checkInteger('config.stateFd', config.stateFd), 8);
  out.writeInt32LE(checkInteger('config.logFd', config.logFd), 12);
  out.writeInt32LE(checkInteger('config.cpu', config.cpu), 16);
  out.writeUInt32LE(checkInteger('config.packetThreads', config.packetThreads), 20);
  out.writeUInt32LE(checkInteger('config.maxPorts', config.maxPorts), 24);
  out.writeUInt8(checkInteger('config.hugepages', config.hugepages), 28);
  out.writeUInt8(checkInteger('config.logLevel', config.logLevel), 29);
  out.write(checkText('config.linkTag', config.linkTag, 4), 30);
  return out;
}

/** Bytes of a struct fwd_state. */
export const stateBytes = 152;

/** Reads the struct fwd_state at `at`. */
export function readState(buffer: Buffer, at: number): State {
  return {
    epoch: buffer.readUInt32LE(at),
    rows: buffer.readUInt32LE(at + 4),
    discarded: buffer.readUInt32LE(at + 8),
    replayed: buffer.readUInt32LE(at + 12),
    fresh: buffer.readUInt8(at + 16),
    note: readText(buffer, at + 17, 128),
  };
}

/** Bytes of a struct fwd_port_state. */
export const portStateBytes = 144;

/** Reads the struct fwd_port_state at `at`. */
export function readPortState(buffer: Buffer, at: number): PortState {
  return {
    id: buffer.readUInt32LE(at),
    generation: buffer.readUInt32LE(at + 4),
    slot: buffer.readUInt16LE(at + 8),
    state: buffer.readUInt8(at + 10),
    reason: readText(buffer, at + 11, 127),
  };
}

/** Bytes of a struct fwd_port_stats. */
export const portStatsBytes = 88;

/** Reads the struct fwd_port_stats at `at`. */
export function readPortStats(buffer: Buffer, at: number): PortStats {
  return {
    id: buffer.readUInt32LE(at),
    generation: buffer.readUInt32LE(at + 4),
    rxPackets: buffer.readBigUInt64LE(at + 8),
    rxBytes: buffer.readBigUInt64LE(at + 16),
    txPackets: buffer.readBigUInt64LE(at + 24),
    txBytes: buffer.readBigUInt64LE(at + 32),
    injected: buffer.readBigUInt64LE(at + 40),
    cloned: buffer.readBigUInt64LE(at + 48),
    originated: buffer.readBigUInt64LE(at + 56),
    sent: buffer.readBigUInt64LE(at + 64),
    dropped: buffer.readBigUInt64LE(at + 72),
    punted: buffer.readBigUInt64LE(at + 80),
  };
}

/** Bytes of a struct fwd_drop. */
export const dropBytes = 24;

/** Reads the struct fwd_drop at `at`. */
export function readDrop(buffer: Buffer, at: number): Drop {
  return {
    port: buffer.readUInt32LE(at),
    reason: buffer.readUInt32LE(at + 4),
    packets: buffer.readBigUInt64LE(at + 8),
    bytes: buffer.readBigUInt64LE(at + 16),
  };
}

/** Bytes of a struct fwd_captured. */
export const capturedBytes = 32;

/** Reads the struct fwd_captured at `at`. */
export function readCaptured(buffer: Buffer, at: number): Captured {
  return {
    length: buffer.readUInt32LE(at),
    taken: buffer.readUInt32LE(at + 4),
    timestampNs: buffer.readBigUInt64LE(at + 8),
    lost: buffer.readBigUInt64LE(at + 16),
    reason: buffer.readUInt16LE(at + 24),
    direction: buffer.readUInt8(at + 26),
  };
}

/** Bytes of a struct fwd_step. */
export const stepBytes = 16;

/** Reads the struct fwd_step at `at`. */
export function readStep(buffer: Buffer, at: number): Step {
  return {
    length: buffer.readUInt32LE(at),
    kind: buffer.readUInt32LE(at + 4),
    port: buffer.readUInt32LE(at + 8),
    value: buffer.readUInt32LE(at + 12),
  };
}
