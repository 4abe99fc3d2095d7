/** What is asked of the objects, and what it comes to, object by object. */
import { type Change, formatKey, type ObjectKey, type WeftObject } from '../../contract/system/index.ts';
import type { Registry } from '../registry/index.ts';
import type { ObjectStore } from '../store/index.ts';
import type { Precondition, Wanted } from './input.ts';
import type { KeyIndex } from './references.ts';
import type { Subject } from './subject.ts';

export interface Removal {
  readonly key: ObjectKey;
  readonly ifMatch?: Precondition;
}

export interface Intent {
  readonly apply: readonly Wanted[];
  readonly remove: readonly Removal[];
  /** Removes what refers to removed objects, too. */
  readonly cascade: boolean;
  /** Removing what does not exist is no error. */
  readonly missingOk: boolean;
  readonly subject: Subject;
  /** Throws FORBIDDEN when the subject may not do this; asked for each object, those that a cascade takes along included. */
  readonly assertMay?: (op: Change['op'], key: ObjectKey) => void;
}

/** One object of a request. `change` is null when it is already as wanted. */
export interface Step {
  readonly key: ObjectKey;
  readonly before: WeftObject | null;
  readonly change: Change | null;
}

/** By `formatKey`. */
export type Steps = Map<string, Step>;

export interface World {
  readonly store: ObjectStore;
  readonly registry: Registry;
  /** Who refers to an object. */
  readonly index: KeyIndex;
  /** Whom an object owns. */
  readonly owned: KeyIndex;
  readonly now: () => Date;
}

/** The object as it is once the steps are done. */
export function afterwards(world: World, steps: ReadonlyMap<string, Step>, key: ObjectKey): WeftObject | null {
  const step = steps.get(formatKey(key));
  if (step?.change) return step.change.after;
  return world.store.get(key) ?? null;
}
