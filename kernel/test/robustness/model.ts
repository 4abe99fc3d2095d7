/** The reference model: what each operation does to a world of objects. Pure, small, and written without a line of the kernel. */
import { isDeepStrictEqual } from 'node:util';
import type { Kind, Operation, Spec, Wish } from './operations.ts';

export interface Thing {
  readonly kind: Kind;
  readonly name: string;
  /** Empty: new, whatever the kernel makes of it. */
  readonly uid: string;
  readonly revision: number;
  readonly generation: number;
  readonly spec: Spec;
  readonly status: Readonly<Record<string, unknown>>;
}

/** By `Kind/name`. */
export type World = ReadonlyMap<string, Thing>;

export interface Effect {
  readonly id: string;
  readonly before: Thing | null;
  readonly after: Thing | null;
}

export type Outcome = { readonly error: string } | { readonly effects: readonly Effect[] };

/** What was, for operations that look back. */
export interface Past {
  /** Objects changed after a revision, in the order of their first change, each as it was before that; null: not there. */
  changedSince(revision: number): readonly (readonly [id: string, before: Thing | null])[];
}

interface Draft {
  readonly wishes: readonly (Wish & { readonly status?: Thing['status']; readonly ifMatch?: number; readonly isNew?: boolean })[];
  readonly remove: readonly { readonly id: string; readonly ifMatch?: number }[];
  readonly cascade: boolean;
  readonly missingOk: boolean;
}

export const idOf = ({ kind, name }: { readonly kind: Kind; readonly name: string }): string => `${kind}/${name}`;

/** @returns undefined for operations that change nothing */
export function execute(world: World, operation: Operation, past: Past): Outcome | undefined {
  const none = { wishes: [], remove: [], cascade: false, missingOk: false };
  switch (operation.do) {
    case 'create':
      return plan(world, { ...none, wishes: [{ ...operation.wish, isNew: true }] });
    case 'put':
      return plan(world, { ...none, wishes: [{ ...operation.wish, ...only('ifMatch', operation.ifMatch) }] });
    case 'patch': {
      const before = world.get(idOf(operation.wish));
      if (before === undefined) return { error: 'NOT_FOUND' };
      const spec = Object.fromEntries(Object.entries({ ...before.spec, ...operation.wish.spec }).filter(([, value]) => value !== null));
      return plan(world, { ...none, wishes: [{ ...operation.wish, spec, ...only('ifMatch', operation.ifMatch) }] });
    }
    case 'delete':
      return plan(world, {
        ...none,
        remove: [{ id: idOf(operation.of), ...only('ifMatch', operation.ifMatch) }],
        cascade: operation.cascade,
      });
    case 'apply':
      return plan(world, {
        ...none,
        wishes: operation.wishes,
        remove: operation.remove.map((name) => ({ id: idOf(name) })),
        cascade: operation.cascade,
      });
    case 'rollback':
      return plan(world, { ...backTo(world, past.changedSince(operation.revision)), cascade: true, missingOk: true });
    default:
      return undefined;
  }
}

/** Takes the transaction that made these effects back, but for what was changed again since. */
export function takeBack(world: World, effects: readonly Effect[]): Outcome {
  const untouched = effects.filter(({ id, after }) => isDeepStrictEqual(world.get(id)?.spec, after?.spec));
  return plan(world, {
    ...backTo(
      world,
      untouched.map(({ id, before }) => [id, before] as const),
    ),
    cascade: false,
    missingOk: true,
  });
}

export function applied(world: World, effects: readonly Effect[]): World {
  const next = new Map(world);
  for (const { id, after } of effects) {
    if (after === null) next.delete(id);
    else next.set(id, after);
  }
  return next;
}

/** References that lead nowhere. */
export function dangling(world: World): string[] {
  return [...world].flatMap(([id, thing]) => referencesOf(thing).flatMap((target) => (world.has(target) ? [] : [`${id} → ${target}`])));
}

function backTo(world: World, past: readonly (readonly [string, Thing | null])[]): Pick<Draft, 'wishes' | 'remove'> {
  const changed = past.filter(([id, before]) => !isDeepStrictEqual(world.get(id)?.spec, before?.spec));
  const wishes = changed.flatMap(([, before]) => (before === null ? [] : [before]));
  return { wishes, remove: changed.flatMap(([id, before]) => (before === null ? [{ id }] : [])) };
}

