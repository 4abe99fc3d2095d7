/** Turns ajv's errors into findings that a person can act on. */
import type { ErrorObject } from 'ajv/dist/2020.js';
import { nearest, typeName } from './names.ts';

/** One finding: where, what is wrong, what to do. */
export interface Finding {
  /** JSON pointer into the checked value. */
  readonly pointer: string;
  readonly message: string;
  readonly fix: string;
}

/** Findings that one value may have; the rest is noise. */
const maxFindings = 100;

interface Property {
  readonly type?: unknown;
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
}
interface ObjectSchema {
  readonly properties?: Readonly<Record<string, Property>>;
  readonly description?: string;
}

export function explain(errors: readonly ErrorObject[], root: unknown): Finding[] {
  const seen = new Set<string>();
  const findings: Finding[] = [];
  for (const error of foldUnions(errors)) {
    const finding = sentence(error, root);
    const id = `${finding.pointer} ${finding.message}`;
    if (seen.has(id)) continue;
    seen.add(id);
    findings.push(finding);
    if (findings.length === maxFindings) break;
  }
  return findings;
}

/**
 * A value that fits no branch of a union yields the errors of all branches. Keep those of the branch it was meant for: the one whose
 * discriminator (a const) fits; if none fits, say which discriminators there are.
 */
function foldUnions(errors: readonly ErrorObject[]): ErrorObject[] {
  const unions = errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf');
  // inner unions come first in ajv's order, so that an outer one sees them folded
  return unions.reduce<ErrorObject[]>(foldUnion, [...errors]);
}

function foldUnion(errors: ErrorObject[], union: ErrorObject): ErrorObject[] {
  const inside = (error: ErrorObject): boolean =>
    error.schemaPath.startsWith(`${union.schemaPath}/`) &&
    (error.instancePath === union.instancePath || error.instancePath.startsWith(`${union.instancePath}/`));
  const branches = new Map<string, ErrorObject[]>();
  for (const error of errors.filter(inside)) {
    const branch = error.schemaPath.slice(union.schemaPath.length + 1).split('/')[0] ?? '';
    branches.set(branch, [...(branches.get(branch) ?? []), error]);
  }
  const rest = errors.filter((error) => error !== union && !inside(error));
  if (branches.size === 0) return errors;
  const unnamed = missingDiscriminator([...branches.values()], union);
  if (unnamed !== null) return [...rest, unnamed];
  const mismatch = (error: ErrorObject): boolean => error.keyword === 'const' && depth(error) <= depth(union) + 1;
  const meant = [...branches.values()].filter((found) => !found.some(mismatch) && !found.some((error) => isWrongType(error, union)));
  if (meant.length > 0) return [...rest, ...(meant.sort((a, b) => a.length - b.length)[0] ?? [])];
  const constants = [...branches.values()].flat().filter(mismatch);
  const first = constants[0];
  if (first === undefined) return [...rest, union];
  const choices = constants.filter(({ instancePath }) => instancePath === first.instancePath).map(({ params }) => params.allowedValue);
  return [...rest, { ...first, keyword: 'enum', params: { allowedValues: [...new Set(choices)] } }];
}

/** All branches want the same constant field and the value has none: one finding that lists the constants. */
function missingDiscriminator(branches: readonly ErrorObject[][], union: ErrorObject): ErrorObject | null {
  const missing = branches.map((errors) =>
    errors.find(({ keyword, instancePath, params, parentSchema }) => {
      const property = (parentSchema as ObjectSchema | undefined)?.properties?.[String(params.missingProperty)];
      return keyword === 'required' && instancePath === union.instancePath && property?.const !== undefined;
    }),
  );
  const first = missing[0];
  if (first === undefined || branches.length < 2) return null;
  const field = String(first.params.missingProperty);
  if (!missing.every((error) => error?.params.missingProperty === field)) return null;
  const constants = missing.map((error) => (error?.parentSchema as ObjectSchema | undefined)?.properties?.[field]?.const);
  return { ...first, parentSchema: { properties: { [field]: { enum: constants } } } };
}

function isWrongType(error: ErrorObject, union: ErrorObject): boolean {
  return error.keyword === 'type' && error.instancePath === union.instancePath;
}

function depth(error: ErrorObject): number {
  return error.instancePath.split('/').length;
}

