/** The rule of names, and finding what somebody may have meant. */

const namePattern = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
export const nameRule = '1–63 characters: lower-case letters, digits, "-" and ".", first and last a letter or a digit';

/** What is wrong with a name, or null. */
export function nameProblem(name: unknown): string | null {
  if (typeof name !== 'string') return `must be text, is ${typeName(name)}`;
  if (name === '') return 'must not be empty';
  if (name.length > 63) return `is ${name.length} characters long, at most 63 are allowed`;
  return namePattern.test(name) ? null : `"${name}" is not a valid name`;
}

/** JSON's word for the type of a value. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return 'text';
  return typeof value === 'undefined' ? 'missing' : `a ${typeof value}`;
}

/** The candidate nearest to `word`, when it is near enough to be a slip of the fingers. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 64) return undefined;
  const lower = word.toLowerCase();
  const ranked = candidates.map((candidate) => ({ candidate, distance: editDistance(lower, candidate.toLowerCase()) }));
  const best = ranked.sort((a, b) => a.distance - b.distance)[0];
  return best !== undefined && best.distance <= Math.max(1, Math.floor(word.length * 0.4)) ? best.candidate : undefined;
}

/** `did you mean "x"?` and what there is. */
export function suggestion(word: string, candidates: readonly string[], noun: string): string {
  if (candidates.length === 0) return `there is no ${noun}`;
  const near = nearest(word, candidates);
  const all = `${noun}s: ${[...candidates].sort().join(', ')}`;
  return near === undefined ? all : `did you mean "${near}"? ${all}`;
}

/** Levenshtein's. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
