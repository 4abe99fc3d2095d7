/** Lines of `weft get -w`: one for each object and each change of it. */
import type { ColumnSpec, KindSpec, ObjectEvent, WeftObject } from '../contract/system/index.ts';
import { isTable, type Printing, render, tableColumns } from './answers.ts';
import type { Io } from './io.ts';
import { Table, toYaml, valueAt } from './output.ts';

/** `current`: it was there when the watch began. */
export type ShownEvent = Omit<ObjectEvent, 'type'> & { readonly type: ObjectEvent['type'] | 'current' };

/** Room for names that are still to come. */
const nameWidth = 16;

export class EventLines {
  readonly #io: Io;
  readonly #kind: KindSpec;
  readonly #columns: readonly ColumnSpec[];
  readonly #nameOf: (object: WeftObject) => string;
  readonly #printing: Printing;
  #table: Table | undefined;

  constructor(io: Io, kind: KindSpec, columns: readonly ColumnSpec[], nameOf: (object: WeftObject) => string, printing: Printing) {
    this.#io = io;
    this.#kind = kind;
    this.#columns = columns;
    this.#nameOf = nameOf;
    this.#printing = printing;
  }

  /** JSON: one event per line. */
  print(events: readonly ShownEvent[]): void {
    const { output } = this.#printing;
    if (isTable(output)) this.#rows(events);
    else
      for (const event of events) {
        if (output === 'json') this.#io.out(`${JSON.stringify(event)}\n`);
        else if (output === 'yaml') this.#io.out(`---\n${toYaml(event.object)}`);
        else this.#io.out(render({ whole: event.object, items: [event.object], columns: [], nameOf: this.#nameOf }, this.#printing));
      }
  }

  #rows(events: readonly ShownEvent[]): void {
    const { output, headers = true } = this.#printing;
    const { titles, cells } = tableColumns(this.#columns, output);
    const rows = events.map(({ type, object }) => [type, ...cells(object)]);
    if (this.#table === undefined) {
      const least = titles.map((title) => this.#roomFor(this.#columns.find((column) => column.title.toUpperCase() === title)?.pointer));
      this.#table = new Table(['EVENT', ...titles], rows, ['created'.length, ...least]);
      if (headers) this.#io.out(this.#table.head());
    }
    for (const row of rows) this.#io.out(this.#table.row(row));
  }

  /** So wide that most of what comes later fits under the title, too. */
  #roomFor(pointer = ''): number {
    if (pointer === '/metadata/name') return nameWidth;
    const [part, ...rest] = pointer.slice(1).split('/');
    const schema = part === 'status' ? this.#kind.status : this.#kind.spec;
    const choices = valueAt(schema, rest.map((name) => `/properties/${name}`).join(''));
    const words = (choices as { readonly enum?: readonly unknown[] } | undefined)?.enum ?? [];
    return Math.max(0, ...words.map((word) => String(word).length));
  }
}
