/** A plugin that makes something for its objects, and puts it away only when it is told to. For tests alone. */
import { definePlugin } from '@weft/kernel/sdk';
import { Type } from 'typebox';

const closed = { additionalProperties: false };
const note = Type.Optional(Type.String({ description: 'A note.' }));

export default definePlugin({
  name: 'locker',
  summary: 'Lockers, each with a key',
  kinds: [
    {
      kind: 'Locker',
      plural: 'lockers',
      scope: 'project',
      summary: 'Stays until it is emptied.',
      schemaVersion: 1,
      spec: Type.Object({ note }, closed),
      status: Type.Object({ emptied: Type.Optional(Type.Boolean({ description: 'It may go.' })) }, closed),
      references: [],
      columns: [],
      finalizer: true,
    },
    {
      kind: 'LockerKey',
      plural: 'locker-keys',
      scope: 'project',
      summary: 'Made for a locker, and gone with it.',
      schemaVersion: 1,
      spec: Type.Object({ cut: Type.Integer({ description: 'Its form.' }), note }, closed),
      status: Type.Object({}, closed),
      references: [],
      columns: [],
      sharedFields: ['/spec/note'],
    },
  ],
  operations: [
    {
      name: 'empty',
      summary: 'Empties the lockers that are being deleted',
      stream: false,
      input: Type.Object({}, closed),
      output: Type.Object({ emptied: Type.Integer({ description: 'How many.' }) }, closed),
    },
  ],
  config: Type.Object({}, closed),
  start({ objects, apply, finalize }) {
    objects.onChange(async () => {
      const living = objects.list('Locker').filter(({ metadata }) => metadata.deletedAt === undefined);
      const keyless = living.filter(
        ({ metadata: { name, project = '' } }) => objects.get({ kind: 'LockerKey', project, name }) === undefined,
      );
      const keys = keyless.map(({ metadata: { name, project = '' } }) => {
        return { kind: 'LockerKey', metadata: { name, project, ownerReferences: [{ kind: 'Locker', name }] }, spec: { cut: 7 } };
      });
      if (keys.length > 0) await apply(keys);
    });
    return {
      operations: {
        async empty() {
          const dying = objects.list('Locker').filter(({ metadata }) => metadata.deletedAt !== undefined);
          await finalize(dying.map(({ kind, metadata: { name, project = '' } }) => ({ kind, project, name })));
          return { emptied: dying.length };
        },
      },
    };
  },
});
