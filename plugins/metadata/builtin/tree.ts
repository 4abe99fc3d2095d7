/** A tree of answers as the EC2 service has it: leaves, and directories that list what they hold. Pure. */

export interface Leaf {
  readonly type: string;
  readonly body: Buffer;
}

export interface Directory {
  readonly entries: ReadonlyMap<string, Leaf | Directory>;
  /** Lines that a listing shows; default: the names, those of directories with a slash. */
  readonly lines?: readonly string[];
}

/** A path is its parts joined by a slash, without one at either end; '' is the root. */
export type Answers = ReadonlyMap<string, Leaf>;

const plain = 'text/plain; charset=utf-8';

export function text(value: string): Leaf {
  return { type: plain, body: Buffer.from(value) };
}

export function json(value: unknown): Leaf {
  return { type: 'application/json', body: Buffer.from(JSON.stringify(value)) };
}

export function bytes(body: Buffer): Leaf {
  return { type: 'application/octet-stream', body };
}

/** Entries without a value are left out. */
export function directory(
  entries: Readonly<Record<string, Leaf | Directory | undefined>> | Iterable<readonly [string, Leaf | Directory]>,
): Directory {
  const pairs =
    Symbol.iterator in entries ? [...entries] : Object.entries(entries).flatMap(([name, entry]) => (entry ? [[name, entry] as const] : []));
  return { entries: new Map(pairs) };
}

/** Every path of the tree, directories as their listing. */
export function flatten(root: Directory): Answers {
  const answers = new Map<string, Leaf>();
  const visit = (path: string, entry: Leaf | Directory): void => {
    if ('body' in entry) {
      answers.set(path, entry);
      return;
    }
    answers.set(path, text(listing(entry).join('\n')));
    for (const [name, inner] of entry.entries) visit(path === '' ? name : `${path}/${name}`, inner);
  };
  visit('', root);
  return answers;
}

function listing({ entries, lines }: Directory): readonly string[] {
  return lines ?? [...entries].map(([name, entry]) => ('body' in entry ? name : `${name}/`));
}
