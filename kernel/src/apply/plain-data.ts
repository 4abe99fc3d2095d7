/** Plain data, as JSON knows it, and JSON pointers (RFC 6901) into it. */
import { isDeepStrictEqual } from 'node:util';

export function escapeToken(field: string): string {
  return field.replaceAll('~', '~0').replaceAll('/', '~1');
}

function tokensOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy of `target` in which the value at `pointer` is that of `source`; absent there, it is absent here. Fields on the way must be objects in both. */
export function withValueOf(target: unknown, source: unknown, pointer: string): unknown {
  return withTokensOf(target, source, tokensOf(pointer));
}

function withTokensOf(target: unknown, source: unknown, [token, ...rest]: readonly string[]): unknown {
  if (token === undefined) return source;
  if (!isRecord(target) || !isRecord(source)) return target;
  const { [token]: _, ...others } = target;
  if (rest.length === 0 && !Object.hasOwn(source, token)) return others;
  const value = withTokensOf(target[token], source[token], rest);
  return value === undefined ? others : { ...target, [token]: value };
}

/** Where two values first differ, `except` at these pointers and below them; null when they do not. Lists count as a whole. */
export function firstDifference(one: unknown, other: unknown, except: readonly string[], at = ''): string | null {
  if (except.includes(at)) return null;
  if (!isRecord(one) || !isRecord(other)) return isDeepStrictEqual(one, other) ? null : at;
  for (const field of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const found = firstDifference(one[field], other[field], except, `${at}/${escapeToken(field)}`);
    if (found !== null) return found;
  }
  return null;
}
