/** Verbs that the plugins' operations add to the command. Options come from an operation's input schema, tables from its columns. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { OperationSpec } from '../contract/system/index.ts';
import type { Client } from './client.ts';
import { scopeOf } from './kinds.ts';
import { columnsOf, Table, toJson, toTable, toYaml } from './output.ts';
import type { Schema } from './schema.ts';
import { type GlobalOptions, outputOption, type Session } from './session.ts';

export type OwnedOperation = OperationSpec & { readonly plugin: string };

/** Asks the API for the operations and adds those with a verb; a verb that the command has already is left alone. */
export async function addVerbs(program: Command, session: Session): Promise<void> {
  const operations = await session.client.json<readonly OwnedOperation[]>('/v1/operations');
  for (const operation of operations) addVerb(program, session, operation);
}

/** Adds the verb of one operation, when it has one that is free. */
export function addVerb(program: Command, session: Session, operation: OwnedOperation): void {
  const verb = operation.cli?.verb;
  if (verb === undefined || program.commands.some((command) => command.name() === verb)) return;
  const command = program.command(verb).description(`${operation.summary} (${operation.plugin})`);
  const input = operation.input as Schema;
  const options = new Map<string, Option>();
  for (const [name, schema] of Object.entries(input.properties ?? {})) {
    const option = optionFor(name, schema, input.required?.includes(name) === true);
    options.set(name, option);
    command.addOption(option);
  }
  command.addOption(outputOption(['table', 'wide', 'json', 'yaml'])).action(async () => {
    const given = command.opts<Record<string, unknown>>();
    const entries = [...options].map(([name, option]) => [name, given[option.attributeName()]] as const);
    await call(session, operation, Object.fromEntries(entries.filter(([, value]) => value !== undefined)), command.optsWithGlobals());
  });
}

/** `maxItems` becomes `--max-items <integer>`; a boolean a flag; a list may be repeated. */
function optionFor(name: string, schema: Schema, required: boolean): Option {
  const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const item = schema.items ?? schema;
  const many = schema.items !== undefined;
  const flags = item.type === 'boolean' ? flag : `${flag} <${item.enum === undefined ? String(item.type ?? 'value') : 'value'}>`;
  const option = new Option(flags, schema.description ?? '');
  if (item.type === 'boolean') return option;
  const choices = item.enum?.map(String);
  option.argParser((text: string, previous: unknown) => {
    const value = parseValue(text, item, choices);
    return many ? [...(Array.isArray(previous) ? previous : []), value] : value;
  });
  if (choices !== undefined) option.argChoices = choices;
  return option.makeOptionMandatory(required && schema.default === undefined);
}

function parseValue(text: string, schema: Schema, choices: readonly string[] | undefined): string | number {
  if (choices !== undefined && !choices.includes(text)) throw new InvalidArgumentError(`Allowed are ${choices.join(', ')}.`);
  if (schema.type !== 'integer' && schema.type !== 'number') return text;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || (schema.type === 'integer' && !Number.isInteger(value)))
    throw new InvalidArgumentError(`It must be ${schema.type === 'integer' ? 'an integer' : 'a number'}.`);
  return value;
}

type Output = 'table' | 'wide' | 'json' | 'yaml';

async function call(
  session: Session,
  operation: OwnedOperation,
  input: object,
  options: GlobalOptions & { output: Output },
): Promise<void> {
  const { project, all } = scopeOf(options);
  const path = `/v1/${all ? '-' : encodeURIComponent(project)}/operations/${operation.plugin}.${operation.name}`;
  const about = operation.cli?.verb ?? operation.name;
  if (operation.stream)
    return await stream(
      session,
      operation,
      session.client.events(path, { method: 'POST', body: input, about, signal: session.io.signal }),
      options.output,
    );
  const reply = await session.client.json<unknown>(path, { method: 'POST', body: input, about });
  session.io.out(format(reply, operation, options.output));
}

function format(reply: unknown, operation: OwnedOperation, output: Output): string {
  if (output === 'json') return toJson(reply);
  const items = typeof reply === 'object' && reply !== null && 'items' in reply && Array.isArray(reply.items) ? reply.items : undefined;
  if (output === 'yaml' || items === undefined) return toYaml(reply);
  const { titles, cells } = columnsOf(operation.cli?.columns ?? [], output === 'wide');
  return toTable(titles, items.map(cells));
}

/** One line for each item as it comes. */
async function stream(session: Session, operation: OwnedOperation, events: ReturnType<Client['events']>, output: Output): Promise<void> {
  const { titles, cells } = columnsOf(operation.cli?.columns ?? [], output === 'wide');
  const table = new Table(titles);
  const lines = output === 'table' || output === 'wide';
  if (lines) session.io.out(table.head());
  for await (const { event, data } of events) {
    if (event === 'end') return;
    if (lines) session.io.out(table.row(cells(data)));
    else session.io.out(output === 'json' ? `${JSON.stringify(data)}\n` : `---\n${toYaml(data)}`);
  }
}