function plan(world: World, { wishes, remove, cascade, missingOk }: Draft): Outcome {
  const effects = new Map<string, Effect>();
  const named = new Set<string>();
  for (const wish of wishes) {
    const id = idOf(wish);
    named.add(id);
    const before = world.get(id) ?? null;
    if (wish.isNew === true && before !== null) return { error: 'CONFLICT' };
    if (before !== null && isDeepStrictEqual(before.spec, wish.spec)) continue;
    if (wish.ifMatch !== undefined && wish.ifMatch !== before?.revision) return { error: 'REVISION_MISMATCH' };
    effects.set(id, { id, before, after: written(wish, before) });
  }
  for (const { id, ifMatch } of remove) {
    const before = world.get(id) ?? null;
    if (effects.get(id)?.after === null) continue;
    if (named.has(id)) return { error: 'INVALID' };
    if (before === null && missingOk) continue;
    if (before === null) return { error: 'NOT_FOUND' };
    if (ifMatch !== undefined && ifMatch !== before.revision) return { error: 'REVISION_MISMATCH' };
    effects.set(id, { id, before, after: null });
  }
  if (cascade) addDependants(world, effects, named);
  return admitted(world, [...effects.values()]);
}

function written({ kind, name, spec, status }: Draft['wishes'][number], before: Thing | null): Thing {
  if (before !== null) return { ...before, generation: before.generation + 1, spec };
  return { kind, name, uid: '', revision: 0, generation: 1, spec, status: status ?? {} };
}

/** What a request names itself it does not take along. */
function addDependants(world: World, effects: Map<string, Effect>, named: ReadonlySet<string>): void {
  for (let grown = true; grown; ) {
    grown = false;
    for (const [id, before] of world) {
      if (named.has(id) || effects.has(id)) continue;
      if (!referencesOf(before).some((target) => effects.get(target)?.after === null)) continue;
      effects.set(id, { id, before, after: null });
      grown = true;
    }
  }
}

/** References, then what the plugin of the test says. */
function admitted(world: World, effects: readonly Effect[]): Outcome {
  const next = applied(world, effects);
  if (effects.some(({ after }) => after !== null && referencesOf(after).some((target) => !next.has(target)))) return { error: 'INVALID' };
  if (dangling(next).length > 0) return { error: 'REFERENCED' };
  const books = [...next.values()].filter(({ kind }) => kind === 'Book');
  const full = ({ kind, name, spec }: Thing): boolean =>
    kind === 'Shelf' && books.filter((book) => book.spec.shelf === name).length > (spec.width as number);
  if ([...next.values()].some(full)) return { error: 'INVALID' };
  if (effects.some(({ after }) => after?.kind === 'Book' && after.spec.title === 'forbidden')) return { error: 'INVALID' };
  return { effects: numbered(next, effects) };
}

/** New shelves keep the number they had, or get the lowest that is free. */
function numbered(next: World, effects: readonly Effect[]): Effect[] {
  const isNew = (effect: Effect): boolean => effect.before === null && effect.after?.kind === 'Shelf';
  const created = new Set(effects.filter(isNew).map(({ id }) => id));
  const taken = new Set([...next].flatMap(([id, { kind, status }]) => (kind === 'Shelf' && !created.has(id) ? [status.slot] : [])));
  return effects.map((effect) => {
    if (!isNew(effect) || effect.after === null) return effect;
    let slot = effect.after.status.slot as number | undefined;
    if (slot === undefined || taken.has(slot)) for (slot = 0; taken.has(slot); ) slot += 1;
    taken.add(slot);
    return { ...effect, after: { ...effect.after, status: { ...effect.after.status, slot } } };
  });
}

function referencesOf({ kind, spec }: Thing): string[] {
  if (kind === 'Shelf') return [];
  return [`Shelf/${String(spec.shelf)}`, ...(kind === 'Book' && spec.after !== undefined ? [`Book/${String(spec.after)}`] : [])];
}

function only<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
}
