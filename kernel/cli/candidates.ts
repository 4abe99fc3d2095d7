/** What could stand at the end of a command line. */
import type { Command } from 'commander';
import type { OperationSpec, WeftObject } from '../contract/system/index.ts';
import type { Client } from './client.ts';
import { findKind, pathOf, readKinds, scopeOf } from './kinds.ts';

/**
 * @param words behind `weft`, the last of which is being written and may be empty
 * @returns sorted; nothing where files may stand, and where the API does not answer
 */
export async function candidates(program: Command, client: Client, words: readonly string[]): Promise<string[]> {
  const begun = words.at(-1) ?? '';
  const given = words.slice(0, -1).filter((word, at) => !word.startsWith('-') && words[at - 1] !== '--project');
  const found = await candidatesFor(program, client, given, begun, projectIn(words)).catch(() => []);
  return [...new Set(found)].filter((candidate) => candidate.startsWith(begun)).sort();
}

async function candidatesFor(
  program: Command,
  client: Client,
  given: readonly string[],
  begun: string,
  project: string | undefined,
): Promise<string[]> {
  const [first] = given;
  const command = program.commands.find((one) => one.name() === first);
  if (begun.startsWith('-')) return optionsOf(program).concat(command === undefined ? [] : optionsOf(innermost(command, given.slice(1))));
  if (first === undefined)
    return [...program.commands.map((one) => one.name()).filter((name) => name !== 'complete'), ...(await verbs(client))];
  if (command === undefined) return [];
  const rest = given.slice(1);
  if (command.commands.length > 0) return rest.length === 0 ? command.commands.map((one) => one.name()) : await pluginNames(client, first);
  const argument = command.registeredArguments[rest.length]?.name();
  if (argument === 'kind') return (await readKinds(client)).flatMap(({ plural, aliases = [] }) => [plural, ...aliases]);
  if (argument === 'name' && rest[0] !== undefined) return await objectNames(client, rest[0], project);
  return command.registeredArguments[rest.length]?.argChoices ?? [];
}

function innermost(command: Command, words: readonly string[]): Command {
  const inner = command.commands.find((one) => one.name() === words[0]);
  return inner === undefined ? command : innermost(inner, words.slice(1));
}

function optionsOf(command: Command): string[] {
  return command.options.flatMap(({ long }) => (long ? [long] : []));
}

function projectIn(words: readonly string[]): string | undefined {
  const at = words.indexOf('--project');
  return at < 0 ? words.find((word) => word.startsWith('--project='))?.slice('--project='.length) : words[at + 1];
}

async function verbs(client: Client): Promise<string[]> {
  const operations = await client.json<readonly OperationSpec[]>('/v1/operations').catch(() => []);
  return operations.flatMap(({ cli }) => (cli === undefined ? [] : [cli.verb]));
}

async function pluginNames(client: Client, command: string): Promise<string[]> {
  if (command !== 'plugin') return [];
  return (await client.json<readonly { name: string }[]>('/v1/plugins')).map(({ name }) => name);
}

async function objectNames(client: Client, kindName: string, project: string | undefined): Promise<string[]> {
  const kind = findKind(await readKinds(client), kindName);
  const scope = scopeOf(project === undefined ? {} : { project });
  const { items } = await client.json<{ items: readonly WeftObject[] }>(pathOf(kind, scope));
  return items.map(({ metadata }) => metadata.name);
}
