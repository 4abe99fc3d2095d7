/** Takes a message for what it says to be only when it has that shape: whatever a stranger sends, nothing behind this needs to doubt it. */
import { type ErrorCode, errorCodes, type FieldError, type WeftError } from '../contract/system/errors.ts';
import { type Frame, type Hello, streamWindow } from '../contract/system/wire.ts';

/** Longest time that a timer can wait, ms. */
const longestDeadlineMs = 2 ** 31 - 1;
const longestEpoch = 64;
const longestText = 4_096;
const mostFindings = 1_000;

type Fields = Readonly<Record<string, unknown>>;

/** Throws a TypeError that tells what is wrong. */
export function readFrame(value: unknown): Frame | Hello {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('not a map');
  const fields = value as Fields;
  if ('h' in fields) return hello(fields);
  const { i } = fields;
  if (!Number.isSafeInteger(i) || (i as number) < 1) throw new TypeError('no number of a call');
  const id = i as number;
  if ('m' in fields) return request(id, fields);
  if ('r' in fields) return { i: id, r: fields.r };
  if ('s' in fields) return { i: id, s: fields.s };
  if ('x' in fields) return { i: id, x: true };
  if ('c' in fields) return { i: id, c: true };
  if ('w' in fields) return grant(id, fields.w);
  if ('e' in fields) return { i: id, e: readError(fields.e) };
  throw new TypeError('a map of no known kind');
}

function hello({ h, a }: Fields): Hello {
  const epochs = [h, a].every((epoch) => typeof epoch === 'string' && epoch.length <= longestEpoch);
  if (!epochs) throw new TypeError('a hello without its two epochs');
  return { h: h as string, a: a as string };
}

function request(i: number, { m, p, d }: Fields): Frame {
  if (typeof m !== 'string') throw new TypeError('a request without the name of a method');
  if (typeof d !== 'number' || !(d >= 0 && d <= longestDeadlineMs)) throw new TypeError('a request without a deadline');
  return { i, m, p, d };
}

function grant(i: number, w: unknown): Frame {
  if (!Number.isInteger(w) || (w as number) < 1 || (w as number) > streamWindow)
    throw new TypeError(`a grant that is not 1 to ${streamWindow}`);
  return { i, w: w as number };
}

/** An error as a stranger tells it: its texts are cut, and a code that nobody knows is INTERNAL. */
export function readError(value: unknown): WeftError {
  const { code, message, fix, errors } = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  const known = typeof code === 'string' && Object.hasOwn(errorCodes, code);
  return {
    code: known ? (code as ErrorCode) : 'INTERNAL',
    message: text(message) ?? 'an error without a message',
    ...(typeof fix === 'string' ? { fix: fix.slice(0, longestText) } : {}),
    ...(Array.isArray(errors) ? { errors: errors.slice(0, mostFindings).map(finding) } : {}),
  };
}

function finding(value: unknown): FieldError {
  const { object, pointer, message, fix } = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  return { object: text(object) ?? '', pointer: text(pointer) ?? '', message: text(message) ?? '', fix: text(fix) ?? '' };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, longestText) : undefined;
}
