/** JSON Schemas as text: the fields of a kind with type, default and description, for `weft explain` and the reference. */

export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly additionalProperties?: boolean | Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly format?: string;
  /** Written, never shown. */
  readonly writeOnly?: boolean;
}

export interface Field {
  /** `rules[].name`; variants of an object carry their constant: `shape{type: square}.side`. */
  readonly path: string;
  readonly depth: number;
  readonly type: string;
  readonly required: boolean;
  /** Absent when there is none. */
  readonly default?: string;
  readonly description: string;
}

/** Every field below a schema, depth first, in the order in which the schema has them. */
export function fieldsOf(schema: Schema, prefix = '', depth = 0): Field[] {
  const fields: Field[] = [];
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    fields.push({
      path,
      depth,
      type: typeOf(property),
      required: schema.required?.includes(name) === true && property.default === undefined,
      ...(property.default === undefined ? {} : { default: JSON.stringify(property.default) }),
      description: descriptionOf(property),
    });
    fields.push(...below(property, path, depth + 1));
  }
  return fields;
}

/** The fields inside a property: of its items when it is a list, of each variant when it is one of several objects. */
function below(schema: Schema, path: string, depth: number): Field[] {
  if (schema.items !== undefined) return below(schema.items, `${path}[]`, depth);
  const variants = variantsOf(schema).filter(({ properties }) => properties !== undefined);
  if (variants.length === 0) return fieldsOf(schema, path, depth);
  return variants.flatMap((variant) => fieldsOf(withoutConstants(variant), `${path}${label(variant)}`, depth));
}

function variantsOf(schema: Schema): readonly Schema[] {
  return schema.anyOf ?? schema.oneOf ?? [];
}

/** `{type: square}`: the constants that tell one variant from the others. */
function label(variant: Schema): string {
  const constants = Object.entries(variant.properties ?? {}).filter(([, { const: value }]) => value !== undefined);
  return constants.length === 0 ? '' : `{${constants.map(([name, { const: value }]) => `${name}: ${String(value)}`).join(', ')}}`;
}

function withoutConstants(variant: Schema): Schema {
  const properties = Object.fromEntries(Object.entries(variant.properties ?? {}).filter(([, { const: value }]) => value === undefined));
  return { ...variant, properties };
}

function descriptionOf(schema: Schema): string {
  return [schema.description, schema.items?.description].filter((text) => text !== undefined).join(' ');
}

/** `string`, `list of object (at most 64)`, `l2 | l3`, `integer 1–4094`. */
function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(String).join(' | ');
  const variants = variantsOf(schema);
  if (variants.length > 0) {
    const names = variants.map((variant) => (variant.properties === undefined ? typeOf(variant) : label(variant) || 'object'));
    return [...new Set(names)].join(' | ');
  }
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}${range(schema.minItems, schema.maxItems, ' (', ' items)')}`;
  const type = typeof schema.type === 'object' ? schema.type.join(' | ') : (schema.type ?? 'any');
  if (type === 'integer' || type === 'number') return `${type}${range(schema.minimum, schema.maximum, ' ', '')}`;
  if (type === 'string' && schema.format !== undefined) return `string (${schema.format})`;
  return type;
}

function range(least: number | undefined, most: number | undefined, before: string, after: string): string {
  if (least !== undefined && most !== undefined) return `${before}${least}–${most}${after}`;
  if (most !== undefined) return `${before}at most ${most}${after}`;
  return least === undefined ? '' : `${before}at least ${least}${after}`;
}

/** The fields at and below a dotted path that may leave out list and variant marks: `rules.name`, `shape.side`. */
export function fieldsAt(fields: readonly Field[], path: string): Field[] {
  const bare = (text: string) => text.replaceAll(/\[\]|\{[^}]*\}/g, '').toLowerCase();
  const wanted = bare(path);
  return fields.filter((field) => bare(field.path) === wanted || bare(field.path).startsWith(`${wanted}.`));
}
