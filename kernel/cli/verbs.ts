/** Verbs that the plugins' operations add to the command. Options come from an operation's input schema, tables from its columns. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CliSpec, OperationSpec } from '../contract/system/index.ts';
import { addPrinting, type Printing, render, renderOne } from './answers.ts';
import type { Client } from './client.ts';
import { scopeOf } from './kinds.ts';
import { toYaml } from './output.ts';
import type { Schema } from './schema.ts';
import type { GlobalOptions, Session } from './session.ts';
import { printLines, printParts, printTables, writeParts } from './streams.ts';

export type OwnedOperation = OperationSpec & { readonly plugin: string };

export async function readOperations(client: Client): Promise<readonly OwnedOperation[]> {
  return await client.json<readonly OwnedOperation[]>('/v1/operations');
}

/** Asks the API for the operations and adds those with a verb; a verb that the command has already is left alone. */
export async function addVerbs(program: Command, session: Session): Promise<void> {
  for (const operation of await readOperations(session.client)) addVerb(program, session, operation);
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
  addPrinting(command, ['table', 'wide', 'json', 'yaml']).action(async () => {
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

async function call(
  session: Session,
  operation: OwnedOperation,
  cli: CliSpec,
  body: Readonly<Record<string, unknown>>,
  options: GlobalOptions & Printing & { write?: string },
): Promise<void> {
  const { project, all } = scopeOf(options);
  const { io, client } = session;
  const path = `/v1/${all ? '-' : encodeURIComponent(project)}/operations/${operation.plugin}.${operation.name}`;
  const asked = { method: 'POST', body, about: cli.verb, signal: io.signal } as const;
  if (options.write !== undefined) return await writeParts(io, client.events(`${path}?file=true`, asked), options.write);
  if (operation.stream) return await printStream(session, client.events(path, asked), cli, options, body);
  io.out(format(await client.json<unknown>(path, asked), cli, options));
}

async function printStream(
  { io }: Session,
  events: ReturnType<Client['events']>,
  cli: CliSpec,
  printing: Printing,
  body: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (cli.parts !== undefined) return await printParts(io, events, cli, printing, body[cli.parts.endless ?? ''] === true);
  await (cli.refresh === true ? printTables : printLines)(io, events, cli, printing);
}

function format(reply: unknown, { columns }: CliSpec, printing: Printing): string {
  const items = typeof reply === 'object' && reply !== null && 'items' in reply && Array.isArray(reply.items) ? reply.items : undefined;
  return items === undefined ? renderOne(reply, printing.output, () => toYaml(reply)) : render({ whole: reply, items, columns }, printing);
}
