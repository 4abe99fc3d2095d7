/** Memory layout of the records in schema.ts: natural alignment, records a multiple of 8 bytes, every gap a named pad. */
import { createHash } from 'node:crypto';
import { calls, enums } from './calls.ts';
import { type Field, idLimit, type RecordSpec, type RowSpec, records, rows } from './schema.ts';

export interface PlacedField extends Field {
  readonly offset: number;
  readonly bytes: number;
}

export interface Layout {
  readonly spec: RecordSpec;
  /** C name of the struct. */
  readonly struct: string;
  readonly size: number;
  readonly fields: readonly PlacedField[];
  readonly pads: readonly { readonly name: string; readonly offset: number; readonly bytes: number }[];
}

export interface RowLayout extends Layout {
  readonly spec: RowSpec;
  readonly keyBytes: number;
  readonly hashBytes: number;
}

const scalarBytes = { u8: 1, u16: 2, u32: 4, i32: 4, u64: 8 } as const;

function extent(field: Field): { bytes: number; align: number } {
  if (field.type === 'mac') return { bytes: 6, align: 1 };
  if (field.type === 'ip') return { bytes: 16, align: 4 };
  if (field.type === 'text') return { bytes: field.size ?? 0, align: 1 };
  return { bytes: scalarBytes[field.type], align: scalarBytes[field.type] };
}

function place(spec: RecordSpec, struct: string): Layout {
  const fields: PlacedField[] = [];
  const pads: { name: string; offset: number; bytes: number }[] = [];
  let at = 0;
  const align = (to: number): void => {
    const gap = (to - (at % to)) % to;
    if (gap > 0) pads.push({ name: `pad${pads.length}`, offset: at, bytes: gap });
    at += gap;
  };
  for (const field of spec.fields) {
    const { bytes, align: boundary } = extent(field);
    align(boundary);
    fields.push({ ...field, offset: at, bytes });
    at += bytes;
  }
  align(8);
  return { spec, struct, size: at, fields, pads };
}

/** First byte after the field with this index. */
function endOf(layout: Layout, count: number): number {
  const last = layout.fields[count - 1];
  if (!last) throw new Error(`${layout.struct}: no key`);
  return last.offset + last.bytes;
}

export const rowLayouts: readonly RowLayout[] = rows.map((spec) => {
  const layout = place(spec, `fwd_${spec.name}_row`);
  return { ...layout, spec, keyBytes: endOf(layout, spec.key), hashBytes: endOf(layout, spec.hash ?? spec.key) };
});
export const recordLayouts: readonly Layout[] = records.map((spec) => place(spec, `fwd_${spec.name}`));
export const allLayouts: readonly Layout[] = [...rowLayouts, ...recordLayouts];

/** What fwd_layout reports: for every record its size, then the offset of each field. */
export const layoutWords: readonly number[] = allLayouts.flatMap((layout) => [layout.size, ...layout.fields.map((field) => field.offset)]);

const hash = (of: unknown): bigint => createHash('sha256').update(JSON.stringify(of)).digest().readBigUInt64LE(0);
/** Of everything: library and binding must agree on it. */
export const abiHash = hash([rows, records, enums, calls, idLimit]);
/** Of the rows alone: state memory with another hash is not taken over. */
export const rowsHash = hash(
  rowLayouts.map((row) => [row.spec.name, row.spec.number, row.size, row.keyBytes, row.fields.map((f) => [f.name, f.type, f.offset])]),
);
