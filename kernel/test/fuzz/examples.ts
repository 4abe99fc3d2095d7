/** The smallest value that fits a JSON schema of a manifest: what requests are mutated from, and what a stand-in for a plugin gives as status. */

interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly format?: string;
  readonly description?: string;
}

/** @param full with every field, not only those that are required */
export function exampleOf(schema: object, full = false): unknown {
  const { const: only, enum: choices, anyOf, oneOf, default: fallback, type } = schema as Schema;
  if (only !== undefined) return only;
  if (choices !== undefined) return choices[0];
  const [first] = anyOf ?? oneOf ?? [];
  if (first !== undefined) return exampleOf(first, full);
  if (fallback !== undefined) return fallback;
  return ofType(typeof type === 'string' ? type : type?.[0], schema as Schema, full);
}

function ofType(type: string | undefined, schema: Schema, full: boolean): unknown {
  switch (type) {
    case 'object': {
      const { properties = {}, required = [] } = schema;
      const wanted = Object.entries(properties).filter(([name]) => full || required.includes(name));
      return Object.fromEntries(wanted.map(([name, inner]) => [name, exampleOf(inner, full)]));
    }
    case 'array':
      return Array.from({ length: Math.max(schema.minItems ?? 0, full ? 1 : 0) }, () => exampleOf(schema.items ?? {}, full));
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'string':
      return textOf(schema);
    default:
      return {};
  }
}

/** Descriptions give an example of most forms; others are names. */
function textOf({ format, description = '' }: Schema): string {
  if (format === 'date-time') return '2026-01-01T00:00:00Z';
  if (/cidr|prefix/i.test(description)) return '192.0.2.0/24';
  if (/address/i.test(description)) return '192.0.2.7';
  return 'x1';
}
