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
  readonly 'drops.read': Unary<{ ports?: readonly number[] }, { drops: readonly DropCount[] }>;
}
