/** Objects from one schema version to another, by the steps of their manifest. Pure: what is given stays as it is. */
import type { Converter, ConverterStep, WeftObject } from '../../contract/system/index.ts';

type Fields = Record<string, unknown>;
type Path = readonly string[];

/**
 * Brings spec and status from schema version `from` to `to`, up or down.
 * @param converters one for each version between the two
 * @throws Error naming the version that has none
 */
export function convert(object: WeftObject, from: number, to: number, converters: readonly Converter[]): WeftObject {
  if (from === to) return object;
  const { spec, status } = structuredClone({ spec: object.spec, status: object.status });
  const root: Fields = { spec, status };
  for (const step of stepsBetween(from, to, converters)) run(step, root);
  return { ...object, spec: root.spec as Fields, status: root.status as Fields };
}

function stepsBetween(from: number, to: number, converters: readonly Converter[]): ConverterStep[] {
  const count = Math.abs(to - from);
  // going up, version N + 1 is reached by its own converter; going down, version N is left by its own
  const versions = Array.from({ length: count }, (_, index) => (to > from ? from + 1 + index : from - index));
  return versions.flatMap((version) => {
    const converter = converters.find((one) => one.version === version);
    if (converter === undefined) throw new Error(`there is no converter between the schema versions ${version - 1} and ${version}`);
    return to > from ? converter.up : converter.down;
  });
}

function run(step: ConverterStep, root: Fields): void {
  if (step.op === 'move') {
    move(root, pathOf(step.from), pathOf(step.to));
    return;
  }
  const { parents, last } = placesOf(root, pathOf(step.at));
  for (const parent of parents) {
    if (step.op === 'default' && isFields(parent) && !Object.hasOwn(parent, last)) parent[last] = structuredClone(step.value);
    if (step.op === 'remove' && isFields(parent)) delete parent[last];
    if (step.op === 'translate') translate(parent, last, step.values);
  }
}

/** Both ends lie in the same item of the same list, so that they need no other pairing: `findings` sees to that. */
function move(root: Fields, from: Path, to: Path): void {
  const star = from.indexOf('*');
  if (star >= 0) {
    for (const list of follow(root, from.slice(0, star)))
      if (Array.isArray(list)) for (const item of list) if (isFields(item)) move(item, from.slice(star + 1), to.slice(star + 1));
    return;
  }
  const source = placesOf(root, from);
  const [parent] = source.parents;
  if (!isFields(parent) || !Object.hasOwn(parent, source.last)) return;
  const value = parent[source.last];
  delete parent[source.last];
  const target = makeWay(root, to.slice(0, -1));
  const end = target === null ? { parent, name: source.last } : { parent: target, name: to.at(-1) ?? '' };
  end.parent[end.name] = value;
}

/** The objects on the way to a place, made where they are missing; null when something else stands in the way. */
function makeWay(root: Fields, path: Path): Fields | null {
  let at = root;
  for (const name of path) {
    if (!Object.hasOwn(at, name)) at[name] = {};
    const next = at[name];
    if (!isFields(next)) return null;
    at = next;
  }
  return at;
}

function translate(parent: unknown, last: string, values: Readonly<Record<string, string>>): void {
  if (Array.isArray(parent) && last === '*') {
    parent.forEach((value, index) => {
      parent[index] = translated(value, values);
    });
  } else if (isFields(parent) && Object.hasOwn(parent, last)) parent[last] = translated(parent[last], values);
}

function translated(value: unknown, values: Readonly<Record<string, string>>): unknown {
  return typeof value === 'string' && Object.hasOwn(values, value) ? values[value] : value;
}

function placesOf(root: Fields, path: Path): { parents: readonly unknown[]; last: string } {
  return { parents: follow(root, path.slice(0, -1)), last: path.at(-1) ?? '' };
}

/** All values at a path; none where it leads nowhere. */
function follow(root: unknown, path: Path): readonly unknown[] {
  return path.reduce<readonly unknown[]>(
    (values, name) =>
      values.flatMap((value) => {
        if (Array.isArray(value)) return name === '*' ? (value as unknown[]) : [];
        return isFields(value) && Object.hasOwn(value, name) ? [value[name]] : [];
      }),
    [root],
  );
}

function pathOf(pointer: string): Path {
  const names = pointer.split('/').slice(1);
  return names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
