/** How a command prints an answer of the API: the forms of `-o`, the same everywhere. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ColumnSpec } from '../contract/system/index.ts';
import { compileQuery, compileTemplate } from './jsonpath.ts';
import { cell, columnsOf, type Format, toJson, toTable, toYaml } from './output.ts';

const templateForm = 'jsonpath=';
const columnsForm = 'custom-columns=';

/** What `-o` and `--no-headers` ask for. */
export interface Printing {
  /** A form, `jsonpath=TEMPLATE` or `custom-columns=TITLE:QUERY,…`. */
  readonly output: string;
  readonly headers?: boolean;
}

/** Something to print: the API's own answer, and the items in it when it is a list. */
export interface Answer {
  readonly whole: unknown;
  readonly items: readonly unknown[];
  readonly columns: readonly ColumnSpec[];
  /** How `-o name` calls an item. */
  readonly nameOf?: (item: never) => string;
  /** In YAML each item is a document of its own. */
  readonly documents?: boolean;
}

/** Adds `-o` with these forms and the templates, and `--no-headers` where there are tables. */
export function addPrinting(command: Command, choices: readonly Format[]): Command {
  command.addOption(answerOption(choices, ['jsonpath=TEMPLATE', 'custom-columns=TITLE:QUERY,…']));
  return command.option('--no-headers', 'tables without their first line');
}

/** `-o` of a command whose answer is no list. */
export function answerOption(choices: readonly Format[], templates: readonly string[] = ['jsonpath=TEMPLATE']): Option {
  const option = new Option('-o, --output <format>', 'form of the output').default(choices[0]);
  const prefixes = templates.map((template) => template.slice(0, template.indexOf('=') + 1));
  option.argParser((text: string) => {
    const prefix = prefixes.find((one) => text.startsWith(one));
    if (prefix === templateForm) compileTemplate(text.slice(prefix.length));
    else if (prefix === columnsForm) customColumns(text);
    else if (!(choices as readonly string[]).includes(text)) {
      throw new InvalidArgumentError(`Allowed are ${[...choices, ...templates].join(', ')}.`);
    }
    return text;
  });
  option.argChoices = [...choices, ...templates];
  return option;
}

/** An answer that is no list; `table` makes what is shown without `-o`. */
export function renderOne(whole: unknown, output: string, table: () => string): string {
  if (output === 'json') return toJson(whole);
  if (output === 'yaml') return toYaml(whole);
  return output.startsWith(templateForm) ? compileTemplate(output.slice(templateForm.length))(whole) : table();
}

/** A list, or one object shown as a list of one. */
export function render(answer: Answer, { output, headers = true }: Printing): string {
  const { whole, items, columns, nameOf, documents } = answer;
  if (output === 'name' && nameOf !== undefined) return items.map((item) => `${nameOf(item as never)}\n`).join('');
  if (output === 'yaml' && documents === true) return items.map(toYaml).join('---\n');
  return renderOne(whole, output, () => {
    const { titles, cells } = tableColumns(columns, output);
    return toTable(headers ? titles : null, items.map(cells));
  });
}

/** Whether the form is a table, whose lines are aligned. */
export function isTable(output: string): boolean {
  return output === 'table' || output === 'wide' || output.startsWith(columnsForm);
}

/** Titles and cells of a table: the columns given, or those that the form names. */
export function tableColumns(columns: readonly ColumnSpec[], output: string): { titles: string[]; cells(item: unknown): string[] } {
  return output.startsWith(columnsForm) ? customColumns(output) : columnsOf(columns, output === 'wide');
}

/** `custom-columns=NAME:.metadata.name,SIZE:/spec/size`. Throws commander's error, which names the option. */
function customColumns(output: string): { titles: string[]; cells(item: unknown): string[] } {
  const columns = output
    .slice(columnsForm.length)
    .split(/,(?=[^,:\][]+:)/)
    .map((text) => {
      const colon = text.indexOf(':');
      if (colon < 1 || colon === text.length - 1) throw new InvalidArgumentError(`"${text}" is no column: write TITLE:QUERY.`);
      return { title: text.slice(0, colon), query: compileQuery(text.slice(colon + 1)) };
    });
  return {
    titles: columns.map(({ title }) => title.toUpperCase()),
    cells: (item) => columns.map(({ query }) => cell(query(item))),
  };
}
