/** What could stand at the end of a command line. */
import type { Command, Option } from 'commander';
import type { WeftObject } from '../contract/system/index.ts';
import type { Client } from './client.ts';
import { findKind, type OwnedKind, pathOf, readKinds, scopeOf } from './kinds.ts';
import type { Session } from './session.ts';
import { addVerb, readOperations } from './verbs.ts';

/** A command line that is being written. */
interface Line {
  /** The commands that are named, outermost first. */
  readonly commands: readonly Command[];
  /** Words behind them that are no options. */
  readonly operands: readonly string[];
  /** The option whose value comes next, if any. */
  readonly option: Option | undefined;
  readonly project: string | undefined;
}

/**
 * @param words behind `weft`, the last of which is being written and may be empty
 * @returns sorted; nothing where files may stand, and where the API does not answer
 */
export async function candidates(session: Session, client: Client, program: Command, words: readonly string[]): Promise<string[]> {
  const begun = words.at(-1) ?? '';
  const given = words.slice(0, -1);
  const first = given.find((word) => !word.startsWith('-'));
  const isOwn = program.commands.some((command) => command.name() === first);
  // The verbs of plugins are known by the API only.
  if (!isOwn) for (const operation of await readOperations(client).catch(() => [])) addVerb(program, session, operation);
  const found = await candidatesFor(client, readLine(program, given), begun).catch(() => []);
  return [...new Set(found)].filter((candidate) => candidate.startsWith(begun)).sort();
}

function readLine(program: Command, given: readonly string[]): Line {
  const commands = [program];
  const operands: string[] = [];
  let option: Option | undefined;
  let project: string | undefined;
  for (const word of given) {
    if (option !== undefined) {
      if (option.attributeName() === 'project') project = word;
      option = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      option = optionNamed(commands, word);
      if (word.startsWith('--project=')) project = word.slice('--project='.length);
      continue;
    }
    const inner = operands.length === 0 ? commands.at(-1)?.commands.find((command) => command.name() === word) : undefined;
    if (inner === undefined) operands.push(word);
    else commands.push(inner);
  }
  return { commands, operands, option, project };
}

/** The option that a word names, when its value is the next word. */
function optionNamed(commands: readonly Command[], word: string): Option | undefined {
  const known = commands.flatMap(({ options }) => options).find(({ short, long }) => word === short || word === long);
  return known?.required === true || known?.optional === true ? known : undefined;
}

async function candidatesFor(client: Client, { commands, operands, option, project }: Line, begun: string): Promise<readonly string[]> {
  const command = commands.at(-1);
  if (command === undefined) return [];
  if (option !== undefined) return await valuesOf(client, option, project);
  if (begun.startsWith('-')) return commands.flatMap(({ options }) => options.flatMap(({ long }) => (long ? [long] : [])));
  if (command.commands.length > 0) {
    return operands.length === 0 ? command.commands.map((one) => one.name()).filter((name) => name !== 'complete') : [];
  }
  if (commands.some((one) => one.name() === 'plugin')) {
    const others = command.name() === 'logs' ? ['kernel', 'forwarder'] : [];
    return operands.length === 0 ? [...others, ...(await pluginNames(client))] : [];
  }
  const argument = command.registeredArguments[operands.length];
  const name = argument?.name() ?? '';
  if (name === 'what') return [...explained, ...(await kindNames(client))];
  if (name === 'kind') return await kindNames(client);
  if (name === 'name') return await objectNames(client, operands[0] ?? command.parent?.name() ?? '', project);
  return argument?.argChoices ?? (await objectNames(client, name, project));
}

/** Its choices, or names of objects where it is called like a kind of them. */
async function valuesOf(client: Client, option: Option, project: string | undefined): Promise<readonly string[]> {
  if (option.argChoices !== undefined) return option.argChoices.map((choice) => choice.replace(/=.*/, '='));
  return await objectNames(client, option.attributeName(), project);
}

/** What `weft explain` knows besides kinds. */
const explained = ['error', 'operation', 'plugin', 'settings'];

async function kindNames(client: Client): Promise<string[]> {
  return (await readKinds(client)).flatMap(({ plural, aliases = [] }) => [plural, ...aliases]);
}

async function pluginNames(client: Client): Promise<string[]> {
  return (await client.json<readonly { name: string }[]>('/v1/plugins')).map(({ name }) => name);
}

/** Nothing where the word names no kind. */
async function objectNames(client: Client, kindName: string, project: string | undefined): Promise<string[]> {
  if (kindName === '') return [];
  const kind: OwnedKind = findKind(await readKinds(client), kindName);
  const { items } = await client.json<{ items: readonly WeftObject[] }>(pathOf(kind, scopeOf(project === undefined ? {} : { project })));
  return items.map(({ metadata }) => metadata.name);
}
