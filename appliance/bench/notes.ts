/**
 * What no program can measure or explain, written by hand: notes/<group>.md. The text before the first `## ` belongs to the group, a section
 * `## <case>` to that case. limits.md, differences.md and elsewhere.md are chapters of their own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** File without `.md` → heading (empty for what comes first) → text. */
export type Notes = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Sections by their `## ` headings; lines within ``` fences are never headings. */
export function parseNotes(text: string): Map<string, string> {
  const sections = new Map<string, string>();
  let heading = '';
  let fenced = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) fenced = !fenced;
    const found = fenced ? null : /^## (.+)$/.exec(line);
    if (found !== null) heading = found[1]?.trim() ?? '';
    else sections.set(heading, `${sections.get(heading) ?? ''}${line}\n`);
  }
  return new Map([...sections].map(([name, body]) => [name, body.trim()]));
}

export function readNotes(folder: string): Notes {
  const files = readdirSync(folder).filter((name) => name.endsWith('.md'));
  return new Map(files.map((name) => [name.slice(0, -3), parseNotes(readFileSync(join(folder, name), 'utf8'))]));
}

/** The note's text; empty when there is none. */
export function note(notes: Notes, file: string, section = ''): string {
  return notes.get(file)?.get(section) ?? '';
}

/** A file as a chapter: its sections under `### ` headings. */
export function chapter(notes: Notes, file: string): string {
  const sections = [...(notes.get(file) ?? [])];
  return sections
    .map(([heading, body]) => (heading === '' ? body : `### ${heading}\n\n${body}`))
    .join('\n\n')
    .trim();
}
