/** `weft delete`: one object by name, or all that a file names, in one transaction. */
import { type Command, CommanderError } from 'commander';
import { formatKey, type ObjectKey, type WeftObject } from '../../contract/system/index.ts';
import { deleteObjects, formatResults } from '../changes.ts';
import type { Client } from '../client.ts';
import { findKind, keyIn, type OwnedKind, pathOf, readKinds, type Scope, scopeOf } from '../kinds.ts';
import { keysIn, readManifests } from '../manifests.ts';
import type { GlobalOptions, Session } from '../session.ts';

interface Options extends GlobalOptions {
  readonly filename?: string;
  readonly cascade?: boolean;
  readonly ignoreMissing?: boolean;
  readonly dryRun?: boolean;
}

export function addDelete(program: Command, session: Session): void {
  program
    .command('delete')
    .description('delete objects, all of them or none')
    .argument('[kind]')
    .argument('[name]')
    .option('-f, --filename <path>', 'delete what this file or directory, or - for stdin, names')
    .option('--cascade', 'delete what refers to them, too')
    .option('--ignore-missing', 'leave out what does not exist')
    .option('--dry-run', 'say what would be deleted, and delete nothing')
    .action(async (kind: string | undefined, name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      if ((options.filename === undefined) !== (kind !== undefined && name !== undefined))
        throw new CommanderError(2, 'weft.usage', 'name either KIND and NAME or -f FILE');
      const kinds = await readKinds(session.client);
      const scope = scopeOf(options);
      const named = await keysNamed(session, kinds, scope, options.filename, kind, name);
      const keys = options.ignoreMissing === true ? await existing(session.client, kinds, named) : named;
      if (keys.length === 0) return;
      const { cascade = false, dryRun = false } = options;
      const { results } = await deleteObjects(session.client, keys, { cascade, dryRun, project: scope.project });
      session.io.out(formatResults(results, formatKey, dryRun ? ' (dry run)' : ''));
    });
}

async function keysNamed(
  session: Session,
  kinds: readonly OwnedKind[],
  scope: Scope,
  filename = '',
  kind = '',
  name = '',
): Promise<ObjectKey[]> {
  if (filename === '') return [keyIn(findKind(kinds, kind), scope, name)];
  const files = await readManifests(filename, session.io.stdin);
  return keysIn(files).map((key) => keyIn(findKind(kinds, key.kind), { all: false, project: key.project ?? scope.project }, key.name));
}

async function existing(client: Client, kinds: readonly OwnedKind[], keys: readonly ObjectKey[]): Promise<ObjectKey[]> {
  const names = new Set<string>();
  for (const kind of new Set(keys.map((key) => key.kind))) {
    const path = pathOf(findKind(kinds, kind), { project: '', all: true });
    const { items } = await client.json<{ items: readonly WeftObject[] }>(path);
    for (const { metadata } of items) names.add(`${kind}/${metadata.project ?? ''}/${metadata.name}`);
  }
  return keys.filter((key) => names.has(`${key.kind}/${key.project ?? ''}/${key.name}`));
}
