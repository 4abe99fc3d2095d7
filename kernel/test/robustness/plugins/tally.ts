/** Counts the books of a shelf: statuses that follow what others do. */
import Type from 'typebox';
import { keyOf } from '../../../contract/system/index.ts';
import { definePlugin } from '../../../sdk/index.ts';

const retryMs = 100;
const closed = { additionalProperties: false };
const text = Type.String({ maxLength: 100 });

export default definePlugin({
  name: 'tally',
  summary: 'counts the books of shelves, for the tests of robustness',
  needs: ['shelf'],
  config: Type.Object({}, closed),
  grants: { reads: ['Shelf', 'Book'] },
  kinds: [
    {
      kind: 'Count',
      plural: 'counts',
      scope: 'project',
      summary: 'how many books stand on a shelf',
      schemaVersion: 1,
      spec: Type.Object({ shelf: text, mark: text }, closed),
      status: Type.Object({ books: Type.Integer() }),
      references: [{ pointer: '/spec/shelf', kind: 'Shelf' }],
      columns: [],
    },
  ],
  operations: [
    { name: 'cache', summary: 'what the plugin believes to be there', stream: false, input: Type.Object({}), output: Type.Object({}) },
  ],
  start: ({ objects, setStatus, log }) => {
    const count = async (): Promise<void> => {
      const updates = objects.list('Count').flatMap((one) => {
        const books = objects.list('Book').filter(({ spec }) => spec.shelf === one.spec.shelf).length;
        return books === one.status.books ? [] : [{ key: keyOf(one), status: { books } }];
      });
      if (updates.length === 0) return;
      await setStatus(updates).catch((thrown: unknown) => {
        log.warn({ err: thrown }, 'counts were refused');
        setTimeout(() => void count(), retryMs);
      });
    };
    objects.onChange(count);
    return { operations: { cache: () => ({ objects: ['Shelf', 'Book', 'Count'].flatMap((kind) => objects.list(kind)) }) } };
  },
});
