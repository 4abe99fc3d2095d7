import type { ObjectEvent, WeftObject } from '../../contract/system/index.ts';

/** A change of the past, as the log keeps it. */
export interface LogEntry extends ObjectEvent {
  /** What the object was; null on creation. Absent in entries that an earlier version wrote. */
  readonly before?: WeftObject | null;
  /** Who asked for it. */
  readonly subject: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** Last revision of the transaction that it belongs to. */
  readonly transaction: number;
}
