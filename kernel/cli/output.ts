/** Tables, YAML and JSON: everything the command prints on stdout goes through here. */
import { stringify } from 'yaml';
import type { ColumnSpec, WeftObject } from '../contract/system/index.ts';
import { visible } from './errors.ts';

export const formats = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Format = (typeof formats)[number];

export function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** The part of an object that users write, as YAML; with the revision that it must have when it is written back. */
export function writtenPart(object: WeftObject, revision?: number): string {
  const { name, project, labels, shared } = object.metadata;
  const metadata = {
    name,
    project,
    revision,
    labels: Object.keys(labels ?? {}).length > 0 ? labels : undefined,
    shared: shared === true ? true : undefined,
  };
  return toYaml({ apiVersion: object.apiVersion, kind: object.kind, metadata, spec: object.spec });
}

/** The value at a JSON pointer (RFC 6901) in which `*` stands for every item of an array. */
export function valueAt(object: unknown, pointer: string): unknown {
  const parts = pointer === '' ? [] : pointer.slice(1).split('/');
  let values = [object];
  for (const part of parts) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    values = values.flatMap((value) => (part === '*' && Array.isArray(value) ? value : [field(value, name)]));
  }
  return parts.includes('*') ? values : values[0];
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** A value as text for one cell: lists joined by commas, `-` for nothing, control characters made visible. */
export function cell(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(cell).join(',');
  const plain = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return visible(plain);
}

/** Columns of an aligned table, two spaces apart. */
export class Table {
  readonly #titles: readonly string[];
  readonly #widths: readonly number[];

  /**
   * Widths follow from the rows that are known now, and `least` where more are to come; a longer cell of a later row shifts what stands behind it
   * in its own row only: nothing is ever cut off, and the columns stay under their titles.
   */
  constructor(titles: readonly string[], rows: readonly (readonly string[])[] = [], least: readonly number[] = []) {
    this.#titles = titles;
    this.#widths = titles.map((title, at) =>
      rows.reduce((most, row) => Math.max(most, row[at]?.length ?? 0), Math.max(title.length, least[at] ?? 0)),
    );
  }

  head(): string {
    return this.row(this.#titles);
  }

  row(cells: readonly string[]): string {
    const padded = cells.map((text, at) => text.padEnd(this.#widths[at] ?? 0));
    return `${padded.join('  ').trimEnd()}\n`;
  }
}

/** A whole table; without its first line when the titles are null. */
export function toTable(titles: readonly string[] | null, rows: readonly (readonly string[])[]): string {
  const table = new Table(titles ?? rows[0]?.map(() => '') ?? [], rows);
  return (titles === null ? '' : table.head()) + rows.map((row) => table.row(row)).join('');
}

/** Titles and cells of items by column specifications; wide columns only when asked for. */
export function columnsOf(columns: readonly ColumnSpec[], wide: boolean): { titles: string[]; cells(item: unknown): string[] } {
  const shown = columns.filter((column) => wide || column.wide !== true);
  return {
    titles: shown.map(({ title }) => title.toUpperCase()),
    cells: (item) => shown.map(({ pointer }) => cell(valueAt(item, pointer))),
  };
}

/** Colours a word on a terminal; leaves it alone elsewhere. */
export function paint(text: string, colour: 'green' | 'yellow' | 'red', terminal: boolean): string {
  const number = { green: 32, yellow: 33, red: 31 }[colour];
  return terminal ? `\u001b[${number}m${text}\u001b[0m` : text;
}
