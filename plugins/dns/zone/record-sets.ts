/** Records by name and type, without what is there twice. */

/** All records of one name and type (RFC 2181 §5). */
export interface RecordSet {
  readonly type: number;
  /** Seconds: the least of its records'. */
  readonly ttl: number;
  readonly data: readonly Buffer[];
}

/** The records of one name; none at a name that only has others below it. */
export type Node = readonly RecordSet[];

export const emptyNode: Node = [];

interface Draft {
  readonly type: number;
  ttl: number;
  readonly data: Buffer[];
  /** What is in `data`; made when there is something to compare. */
  seen?: Set<string>;
}

export class NodeBuilder {
  readonly #drafts = new Map<string, Draft[]>();

  /** A name that exists, with or without records. */
  touch(key: string): Draft[] {
    const known = this.#drafts.get(key);
    if (known !== undefined) return known;
    const drafts: Draft[] = [];
    this.#drafts.set(key, drafts);
    return drafts;
  }

  add(key: string, { type, ttl, data }: RecordSet): void {
    const drafts = this.touch(key);
    const draft = drafts.find((each) => each.type === type);
    if (draft === undefined) drafts.push({ type, ttl, data: [...data] });
    else join(draft, ttl, data);
  }

  finish(): ReadonlyMap<string, Node> {
    return this.#drafts;
  }
}

/** One node of several. */
export function joinNodes(nodes: readonly Node[]): Node {
  const [only, ...more] = nodes;
  if (more.length === 0) return only ?? emptyNode;
  const builder = new NodeBuilder();
  for (const node of nodes) for (const set of node) builder.add('', set);
  return builder.finish().get('') ?? emptyNode;
}

function join(draft: Draft, ttl: number, data: readonly Buffer[]): void {
  draft.ttl = Math.min(draft.ttl, ttl);
  draft.seen ??= new Set(draft.data.map(textOf));
  for (const each of data) {
    const text = textOf(each);
    if (draft.seen.has(text)) continue;
    draft.seen.add(text);
    draft.data.push(each);
  }
}

const textOf = (data: Buffer): string => data.toString('latin1');
