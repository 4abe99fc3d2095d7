/**
 * Batches of row operations, as plugins send them: [u8 op][u8 table][u16 size][u32 0][row], each padded to 8 bytes.
 * Only their outer shape is read here; the rows are judged by libforwarder.
 */
import { fail } from '@weft/kernel/contract/system';
import { tableNumber } from '../binding/index.ts';

const headBytes = 8;
/** Rows per call into C: its lock is held for less than 2 ms. */
const maxRowsPerApply = 1_000;

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
 * Throws INVALID or FORBIDDEN naming the operation that is cut short or of a table that is not granted.
 */
export function cutBatch(ops: Buffer, granted: ReadonlySet<number>, maxRows = maxRowsPerApply): Part[] {
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
    if (!granted.has(table)) throw notGranted(table, index);
    at = end;
  }
  parts.push({ ops: ops.subarray(start), first });
  return parts;
}

function notGranted(table: number, index: number) {
  const name = Object.keys(tableNumber).find((candidate) => tableNumber[candidate] === table) ?? `number ${table}`;
  return fail('FORBIDDEN', `operation ${index} is for table ${name}, which is not granted`, 'add the table to grants.rows of the plugin');
}
