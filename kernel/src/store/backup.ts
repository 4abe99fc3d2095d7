/** The content of a store as lines of JSON, one thing each: docs/decisions/0014-backup.md. */
import type { WeftObject } from '../../contract/system/index.ts';
import { type Environment, schemaPrefix, settingPrefix } from './environment.ts';
import type { LogEntry } from './log-entry.ts';
import type { KindSchema } from './upkeep.ts';

/** What the store itself does not know. */
export interface BackupFacts {
  /** Version of Weft. */
  readonly program: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** Tells one key of secrets from another; absent without a key. */
  readonly keyId?: string;
  /** The key itself, base64: only when it is asked for. */
  readonly key?: string;
}

export interface BackupHeader extends Omit<BackupFacts, 'key'> {
  readonly revision: number;
  readonly floor: number;
  readonly kindRevisions: readonly (readonly [string, number])[];
}

/** The header is the first line, the end the last. */
export type BackupLine =
  | { readonly header: BackupHeader }
  | { readonly key: string }
  | { readonly schema: KindSchema & { readonly kind: string } }
  | { readonly setting: { readonly name: string; readonly value: unknown } }
  /** Secrets are sealed. */
  | { readonly object: WeftObject }
  | { readonly change: LogEntry }
  | { readonly end: { readonly lines: number } };

/** Characters that are given away at once. */
const pieceLength = 64 * 1024;

/** One moment of the store, in pieces of many lines. Holds a read transaction until it is read to its end or returned from. */
export async function* backupLines(environment: Environment, facts: BackupFacts): AsyncGenerator<string> {
  const transaction = environment.root.useReadTransaction();
  try {
    let piece = '';
    let lines = 0;
    for (const line of linesOf(environment, facts, transaction)) {
      piece += `${JSON.stringify(line)}\n`;
      lines += 1;
      if (piece.length < pieceLength) continue;
      yield piece;
      piece = '';
    }
    yield `${piece}${JSON.stringify({ end: { lines } } satisfies BackupLine)}\n`;
  } finally {
    transaction.done();
  }
}

type Transaction = ReturnType<Environment['root']['useReadTransaction']>;

function* linesOf({ meta, objects, log }: Environment, { key, ...facts }: BackupFacts, transaction: Transaction): Generator<BackupLine> {
  const number = (name: string): number => (meta.get(name, { transaction }) as number | undefined) ?? 0;
  const kindRevisions = (meta.get('kindRevisions', { transaction }) as [string, number][] | undefined) ?? [];
  yield { header: { ...facts, revision: number('revision'), floor: number('floor'), kindRevisions } };
  if (key !== undefined) yield { key };
  for (const { key: name, value } of meta.getRange({ transaction })) {
    if (name.startsWith(schemaPrefix)) yield { schema: { kind: name.slice(schemaPrefix.length), ...(value as KindSchema) } };
    if (name.startsWith(settingPrefix)) yield { setting: { name: name.slice(settingPrefix.length), value } };
  }
  for (const { value } of objects.getRange({ transaction })) yield { object: value };
  for (const { value } of log.getRange({ transaction })) yield { change: value };
}
