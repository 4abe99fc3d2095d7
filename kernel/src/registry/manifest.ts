/** Reads plugin folders: one manifest each, checked before anything believes it. */
import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { identifierPattern, type Manifest, type OperationSpec } from '../../contract/system/index.ts';
import { compileSchema } from './schema.ts';

/** A plugin folder as found. A folder with a problem stays listed, and serves nothing. */
export interface FoundPlugin {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  /** SHA-256 of the manifest file, hexadecimal. */
  readonly manifestHash: string;
  readonly manifest: Manifest | null;
  readonly problem: string | null;
}

const text = { type: 'string' };
const texts = { type: 'array', items: text };
const schema = { type: 'object' };
const count = { type: 'integer', minimum: 0 };
const some = { type: 'integer', minimum: 1 };
const identifier = { type: 'string', pattern: identifierPattern };

function record(properties: Record<string, object>, optional: readonly string[] = []): object {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

const columns = { type: 'array', items: record({ title: text, pointer: text, wide: { type: 'boolean' } }, ['wide']) };

const op = (name: string): object => ({ type: 'string', const: name });
const steps = {
  type: 'array',
  items: {
    oneOf: [
      record({ op: op('move'), from: text, to: text }),
      record({ op: op('default'), at: text, value: {} }),
      record({ op: op('remove'), at: text }),
      record({ op: op('translate'), at: text, values: { type: 'object', additionalProperties: text } }),
    ],
  },
};
const converter = record({ version: { type: 'integer', minimum: 2 }, up: steps, down: steps });

const manifestSchema = record(
  {
    name: identifier,
    version: text,
    summary: text,
    needs: { type: 'array', items: identifier },
    kinds: {
      type: 'array',
      items: record(
        {
          kind: { type: 'string', pattern: '^[A-Z][A-Za-z0-9]{0,62}$' },
          plural: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,62}$' },
          aliases: { type: 'array', items: identifier },
          scope: { enum: ['project', 'system'] },
          summary: text,
          schemaVersion: { type: 'integer', minimum: 1 },
          spec: schema,
          status: schema,
          references: { type: 'array', items: record({ pointer: { type: 'string', pattern: '^/spec(/|$)' }, kind: text }) },
          columns,
          converters: { type: 'array', items: converter },
          finalizer: { type: 'boolean' },
          sharedFields: { type: 'array', items: { type: 'string', pattern: '^/spec/' } },
          implied: { type: 'array', items: identifier },
        },
        ['aliases', 'converters', 'finalizer', 'sharedFields', 'implied'],
      ),
    },
    operations: {
      type: 'array',
      items: record(
        {
          name: identifier,
          summary: text,
          stream: { type: 'boolean' },
          viewer: { type: 'boolean' },
          input: schema,
          output: schema,
          cli: record(
            { verb: identifier, columns, argument: text, refresh: { type: 'boolean' }, parts: record({ endless: text }, ['endless']) },
            ['argument', 'refresh', 'parts'],
          ),
          file: record({ mediaType: { type: 'string', pattern: '^[a-z]+/[a-z0-9.+-]+$' } }),
          glossary: identifier,
          bundle: { type: 'boolean' },
        },
        ['viewer', 'cli', 'file', 'glossary', 'bundle'],
      ),
    },
    puntClasses: { type: 'array', items: record({ name: identifier, rate: count, burst: count, portRate: count, portBurst: count }) },
    grants: record({ rows: texts, reads: texts, writes: texts, outside: { type: 'boolean' }, servicePort: { type: 'boolean' } }, [
      'outside',
      'servicePort',
    ]),
    limits: record({ memoryMib: some, cpuPercent: some, tasks: some, stateMib: some }, ['memoryMib', 'cpuPercent', 'tasks', 'stateMib']),
    config: schema,
    whenDisabled: text,
  },
  ['limits', 'whenDisabled'],
);

/** Taken by the processes that are no plugins. */
const processNames = ['kernel', 'forwarder', 'launcher'];
const validate = compileSchema(manifestSchema);

/** Every folder with a manifest, in the order of names. Folders without one are no plugins; a folder that is missing holds none. */
export function readPluginFolders(pluginDirs: readonly string[]): FoundPlugin[] {
  const found = pluginDirs.flatMap((dir) =>
    foldersIn(dir).flatMap((entry) => {
      const folder = join(dir, entry.name);
      const file = readIfThere(join(folder, 'manifest.json'));
      return file === null ? [] : [readManifest(entry.name, folder, file)];
    }),
  );
  return found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function readManifest(name: string, folder: string, file: Buffer): FoundPlugin {
  const manifestHash = createHash('sha256').update(file).digest('hex');
  const refuse = (problem: string): FoundPlugin => ({ name, folder, manifestHash, manifest: null, problem });
  let parsed: unknown;
  try {
    parsed = JSON.parse(file.toString('utf8'));
  } catch (error) {
    return refuse(`manifest.json is no JSON: ${(error as Error).message}`);
  }
  const { value, findings } = validate(parsed);
  const first = findings[0];
  if (first !== undefined) return refuse(`manifest.json ${first.pointer}: ${first.message}; ${first.fix}`);
  const manifest = value as Manifest;
  const wrong = manifest.operations.flatMap(operationProblem)[0];
  if (wrong !== undefined) return refuse(wrong);
  if (processNames.includes(name)) return refuse(`a plugin cannot be called "${name}": a process of Weft is; rename it`);
  if (manifest.name !== name)
    return refuse(`manifest.json names the plugin "${manifest.name}", its folder is "${name}": they must be equal`);
  return { name, folder, manifestHash, manifest, problem: null };
}

function operationProblem({ name, stream, input, cli, file, glossary, bundle }: OperationSpec): string[] {
  const fields = Object.keys((input as { properties?: object }).properties ?? {});
  const argument = cli?.argument;
  if (!stream && (file !== undefined || cli?.refresh === true || cli?.parts !== undefined))
    return [`operation ${name}: only a stream can be a file, refresh or come in parts`];
  const asked = (input as { required?: readonly string[] }).required ?? [];
  if ((glossary !== undefined || bundle === true) && (stream || asked.length > 0))
    return [`operation ${name}: what is a glossary or goes into bundles answers at once, without input`];
  if (argument !== undefined && !fields.includes(argument))
    return [`operation ${name}: its argument "${argument}" is no field of its input`];
  return [];
}

function foldersIn(dir: string): Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
