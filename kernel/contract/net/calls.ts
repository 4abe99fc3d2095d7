/** The forwarder's control channel, served to each plugin on a socket of its own. */
import type { Stream, Unary } from '../system/wire.ts';
import type { Row, TableName } from './rows.gen.ts';

export interface PortState {
  readonly id: number;
  readonly generation: number;
  /** Its place in the forwarder, which identity addresses name; 0: none yet. */
  readonly slot: number;
  /** `pending`: being made or retried (see reason); `up`; `down`: exists, no carrier. */
  readonly state: 'pending' | 'up' | 'down';
  /** Of an uplink: the appliance's own address there; zero until it is up, and of other ports. */
  readonly mac: string;
  /** Why it is not up, in words a person can act on; empty when up. */
  readonly reason: string;
}

/** Counters of one port since it was made. The ledger is kept by the port a packet entered through. */
export interface PortStats {
  readonly id: number;
  readonly rxPackets: number;
  readonly rxBytes: number;
  /** Frames that left through this port. */
  readonly txPackets: number;
  readonly txBytes: number;
  /** rxPackets + injected + cloned + originated = sent + dropped + punted */
  readonly injected: number;
  readonly cloned: number;
  readonly originated: number;
  readonly sent: number;
  readonly dropped: number;
  readonly punted: number;
}

export interface DropCount {
  readonly port: number;
  readonly reason: string;
  readonly packets: number;
  readonly bytes: number;
}

export interface CaptureRequest {
  readonly port: number;
  /** pcap-filter(7) expression; none: every frame. */
  readonly filter?: string;
  /** Bytes taken of each frame; 0 or none: all. */
  readonly snap?: number;
}

export interface CapturedFrame {
  /** Since 1970, of the host's clock. */
  readonly timestampNs: bigint;
  /** `none`: a copy or an answer that was dropped before it left. */
  readonly direction: 'in' | 'out' | 'none';
  /** Of the frame; `data` may be shorter. */
  readonly length: number;
  /** Why it was dropped; none: it was not. */
  readonly reason?: string;
  readonly data: Buffer;
}

/** A flow: the packets of one conversation in both directions, told as its first packet went. */
export interface Flow {
  /** `began` and `ended` only while somebody follows; `denied`: a packet of it was dropped by the rules, and nothing is remembered of it. */
  readonly event: 'listed' | 'began' | 'ended' | 'denied';
  /** Since 1970: when this was told. */
  readonly timeMs: number;
  /** Port that the first packet entered through, and the one that it left through (0: none); another port with the same number has another generation. */
  readonly fromPort: number;
  readonly fromGeneration: number;
  readonly toPort: number;
  readonly toGeneration: number;
  /** IANA protocol number. */
  readonly protocol: number;
  readonly src: string;
  readonly dst: string;
  /** ICMP: identifier, and type << 8 | code. */
  readonly srcPort: number;
  readonly dstPort: number;
  /** What its packets are translated into as they leave; only when they are. */
  readonly nat?: { readonly src: string; readonly dst: string; readonly srcPort: number; readonly dstPort: number };
  readonly state: 'opening' | 'established' | 'closing' | 'closed';
  readonly action: 'allow' | 'deny';
  /** Rule of the first port that decided, and rule of the second. */
  readonly egressRule?: RuleName;
  readonly ingressRule?: RuleName;
  readonly packets: number;
  readonly bytes: number;
  readonly replyPackets: number;
  readonly replyBytes: number;
  readonly ageMs: number;
  readonly idleMs: number;
  /** Name of a drop reason. */
  readonly lastDrop?: string;
}

/** As in rows of table rule. */
export interface RuleName {
  readonly group: number;
  readonly number: number;
}

/** All that is given must fit. */
export interface FlowFilter {
  /** At either end. */
  readonly port?: number;
  readonly protocol?: number;
  readonly address?: string;
  readonly l4Port?: number;
}

/** The table of flows as a whole; counts since the forwarder started. */
export interface FlowStats {
  readonly capacity: number;
  readonly used: number;
  readonly added: number;
  readonly expired: number;
  readonly evicted: number;
  readonly kept: number;
  readonly redecided: number;
  readonly eventsLost: number;
}

/** What a rule decided since the forwarder started. */
export interface RuleStats extends RuleName {
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
}

/** How much of an address that ports share is in use; counts since the forwarder started. */
export interface NatAddressStats {
  /** The uplink's number in the forwarder. */
  readonly port: number;
  readonly pool: number;
  readonly address: string;
  /** Outside ports that may be given out. */
  readonly ports: number;
  /** Of them in blocks that belong to a port of a VM. */
  readonly blocked: number;
  /** In use, the wait before they are used anew included. */
  readonly tcp: number;
  readonly udp: number;
  readonly icmp: number;
  /** It is an address of the host, too. */
  readonly host: boolean;
  /** New flows that found no outside port. */
  readonly exhausted: number;
}

/** Outside ports `first` to `last` of an address that belong to a port of a VM. */
export interface NatBlock {
  readonly address: string;
  readonly first: number;
  readonly last: number;
  /** The uplink. */
  readonly port: number;
  readonly insidePort: number;
  readonly insideGeneration: number;
  /** Since 1970: since when. */
  readonly timeMs: number;
}

/** What happened to a block; `exhausted`: a new flow of the port found no outside port (first and last are 0; at most one in 10 s for each port). */
export interface NatEvent extends NatBlock {
  /** From 1, without gaps, over restarts of the forwarder: a gap says how many are lost. */
  readonly sequence: number;
  readonly event: 'assigned' | 'released' | 'exhausted';
  /** exhausted: IANA protocol number of the packet. */
  readonly protocol: number;
}

