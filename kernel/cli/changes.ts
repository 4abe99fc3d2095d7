/** The API's apply call: objects to write and to delete, in one transaction. */
import type { ObjectKey, WeftObject } from '../contract/system/index.ts';
import type { Client } from './client.ts';
import { CommandFailure } from './errors.ts';
import { joinManifests, type ManifestFile } from './manifests.ts';

export interface ChangeResult {
  readonly key: ObjectKey;
  readonly action: 'created' | 'updated' | 'unchanged' | 'deleted';
  readonly before: WeftObject | null;
  readonly after: WeftObject | null;
}

/** A change that is taken back unless it is confirmed. */
export interface Trial {
  /** Its number. */
  readonly to: number;
  /** RFC 3339. */
  readonly until: string;
}

export interface ApplyReply {
  readonly revision: number;
  readonly results: readonly ChangeResult[];
  readonly trial?: Trial;
}

export interface ApplyOptions {
  readonly project: string;
  readonly dryRun: boolean;
  /** Puts the change on trial for so many milliseconds. */
  readonly confirmMs?: number;
}

function path({ project, dryRun, confirmMs }: ApplyOptions): string {
  const query = new URLSearchParams({
    project,
    ...(dryRun ? { dryRun: 'true' } : {}),
    ...(confirmMs === undefined ? {} : { confirm: String(Math.ceil(confirmMs / 1_000)) }),
  });
  return `/v1/apply?${query}`;
}

export async function trialsOf(client: Client): Promise<readonly Trial[]> {
  const { items } = await client.json<{ items: readonly Trial[] }>('/v1/trials');
  return items;
}

/** Sends the files as they are; the API's messages count their lines. A file that cannot be read as YAML is named. */
export async function applyManifests(client: Client, files: readonly ManifestFile[], options: ApplyOptions): Promise<ApplyReply> {
  const about = files.map(({ name }) => name).join(', ');
  const send = (text: string, name: string, dryRun: boolean) =>
    client.json<ApplyReply>(path({ ...options, dryRun }), { method: 'POST', body: text, contentType: 'application/yaml', about: name });
  try {
    return await send(joinManifests(files), about, options.dryRun);
  } catch (error) {
    if (files.length > 1 && isMalformed(error)) for (const { name, text } of files) await send(text, name, true).catch(rethrowMalformed);
    throw error;
  }
}

function isMalformed(error: unknown): boolean {
  return error instanceof CommandFailure && error.code === 'MALFORMED';
}

function rethrowMalformed(error: unknown): void {
  if (isMalformed(error)) throw error;
}

export async function deleteObjects(
  client: Client,
  keys: readonly ObjectKey[],
  { cascade, ...options }: ApplyOptions & { readonly cascade: boolean },
): Promise<ApplyReply> {
  const body = { objects: [], delete: keys, cascade };
  return await client.json<ApplyReply>(path(options), { method: 'POST', body, about: 'delete' });
}

/** One line for each result: `Port/default/web1 created`. */
export function formatResults(results: readonly ChangeResult[], formatKey: (key: ObjectKey) => string, suffix = ''): string {
  return results.map((result) => `${formatKey(result.key)} ${result.action}${suffix}${waiting(result)}\n`).join('');
}

/** A deleted object that stays for now. */
function waiting({ action, after }: ChangeResult): string {
  if (action !== 'deleted' || after === null) return '';
  const plugins = after.metadata.finalizers ?? [];
  return plugins.length === 0 ? ' (it goes with what refers to it)' : ` (it goes once ${plugins.join(', ')} has put away what it made)`;
}
