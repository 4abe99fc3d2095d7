/** The forwarder's control channel, served to each plugin on a socket of its own. */
import type { Stream, Unary } from '../system/wire.ts';

export interface PortState {
  readonly id: number;
  readonly generation: number;
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

export interface ForwarderCalls {
  /** Names the numbers of the caller's punt classes. `epoch` changes when the forwarder restarted. */
  readonly hello: Unary<{ name: string }, { epoch: string; puntClasses: Readonly<Record<string, number>> }>;
  readonly 'rows.begin': Unary<Record<string, never>, { generation: number }>;
  /** `ops` as in docs/architecture.md "Rows". `more`: keep staging, publish with the first batch without it. */
  readonly 'rows.apply': Unary<{ generation: number; ops: Buffer; more?: boolean }, { changed: number }>;
  readonly 'rows.commit': Unary<{ generation: number }, { swept: number }>;
  /** Removes every row of the caller. */
  readonly 'rows.clear': Unary<Record<string, never>, { swept: number }>;
  /** The caller's rows of one table, as packed records back to back. */
  readonly 'rows.read': Unary<{ table: string }, { rows: Buffer }>;
  readonly 'ports.read': Unary<Record<string, never>, { ports: readonly PortState[] }>;
  /** First item: all ports; then changes. */
  readonly 'ports.watch': Stream<Record<string, never>, { ports: readonly PortState[]; removed: readonly number[] }>;
  readonly 'stats.read': Unary<{ ports?: readonly number[] }, { ports: readonly PortStats[] }>;
  readonly 'drops.read': Unary<{ ports?: readonly number[] }, { drops: readonly DropCount[] }>;
}
