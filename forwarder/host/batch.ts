/**
 * Batches of row operations, as plugins send them: [u8 op][u8 table][u16 size][u32 0][row], each padded to 8 bytes.
 * Only their outer shape is read here; the rows are judged by libforwarder.
 */
import { tables } from '@weft/kernel/contract/net';
import { fail } from '@weft/kernel/contract/system';
import { tableNumber } from '../binding/index.ts';

const headBytes = 8;
const upsert = 1;
/** Where rows name a punt class, by number of the table. */
const puntClassAt = new Map(
  Object.values(tables).flatMap(({ number, fields }) =>
    fields.filter(({ name }) => name === 'puntClass').map(({ offset }) => [number, offset] as const),
  ),
);
/** In place of a punt class: none. */
const noClass = 0;
/** Rows per call into C: its lock is held for less than 2 ms. */
const maxRowsPerApply = 1_000;

/** What a plugin's batches may name. */
export interface Granted {
  /** Numbers of tables. */
  readonly tables: ReadonlySet<number>;
  /** Numbers of its own punt classes. */
  readonly puntClasses: ReadonlySet<number>;
}

export interface Part {
  readonly ops: Buffer;
  /** Index of its first operation in the batch. */
  readonly first: number;
}

/** Numbers of the tables that a plugin may write. Unknown names grant nothing. */
export function grantedTables(grants: readonly string[]): ReadonlySet<number> {
  return new Set(grants.flatMap((table) => (table === 'punt_class' ? [] : (tableNumber[table] ?? []))));
}

/**
 * Cuts a batch into parts of at most `maxRows` operations; an empty batch is one empty part.
 * Throws INVALID or FORBIDDEN naming the operation that is cut short, of a table that is not granted, or that names another plugin's punt class.
 */
export function cutBatch(ops: Buffer, granted: Granted, maxRows = maxRowsPerApply): Part[] {
  const parts: Part[] = [];
  let start = 0;
  let first = 0;
  for (let at = 0, index = 0; at < ops.length; index++) {
    if (index - first === maxRows) {
      parts.push({ ops: ops.subarray(start, at), first });
      [start, first] = [at, index];
    }
    const end = at + headBytes <= ops.length ? at + headBytes + ((ops.readUInt16LE(at + 2) + 7) & ~7) : Number.POSITIVE_INFINITY;
    if (end > ops.length) throw fail('INVALID', `operation ${index} is cut short`, 'pack operations with the SDK');
    const table = ops.readUInt8(at + 1);
    if (!granted.tables.has(table)) throw notGranted(table, index);
    assertOwnClass(ops.subarray(at, end), index, granted);
    at = end;
  }
  parts.push({ ops: ops.subarray(start), first });
  return parts;
}

function assertOwnClass(op: Buffer, index: number, { puntClasses }: Granted): void {
  const offset = puntClassAt.get(op.readUInt8(1));
  if (offset === undefined || op.readUInt8(0) !== upsert || op.length < headBytes + offset + 2) return;
  const named = op.readUInt16LE(headBytes + offset);
  if (named === noClass || puntClasses.has(named)) return;
  throw fail(
    'FORBIDDEN',
    `operation ${index} names the punt class ${named}, which is not the plugin's`,
    'name a punt class of its own manifest',
  );
}

function notGranted(table: number, index: number) {
  const name = Object.keys(tableNumber).find((candidate) => tableNumber[candidate] === table) ?? `number ${table}`;
  return fail('FORBIDDEN', `operation ${index} is for table ${name}, which is not granted`, 'add the table to grants.rows of the plugin');
}
