/** Errors as RFC 9457 problem documents. */
import { type ErrorCode, errorCodes, type FieldError, type WeftError } from '../../contract/system/index.ts';

export const problemType = 'application/problem+json';

const titles: Record<ErrorCode, string> = {
  INVALID: 'The request was understood and refused',
  MALFORMED: 'The request cannot be read',
  TOO_LARGE: 'The request is too large',
  UNAUTHENTICATED: 'The caller is unknown',
  FORBIDDEN: 'The caller may not do this',
  NOT_FOUND: 'There is no such thing',
  CONFLICT: 'It contradicts what is there',
  REFERENCED: 'It is still in use',
  REVISION_MISMATCH: 'It was changed in the meantime',
  REVISION_GONE: 'The change log does not reach back so far',
  UNAVAILABLE: 'A part of the system that is needed does not serve',
  DEADLINE: 'A part of the system did not answer in time',
  BUS_OVERLOADED: 'Too much at once',
  CANCELLED: 'The request was cancelled',
  INTERNAL: 'The system made a mistake',
};

export interface Problem {
  /** `urn:weft:error:CODE` */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  /** How to mend it; empty when nothing is known. */
  readonly fix: string;
  readonly errors: readonly FieldError[];
}

export function problemOf(error: WeftError): Problem {
  return {
    type: `urn:weft:error:${error.code}`,
    title: titles[error.code],
    status: errorCodes[error.code],
    detail: error.message,
    code: error.code,
    fix: error.fix ?? '',
    errors: error.errors ?? [],
  };
}

/** Of every problem document. */
export const problemSchema = {
  type: 'object',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(errorCodes) },
    fix: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          object: { type: 'string', description: 'Kind/project/name, or Kind/name' },
          pointer: { type: 'string', description: 'JSON pointer into the object' },
          message: { type: 'string' },
          fix: { type: 'string' },
        },
        required: ['object', 'pointer', 'message', 'fix'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'fix', 'errors'],
};
