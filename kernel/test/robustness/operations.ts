/** What clients do, as data, and how they ask for it. */
import type { Ask } from './http.ts';

export const kinds = ['Shelf', 'Book', 'Count'] as const;
export type Kind = (typeof kinds)[number];
const plurals: Readonly<Record<Kind, string>> = { Shelf: 'shelves', Book: 'books', Count: 'counts' };

export type Spec = Readonly<Record<string, unknown>>;

export interface Name {
  readonly kind: Kind;
  readonly name: string;
}

export interface Wish extends Name {
  readonly spec: Spec;
}

export type Operation =
  | { readonly do: 'get'; readonly of: Name }
  | { readonly do: 'list'; readonly kind: Kind }
  | { readonly do: 'create'; readonly wish: Wish; readonly dryRun: boolean }
  | { readonly do: 'put'; readonly wish: Wish; readonly ifMatch?: number; readonly dryRun: boolean }
  | { readonly do: 'patch'; readonly wish: Wish; readonly ifMatch?: number }
  | { readonly do: 'delete'; readonly of: Name; readonly cascade: boolean; readonly ifMatch?: number; readonly dryRun: boolean }
  | {
      readonly do: 'apply';
      readonly wishes: readonly Wish[];
      readonly remove: readonly Name[];
      readonly cascade: boolean;
      readonly dryRun: boolean;
      /** On trial for so many seconds. */
      readonly confirm?: number;
    }
  | { readonly do: 'rollback'; readonly revision: number; readonly dryRun: boolean }
  | { readonly do: 'decide'; readonly trial: number; readonly verdict: 'confirm' | 'revert' };

export function isRead(operation: Operation): boolean {
  return operation.do === 'get' || operation.do === 'list';
}

export function ask(operation: Operation): Ask {
  switch (operation.do) {
    case 'get':
      return { method: 'GET', path: pathOf(operation.of) };
    case 'list':
      return { method: 'GET', path: `/v1/default/${plurals[operation.kind]}` };
    case 'create': {
      const { kind, name, spec } = operation.wish;
      return { method: 'POST', path: `/v1/default/${plurals[kind]}${dry(operation)}`, body: { metadata: { name }, spec } };
    }
    case 'put':
      return { method: 'PUT', path: pathOf(operation.wish) + dry(operation), body: { spec: operation.wish.spec }, ...match(operation) };
    case 'patch':
      return { method: 'PATCH', path: pathOf(operation.wish), body: { spec: operation.wish.spec }, ...match(operation) };
    case 'delete':
      return {
        method: 'DELETE',
        path: `${pathOf(operation.of)}?cascade=${operation.cascade}&dryRun=${operation.dryRun}`,
        ...match(operation),
      };
    case 'apply': {
      const objects = operation.wishes.map(({ kind, name, spec }) => ({ kind, metadata: { name }, spec }));
      const confirm = operation.confirm === undefined ? '' : `&confirm=${operation.confirm}`;
      return {
        method: 'POST',
        path: `/v1/apply?dryRun=${operation.dryRun}${confirm}`,
        body: { objects, delete: operation.remove, cascade: operation.cascade },
      };
    }
    case 'rollback':
      return { method: 'POST', path: `/v1/rollback?revision=${operation.revision}&dryRun=${operation.dryRun}` };
    case 'decide':
      return { method: 'POST', path: `/v1/trials/${operation.trial}/${operation.verdict}` };
  }
}

export function pathOf({ kind, name }: Name): string {
  return `/v1/default/${plurals[kind]}/${name}`;
}

function dry({ dryRun }: { readonly dryRun: boolean }): string {
  return dryRun ? '?dryRun=true' : '';
}

function match({ ifMatch }: { readonly ifMatch?: number }): Pick<Ask, 'headers'> {
  return ifMatch === undefined ? {} : { headers: { 'if-match': `"${ifMatch}"` } };
}
