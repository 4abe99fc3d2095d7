/**
 * Errors as they travel: a code from a closed list, a sentence, and where it hurts. Never a stack.
 */

/** One finding about one field of one object. */
export interface FieldError {
  /** `Kind/project/name`, or `Kind/name` for system kinds. */
  readonly object: string;
  /** JSON pointer into the object, e.g. `/spec/subnets/0/cidr`; empty for the object as a whole. */
  readonly pointer: string;
  /** What is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly fix: string;
}

/** Every code, once, with the HTTP status that carries it. */
export const errorCodes = {
  INVALID: 422,
  MALFORMED: 400,
  TOO_LARGE: 413,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  REFERENCED: 409,
  REVISION_MISMATCH: 412,
  REVISION_GONE: 410,
  UNAVAILABLE: 503,
  DEADLINE: 503,
  BUS_OVERLOADED: 503,
  CANCELLED: 499,
  INTERNAL: 500,
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** An error as data: what every channel and the API carry. */
export interface WeftError {
  readonly code: ErrorCode;
  readonly message: string;
  /** How to mend it, one sentence. */
  readonly fix?: string;
  readonly errors?: readonly FieldError[];
}

/** The exception that carries a `WeftError` inside one process; walls turn it back into data. */
export class WeftFailure extends Error {
  readonly error: WeftError;
  constructor(error: WeftError, cause?: unknown) {
    super(error.message, { cause });
    this.name = 'WeftFailure';
    this.error = error;
  }
}

/** Shorthand: `throw fail('NOT_FOUND', 'Port default/web1 does not exist', 'list them with: weft get port')`. */
export function fail(code: ErrorCode, message: string, fix?: string, errors?: readonly FieldError[]): WeftFailure {
  return new WeftFailure({ code, message, ...(fix === undefined ? {} : { fix }), ...(errors === undefined ? {} : { errors }) });
}

/** Any thrown value as data; foreign exceptions become `INTERNAL` with their message. */
export function toWeftError(thrown: unknown): WeftError {
  if (thrown instanceof WeftFailure) return thrown.error;
  return { code: 'INTERNAL', message: thrown instanceof Error ? thrown.message : String(thrown) };
}
