/** `weft explain`: what anything means that users write, read or meet. */
import type { Command } from 'commander';
import { failure } from '../errors.ts';
import { explainFields, explainKind } from '../explain-fields.ts';
import {
  explainError,
  explainOperation,
  explainOperations,
  explainPlugin,
  explainPlugins,
  explainSettings,
  explainWord,
  readGlossaries,
} from '../explanations.ts';
import { findKind, type OwnedKind, readKinds } from '../kinds.ts';
import type { GlobalOptions, Session } from '../session.ts';
import { readOperations } from '../verbs.ts';

export function addExplain(program: Command, session: Session): void {
  program
    .command('explain')
    .description(
      'describe a kind or field (vn, port.binding), settings[.NAME], error [CODE], plugin [NAME], operation [NAME], drop [REASON]',
    )
    .argument('<what>', 'KIND[.FIELD], a command, settings[.NAME], or one of: error, plugin, operation, drop')
    .argument('[name]')
    .action(async (what: string, name: string | undefined, _options: unknown, command: Command) => {
      // a glossary is asked for in all projects, unless the caller sees one only
      const { project = '-' } = command.optsWithGlobals<GlobalOptions>();
      session.io.out(await explain(session, program, project, what, name));
    });
}

/** Words with a meaning of their own go before kinds, kinds before verbs. */
async function explain({ client }: Session, program: Command, project: string, what: string, name: string | undefined): Promise<string> {
  if (what === 'error') return explainError(name);
  if (what === 'settings' || what.startsWith('settings.')) {
    const path = name ?? what.slice('settings.'.length);
    return explainSettings(await client.json<object>('/v1/settings'), path);
  }
  if (what === 'plugin') return await (name === undefined ? explainPlugins(client) : explainPlugin(client, name));
  const operations = await readOperations(client);
  if (what === 'operation') return name === undefined ? explainOperations(operations) : explainOperation(operations, name);
  const glossary = operations.find((operation) => operation.glossary === what);
  if (glossary !== undefined) return explainWord(what, await readGlossaries(client, glossary, project), name);
  if (name !== undefined)
    throw failure(`"${what}" explains nothing called "${name}"`, `explain ${what}`, 'write KIND.FIELD, or see: weft explain --help');
  const kinds = await readKinds(client);
  const [kindName = '', ...path] = what.split('.');
  const kind = kindIn(kinds, kindName);
  if (kind !== undefined) return path.length === 0 ? explainKind(kind) : explainFields(kind, path);
  if (operations.some(({ cli }) => cli?.verb === what)) return explainOperation(operations, what);
  const own = program.commands.find((command) => command.name() === what);
  if (own !== undefined) return own.helpInformation();
  // for its message, which names the kinds
  findKind(kinds, kindName);
  return '';
}

function kindIn(kinds: readonly OwnedKind[], name: string): OwnedKind | undefined {
  try {
    return findKind(kinds, name);
  } catch {
    // what is no kind may be a verb
    return undefined;
  }
}
