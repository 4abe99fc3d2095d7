/**
 * Writes docs/reference: kinds, operations and plugin settings from the manifests, commands from the command itself, host settings from
 * their schema. With `--check` it writes nothing and names the files that are not up to date; what a removed plugin left there does not count.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Io } from '../cli/io.ts';
import { buildProgram } from '../cli/program.ts';
import { Session } from '../cli/session.ts';
import { addVerb } from '../cli/verbs.ts';
import type { Manifest } from '../contract/system/index.ts';
import { documentSettings } from '../src/config/index.ts';
import { builtinKinds, kernelOwner } from '../src/registry/index.ts';
import { metricGroups } from './metric-groups.ts';
import { commandsPage, errorsPage, kindsPage, metricsPage, operationsPage, settingsPage, withOwners } from './reference-pages.ts';

const top = join(import.meta.dirname, '..', '..');
const folder = join(top, 'docs', 'reference');

function readManifests(): Manifest[] {
  const plugins = join(top, 'plugins');
  const files = readdirSync(plugins).map((name) => join(plugins, name, 'manifest.json'));
  const manifests = files.filter(existsSync).map((file) => JSON.parse(readFileSync(file, 'utf8')) as Manifest);
  return manifests.sort((a, b) => a.name.localeCompare(b.name));
}

/** The command with the verbs of all plugins of the tree. It is only looked at, never run. */
function commandOf(manifests: readonly Manifest[]) {
  const refuse = () => {
    throw new Error('the reference runs no command');
  };
  const io: Io = {
    env: {},
    stdin: Readable.from([]),
    terminal: false,
    signal: AbortSignal.abort(),
    out: refuse,
    err: refuse,
    run: refuse,
    exec: refuse,
  };
  const session = new Session(io, []);
  const program = buildProgram(session);
  for (const { name: plugin, operations } of manifests)
    for (const operation of operations) addVerb(program, session, { plugin, ...operation });
  return program;
}

const manifests = readManifests();
const verbs = new Map(manifests.flatMap(({ name, operations }) => operations.map(({ cli }) => [cli?.verb ?? '', name] as const)));
const kinds = [
  ...builtinKinds.map((kind) => ({ owner: kernelOwner, kind })),
  ...manifests.flatMap(({ name, kinds: own }) => own.map((kind) => ({ owner: name, kind }))),
];
const pages: Readonly<Record<string, string>> = {
  'commands.md': commandsPage(commandOf(manifests), (verb) => verbs.get(verb)),
  'errors.md': errorsPage(),
  'kinds.md': kindsPage(kinds),
  'metrics.md': metricsPage(await metricGroups(manifests.map(({ name }) => name))),
  'operations.md': operationsPage(manifests),
  'settings.md': settingsPage(documentSettings(), manifests),
};

const owners = new Set([kernelOwner, ...manifests.map(({ name }) => name)]);
const check = process.argv.includes('--check');
if (!check) mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(pages)) {
  const file = join(folder, name);
  const written = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if ((check ? withOwners(written, owners) : written) === text) continue;
  if (check) {
    console.error(`docs/reference/${name} is not up to date: run npm run gen`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    console.log(`docs/reference/${name} written`);
  }
}
