/** Errors as RFC 9457 problem documents. */
import { type ErrorCode, errorCodes, errorGuide, type FieldError, problemUri, type WeftError } from '../../contract/system/index.ts';

export const problemType = 'application/problem+json';

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
    type: problemUri(error.code),
    title: errorGuide[error.code].title,
    status: errorCodes[error.code],
    detail: error.message,
    code: error.code,
    fix: error.fix ?? '',
    errors: error.errors ?? [],
  };
}

const codes = Object.keys(errorCodes) as ErrorCode[];

/** Of every problem document. */
export const problemSchema = {
  type: 'object',
  properties: {
    type: { type: 'string', enum: codes.map(problemUri) },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: codes },
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
