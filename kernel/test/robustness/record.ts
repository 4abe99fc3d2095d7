/** What clients have seen. Moments are counted, not timed: one process writes them all. */
import type { ObjectEvent, WeftObject } from '../../contract/system/index.ts';
import type { Chronicle } from './chronicle.ts';
import type { Answer } from './http.ts';
import type { Operation } from './operations.ts';

export interface Record {
  /** As the history names it: `token:c1`. */
  readonly subject: string;
  readonly operation: Operation;
  readonly call: number;
  /** Infinity while, or if, nobody knows. */
  readonly returned: number;
  readonly answer: Answer;
}

/** One life of a watch: what it asked for, and what it heard, with the moments. */
export interface WatchRecord {
  readonly since: number;
  readonly kinds: readonly string[];
  readonly heard: { readonly event: ObjectEvent; readonly at: number }[];
}

export interface History {
  readonly chronicle: Chronicle;
  /** World in which it began. */
  readonly begin: number;
  readonly records: readonly Record[];
  readonly watches: readonly WatchRecord[];
  /** Events that the log surely keeps. */
  readonly retention: number;
  /** Numbers of trials that were left because they could not be taken back, with the reasons. */
  readonly failedTrials: ReadonlyMap<number, string>;
}

/** An answer read once. */
export type Result =
  | { readonly is: 'object'; readonly object: WeftObject }
  | { readonly is: 'list'; readonly revision: number; readonly items: readonly WeftObject[] }
  | {
      readonly is: 'applied';
      readonly revision: number;
      readonly results: readonly AppliedObject[];
      readonly trial?: { from: number; to: number };
    }
  | { readonly is: 'decided' }
  | { readonly is: 'refused'; readonly code: string; readonly detail: string }
  /** It may have taken effect, or not. */
  | { readonly is: 'unknown' }
  | { readonly is: 'nothing' };

export interface AppliedObject {
  readonly action: 'created' | 'updated' | 'unchanged' | 'deleted';
  readonly key: { readonly kind: string; readonly name: string };
  readonly after: WeftObject | null;
}

export function resultOf({ answer, operation }: Pick<Record, 'answer' | 'operation'>): Result {
  if (answer.is === 'unsent') return { is: 'nothing' };
  if (answer.is === 'lost') return { is: 'unknown' };
  const body = answer.body as Readonly<{ [field: string]: unknown }>;
  if (answer.status >= 300) {
    const code = String(body.code);
    // an exception of a failpoint may come after the commit
    return code === 'INTERNAL' ? { is: 'unknown' } : { is: 'refused', code, detail: String(body.detail) };
  }
  if (operation.do === 'list') return { is: 'list', revision: body.revision as number, items: body.items as WeftObject[] };
  if (operation.do === 'decide') return { is: 'decided' };
  if ('results' in body) return { is: 'applied', ...(body as unknown as Omit<Extract<Result, { is: 'applied' }>, 'is'>) };
  return { is: 'object', object: body as unknown as WeftObject };
}
