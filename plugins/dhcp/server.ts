/** What the server of each protocol is, and what all of them share. */
import { type Port, type PuntRecord, replyTo } from '@weft/kernel/contract/net';
import type { ObjectKey } from '@weft/kernel/contract/system';
import type { PluginContext } from '@weft/kernel/sdk';
import type { Clients } from './clients.ts';
import type { Ledger } from './ledger.ts';
import type { Tally } from './tally.ts';

export interface Server {
  /** Frames of its punt class. */
  handle(records: Iterable<PuntRecord>): void;
  /** After objects changed; `Shared.clients` knows of it already. */
  refresh?(changed: readonly ObjectKey[]): void;
  /** The operator disables the plugin: the last chance to tell VMs. */
  disable?(): void | Promise<void>;
  /** Before an orderly stop. */
  stop?(): void;
}

export interface Shared {
  readonly clients: Clients;
  readonly ledger: Ledger;
  readonly tally: Tally;
}

/** Hands all replies to the forwarder at once. `serve`: the frame that answers a punt, if one does. */
export function replyToAll(
  records: Iterable<PuntRecord>,
  serve: (record: PuntRecord) => Buffer | undefined,
  punts: Pick<PluginContext<never>['punts'], 'inject'>,
): void {
  const replies = [];
  for (const record of records) {
    const frame = serve(record);
    if (frame !== undefined) replies.push(replyTo(record, frame));
  }
  if (replies.length > 0) punts.inject(replies);
}

/** Somebody else uses the address: said once a minute for a port, so that a VM does not fill the log. */
export function warnOfDecline(log: PluginContext<never>['log'], ledger: Ledger, { metadata }: Port, reason: string): void {
  if (ledger.mayWarn(metadata.uid)) log.warn({ port: metadata.name, project: metadata.project }, reason);
}
