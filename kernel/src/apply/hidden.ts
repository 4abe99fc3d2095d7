/** Values of secrets: what the API shows in their place, and what that means when it comes back. */
import type { FieldError, WeftObject } from '../../contract/system/index.ts';
import { formatKey, keyOf } from '../../contract/system/index.ts';
import { secretKind } from '../registry/index.ts';
import type { Wanted } from './input.ts';

/** In an answer: there is a value. In a wish: the value that is there. */
const hidden = '(hidden)';

type Data = Readonly<Record<string, string>>;

/** The object as anybody may see it. */
export function shown<T extends WeftObject | null>(object: T): T {
  if (object === null || object.kind !== secretKind.kind) return object;
  const data = Object.fromEntries(Object.keys((object.spec.data ?? {}) as Data).map((name) => [name, hidden]));
  return { ...object, spec: { type: object.spec.type ?? 'opaque', data } };
}

/** The spec with hidden values as they are. @returns findings for those that are not there */
export function unhide(wanted: Wanted, before: WeftObject | null): { spec: Wanted['spec']; errors: FieldError[] } {
  if (wanted.key.kind !== secretKind.kind) return { spec: wanted.spec, errors: [] };
  const present = (before?.spec.data ?? {}) as Data;
  const errors: FieldError[] = [];
  const entries = Object.entries((wanted.spec.data ?? {}) as Data).map(([name, value]) => {
    if (value !== hidden) return [name, value];
    const kept = Object.hasOwn(present, name) ? present[name] : undefined;
    if (kept === undefined) {
      const object = formatKey(before === null ? wanted.key : keyOf(before));
      const message = `"${hidden}" stands for the value that is there, and there is none`;
      errors.push({ object, pointer: `/spec/data/${name}`, message, fix: 'give the value' });
    }
    return [name, kept ?? ''];
  });
  return { spec: { ...wanted.spec, data: Object.fromEntries(entries) }, errors };
}