function sentence(error: ErrorObject, root: unknown): Finding {
  const { params, instancePath: pointer, data } = error;
  const parent = (error.parentSchema ?? {}) as ObjectSchema;
  const hint = parent.description === undefined ? '' : ` (${parent.description.replace(/\.$/, '')})`;
  switch (error.keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return unknownField(pointer, String(params.additionalProperty ?? params.unevaluatedProperty), Object.keys(parent.properties ?? {}));
    case 'required':
      return missingField(pointer, String(params.missingProperty), parent);
    case 'type': {
      const wanted = [params.type].flat().map(typeWord).join(' or ');
      const shown = typeof data === 'object' ? typeName(data) : `${typeName(data)} (${show(data)})`;
      return { pointer, message: `must be ${wanted}, is ${shown}`, fix: `write ${wanted}${hint}` };
    }
    case 'enum':
      return choice(pointer, data, params.allowedValues as unknown[]);
    case 'const':
      return choice(pointer, data, [params.allowedValue]);
    case 'pattern':
      return { pointer, message: `${show(data)} does not have the wanted form`, fix: `write text that matches ${params.pattern}${hint}` };
    case 'format':
      return {
        pointer,
        message: `${show(data)} is not a valid ${params.format}`,
        fix: `write a value of the format ${params.format}${hint}`,
      };
    case 'anyOf':
    case 'oneOf':
      return { pointer, message: `${show(data)} fits none of the allowed forms`, fix: `weft explain shows the allowed forms${hint}` };
    default:
      return { pointer, ...bound(error, data, root, hint) };
  }
}

function unknownField(pointer: string, field: string, known: readonly string[]): Finding {
  const near = nearest(field, known);
  const all = known.length === 0 ? 'no field is allowed here' : `known fields: ${known.join(', ')}`;
  return {
    pointer: `${pointer}/${escapePointer(field)}`,
    message: `unknown field "${clip(field)}"`,
    fix: near === undefined ? `remove it; ${all}` : `did you mean "${near}"? ${all}`,
  };
}

function missingField(pointer: string, field: string, parent: ObjectSchema): Finding {
  const schema = parent.properties?.[field];
  const choices = schema?.enum ?? (schema?.const === undefined ? undefined : [schema.const]);
  const what = choices === undefined ? [schema?.type ?? []].flat().map(typeWord).join(' or ') : choices.map(show).join(' or ');
  const words = [what, schema?.description?.replace(/\.$/, '')].filter((word) => word !== undefined && word !== '').join('; ');
  return {
    pointer: `${pointer}/${escapePointer(field)}`,
    message: 'is required',
    fix: `add "${field}"${words === '' ? '' : `: ${words}`}`,
  };
}

function choice(pointer: string, data: unknown, choices: readonly unknown[]): Finding {
  const near = typeof data === 'string' ? nearest(data, choices.filter((one) => typeof one === 'string') as string[]) : undefined;
  const list = choices.map(show).join(', ');
  const only = choices.length === 1 ? `must be ${list}` : `must be one of ${list}`;
  return { pointer, message: `${show(data)} is not allowed`, fix: near === undefined ? only : `did you mean "${near}"? ${only}` };
}

function bound(error: ErrorObject, data: unknown, root: unknown, hint: string): { message: string; fix: string } {
  const { limit } = error.params as { limit: number };
  const size = Array.isArray(data) || typeof data === 'string' ? data.length : Object.keys((data ?? {}) as object).length;
  switch (error.keyword) {
    case 'minLength':
      return {
        message: size === 0 ? 'must not be empty' : `is too short (${size} characters)`,
        fix: `write at least ${limit} characters${hint}`,
      };
    case 'maxLength':
      return { message: `is too long (${size} characters)`, fix: `write at most ${limit} characters${hint}` };
    case 'minItems':
      return { message: size === 0 ? 'must not be empty' : `has too few items (${size})`, fix: `give at least ${limit}${hint}` };
    case 'maxItems':
      return { message: `has too many items (${size})`, fix: `give at most ${limit}${hint}` };
    case 'minProperties':
      return { message: `has too few fields (${size})`, fix: `give at least ${limit}${hint}` };
    case 'maxProperties':
      return { message: `has too many fields (${size})`, fix: `give at most ${limit}${hint}` };
    case 'minimum':
    case 'exclusiveMinimum':
      return { message: `${show(data)} is too small`, fix: `write a number ${error.params.comparison} ${limit}${hint}` };
    case 'maximum':
    case 'exclusiveMaximum':
      return { message: `${show(data)} is too large`, fix: `write a number ${error.params.comparison} ${limit}${hint}` };
    case 'uniqueItems':
      return { message: `items ${error.params.j} and ${error.params.i} are equal`, fix: 'remove one of them' };
    case 'multipleOf':
      return {
        message: `${show(data)} is not a multiple of ${error.params.multipleOf}`,
        fix: `write a multiple of ${error.params.multipleOf}${hint}`,
      };
    default:
      return {
        message: `${error.message ?? error.keyword}${root === data ? '' : `: ${show(data)}`}`,
        fix: `weft explain shows what is allowed${hint}`,
      };
  }
}

function typeWord(type: unknown): string {
  const words: Record<string, string> = {
    string: 'text',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    array: 'a list',
    object: 'an object (fields and values)',
    null: 'null',
  };
  return words[String(type)] ?? String(type);
}

function show(value: unknown): string {
  return typeof value === 'object' && value !== null ? typeName(value) : clip(JSON.stringify(value) ?? 'nothing');
}

function clip(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}

function escapePointer(field: string): string {
  return field.replaceAll('~', '~0').replaceAll('/', '~1');
}
