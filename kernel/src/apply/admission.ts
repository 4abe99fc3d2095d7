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
import { asyncFailpoint } from '../failpoints/index.ts';
import { kernelOwner, type Registry } from '../registry/index.ts';
import { admitBuiltin } from './builtin.ts';
import { invalid } from './input.ts';
import { isRecord } from './plain-data.ts';
import { mergeStatus, statusFindings } from './status.ts';

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
  for (const { key } of changes) registry.assertServed(key.kind);
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
    await asyncFailpoint('admit.before-ask');
    const reply = await admitter.admit(plugin, { revision, dryRun, changes: part }).catch((thrown: unknown) => {
      const { code, message } = toWeftError(thrown);
      if (unanswered.includes(code)) throw unavailable(registry, plugin, changes, message);
      if (code === 'INTERNAL') throw mistake(plugin, message);
      throw thrown;
    });
    await asyncFailpoint('admit.after-reply');
    if (!isReply(reply)) throw mistake(plugin, 'its answer does not have the form of one');
    admitted = patch(admitted, plugin, registry, reply);
  }
  return admitted;
}

function patch(changes: readonly Change[], plugin: string, registry: Registry, reply: AdmissionReply): readonly Change[] {
  if (reply.refusals.length > 0) throw invalid(reply.refusals as FieldError[]);
  if (reply.patches.length === 0) return changes;
  const changed = new Set(changes.map(({ key }) => formatKey(key)));
  const patches = new Map<string, Record<string, unknown>>();
  for (const { key, status } of reply.patches) {
    const id = formatKey(key);
    const why = registry.kind(key.kind)?.plugin !== plugin ? 'which is not its own' : changed.has(id) ? null : 'which is not being changed';
    if (why !== null) throw mistake(plugin, `it gave a status to ${id}, ${why}`);
    patches.set(id, { ...patches.get(id), ...status });
  }
  return changes.map((change) => {
    const status = patches.get(formatKey(change.key));
    if (status === undefined || change.after === null) return change;
    const merged = mergeStatus(change.after.status, status);
    assertFits(plugin, statusFindings(registry, change.key, merged, status));
    return { ...change, after: { ...change.after, status: merged } };
  });
}

function assertFits(plugin: string, findings: readonly FieldError[]): void {
  const [first] = findings;
  if (first === undefined) return;
  throw mistake(plugin, `it gave ${first.object} a status whose ${first.pointer} ${first.message}`, findings);
}

/** Nothing that a plugin sends is believed to be what its type says. */
function isReply(reply: unknown): reply is AdmissionReply {
  if (!isRecord(reply) || !Array.isArray(reply.patches) || !Array.isArray(reply.refusals)) return false;
  return reply.patches.every((one) => isRecord(one) && isRecord(one.key) && isRecord(one.status)) && reply.refusals.every(isRecord);
}

/** What a plugin decides is its own fault, never the asker's. */
function mistake(plugin: string, what: string, findings?: readonly FieldError[]): WeftFailure {
  return fail('INTERNAL', `the plugin ${plugin} made a mistake: ${what}`, `report it; weft plugin logs ${plugin}`, findings);
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
