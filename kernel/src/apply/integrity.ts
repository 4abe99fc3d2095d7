/** Names that objects say of each other lead somewhere: before and after every change. */
import { type Change, type FieldError, formatKey, type ObjectKey } from '../../contract/system/index.ts';
import { isDying, living } from './finalizers.ts';
import { invalid, maxErrors } from './input.ts';
import { afterwards, type Step, type World } from './intent.ts';
import { missingOwners } from './owners.ts';
import type { Pace } from './pace.ts';
import { referencesOf, targetsOf } from './references.ts';

type Planned = ReadonlyMap<string, Step>;

/** @throws INVALID: references and owners that lead nowhere; REFERENCED: dependants that would be left behind */
export async function assertIntact(world: World, steps: Planned, pace: Pace): Promise<void> {
  const changes = [...steps.values()].flatMap(({ change }) => (change === null ? [] : [change]));
  const dangling = await collect(changes, pace, (change) => danglingIn(world, steps, change));
  if (dangling.length > 0) throw invalid(dangling);
  const referenced = await collect(changes, pace, (change) => dependantsLeft(world, steps, change));
  if (referenced.length > 0) throw invalid(referenced, 'REFERENCED');
}

/** At most `maxErrors` findings. */
async function collect(changes: readonly Change[], pace: Pace, findingsOf: (change: Change) => FieldError[]): Promise<FieldError[]> {
  const findings: FieldError[] = [];
  for (const change of changes) {
    await pace.step();
    findings.push(...findingsOf(change));
    if (findings.length >= maxErrors) break;
  }
  return findings.slice(0, maxErrors);
}

/** Whether `source`, which refers to `target` now, does so once the steps are done. */
export function stillRefers(world: World, steps: Planned, source: ObjectKey, target: ObjectKey): boolean {
  const change = steps.get(formatKey(source))?.change;
  if (change === null || change === undefined) return true;
  if (change.after === null || change.op === 'delete') return change.after !== null;
  const id = formatKey(target);
  return targetsOf(world.registry, change.after).some((one) => formatKey(one) === id);
}

/** Those that still refer to `target` once the steps are done, and are not on their way out themselves. */
export function dependantsOf(world: World, steps: Planned, target: ObjectKey): ObjectKey[] {
  return world.index.of(target).filter((key) => stillRefers(world, steps, key, target) && living(afterwards(world, steps, key)) !== null);
}

/** References of a new or changed object that lead nowhere, or to what it may not see. */
function danglingIn(world: World, steps: Planned, change: Change): FieldError[] {
  const { after, before } = change;
  if (after === null || isDying(after)) return [];
  const object = formatKey(change.key);
  const dangling = referencesOf(world.registry, after).flatMap(({ pointer, target }) => {
    const found = living(afterwards(world, steps, target));
    const foreign = target.project !== undefined && target.project !== change.key.project;
    if (found !== null && (!foreign || found.metadata.shared === true)) return [];
    if (!foreign && world.registry.kind(target.kind)?.spec.implied?.includes(target.name) === true) return [];
    if (!foreign) return [{ object, pointer, ...missing(world, steps, target) }];
    // the same words for both: a project does not see what another one has
    const message = `${formatKey(target)} does not exist, or belongs to another project and is not shared`;
    return [{ object, pointer, message, fix: `set metadata.shared of ${formatKey(target)}, or name an object of the own project` }];
  });
  return [...dangling, ...missingOwners(world, steps, after, before)];
}

function missing(world: World, steps: Planned, target: ObjectKey): { message: string; fix: string } {
  const going = afterwards(world, steps, target) !== null;
  const message = `${formatKey(target)} ${going ? 'is being deleted' : 'does not exist'}`;
  if (!going && world.registry.kind(target.kind) === undefined)
    return { message, fix: `leave it out: no plugin that is installed serves the kind ${target.kind}` };
  const create = going ? 'wait until it is gone and create it anew' : 'create it first';
  const pending = [...steps.values()].flatMap(({ change }) => (change?.after ? [change.after] : []));
  const present = [...world.store.list(target.kind, target.project ?? ''), ...pending.filter((one) => one.kind === target.kind)]
    .filter((one) => one.metadata.project === target.project)
    .map((one) => one.metadata.name)
    .filter((name) => living(afterwards(world, steps, { ...target, name })) !== null);
  const names = [...new Set(present)].sort();
  const where = target.project === undefined ? '' : ` in project ${target.project}`;
  if (names.length === 0)
    return { message, fix: `${create}: there is no ${going ? 'other ' : ''}${target.kind}${where}${going ? '' : ' yet'}` };
  const list = names.slice(0, 10).join(', ') + (names.length > 10 ? `, … (${names.length} in all)` : '');
  return { message, fix: `${create}, or name one that exists${where}: ${list}` };
}

/** Who would be left with a reference to nothing, or to something that is no longer shared. */
function dependantsLeft(world: World, steps: Planned, change: Change): FieldError[] {
  const gone = change.op === 'delete';
  const unshared = change.before?.metadata.shared === true && change.after !== null && change.after.metadata.shared !== true;
  if (!gone && !unshared) return [];
  const sources = dependantsOf(world, steps, change.key).filter((key) => gone || key.project !== change.key.project);
  if (sources.length === 0) return [];
  const own = sources.filter((key) => change.key.project === undefined || key.project === change.key.project);
  const names = own.map(formatKey).sort().slice(0, 10);
  const more = sources.length - names.length;
  const list = names.length === 0 ? `${more} of other projects` : names.join(', ') + (more > 0 ? ` and ${more} more` : '');
  const fix = gone
    ? 'take it out of them or delete those first, or all of it at once with --cascade'
    : 'delete those first, or leave it shared';
  return [{ object: formatKey(change.key), pointer: '', message: `is used by ${list}`, fix }];
}
