/**
 * Writes appliance/systemd: the unit that runs Weft, from the manifests of this clone's plugins. With `--check` it writes nothing and names the files
 * that are not up to date; what a removed plugin left there does not count.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../contract/system/index.ts';
import { serviceUnit, sliceUnit, withPlugins } from './units.ts';

const top = join(import.meta.dirname, '..', '..');
const folder = join(top, 'appliance', 'systemd');
const plugins = join(top, 'plugins');

const manifests = readdirSync(plugins)
  .sort()
  .map((name) => join(plugins, name, 'manifest.json'))
  .filter(existsSync)
  .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Manifest);
const units: Readonly<Record<string, string>> = { 'weft.service': serviceUnit(manifests), 'weft.slice': sliceUnit() };

const names = new Set(manifests.map(({ name }) => name));
const check = process.argv.includes('--check');
if (!check) mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(units)) {
  const file = join(folder, name);
  const written = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if ((check ? withPlugins(written, names) : written) === text) continue;
  if (check) {
    console.error(`appliance/systemd/${name} is not up to date: run npm run gen`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    console.log(`appliance/systemd/${name} written`);
  }
}
