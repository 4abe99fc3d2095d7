/** A copy of this tree without some plugin folders, to prove that nothing else needs them. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run, top } from './appliance.ts';

/** Hard links, so that node_modules costs nothing. The copy must not be written to, only removed. Returns its path. */
export async function copyWithout(plugins: readonly string[]): Promise<string> {
  const copy = join(top, 'build', `without-${plugins.join('-')}`);
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  const entries = readdirSync(top).filter((entry) => entry !== 'build');
  const result = await run('cp', ['-al', ...entries.map((entry) => join(top, entry)), copy], { timeoutMs: 120_000 });
  if (result.code !== 0) throw new Error(result.stderr);
  for (const plugin of plugins) rmSync(join(copy, 'plugins', plugin), { recursive: true });
  return copy;
}
