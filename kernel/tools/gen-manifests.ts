/**
 * Writes `manifest.json` of every plugin folder from its definition. Usage: node gen-manifests.ts [--check] [DIR…] (default: the plugins of this
 * clone). `--check` writes nothing and fails when one is out of date.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { manifestOf, renderManifest } from '../sdk/manifest.ts';
import type { PluginDefinition } from '../sdk/plugin.ts';

const { values, positionals } = parseArgs({ options: { check: { type: 'boolean', default: false } }, allowPositionals: true });
const dirs = positionals.length > 0 ? positionals : [join(import.meta.dirname, '..', '..', 'plugins')];
const stale: string[] = [];
for (const dir of dirs) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const folder = resolve(dir, entry.name);
    if (!entry.isDirectory() || !existsSync(join(folder, 'index.ts'))) continue;
    const { default: definition } = (await import(join(folder, 'index.ts'))) as { default: PluginDefinition };
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    const file = join(folder, 'manifest.json');
    const manifest = manifestOf(definition, version);
    // By content: how the file is laid out is a formatter's business.
    if (existsSync(file) && isDeepStrictEqual(JSON.parse(readFileSync(file, 'utf8')), manifest)) continue;
    stale.push(file);
    if (!values.check) writeFileSync(file, renderManifest(manifest));
  }
}
for (const file of stale) console.log(`${values.check ? 'stale' : 'wrote'} ${file}`);
if (values.check && stale.length > 0) {
  console.error(`error: ${stale.length} manifest${stale.length === 1 ? ' differs' : 's differ'} from the definition: run npm run gen`);
  process.exitCode = 1;
}
