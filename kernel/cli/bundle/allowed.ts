/**
 * What of a value may leave the appliance in a support bundle. It is an allow-list: numbers, switches, and texts of which the schema knows all
 * that they can say; whatever else somebody may have typed stays behind, a secret in the wrong field with it.
 */
import type { Schema } from '../schema.ts';

/** In place of what stays behind. */
const mark = '(left out)';
/** Fields whose values never go, whatever their schema says of them. */
const secretName = /pass|secret|token|credential|private|cookie|userdata|(^|[a-z])keys?$/i;
const plainFormats: readonly string[] = ['date-time', 'date', 'time', 'uuid'];

export interface Allowance {
  /** Free text may go, without what it quotes: the system wrote it, not a user. */
  readonly texts: boolean;
  /** Is told the path of each part that stays behind: `rules[].name`. */
  readonly onLeftOut: (path: string) => void;
}

/** The value without what may not go. Without a schema only numbers and switches may. */
export function allowed(value: unknown, schema: Schema | undefined, allowance: Allowance, path = ''): unknown {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map((item) => allowed(item, schema?.items, allowance, `${path}[]`));
  if (typeof value === 'object') return allowedFields(value as Record<string, unknown>, schema, allowance, path);
  if (typeof value !== 'string') return null;
  if (saysAll(value, schema)) return value;
  if (allowance.texts && schema?.type === 'string' && schema.writeOnly !== true) return withoutQuotes(value);
  allowance.onLeftOut(path);
  return mark;
}

function allowedFields(value: Record<string, unknown>, schema: Schema | undefined, allowance: Allowance, path: string): unknown {
  const variants = [schema, ...(schema?.anyOf ?? []), ...(schema?.oneOf ?? [])];
  // what is no field of the schema is the key of a map, or a mistake: either may be anything
  const known = Object.entries(value).flatMap(([name, inner]) => {
    const inside = path === '' ? name : `${path}.${name}`;
    const field = variants.map((variant) => variant?.properties?.[name]).find((one) => one !== undefined);
    if (field === undefined && schema !== undefined) return [];
    if (secretName.test(name) || field?.writeOnly === true) {
      allowance.onLeftOut(inside);
      return [[name, mark]];
    }
    return [[name, allowed(inner, field, allowance, inside)]];
  });
  const unknown = Object.keys(value).length - known.length;
  if (unknown > 0) allowance.onLeftOut(`${path === '' ? '' : `${path}.`}*`);
  return unknown > 0 ? { ...Object.fromEntries(known), [mark]: unknown } : Object.fromEntries(known);
}

/** The schema leaves no room for a secret: a choice, a form such as an address, or a time. */
function saysAll(value: string, schema: Schema | undefined): boolean {
  if (schema === undefined) return false;
  if (schema.const !== undefined) return schema.const === value;
  if (schema.enum !== undefined) return schema.enum.includes(value);
  const variants = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  if (variants.length > 0) return variants.some((variant) => saysAll(value, variant));
  if (schema.pattern !== undefined) return isForm(schema.pattern) && new RegExp(schema.pattern, 'u').test(value);
  return schema.format !== undefined && plainFormats.includes(schema.format);
}

/** A pattern from the start to the end of the text, in which nothing stands for any character. */
function isForm(pattern: string): boolean {
  return /^\^.*\$$/.test(pattern) && !/(?<!\\)\.|\[\^|\\[SWD]/.test(pattern.replaceAll(/\[(?!\^)[^\]]*\]/g, '[]'));
}

/** A line of a log, which the system wrote: without what its texts quote, and without fields that are called like secrets. */
export function allowedLine(line: string): string {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? JSON.stringify(withoutQuotesIn(value)) : withoutQuotes(line);
  } catch {
    // what a process says as it dies is no JSON
    return withoutQuotes(line);
  }
}

function withoutQuotesIn(value: unknown): unknown {
  if (typeof value === 'string') return withoutQuotes(value);
  if (Array.isArray(value)) return value.map(withoutQuotesIn);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, secretName.test(name) ? mark : withoutQuotesIn(inner)]));
}

/** Messages quote what users wrote. */
export function withoutQuotes(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '"…"');
}
