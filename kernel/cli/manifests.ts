/** What `-f` names: a file, a directory of files, or `-`, read as text that goes to the API as it is. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { parseAllDocuments } from 'yaml';
import { CommandFailure, failure } from './errors.ts';

/** What the API takes in one request. */
const maxBytes = 32 << 20;

export interface ManifestFile {
  readonly name: string;
  readonly text: string;
}

/** Every file that `-f` names, in the order of their names. Throws when there is none or they are too large. */
export async function readManifests(path: string, stdin: Readable): Promise<readonly ManifestFile[]> {
  if (path === '-') return [{ name: 'stdin', text: await readStream(stdin) }];
  const names = filesOf(path);
  const total = names.reduce((sum, name) => sum + reading(name, () => statSync(name).size), 0);
  if (total > maxBytes) throw tooLarge(path, total);
  return names.map((name) => ({ name, text: reading(name, () => readFileSync(name, 'utf8')) }));
}

function filesOf(path: string): string[] {
  if (!reading(path, () => statSync(path).isDirectory())) return [path];
  const names = reading(path, () => readdirSync(path)).filter((name) => /\.(ya?ml|json)$/.test(name));
  if (names.length === 0) throw failure('the directory holds no *.yaml, *.yml or *.json', path, 'name a file, or a directory with some');
  return names.sort().map((name) => join(path, name));
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const what = missing ? 'there is no such file' : `cannot read the file: ${(error as Error).message}`;
    throw failure(what, path, 'name a file, a directory or -');
  }
}

async function readStream(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > maxBytes) throw tooLarge('stdin', size);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLarge(where: string, size: number): CommandFailure {
  const mebibytes = (bytes: number) => `${Math.ceil(bytes / (1 << 20))} MiB`;
  return new CommandFailure(
    [{ what: `the input has ${mebibytes(size)}, the limit is ${mebibytes(maxBytes)}`, where, fix: 'apply it in smaller parts' }],
    1,
    'TOO_LARGE',
  );
}

/** Several files as one stream of YAML documents, so that they are one transaction. */
export function joinManifests(files: readonly ManifestFile[]): string {
  return files.map(({ text }) => text).reduce((all, text) => `${all.replace(/\n?$/, '\n')}${/^---/.test(text) ? '' : '---\n'}${text}`);
}

/** Kind, name and project of every object in the files; for commands that need no more. */
export function keysIn(files: readonly ManifestFile[]): { kind: string; name: string; project?: string; file: string }[] {
  return files.flatMap(({ name: file, text }) =>
    parseAllDocuments(text).flatMap((document) => {
      const [error] = document.errors;
      if (error !== undefined) throw failure(error.message.split('\n')[0] ?? 'not YAML', file, 'correct the YAML');
      const content: unknown = document.toJS({ maxAliasCount: 100 });
      const objects = Array.isArray(content) ? content : [content];
      return objects.filter((object) => object !== null && object !== undefined).map((object) => keyOf(object, file));
    }),
  );
}

function keyOf(object: unknown, file: string): { kind: string; name: string; project?: string; file: string } {
  const { kind, metadata } = object as { kind?: unknown; metadata?: { name?: unknown; project?: unknown } };
  if (typeof kind !== 'string') throw failure('an object has no kind', `${file} /kind`, 'say which kind it is');
  if (typeof metadata?.name !== 'string') throw failure(`a ${kind} has no name`, `${file} /metadata/name`, 'give it its name');
  const project = metadata.project;
  return { kind, name: metadata.name, file, ...(typeof project === 'string' ? { project } : {}) };
}
