/** Records, calls and layout of libforwarder. Written by forwarder/tools/gen.ts; edit the tables in schema.ts and calls.ts. */

/** What fwd_abi must return. */
export const abi = 0x2c260e41d3f4bd09n;
/** What fwd_layout must write, as u32. */
export const layout: readonly number[] = [8, 0, 24, 0, 4, 8, 12, 14, 15, 16, 216, 0, 4, 8, 12, 16, 22, 24, 26, 27, 43, 107, 16, 0, 4, 12, 32, 0, 4, 8, 24, 30, 32, 0, 4, 8, 12, 20, 24, 25, 26, 28, 32, 0, 4, 5, 8, 24, 28, 32, 0, 4, 5, 6, 8, 24, 26, 56, 0, 2, 4, 8, 12, 16, 20, 32, 0, 4, 5, 6, 12, 16, 0, 4, 8, 24, 0, 4, 12, 16, 40, 0, 4, 8, 24, 32, 36, 48, 0, 4, 8, 12, 16, 18, 20, 21, 22, 23, 24, 28, 16, 0, 4, 8, 8, 0, 4, 32, 0, 4, 8, 12, 40, 0, 4, 8, 24, 28, 30, 32, 34, 36, 16, 0, 4, 8, 48, 0, 4, 8, 24, 28, 32, 40, 0, 4, 8, 24, 30, 32, 72, 0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 65, 66, 67, 152, 0, 4, 8, 12, 16, 17, 144, 0, 4, 8, 10, 16, 17, 88, 0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 24, 0, 4, 8, 16, 32, 0, 1, 2, 4, 8, 12, 16, 20, 22, 24, 32, 0, 4, 8, 16, 24, 26, 168, 0, 8, 16, 24, 32, 40, 48, 56, 60, 64, 68, 72, 76, 80, 84, 88, 90, 92, 94, 95, 96, 97, 98, 99, 100, 102, 104, 120, 136, 152, 24, 0, 4, 5, 6, 8, 64, 0, 8, 16, 24, 32, 40, 48, 56, 56, 0, 4, 8, 12, 16, 20, 24, 28, 29, 32, 40, 56, 0, 8, 16, 20, 24, 28, 30, 32, 33, 34, 36, 32, 0, 4, 8, 16, 24, 16, 0, 4, 8, 12];

/** Bytes of a row, by name of the table as plugins write it. */
export const rowBytes: Readonly<Record<string, number>> = { vrf: 8, bridge: 24, port: 216, mac: 16, neighbor: 32, nexthop: 32, route: 32, service: 32, punt_class: 56, source: 32, member: 16, learned_mac: 24, learned_neighbor: 40, rule: 48, identity_group: 16, port_identity: 8, gateway: 32, nat_address: 40, vrf_nat: 16, floating_ip: 48, uplink_neighbor: 40 };
/** Tables that only the forwarder itself writes. */
export const internalTables: readonly string[] = ['learned_mac', 'learned_neighbor', 'uplink_neighbor'];
/** Number of a table, by its name. */
export const tableNumber: Readonly<Record<string, number>> = { vrf: 1, bridge: 2, port: 3, mac: 4, neighbor: 5, nexthop: 6, route: 7, service: 8, punt_class: 9, source: 10, member: 11, learned_mac: 12, learned_neighbor: 13, rule: 14, identity_group: 15, port_identity: 16, gateway: 17, nat_address: 18, vrf_nat: 19, floating_ip: 20, uplink_neighbor: 21 };

