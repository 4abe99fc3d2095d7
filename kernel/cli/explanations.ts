/** What `weft explain` says of things that are no kinds: errors, settings, plugins, operations, and the words of plugins' glossaries. */
import { type ErrorCode, type Explanation, errorCodes, errorGuide } from '../contract/system/index.ts';
import type { Client } from './client.ts';
import { failure } from './errors.ts';
import { formatFieldsAt, section } from './explain-fields.ts';
import { toTable } from './output.ts';
import type { PluginState } from './report.ts';
import type { OwnedOperation } from './verbs.ts';

/** One error code, or the list of all. */
export function explainError(code: string | undefined): string {
  const codes = Object.keys(errorCodes) as ErrorCode[];
  if (code === undefined)
    return toTable(
      ['CODE', 'STATUS', 'MEANING'],
      codes.map((one) => [one, String(errorCodes[one]), errorGuide[one].title]),
    );
  const wanted = code.toUpperCase().replaceAll('-', '_');
  const known = codes.find((one) => one === wanted);
  if (known === undefined) throw failure(`there is no error code "${code}"`, 'error', `use one of ${codes.join(', ')}`);
  const { title, meaning, cause, fix } = errorGuide[known];
  return `${known} (HTTP status ${errorCodes[known]}): ${title}\n\n${meaning}\nUsual cause: ${cause}\nWhat to do: ${fix}\n`;
}

/** @param schema of all settings; `path` with dots, empty for all */
export function explainSettings(schema: object, path: string): string {
  return formatFieldsAt('settings', schema, path);
}

export async function explainPlugin(client: Client, name: string): Promise<string> {
  type Known = PluginState & { version: string; summary: string; needs: string[]; kinds: string[]; operations: string[] };
  const plugin = await client.json<Known>(`/v1/plugins/${encodeURIComponent(name)}`, { about: `plugin ${name}` });
  const { properties } = await client.json<{ properties: { plugins: { properties: Record<string, object> } } }>('/v1/settings');
  const list = (title: string, words: readonly string[]): string => (words.length === 0 ? '' : `${title}: ${words.join(', ')}\n`);
  return [
    `plugin ${plugin.name} ${plugin.version}, ${plugin.state}\n${plugin.summary}\n`,
    list('needs the plugins', plugin.needs),
    list('kinds', plugin.kinds),
    list('operations', plugin.operations),
    section('settings', properties.plugins.properties[name] ?? {}),
  ].join('');
}

export async function explainPlugins(client: Client): Promise<string> {
  const plugins = await client.json<readonly { name: string; summary: string }[]>('/v1/plugins');
  return toTable(
    ['PLUGIN', 'MEANING'],
    plugins.map(({ name, summary }) => [name, summary]),
  );
}

export function explainOperations(operations: readonly OwnedOperation[]): string {
  const rows = operations.map(({ plugin, name, summary }) => [`${plugin}.${name}`, summary]);
  return toTable(
    ['OPERATION', 'MEANING'],
    rows.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
  );
}

/** By `plugin.name`, name or verb. */
export function explainOperation(operations: readonly OwnedOperation[], name: string): string {
  const found = operations.find((operation) => {
    return [`${operation.plugin}.${operation.name}`, operation.name, operation.cli?.verb].includes(name);
  });
  if (found === undefined) {
    const known = operations.map((operation) => `${operation.plugin}.${operation.name}`).sort();
    throw failure(`there is no operation "${name}"`, 'operation', `use one of ${known.join(', ')}`);
  }
  const { plugin, summary, stream, viewer, cli, input, output } = found;
  const verb = cli === undefined ? '' : `, weft ${cli.verb}`;
  const who = viewer === true ? 'Viewers may run it.' : 'Operators may run it.';
  const head = `operation ${plugin}.${found.name}${verb}\n${summary}\n${who}\n`;
  return head + section('input', input) + section(stream ? 'each item' : 'answer', output);
}

/** @param project any in which the caller may run operations: the words are the same in all */
export async function readGlossaries(client: Client, operation: OwnedOperation, project: string): Promise<readonly Explanation[]> {
  const path = `/v1/${encodeURIComponent(project)}/operations/${operation.plugin}.${operation.name}`;
  const { items } = await client.json<{ items: readonly Explanation[] }>(path, {
    method: 'POST',
    body: {},
    about: operation.glossary ?? path,
  });
  return items;
}

/** One word of a glossary, or the list of all. */
export function explainWord(topic: string, words: readonly Explanation[], name: string | undefined): string {
  if (name === undefined)
    return toTable(
      [topic.toUpperCase(), 'MEANING'],
      words.map((word) => [word.name, word.meaning]),
    );
  const word = words.find((one) => one.name === name);
  if (word === undefined) throw failure(`there is no ${topic} "${name}"`, topic, `list them with: weft explain ${topic}`);
  return `${topic} ${word.name}\n\n${word.meaning}\nWhat to do: ${word.advice}\n`;
}
