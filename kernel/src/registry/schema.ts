/** JSON Schema 2020-12 validators whose findings are sentences. */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { explain, type Finding } from './findings.ts';

/** Looks at a value where it is: nothing is filled, nothing is copied. */
export type Check = (value: unknown) => readonly Finding[];

export type Validator = (value: unknown) => { readonly value: unknown; readonly findings: readonly Finding[] };

/**
 * Compiles a schema. The validator works on a copy, into which it fills defaults; it reports every finding.
 * @throws Error when the schema itself is no valid JSON Schema 2020-12.
 */
export function compileSchema(schema: object): Validator {
  const ajv = new Ajv2020({ allErrors: true, verbose: true, useDefaults: true, strict: false, strictNumbers: true, logger: false });
  formats.default(ajv);
  const validate = ajv.compile(schema);
  return (given) => {
    const value = structuredClone(given);
    return validate(value) ? { value, findings: [] } : { value, findings: explain(validate.errors as ErrorObject[], value) };
  };
}

/** @throws Error when the schema itself is no valid JSON Schema 2020-12. */
export function compileCheck(schema: object): Check {
  const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: false, strictNumbers: true, logger: false });
  formats.default(ajv);
  const validate = ajv.compile(schema);
  return (value) => (validate(value) ? [] : explain(validate.errors as ErrorObject[], value));
}
