/** Asks the owners of changed kinds, in the order of their needs, and folds what they decide into the changes. */
import {
  type AdmissionReply,
  type AdmissionRequest,
  type Change,
  type ErrorCode,
  type FieldError,
  fail,
  formatKey,
  toWeftError,
  type WeftFailure,
} from '../../contract/system/index.ts';
import { kernelOwner, type Registry } from '../registry/index.ts';
import { admitBuiltin } from './builtin.ts';
import { invalid } from './input.ts';

/** How plugins are asked. The session layer does it over the bus. */
export interface Admitter {
  /** Why the plugin cannot decide now, or null. */
  unavailable(plugin: string): string | null;
  /** Rejects with what the plugin throws, or when it does not answer. */
  admit(plugin: string, request: AdmissionRequest): Promise<AdmissionReply>;
}

interface Asked {
  readonly registry: Registry;
  readonly admitter: Admitter;
  /** Last revision of the kinds that a plugin sees: what its cache must have reached. */
  readonly revisionOf: (kinds: readonly string[]) => number;
}

/** The plugin gave no answer. */
const unanswered: readonly ErrorCode[] = ['UNAVAILABLE', 'DEADLINE', 'BUS_OVERLOADED', 'CANCELLED'];

/**
 * @returns the changes with statuses as the owners patched them
 * @throws INVALID (refused), UNAVAILABLE (the owner is disabled, down or too slow), INTERNAL (it made a mistake), and whatever else an owner throws
 */
export async function admit(asked: Asked, changes: readonly Change[], dryRun: boolean): Promise<readonly Change[]> {
  const { registry, admitter } = asked;
  const owners = new Set(changes.map(({ key }) => registry.kind(key.kind)?.plugin ?? kernelOwner));
  const plugins = registry.plugins.map(({ name }) => name).filter((name) => owners.has(name));
  for (const plugin of plugins) {
    const reason = admitter.unavailable(plugin);
    if (reason !== null) throw unavailable(registry, plugin, changes, reason);
  }
  let admitted = patch(changes, kernelOwner, registry, admitBuiltin(registry, changes));
  for (const plugin of plugins) {
    const visible = registry.visibleKinds(plugin);
    const part = admitted.filter(({ key }) => visible.has(key.kind));
    const revision = asked.revisionOf([...visible]);
    const reply = await admitter.admit(plugin, { revision, dryRun, changes: part }).catch((thrown: unknown) => {
      const { code, message } = toWeftError(thrown);
      if (unanswered.includes(code)) throw unavailable(registry, plugin, changes, message);
      if (code === 'INTERNAL') throw fail(code, `the plugin ${plugin} made a mistake: ${message}`, `report it; weft plugin logs ${plugin}`);
      throw thrown;
    });
    admitted = patch(admitted, plugin, registry, reply);
  }
  return admitted;
}

function patch(changes: readonly Change[], plugin: string, registry: Registry, reply: AdmissionReply): readonly Change[] {
  if (reply.refusals.length > 0) throw invalid(reply.refusals as FieldError[]);
  const patches = new Map<string, Record<string, unknown>>();
  for (const { key, status } of reply.patches) {
    if (registry.kind(key.kind)?.plugin !== plugin) {
      throw fail(
        'INTERNAL',
        `the plugin ${plugin} gave a status to ${formatKey(key)}, which is not its own`,
        `report it; weft plugin logs ${plugin}`,
      );
    }
    patches.set(formatKey(key), { ...patches.get(formatKey(key)), ...status });
  }
  return changes.map((change) => {
    const status = patches.get(formatKey(change.key));
    if (status === undefined || change.after === null) return change;
    return { ...change, after: { ...change.after, status: mergeStatus(change.after.status, status) } };
  });
}

/** Top-level fields replace those of the same name; null removes one. */
export function mergeStatus(status: Readonly<Record<string, unknown>>, update: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...status, ...update }).filter(([, value]) => value !== null && value !== undefined));
}

function unavailable(registry: Registry, plugin: string, changes: readonly Change[], reason: string): WeftFailure {
  const first = changes.find(({ key }) => registry.kind(key.kind)?.plugin === plugin);
  const what = first === undefined ? '' : ` for ${formatKey(first.key)}`;
  return fail(
    'UNAVAILABLE',
    `the plugin ${plugin}, which decides${what}, cannot: ${reason}`,
    `weft plugin describe ${plugin}; enable it, or retry`,
  );
}
