/** Brings the objects of each kind to the schema version of its manifest, or tells why that cannot be. */
import { formatKey, keyOf, toWeftError, type WeftObject } from '../../contract/system/index.ts';
import type { Finding, RegisteredKind, Registry } from '../registry/index.ts';
import type { Environment, KindSchema, ObjectStore, Rewrite } from '../store/index.ts';
import { convert } from './steps.ts';

/** A kind that is written in another version than its manifest is for. */
export interface Conversion {
  readonly kind: RegisteredKind;
  readonly written: KindSchema;
}

export function pendingKinds(schemas: ReadonlyMap<string, KindSchema>, registry: Registry): readonly Conversion[] {
  return registry.kinds.flatMap((kind) => {
    const written = schemas.get(kind.spec.kind);
    return written === undefined || written.schemaVersion === kind.spec.schemaVersion ? [] : [{ kind, written }];
  });
}

/**
 * @param before awaited when it is known that all fits
 * @returns why the kind cannot be converted, and then nothing of it has changed; null when it was
 */
export async function convertKind(
  store: ObjectStore,
  { kind, written }: Conversion,
  before: (environment: Environment) => Promise<void>,
): Promise<string | null> {
  const { spec } = kind;
  const from = written.schemaVersion;
  const to = spec.schemaVersion;
  // the way up is known to the newer program, the way down was left by it
  const converters = (to > from ? spec.converters : written.converters) ?? [];
  try {
    const rewrite: Rewrite = (object, place) => {
      const converted = convert(object, from, to, converters);
      return place === 'past' ? converted : fitted(kind, converted);
    };
    await store.upkeep.convertKind(spec.kind, schemaOf(kind), rewrite, before);
    return null;
  } catch (thrown) {
    const { message } = toWeftError(thrown);
    return `it cannot be converted from schema version ${from} to ${to}: ${message}`;
  }
}

/** What the store shall remember of kinds that need no conversion: they are new, or their steps are others by now. */
export function schemasToRemember(schemas: ReadonlyMap<string, KindSchema>, registry: Registry): ReadonlyMap<string, KindSchema> {
  const present = registry.kinds.map((kind) => [kind.spec.kind, schemaOf(kind)] as const);
  return new Map(
    present.filter(([kind, schema]) => {
      const written = schemas.get(kind);
      if (written === undefined) return true;
      return written.schemaVersion === schema.schemaVersion && JSON.stringify(written) !== JSON.stringify(schema);
    }),
  );
}

function schemaOf({ plugin, spec }: RegisteredKind): KindSchema {
  const { schemaVersion, converters, references, plural, scope } = spec;
  return { schemaVersion, references, plural, scope, plugin, ...(converters === undefined ? {} : { converters }) };
}

/** Checks an object against both schemas and fills the defaults of its spec. @throws Error naming object and pointer */
function fitted({ validate, checkStatus }: RegisteredKind, object: WeftObject): WeftObject {
  const { value, findings } = validate(object.spec);
  assertNone(object, '/spec', findings);
  assertNone(object, '/status', checkStatus(object.status));
  return { ...object, spec: value as WeftObject['spec'] };
}

function assertNone(object: WeftObject, part: string, [first]: readonly Finding[]): void {
  if (first === undefined) return;
  throw new Error(`${formatKey(keyOf(object))} does not fit: ${part}${first.pointer} ${first.message}; ${first.fix}`);
}
