/** Parts of a support bundle that the API tells: everything but logs and the host. */
import type { Metadata, WeftObject } from '../../contract/system/index.ts';
import { type Client, Unreachable } from '../client.ts';
import { type OwnedKind, pathOf, readKinds } from '../kinds.ts';
import type { PluginState, StatusReport } from '../report.ts';
import type { Schema } from '../schema.ts';
import { readOperations } from '../verbs.ts';
import { allowed, withoutQuotes } from './allowed.ts';
import type { Contents, Section } from './contents.ts';

const historyLength = 500;
/** Kinds of which nothing but the names goes. */
const closedKinds: readonly string[] = ['Secret', 'Token'];
const everywhere = { project: '-', all: true };
const typedIn = 'free text that users write may hold secrets';

export function apiSections(client: Client): Section[] {
  // one that is not there is asked once
  let gone: Unreachable | undefined;
  const collected = (collect: (client: Client, contents: Contents) => Promise<void>) => async (contents: Contents) => {
    if (gone !== undefined) throw gone;
    try {
      await collect(client, contents);
    } catch (thrown) {
      if (thrown instanceof Unreachable) gone = thrown;
      throw thrown;
    }
  };
  return Object.entries({ status, plugins, objects, history, operations, metrics }).map(([name, collect]) => ({
    name,
    collect: collected(collect),
  }));
}

async function status(client: Client, contents: Contents): Promise<void> {
  const { kernel, forwarder, plugins, counts, alarms, healthy } = await client.json<StatusReport>('/v1/status');
  const told = alarms.map(({ metadata, status: { severity, subject, text, since } }) => {
    return { name: metadata.name, severity, subject, text: withoutQuotes(String(text)), since };
  });
  contents.add('status.json', {
    healthy,
    kernel,
    forwarder,
    plugins: plugins.map(({ reason = '', ...plugin }) => ({ ...plugin, reason: withoutQuotes(reason) })),
    counts,
    alarms: told,
  });
}

async function plugins(client: Client, contents: Contents): Promise<void> {
  type Plugin = PluginState & { version: string; summary: string; settings: object };
  const list = await client.json<readonly Plugin[]>('/v1/plugins');
  const schema = await client.json<Schema>('/v1/settings');
  const schemas = schema.properties?.plugins?.properties ?? {};
  const told = list.map(({ name, version, state, pid, restarts, reason = '', settings }) => {
    const onLeftOut = (path: string): void => contents.leaveOut(`settings of ${name}: ${path}`, typedIn);
    const shown = allowed(settings, schemas[name] ?? { properties: {} }, { texts: false, onLeftOut });
    return { name, version, state, reason: withoutQuotes(reason), pid, restarts, settings: shown };
  });
  contents.add('plugins.json', told);
}

async function objects(client: Client, contents: Contents): Promise<void> {
  for (const kind of await readKinds(client)) {
    const { items } = await client.json<{ items: readonly WeftObject[] }>(pathOf(kind, everywhere));
    if (closedKinds.includes(kind.kind)) contents.leaveOut(`${kind.kind}: spec and status`, 'they are about secrets');
    contents.add(
      `objects/${kind.plural}.json`,
      items.map((object) => toldOf(object, kind, contents)),
    );
  }
}

function toldOf({ metadata, spec, status }: WeftObject, kind: OwnedKind, contents: Contents): object {
  const told = { metadata: toldMetadata(metadata, contents) };
  if (closedKinds.includes(kind.kind)) return told;
  const leftOut = (part: string) => (path: string) => contents.leaveOut(`${kind.kind}: ${part}.${path}`, typedIn);
  return {
    ...told,
    spec: allowed(spec, withReferences(kind), { texts: false, onLeftOut: leftOut('spec') }),
    status: allowed(status, kind.status as Schema, { texts: true, onLeftOut: leftOut('status') }),
  };
}

function toldMetadata({ labels, ...metadata }: Metadata, contents: Contents): object {
  if (labels === undefined || Object.keys(labels).length === 0) return metadata;
  contents.leaveOut('labels', typedIn);
  return { ...metadata, labels: Object.keys(labels).length };
}

/** Names of other objects are in the bundle anyway. */
function withReferences(kind: OwnedKind): Schema {
  const schema = structuredClone(kind.spec) as Schema;
  for (const { pointer } of kind.references) {
    let at: Schema | undefined = schema;
    for (const name of pointer.split('/').slice(2)) at = name === '*' ? at?.items : at?.properties?.[name];
    if (at !== undefined && at.pattern === undefined) Object.assign(at, { pattern: '^[a-z0-9./-]*$' });
  }
  return schema;
}

/** Who changed what, and where in it; not what it says. */
async function history(client: Client, contents: Contents): Promise<void> {
  type Change = { revision: number; time: string; subject: string; type: string; key: object; touched: readonly string[] };
  const { items } = await client.json<{ items: readonly Change[] }>(`/v1/history?limit=${historyLength}`);
  const told = items.map(({ touched, ...change }) => ({
    ...change,
    touched: [...new Set(touched.map((pointer) => pointer.split('/').slice(0, 3).join('/')))],
  }));
  contents.add('history.json', told);
  contents.leaveOut('what objects were before', 'it may hold secrets that were taken out since');
}

/** Operations whose answer says that it may go. */
async function operations(client: Client, contents: Contents): Promise<void> {
  for (const { plugin, name, bundle, output } of await readOperations(client)) {
    if (bundle !== true) continue;
    const word = `${plugin}.${name}`;
    try {
      const answer = await client.json<unknown>(`/v1/-/operations/${word}`, { method: 'POST', body: {}, about: word });
      const onLeftOut = (path: string): void => contents.leaveOut(`${word}: ${path}`, 'it is no field of the answer that may go');
      contents.add(`operations/${word}.json`, allowed(answer, output as Schema, { texts: true, onLeftOut }));
    } catch (thrown) {
      contents.leaveOut(word, thrown instanceof Error ? thrown.message : String(thrown));
    }
  }
}

async function metrics(client: Client, contents: Contents): Promise<void> {
  contents.add('metrics.txt', await client.text('/metrics'));
}
