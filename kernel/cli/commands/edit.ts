/** `weft edit`: one object in the user's editor, written back when it was changed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { formatKey, type WeftObject } from '../../contract/system/index.ts';
import { applyManifests, formatResults } from '../changes.ts';
import { CommandFailure, failure } from '../errors.ts';
import { kindNamed, pathOf, scopeOf } from '../kinds.ts';
import { writtenPart } from '../output.ts';
import type { GlobalOptions, Session } from '../session.ts';

export function addEdit(program: Command, session: Session): void {
  program
    .command('edit')
    .description('change one object in an editor ($VISUAL, $EDITOR, or vi)')
    .argument('<kind>')
    .argument('<name>')
    .action(async (kindName: string, name: string, _options: unknown, command: Command) => {
      const scope = scopeOf(command.optsWithGlobals<GlobalOptions>());
      const kind = await kindNamed(session.client, kindName);
      const object = await session.client.json<WeftObject>(pathOf(kind, scope, name), { about: `${kind.kind} ${name}` });
      const folder = mkdtempSync(join(tmpdir(), 'weft-edit-'));
      const file = join(folder, `${kind.kind.toLowerCase()}-${name}.yaml`);
      // with its revision: what somebody else changes meanwhile is not overwritten
      const before = writtenPart(object, object.metadata.revision);
      writeFileSync(file, before, { mode: 0o600 });
      const after = editedText(session, file);
      if (after === before) session.io.out(`${kind.kind} ${name} unchanged\n`);
      else await write(session, file, after, scope.project);
      rmSync(folder, { recursive: true });
    });
}

function editedText(session: Session, file: string): string {
  const editor = session.io.env.VISUAL || session.io.env.EDITOR || 'vi';
  const code = session.io.run('sh', ['-c', `${editor} "$1"`, 'sh', file]);
  if (code !== 0) {
    rmSync(dirname(file), { recursive: true });
    throw failure(`the editor ended with ${code}`, editor, 'nothing was changed; name another one in EDITOR');
  }
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    rmSync(dirname(file), { recursive: true });
    throw failure(`the file is gone: ${(thrown as Error).message}`, editor, 'nothing was changed; leave the file where it is');
  }
}

/** What is refused stays in the file. */
async function write(session: Session, file: string, text: string, project: string): Promise<void> {
  try {
    const { results } = await applyManifests(session.client, [{ name: file, text }], { project, dryRun: false });
    session.io.out(formatResults(results, formatKey));
  } catch (thrown) {
    if (thrown instanceof CommandFailure) session.io.err(`your text is kept: weft apply -f ${file}\n`);
    throw thrown;
  }
}
