/** Host settings: defaults, then the file. A setting that does not exist or does not fit is refused by name. */
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { type FieldError, fail, limitNames, type WeftFailure } from '../../contract/system/index.ts';
import { formatSchema, isRecord } from './formats.ts';
import { type HostSettings, hostSchema, newConfig } from './schema.ts';

type Node = Readonly<Record<string, unknown>>;

/** Reads a YAML file; null gives the defaults. Throws `INVALID` or `NOT_FOUND` that names file and setting. */
export async function loadSettings(file: string | null): Promise<HostSettings> {
  if (file === null) return readSettings('', 'defaults');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    const reason = (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : (thrown as Error).message;
    throw fail('NOT_FOUND', `the configuration file ${reason} (${file})`, 'name another with --config');
  }
  return readSettings(text, file);
}

/** @param source where the text is from, for messages. */
export async function readSettings(text: string, source: string): Promise<HostSettings> {
  const given = parse(text, source);
  const unknown = await unknownSettings(given, hostSchema, '');
  if (unknown.length > 0) throw refusal(unknown, source);
  const config = newConfig();
  try {
    config.load(given);
    // Not `strict`: convict takes what stands below an open key for unknown; those that are unknown were found above.
    config.validate({ allowed: 'warn', output: () => undefined });
  } catch (thrown) {
    throw refusal(findings((thrown as Error).message), source);
  }
  return config.getProperties();
}

export interface DocumentedSetting {
  /** With dots: `forwarder.memoryMib`. */
  readonly name: string;
  readonly doc: string;
  readonly default: unknown;
}

/** Every setting with its meaning, for the reference. */
export function documentSettings(): DocumentedSetting[] {
  return describe(hostSchema, '');
}

/**
 * All settings as one JSON Schema, for `weft explain settings` and the reference.
 * @param plugins schemas of the plugins' settings, by name
 */
export function settingsSchema(plugins: Readonly<Record<string, object>> = {}): object {
  return schemaOf(hostSchema, plugins);
}

function schemaOf(node: Node, plugins: Readonly<Record<string, object>>): object {
  const properties = Object.entries(node).flatMap(([key, value]) => {
    if (!isRecord(value)) return [];
    if (!isLeaf(value)) return [[key, schemaOf(value, plugins)] as const];
    const { format, doc, default: fallback } = value;
    const inside = node === hostSchema && key === 'plugins' ? { properties: plugins } : {};
    return [[key, { ...formatSchema(format), description: doc, default: fallback, ...inside }] as const];
  });
  return { type: 'object', properties: Object.fromEntries(properties) };
}

function describe(node: Node, prefix: string): DocumentedSetting[] {
  return Object.entries(node).flatMap(([key, value]) => {
    if (!isRecord(value)) return [];
    const name = prefix + key;
    return isLeaf(value) ? [{ name, doc: String(value.doc), default: value.default }] : describe(value, `${name}.`);
  });
}

function parse(text: string, source: string): Node {
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw fail('INVALID', `${source} is not YAML: ${error.message.split('\n')[0]}`, 'correct that line');
  const value: unknown = document.toJS({ maxAliasCount: 0 }) ?? {};
  if (!isRecord(value)) throw fail('INVALID', `${source} must be a map of settings`, 'write lines such as "logLevel: debug"');
  return value;
}

async function unknownSettings(given: Node, schema: Node, prefix: string): Promise<FieldError[]> {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(given)) {
    const known = schema[key];
    if (!isRecord(known)) errors.push(await unknownSetting(key, Object.keys(schema), prefix));
    else if (known === hostSchema.plugins) errors.push(...pluginSettings(value));
    else if (known === hostSchema.limits) errors.push(...limitSettings(value));
    else if (isLeaf(known)) continue;
    else if (isRecord(value)) errors.push(...(await unknownSettings(value, known, `${prefix}${key}.`)));
    else errors.push(finding(prefix + key, 'must be a map of settings', `settings there: ${Object.keys(known).join(', ')}`));
  }
  return errors;
}

/** What stands in them is the plugins' own matter. */
function pluginSettings(value: unknown): FieldError[] {
  if (!isRecord(value))
    return [finding('plugins', 'must map names of plugins to their settings', 'write lines such as "NAME: {}" below it')];
  const wrong = Object.keys(value).filter((name) => !isRecord(value[name]));
  return wrong.map((name) => finding(`plugins.${name}`, 'must be a map of settings', `see the README of the plugin ${name}`));
}

function limitSettings(value: unknown): FieldError[] {
  if (!isRecord(value))
    return [finding('limits', 'must map names of plugins to their limits', 'write lines such as "NAME: { memoryMib: 512 }" below it')];
  return Object.entries(value).flatMap(([name, limits]) => {
    const fix = `limits are: ${limitNames.join(', ')}`;
    if (!isRecord(limits)) return [finding(`limits.${name}`, 'must be a map of limits', fix)];
    return Object.entries(limits).flatMap(([key, limit]) => {
      if (!limitNames.some((known) => known === key)) return [finding(`limits.${name}.${key}`, 'is no limit', fix)];
      const fits = typeof limit === 'number' && Number.isInteger(limit) && limit > 0;
      return fits ? [] : [finding(`limits.${name}.${key}`, 'must be a whole number above 0', 'write one')];
    });
  });
}

async function unknownSetting(key: string, known: readonly string[], prefix: string): Promise<FieldError> {
  // Loaded only now: the launcher should not carry the registry.
  const { suggestion } = await import('../registry/index.ts');
  return finding(prefix + key, 'is no setting', suggestion(key, known, 'setting'));
}

/** convict joins one line per setting: `forwarder.cpu: must be …: value was 99999`. */
function findings(message: string): FieldError[] {
  return message.split('\n').map((line) => {
    const [name = '', ...rest] = line.split(': ');
    const problem = rest.join(': ');
    const { doc = '' } = documentSettings().find((setting) => setting.name === name.trim()) ?? {};
    return finding(name.trim(), problem, `it is the ${doc}`);
  });
}

function finding(name: string, message: string, fix: string): FieldError {
  return { object: 'configuration', pointer: `/${name.replaceAll('.', '/')}`, message: `${name} ${message}`, fix };
}

function refusal(errors: readonly FieldError[], source: string): WeftFailure {
  const [first] = errors;
  return fail('INVALID', `${first?.message ?? 'a setting does not fit'} (${source})`, first?.fix, errors);
}

function isLeaf(node: Node): boolean {
  return 'default' in node && 'format' in node;
}
