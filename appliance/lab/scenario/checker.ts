/** Checks values that a person wrote into a `lab.yaml`. */
import { LabFailure } from './failure.ts';

const namePattern = /^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$/;

/** Checks values of a scenario; failures name the file and the place. */
export class Checker {
  readonly #file: string;
  constructor(file: string) {
    this.#file = file;
  }

  failure(at: string, fix: string, what = 'the scenario is not as it must be'): LabFailure {
    return new LabFailure(what, `${this.#file} ${at}`.trim(), fix);
  }

  map(value: unknown, at: string): Record<string, unknown> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw this.failure(at, 'write a map of fields');
  }

  list(value: unknown, at: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    throw this.failure(at, 'write a list');
  }

  text(value: unknown, at: string): string {
    if (typeof value === 'string' && value !== '') return value;
    throw this.failure(at, 'write a text');
  }

  texts(value: unknown, at: string): readonly string[] {
    return this.list(value ?? [], at).map((each, index) => this.text(each, `${at}/${index}`));
  }

  name(value: unknown, at: string): string {
    if (typeof value === 'string' && namePattern.test(value)) return value;
    throw this.failure(at, 'use at most 24 lower-case letters, digits and hyphens');
  }

  only(map: Record<string, unknown>, at: string, known: readonly string[]): void {
    const unknown = Object.keys(map).find((key) => !known.includes(key));
    if (unknown !== undefined) throw this.failure(`${at}/${unknown}`, `fields are: ${known.join(', ')}`, `there is no field "${unknown}"`);
  }

  unique(names: readonly string[], at: string): void {
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw this.failure(at, 'give each its own name', `"${twice}" is there twice`);
  }
}
