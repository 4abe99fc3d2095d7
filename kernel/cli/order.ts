/** The order in which objects are shown: by project and name, whatever order they came in. */
import type { WeftObject } from '../contract/system/index.ts';
import type { Query } from './jsonpath.ts';

/** A new list by project and name, or by the first value that `by` finds: numbers before texts, objects without one last. */
export function sorted<T extends Pick<WeftObject, 'metadata'>>(objects: readonly T[], by?: Query): T[] {
  const keyed = objects.map((object) => ({ object, value: by?.(object)[0] }));
  return keyed.sort((a, b) => compare(a.value, b.value) || compareNames(a.object, b.object)).map(({ object }) => object);
}

function compareNames({ metadata: a }: Pick<WeftObject, 'metadata'>, { metadata: b }: Pick<WeftObject, 'metadata'>): number {
  return compareTexts(a.project ?? '', b.project ?? '') || compareTexts(a.name, b.name);
}

function compare(a: unknown, b: unknown): number {
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0 || a === undefined) return rank;
  return typeof a === 'number' && typeof b === 'number' ? a - b : compareTexts(textOf(a), textOf(b));
}

function rankOf(value: unknown): number {
  if (value === undefined || value === null) return 2;
  return typeof value === 'number' ? 0 : 1;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** By code units: the same in every locale. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
