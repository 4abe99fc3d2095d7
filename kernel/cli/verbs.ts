/** Verbs that the plugins' operations add to the command. Options come from an operation's input schema, tables from its columns. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CliSpec, OperationSpec } from '../contract/system/index.ts';
import { scopeOf } from './kinds.ts';
import { columnsOf, toJson, toTable, toYaml } from './output.ts';
import type { Schema } from './schema.ts';
import { type GlobalOptions, outputOption, type Session } from './session.ts';
import { printLines, printTables, writeParts } from './streams.ts';

export type OwnedOperation = OperationSpec & { readonly plugin: string };

/** Asks the API for the operations and adds those with a verb; a verb that the command has already is left alone. */
export async function addVerbs(program: Command, session: Session): Promise<void> {
  const operations = await session.client.json<readonly OwnedOperation[]>('/v1/operations');
  for (const operation of operations) addVerb(program, session, operation);
}

/** Adds the verb of one operation, when it has one that is free. */
export function addVerb(program: Command, session: Session, operation: OwnedOperation): void {
  const { cli } = operation;
  if (cli === undefined || program.commands.some((command) => command.name() === cli.verb)) return;
  const command = program.command(cli.verb).description(`${operation.summary} (${operation.plugin})`);
  const input = operation.input as Schema;
  const options = new Map<string, Option>();
  for (const [name, schema] of Object.entries(input.properties ?? {})) {
    const required = input.required?.includes(name) === true;
    const { description = '' } = schema;
    if (name === cli.argument)
      command.argument(required ? `<${name}>` : `[${name}]`, description, (text) => parseValue(text, schema, undefined));
    else options.set(name, optionFor(name, schema, required));
  }
  for (const option of options.values()) command.addOption(option);
  if (operation.file !== undefined) command.addOption(new Option('-w, --write <file>', `write a file (${operation.file.mediaType})`));
  command.addOption(outputOption(['table', 'wide', 'json', 'yaml'])).action(async () => {
    const given = command.opts<Record<string, unknown>>();
    const named = [...options].map(([name, option]) => [name, given[option.attributeName()]] as const);
    const entries = cli.argument === undefined ? named : [[cli.argument, command.processedArgs[0]] as const, ...named];
    const asked = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
    await call(session, operation, cli, asked, command.optsWithGlobals());
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
  cli: CliSpec,
  input: object,
  options: GlobalOptions & { output: Output; write?: string },
): Promise<void> {
  const { project, all } = scopeOf(options);
  const { io, client } = session;
  const path = `/v1/${all ? '-' : encodeURIComponent(project)}/operations/${operation.plugin}.${operation.name}`;
  const asked = { method: 'POST', body: input, about: cli.verb, signal: io.signal } as const;
  if (options.write !== undefined) return await writeParts(io, client.events(`${path}?file=true`, asked), options.write);
  if (operation.stream) return await (cli.refresh === true ? printTables : printLines)(io, client.events(path, asked), cli, options.output);
  io.out(format(await client.json<unknown>(path, asked), cli, options.output));
}

function format(reply: unknown, cli: CliSpec, output: Output): string {
  if (output === 'json') return toJson(reply);
  const items = typeof reply === 'object' && reply !== null && 'items' in reply && Array.isArray(reply.items) ? reply.items : undefined;
  if (output === 'yaml' || items === undefined) return toYaml(reply);
  const { titles, cells } = columnsOf(cli.columns, output === 'wide');
  return toTable(titles, items.map(cells));
}
