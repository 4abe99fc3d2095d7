/** What is wrong with the converters of a kind, before anything is converted by them. */
import type { Converter, ConverterStep, KindSpec } from '../../contract/system/index.ts';

/** Names of fields, never of items: `*` only stands between two names, or, for a translation, at the end. */
const pointerForm = /^\/(spec|status)(\/([^~/]|~[01])+)+$/;
/** Would change more than the object. */
const forbidden = ['__proto__', 'constructor', 'prototype'];

/** The first problem as a sentence, or none. */
export function converterProblem({ kind, schemaVersion, converters = [] }: KindSpec): string | null {
  for (let version = 2; version <= schemaVersion; version += 1) {
    const count = converters.filter((converter) => converter.version === version).length;
    if (count !== 1)
      return `kind ${kind}: ${count === 0 ? 'no converter' : 'more than one converter'} for its schema version ${version}: give one for each from 2 to ${schemaVersion}`;
  }
  for (const converter of converters) {
    const problem = problemIn(converter, schemaVersion);
    if (problem !== null) return `kind ${kind}: its converter for schema version ${converter.version} ${problem}`;
  }
  return null;
}

function problemIn({ version, up, down }: Converter, schemaVersion: number): string | null {
  if (version < 2 || version > schemaVersion) return `is for no version that there is: the kind is at ${schemaVersion}`;
  for (const [way, steps] of Object.entries({ up, down }))
    for (const [index, step] of steps.entries()) {
      const problem = stepProblem(step);
      if (problem !== null) return `cannot go ${way}: step ${index}: ${problem}`;
    }
  return null;
}

function stepProblem(step: ConverterStep): string | null {
  const pointers = step.op === 'move' ? [step.from, step.to] : [step.at];
  for (const pointer of pointers) {
    const names = pointer.split('/').slice(1);
    if (!pointerForm.test(pointer)) return `"${pointer}" is no JSON pointer below /spec or /status`;
    if (names.some((name) => forbidden.includes(name))) return `"${pointer}" names no field`;
    if (names.at(-1) === '*' && step.op !== 'translate') return `"${pointer}" must end in the name of a field`;
  }
  if (step.op === 'move' && listOf(step.from) !== listOf(step.to))
    return `"${step.from}" and "${step.to}" do not lie in the same items: both must have the same text up to the last "*"`;
  return null;
}

function listOf(pointer: string): string {
  return pointer.slice(0, pointer.lastIndexOf('/*/') + 1);
}