/** What a call returns when it refuses; fwd_error_text has the sentence. */
export const errors = { ARGUMENT: -1, STATE: -2, ROW: -3, OWNER: -4, GENERATION: -5, FULL: -6, MEMORY: -7, SYSTEM: -8, EAL: -9, TAKEN: -10 } as const;
/** What a nat_event tells. */
export const natEventKinds = { LISTED: 0, ASSIGNED: 1, RELEASED: 2, EXHAUSTED: 3 } as const;
/** What becomes of a TCP segment without SYN that belongs to no flow. */
export const tcpPickups = { FORWARD: 0, EITHER: 1, NEVER: 2 } as const;
/** Why a flow is told of. */
export const flowEvents = { LISTED: 0, BEGAN: 1, ENDED: 2, DENIED: 3 } as const;
/** What is known of a flow. */
export const flowStates = { OPENING: 0, ESTABLISHED: 1, CLOSING: 2, CLOSED: 3 } as const;
/** State of a port. */
export const links = { PENDING: 0, UP: 1, DOWN: 2 } as const;
/** How a captured frame passed the port. */
export const directions = { NONE: 0, IN: 1, OUT: 2 } as const;
/** What a step of a trace tells, and what follows it. */
export const stepKinds = { STAGE: 0, ROW: 1, SENT: 2, DROPPED: 3, PUNTED: 4, MADE: 5, LEARNED: 6, FLOW: 7 } as const;
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
  fwd_flows_read: { returns: 'int32_t', parameters: [['filter', 'const void *'], ['cursor', 'void *'], ['out', 'void *'], ['length', 'uint32_t']] },
  fwd_flow_events: { returns: 'int32_t', parameters: [['follow', 'uint32_t'], ['out', 'void *'], ['length', 'uint32_t']] },
  fwd_flow_stats_read: { returns: 'int32_t', parameters: [['out', 'void *'], ['length', 'uint32_t']] },
  fwd_nat_stats_read: { returns: 'int32_t', parameters: [['out', 'void *'], ['length', 'uint32_t']] },
  fwd_nat_blocks_read: { returns: 'int32_t', parameters: [['cursor', 'void *'], ['out', 'void *'], ['length', 'uint32_t']] },
  fwd_nat_events_read: { returns: 'int32_t', parameters: [['after', 'const void *'], ['out', 'void *'], ['length', 'uint32_t']] },
  fwd_rule_stats_read: { returns: 'int32_t', parameters: [['cursor', 'void *'], ['out', 'void *'], ['length', 'uint32_t']] },
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

function readMac(buffer: Buffer, at: number): string {
  return buffer.toString('hex', at, at + 6).replace(/(..)(?=.)/g, '$1:');
}

/** As long as an IPv6 address at most. */
function checkAddress(field: string, value: Uint8Array): Uint8Array {
  if (value.length > 16) throw new RangeError(`${field} has ${value.length} bytes: give 4 or 16`);
  return value;
}

/** The address, as long as the IP version at `versionAt` says. */
function readAddress(buffer: Buffer, at: number, versionAt: number): Buffer {
  return Buffer.from(buffer.subarray(at, at + (buffer.readUInt8(versionAt) === 4 ? 4 : 16)));
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
  /** flows that are remembered, each in both directions; 64 to 16777216; 0: 524288; they lie behind the state memory in its file */
  readonly flowPairs: number;
  /** share of them that flows from one port may take; 1 to 100; 0: 25 */
  readonly flowPortPercent: number;
  /** seconds without a packet after which a flow is forgotten: open TCP connections; 0: 7440 */
  readonly flowTcpEstablished: number;
  /** the same of TCP connections that begin or end; 0: 240 */
  readonly flowTcpTransitory: number;
  /** of UDP; 0: 300 */
  readonly flowUdp: number;
  /** of ICMP and ICMPv6; 0: 60 */
  readonly flowIcmp: number;
  /** of all other protocols; 0: 300 */
  readonly flowOther: number;
  /** addresses that ports may share (rows nat_address) at a time; 1 to 1024; 0: 16; their mappings lie behind the flows */
  readonly natAddresses: number;
  /** seconds in which an outside port is given to nobody else after its last flow (RFC 6888 §3 REQ-8); 0: 120 */
  readonly natReuseWait: number;
  /** tcp_pickup */
  readonly flowTcpPickup: number;
  /** 1: packet memory in hugepages */
  readonly hugepages: number;
  /** EAL log level, 1 (emergency) to 8 (debug) */
  readonly logLevel: number;
  /** stands in the names of our links, wf<tag>p<port id>: 1 to 3 of a-z, 0-9; the same for each start with this memory */
  readonly linkTag: string;
}

