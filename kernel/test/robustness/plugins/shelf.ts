/** Shelves with a number of their own, and books that fill them: admission that depends on the whole committed world. */
import Type from 'typebox';
import {
  type AdmissionReply,
  type AdmissionRequest,
  type FieldError,
  formatKey,
  keyOf,
  type WeftObject,
} from '../../../contract/system/index.ts';
import { definePlugin, type ObjectCache } from '../../../sdk/index.ts';

const text = Type.String({ maxLength: 100 });
const closed = { additionalProperties: false };

export default definePlugin({
  name: 'shelf',
  summary: 'shelves and books, for the tests of robustness',
  config: Type.Object({}, closed),
  kinds: [
    {
      kind: 'Shelf',
      plural: 'shelves',
      scope: 'project',
      summary: 'holds as many books as it is wide',
      schemaVersion: 1,
      spec: Type.Object({ width: Type.Integer({ minimum: 0, maximum: 9 }), mark: text }, closed),
      status: Type.Object({ slot: Type.Integer() }),
      references: [],
      columns: [],
    },
    {
      kind: 'Book',
      plural: 'books',
      scope: 'project',
      summary: 'stands on a shelf, maybe after another book',
      schemaVersion: 1,
      spec: Type.Object({ shelf: text, after: Type.Optional(text), title: text, mark: text }, closed),
      status: Type.Object({}),
      references: [
        { pointer: '/spec/shelf', kind: 'Shelf' },
        { pointer: '/spec/after', kind: 'Book' },
      ],
      columns: [],
    },
  ],
  operations: [
    { name: 'cache', summary: 'what the plugin believes to be there', stream: false, input: Type.Object({}), output: Type.Object({}) },
  ],
  start: ({ objects }) => ({
    admit: (request) => admit(objects, request),
    operations: { cache: () => ({ objects: ['Shelf', 'Book'].flatMap((kind) => objects.list(kind)) }) },
  }),
});

function admit(cache: ObjectCache, { changes }: AdmissionRequest): AdmissionReply {
  const after = (kind: string): Map<string, WeftObject> => {
    const all = new Map(cache.list(kind).map((object) => [formatKey(keyOf(object)), object]));
    for (const { key, after: object } of changes.filter((change) => change.key.kind === kind)) {
      if (object === null) all.delete(formatKey(key));
      else all.set(formatKey(key), object);
    }
    return all;
  };
  const shelves = after('Shelf');
  const books = [...after('Book').values()];
  const created = new Set(changes.filter(({ op, key }) => op === 'create' && key.kind === 'Shelf').map(({ key }) => formatKey(key)));
  const taken = new Set([...shelves].filter(([id]) => !created.has(id)).map(([, shelf]) => shelf.status.slot));
  const patches = changes.flatMap(({ key, after: shelf }) => {
    if (shelf === null || !created.has(formatKey(key))) return [];
    let slot = shelf.status.slot as number | undefined;
    if (slot === undefined || taken.has(slot)) for (slot = 0; taken.has(slot); ) slot += 1;
    taken.add(slot);
    return [{ key, status: { slot } }];
  });
  const refusals: FieldError[] = [];
  for (const [id, { metadata, spec }] of shelves) {
    const standing = books.filter((book) => book.spec.shelf === metadata.name).length;
    if (standing > (spec.width as number))
      refusals.push({ object: id, pointer: '/spec/width', message: `is narrower than its ${standing} books`, fix: 'widen it' });
  }
  for (const { key, after: book } of changes)
    if (key.kind === 'Book' && book?.spec.title === 'forbidden')
      refusals.push({ object: formatKey(key), pointer: '/spec/title', message: 'is forbidden', fix: 'choose another' });
  return { patches, refusals };
}
