/** Bodies of `POST /v1/apply`: read and validated here when small, in a thread of their own when large, so that the event loop stays free. */
import { Piscina } from 'piscina';
import { fail, type ObjectKey, toWeftError, type WeftError, WeftFailure } from '../../contract/system/index.ts';
import { invalid, isRecord, parseInputs, type Removal, type Wanted } from '../apply/index.ts';
import { type FoundPlugin, nameProblem, nameRule, type OrphanKind, type Registry } from '../registry/index.ts';
import { type MediaType, readJson, readYaml } from './documents.ts';

export interface ApplyBody {
  readonly apply: readonly Wanted[];
  readonly remove: readonly Removal[];
  readonly cascade: boolean;
}

export interface ParseTask {
  readonly bytes: Uint8Array;
  readonly type: MediaType;
  /** Of objects that name none. */
  readonly project?: string;
}

/** The registry, as it crosses to the thread. */
export interface ParseWorkerData {
  readonly plugins: readonly FoundPlugin[];
  readonly orphans: readonly OrphanKind[];
}

/** Failures cross the thread as data. */
export type ParseOutcome = { readonly body: ApplyBody } | { readonly error: WeftError };

/** Larger ones go to the thread. YAML costs more per byte, above all mappings with many keys. */
const inlineBytes: Readonly<Record<MediaType, number>> = { json: 256 * 1024, yaml: 32 * 1024 };
const deadlineMs = 60_000;
const workerHeapMb = 2_048;

/** @throws MALFORMED, INVALID, TOO_LARGE */
export function parseApplyBody(registry: Registry, { bytes, type, project }: ParseTask): ApplyBody {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === 'yaml') return { apply: parseInputs(registry, readYaml(buffer), project), remove: [], cascade: false };
  const body = readJson(buffer);
  if (!isRecord(body)) throw fail('MALFORMED', 'the body must be an object', 'send {"objects": […], "delete": [{"kind": …, "name": …}]}');
  const { objects = [], delete: keys = [], cascade = false, ...rest } = body;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw fail('MALFORMED', `unknown field "${unknown}" in the body`, 'known fields: objects, delete, cascade');
  if (!Array.isArray(objects) || !Array.isArray(keys)) throw fail('MALFORMED', '"objects" and "delete" must be lists', 'write […]');
  if (typeof cascade !== 'boolean') throw fail('MALFORMED', '"cascade" must be true or false', 'write true or false');
  return { apply: parseInputs(registry, objects, project), remove: keys.map((key, at) => parseKey(registry, key, at, project)), cascade };
}

function parseKey(registry: Registry, given: unknown, at: number, project = 'default'): Removal {
  if (!isRecord(given) || typeof given.kind !== 'string') {
    throw fail('MALFORMED', `delete/${at} names no object`, 'write {"kind": …, "project": …, "name": …}');
  }
  const { spec } = registry.require(given.kind);
  for (const field of ['name', ...(given.project === undefined ? [] : ['project'])]) {
    const problem = nameProblem(given[field]);
    if (problem !== null) throw invalid([{ object: spec.kind, pointer: `/delete/${at}/${field}`, message: problem, fix: nameRule }]);
  }
  const name = String(given.name);
  const key: ObjectKey =
    spec.scope === 'system' ? { kind: spec.kind, name } : { kind: spec.kind, project: String(given.project ?? project), name };
  return { key };
}

export class BodyParser {
  readonly #registry: Registry;
  readonly #pool: Piscina;

  constructor(registry: Registry) {
    this.#registry = registry;
    const plugins: readonly FoundPlugin[] = registry.plugins.map(({ name, folder, manifestHash, manifest, problem }) => {
      return { name, folder, manifestHash, manifest, problem };
    });
    this.#pool = new Piscina({
      filename: new URL('parse-worker.ts', import.meta.url).href,
      minThreads: 0,
      maxThreads: 1,
      maxQueue: 16,
      idleTimeout: 10_000,
      workerData: { plugins, orphans: registry.orphans } satisfies ParseWorkerData,
      resourceLimits: { maxOldGenerationSizeMb: workerHeapMb },
    });
    // a thread that ends by itself rejects its task, too: there it is told
    this.#pool.on('error', () => undefined);
  }

  /** @throws MALFORMED, INVALID, TOO_LARGE; BUS_OVERLOADED when too many large bodies wait */
  async parse(task: ParseTask): Promise<ApplyBody> {
    if (task.bytes.byteLength <= inlineBytes[task.type]) return parseApplyBody(this.#registry, task);
    const outcome = await this.#runInThread(task);
    if ('error' in outcome) throw new WeftFailure(outcome.error);
    return outcome.body;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #runInThread(task: ParseTask): Promise<ParseOutcome> {
    const signal = AbortSignal.timeout(deadlineMs);
    try {
      return (await this.#pool.run(task, { signal })) as ParseOutcome;
    } catch (thrown) {
      const { message } = toWeftError(thrown);
      if (signal.aborted) throw fail('TOO_LARGE', `the body was not read within ${deadlineMs / 1000} s`, 'split it, or send it as JSON');
      if (/queue/i.test(message)) throw fail('BUS_OVERLOADED', 'too many large bodies are being read', 'retry later');
      throw fail('TOO_LARGE', `the body needs more memory than is allowed: ${message}`, 'split it, or send it as JSON');
    }
  }
}