/** Which flows fwd_flows_read tells of; all fields must fit. */
export interface FlowFilter {
  /** id of a port at either end; 0: any */
  readonly port: number;
  /** IANA protocol number; 0: any */
  readonly protocol: number;
  /** of IP and address; 0: any */
  readonly version: number;
  /** host order, at either end; 0: any */
  readonly l4Port: number;
  /** 4 or 16 bytes: at either end, network order; all zero: any */
  readonly address: Buffer;
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
  /** flag uplink: of the appliance there; zero until it is up */
  readonly mac: string;
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

/** A flow: packets of one conversation in both directions, told as its first packet went. */
export interface Flow {
  /** CLOCK_REALTIME at which this was told */
  readonly timeNs: bigint;
  /** since its first packet */
  readonly ageMs: bigint;
  /** since its last packet */
  readonly idleMs: bigint;
  /** of the direction of the first packet */
  readonly packets: bigint;
  /** of them, IP packets */
  readonly bytes: bigint;
  /** of the other direction */
  readonly replyPackets: bigint;
  /** of them */
  readonly replyBytes: bigint;
  /** id of the port that the first packet entered through */
  readonly fromPort: number;
  /** of that port */
  readonly fromGeneration: number;
  /** id of the port that it left through; 0: none */
  readonly toPort: number;
  /** of that port */
  readonly toGeneration: number;
  /** group of the rule of the first port that decided; 0: none did */
  readonly egressGroup: number;
  /** number of that rule */
  readonly egressNumber: number;
  /** group of the rule of the second port that decided; 0: none did */
  readonly ingressGroup: number;
  /** number of that rule */
  readonly ingressNumber: number;
  /** host order; ICMP: identifier */
  readonly srcPort: number;
  /** host order; ICMP: type << 8 | code */
  readonly dstPort: number;
  /** drop reason of the last packet of it that was dropped; 0xffff: none */
  readonly lastDrop: number;
  /** flow_event */
  readonly event: number;
  /** flow_state */
  readonly state: number;
  /** rule_action */
  readonly action: number;
  /** IANA protocol number */
  readonly protocol: number;
  /** of IP: 4 or 6 */
  readonly version: number;
  /** 1: its addresses or ports are translated; the next four say into what */
  readonly translated: number;
  /** as src_port, of packets as they leave */
  readonly natSrcPort: number;
  /** as dst_port */
  readonly natDstPort: number;
  /** 4 or 16 bytes: network order */
  readonly src: Buffer;
  /** 4 or 16 bytes: network order */
  readonly dst: Buffer;
  /** 4 or 16 bytes: of packets as they leave */
  readonly natSrc: Buffer;
  /** 4 or 16 bytes: of packets as they leave */
  readonly natDst: Buffer;
}

/** The table of flows as a whole. */
export interface FlowStats {
  /** pairs that fit */
  readonly capacity: bigint;
  /** pairs in use */
  readonly used: bigint;
  /** since the start */
  readonly added: bigint;
  /** after their time, since the start */
  readonly expired: bigint;
  /** half-open ones that had to go for new ones, since the start */
  readonly evicted: bigint;
  /** taken over from the forwarder before this one */
  readonly kept: bigint;
  /** times that a flow was decided anew because rules changed */
  readonly redecided: bigint;
  /** flow events that found no room or were too many, since the start */
  readonly eventsLost: bigint;
}

/** How much of a shared address is in use. */
export interface NatAddressStats {
  /** the uplink */
  readonly port: number;
  /** number of the pool */
  readonly pool: number;
  /** leased: port_max - port_min + 1, without those that sockets of the host have */
  readonly ports: number;
  /** of them in blocks that belong to a port */
  readonly blocked: number;
  /** outside ports in use, the reuse wait included */
  readonly tcp: number;
  /** the same of UDP */
  readonly udp: number;
  /** identifiers in use */
  readonly icmp: number;
  /** of IP: 4 or 6 */
  readonly version: number;
  /** 1: it is an address of the host, too */
  readonly host: number;
  /** new flows that found no port, since the start */
  readonly exhausted: bigint;
  /** 4 or 16 bytes: network order */
  readonly address: Buffer;
}

/** What happened to a block of outside ports, or a block that a port has now. */
export interface NatEvent {
  /** number of the event, from 1, over restarts of the forwarder; 0: it is a listed block */
  readonly sequence: bigint;
  /** CLOCK_REALTIME; of a listed block: since when */
  readonly timeNs: bigint;
  /** id of the port of the VM */
  readonly insidePort: number;
  /** of that port */
  readonly insideGeneration: number;
  /** the uplink */
  readonly port: number;
  /** outside port, host order; exhausted: 0 */
  readonly first: number;
  /** outside port, host order; exhausted: 0 */
  readonly last: number;
  /** nat_event */
  readonly event: number;
  /** of IP: 4 or 6 */
  readonly version: number;
  /** exhausted: of the packet that found no port; IANA protocol number */
  readonly protocol: number;
  /** 4 or 16 bytes: network order */
  readonly address: Buffer;
}

/** What a rule decided, since the forwarder started. */
export interface RuleStats {
  /** of the rule */
  readonly group: number;
  /** of the rule in its group */
  readonly number: number;
  /** flows that it decided, each time; denied packets for a rule that denies */
  readonly flows: bigint;
  /** of flows that it allowed, both directions; some seconds behind */
  readonly packets: bigint;
  /** of them */
  readonly bytes: bigint;
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
  const out = Buffer.alloc(72);
  out.writeUInt32LE(checkInteger('config.memoryMib', config.memoryMib), 0);
  out.writeUInt32LE(checkInteger('config.stateMib', config.stateMib), 4);
  out.writeInt32LE(checkInteger('config.stateFd', config.stateFd), 8);
  out.writeInt32LE(checkInteger('config.logFd', config.logFd), 12);
  out.writeInt32LE(checkInteger('config.cpu', config.cpu), 16);
  out.writeUInt32LE(checkInteger('config.packetThreads', config.packetThreads), 20);
  out.writeUInt32LE(checkInteger('config.maxPorts', config.maxPorts), 24);
  out.writeUInt32LE(checkInteger('config.flowPairs', config.flowPairs), 28);
  out.writeUInt32LE(checkInteger('config.flowPortPercent', config.flowPortPercent), 32);
  out.writeUInt32LE(checkInteger('config.flowTcpEstablished', config.flowTcpEstablished), 36);
  out.writeUInt32LE(checkInteger('config.flowTcpTransitory', config.flowTcpTransitory), 40);
  out.writeUInt32LE(checkInteger('config.flowUdp', config.flowUdp), 44);
  out.writeUInt32LE(checkInteger('config.flowIcmp', config.flowIcmp), 48);
  out.writeUInt32LE(checkInteger('config.flowOther', config.flowOther), 52);
  out.writeUInt32LE(checkInteger('config.natAddresses', config.natAddresses), 56);
  out.writeUInt32LE(checkInteger('config.natReuseWait', config.natReuseWait), 60);
  out.writeUInt8(checkInteger('config.flowTcpPickup', config.flowTcpPickup), 64);
  out.writeUInt8(checkInteger('config.hugepages', config.hugepages), 65);
  out.writeUInt8(checkInteger('config.logLevel', config.logLevel), 66);
  out.write(checkText('config.linkTag', config.linkTag, 4), 67);
  return out;
}

/** A struct fwd_flow_filter. Throws a RangeError that names the field. */
export function packFlowFilter(flowFilter: FlowFilter): Buffer {
  const out = Buffer.alloc(24);
  out.writeUInt32LE(checkInteger('flowFilter.port', flowFilter.port), 0);
  out.writeUInt8(checkInteger('flowFilter.protocol', flowFilter.protocol), 4);
  out.writeUInt8(checkInteger('flowFilter.version', flowFilter.version), 5);
  out.writeUInt16LE(checkInteger('flowFilter.l4Port', flowFilter.l4Port), 6);
  out.set(checkAddress('flowFilter.address', flowFilter.address), 8);
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
    mac: readMac(buffer, at + 10),
    state: buffer.readUInt8(at + 16),
    reason: readText(buffer, at + 17, 127),
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

/** Bytes of a struct fwd_flow. */
export const flowBytes = 168;

/** Reads the struct fwd_flow at `at`. */
export function readFlow(buffer: Buffer, at: number): Flow {
  return {
    timeNs: buffer.readBigUInt64LE(at),
    ageMs: buffer.readBigUInt64LE(at + 8),
    idleMs: buffer.readBigUInt64LE(at + 16),
    packets: buffer.readBigUInt64LE(at + 24),
    bytes: buffer.readBigUInt64LE(at + 32),
    replyPackets: buffer.readBigUInt64LE(at + 40),
    replyBytes: buffer.readBigUInt64LE(at + 48),
    fromPort: buffer.readUInt32LE(at + 56),
    fromGeneration: buffer.readUInt32LE(at + 60),
    toPort: buffer.readUInt32LE(at + 64),
    toGeneration: buffer.readUInt32LE(at + 68),
    egressGroup: buffer.readUInt32LE(at + 72),
    egressNumber: buffer.readUInt32LE(at + 76),
    ingressGroup: buffer.readUInt32LE(at + 80),
    ingressNumber: buffer.readUInt32LE(at + 84),
    srcPort: buffer.readUInt16LE(at + 88),
    dstPort: buffer.readUInt16LE(at + 90),
    lastDrop: buffer.readUInt16LE(at + 92),
    event: buffer.readUInt8(at + 94),
    state: buffer.readUInt8(at + 95),
    action: buffer.readUInt8(at + 96),
    protocol: buffer.readUInt8(at + 97),
    version: buffer.readUInt8(at + 98),
    translated: buffer.readUInt8(at + 99),
    natSrcPort: buffer.readUInt16LE(at + 100),
    natDstPort: buffer.readUInt16LE(at + 102),
    src: readAddress(buffer, at + 104, at + 98),
    dst: readAddress(buffer, at + 120, at + 98),
    natSrc: readAddress(buffer, at + 136, at + 98),
    natDst: readAddress(buffer, at + 152, at + 98),
  };
}

/** Bytes of a struct fwd_flow_stats. */
export const flowStatsBytes = 64;

/** Reads the struct fwd_flow_stats at `at`. */
export function readFlowStats(buffer: Buffer, at: number): FlowStats {
  return {
    capacity: buffer.readBigUInt64LE(at),
    used: buffer.readBigUInt64LE(at + 8),
    added: buffer.readBigUInt64LE(at + 16),
    expired: buffer.readBigUInt64LE(at + 24),
    evicted: buffer.readBigUInt64LE(at + 32),
    kept: buffer.readBigUInt64LE(at + 40),
    redecided: buffer.readBigUInt64LE(at + 48),
    eventsLost: buffer.readBigUInt64LE(at + 56),
  };
}

/** Bytes of a struct fwd_nat_address_stats. */
export const natAddressStatsBytes = 56;

/** Reads the struct fwd_nat_address_stats at `at`. */
export function readNatAddressStats(buffer: Buffer, at: number): NatAddressStats {
  return {
    port: buffer.readUInt32LE(at),
    pool: buffer.readUInt32LE(at + 4),
    ports: buffer.readUInt32LE(at + 8),
    blocked: buffer.readUInt32LE(at + 12),
    tcp: buffer.readUInt32LE(at + 16),
    udp: buffer.readUInt32LE(at + 20),
    icmp: buffer.readUInt32LE(at + 24),
    version: buffer.readUInt8(at + 28),
    host: buffer.readUInt8(at + 29),
    exhausted: buffer.readBigUInt64LE(at + 32),
    address: readAddress(buffer, at + 40, at + 28),
  };
}

/** Bytes of a struct fwd_nat_event. */
export const natEventBytes = 56;

/** Reads the struct fwd_nat_event at `at`. */
export function readNatEvent(buffer: Buffer, at: number): NatEvent {
  return {
    sequence: buffer.readBigUInt64LE(at),
    timeNs: buffer.readBigUInt64LE(at + 8),
    insidePort: buffer.readUInt32LE(at + 16),
    insideGeneration: buffer.readUInt32LE(at + 20),
    port: buffer.readUInt32LE(at + 24),
    first: buffer.readUInt16LE(at + 28),
    last: buffer.readUInt16LE(at + 30),
    event: buffer.readUInt8(at + 32),
    version: buffer.readUInt8(at + 33),
    protocol: buffer.readUInt8(at + 34),
    address: readAddress(buffer, at + 36, at + 33),
  };
}

/** Bytes of a struct fwd_rule_stats. */
export const ruleStatsBytes = 32;

/** Reads the struct fwd_rule_stats at `at`. */
export function readRuleStats(buffer: Buffer, at: number): RuleStats {
  return {
    group: buffer.readUInt32LE(at),
    number: buffer.readUInt32LE(at + 4),
    flows: buffer.readBigUInt64LE(at + 8),
    packets: buffer.readBigUInt64LE(at + 16),
    bytes: buffer.readBigUInt64LE(at + 24),
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
