/** When two tellings of the same thing agree. */
import { isDeepStrictEqual } from 'node:util';
import { thingOf } from './chronicle.ts';
import { type Effect, idOf, type Thing } from './model.ts';
import type { Result } from './record.ts';

/** Whether an answer says what happened, or, of a dry run, what would. */
export function tellsOf(result: Result, effects: readonly Effect[], unchanged: Thing | undefined): boolean {
  if (result.is === 'object') {
    const [effect] = effects;
    return effect === undefined ? isDeepStrictEqual(thingOf(result), unchanged) : alike(thingOf(result), effect.after);
  }
  if (result.is !== 'applied') return false;
  const changed = new Map(
    result.results.filter(({ action }) => action !== 'unchanged').map((one) => [`${one.key.kind}/${one.key.name}`, one]),
  );
  return (
    changed.size === effects.length &&
    effects.every(({ id, before, after }) => {
      const told = changed.get(id);
      const action = before === null ? 'created' : after === null ? 'deleted' : 'updated';
      return told?.action === action && alike(told.after === null ? null : thingOf({ object: told.after }), after);
    })
  );
}

export function sameThings(some: readonly Thing[], others: readonly Thing[]): boolean {
  const known = new Map(others.map((thing) => [idOf(thing), thing]));
  return some.length === known.size && some.every((thing) => isDeepStrictEqual(known.get(idOf(thing)), thing));
}

export function sameEffects(expected: readonly Effect[], actual: readonly Effect[]): boolean {
  const found = new Map(actual.map((effect) => [effect.id, effect]));
  return expected.length === found.size && expected.every(({ id, after }) => found.has(id) && alike(after, found.get(id)?.after ?? null));
}

/** But for revision and uid where the model does not know them. */
function alike(some: Thing | null, other: Thing | null): boolean {
  if (some === null || other === null) return some === other;
  const uid = some.uid === '' || other.uid === '' || some.uid === other.uid;
  return uid && some.generation === other.generation && isDeepStrictEqual([some.spec, some.status], [other.spec, other.status]);
}