/** What happens to a traced frame, step by step. */
export type TraceStep =
  /** A stage of the walk gave a verdict: `next`, `route`, `send` …, or the name of a drop reason. */
  | { readonly kind: 'stage'; readonly stage: string; readonly verdict: string }
  /** A row decided. */
  | { readonly kind: 'row'; readonly row: Row }
  /** A frame leaves through a port, goes to sockets of a plugin, ends under a reason, or goes to a plugin by a punt class. */
  | { readonly kind: 'sent'; readonly port: number; readonly frame: Buffer }
  | { readonly kind: 'served'; readonly plugin: string; readonly frame: Buffer }
  | { readonly kind: 'dropped'; readonly reason: string; readonly sentence: string; readonly frame: Buffer }
  | { readonly kind: 'punted'; readonly plugin: string; readonly puntClass: string; readonly frame: Buffer }
  /** A frame is made besides the one that caused it: a copy, a fragment, an ICMP error. */
  | { readonly kind: 'made'; readonly frame: Buffer }
  /** The frame belongs to a flow, or would begin one (event `began`). */
  | { readonly kind: 'flow'; readonly flow: Flow }
  /** An address behind the port would be remembered, in this table. */
  | { readonly kind: 'learned'; readonly table: TableName };

export interface ForwarderCalls {
  /** Names the numbers of the caller's punt classes. `epoch` changes when the forwarder restarted. */
  readonly hello: Unary<{ name: string }, { epoch: string; puntClasses: Readonly<Record<string, number>> }>;
  readonly 'rows.begin': Unary<Record<string, never>, { generation: number }>;
  /** `ops` as in docs/architecture.md "Rows". `more`: keep staging, publish with the first batch without it. */
  readonly 'rows.apply': Unary<{ generation: number; ops: Buffer; more?: boolean }, { changed: number }>;
  readonly 'rows.commit': Unary<{ generation: number }, { swept: number }>;
  /** Removes every row of the caller. */
  readonly 'rows.clear': Unary<Record<string, never>, { swept: number }>;
  /** The caller's rows of one table, as packed records back to back; of a table that the forwarder itself writes: all. */
  readonly 'rows.read': Unary<{ table: string }, { rows: Buffer }>;
  readonly 'ports.read': Unary<Record<string, never>, { ports: readonly PortState[] }>;
  /** First item: all ports; then changes. */
  /**
   * Frames that pass a port, in order, each a few milliseconds later, a dropped one with the reason. The first item is empty: it has begun. `lost`: frames that found no room so far.
   * One capture per port. Ends when the reader does. Only for a plugin that may write rows of table `port`, as `ports.trace`.
   */
  readonly 'ports.capture': Stream<CaptureRequest, { frames: readonly CapturedFrame[]; lost: number }>;
  /** Walks a frame as if it came in through the port, by the forwarder's own code; nothing is sent, counted or learned. */
  readonly 'ports.trace': Unary<{ port: number; frame: Buffer }, { steps: readonly TraceStep[] }>;
  readonly 'ports.watch': Stream<Record<string, never>, { ports: readonly PortState[]; removed: readonly number[] }>;
  /**
   * Opens a socket in the namespace of the caller's service port: TCP listens on all addresses, UDP is bound to `address`. Who shows the ticket at the
   * caller's `service.sock` gets the descriptor, once, within 5 s. For a plugin with `grants.servicePort`: else FORBIDDEN. CONFLICT: the address is
   * taken; UNAVAILABLE: the service port is not there yet, or too many sockets wait to be taken.
   */
  readonly 'service.socket': Unary<
    { protocol: 'tcp' | 'udp'; l4Port: number; address?: string },
    { ticket: string } & ForwarderCalls['service.namespace']['out']
  >;
  /** Number of the caller's service port, and of the namespace behind it: sockets in another one reach nobody any more. FORBIDDEN, UNAVAILABLE. */
  readonly 'service.namespace': Unary<Record<string, never>, { port: number; namespace: string }>;
  readonly 'stats.read': Unary<{ ports?: readonly number[] }, { ports: readonly PortStats[] }>;
  /** Flows, some at a time: `cursor` of the answer goes into the next question; none: that was all. For plugins that may write rows of table `port` or `rule`, as the next three. */
  readonly 'flows.read': Unary<{ filter?: FlowFilter; cursor?: number }, { flows: readonly Flow[]; cursor?: number }>;
  readonly 'flows.stats': Unary<Record<string, never>, FlowStats>;
  /** What happens to flows: those denied (at most 10 a second, and 50 at once, of the packets that entered through one port), and with `follow` those that begin and end. Who does not follow is told of 2,000 a second of all ports together. `lost`: how many more there were since it began, for lack of room or of speed. The first item is empty: it has begun. */
  readonly 'flows.watch': Stream<{ follow?: boolean }, { flows: readonly Flow[]; lost: number }>;
  /** For plugins that may write rows of table `nat_address`, as the next two. */
  readonly 'nat.stats': Unary<Record<string, never>, { addresses: readonly NatAddressStats[] }>;
  readonly 'nat.blocks': Unary<{ cursor?: number }, { blocks: readonly NatBlock[]; cursor?: number }>;
  /** Events after the one with that sequence, some at a time, in order; empty: nothing new. The forwarder keeps the last 8,192. */
  readonly 'nat.events': Unary<{ after: number }, { events: readonly NatEvent[] }>;
  readonly 'rules.stats': Unary<Record<string, never>, { rules: readonly RuleStats[] }>;
  readonly 'drops.read': Unary<{ ports?: readonly number[] }, { drops: readonly DropCount[] }>;
}
