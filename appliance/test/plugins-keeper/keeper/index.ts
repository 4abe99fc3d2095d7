/** A plugin that is given secrets in many places: in objects, settings and operations. For tests alone. */
import { definePlugin, type OperationCall } from '@weft/kernel/sdk';
import { Type } from 'typebox';

const closed = { additionalProperties: false };

export default definePlugin({
  name: 'keeper',
  summary: 'Keeps what it is told',
  kinds: [
    {
      kind: 'Keepsake',
      plural: 'keepsakes',
      scope: 'project',
      summary: 'Something to keep, with all that a virtual machine is told at its start',
      schemaVersion: 1,
      spec: Type.Object(
        {
          userData: Type.Optional(Type.String({ description: 'What runs at the start.' })),
          keys: Type.Optional(Type.Array(Type.String(), { description: 'Who may enter.' })),
          metaData: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'What else it is told.' })),
          url: Type.Optional(Type.String({ description: 'Where more stands, perhaps with a password.' })),
          size: Type.Optional(Type.Integer({ description: 'How large it is.' })),
        },
        closed,
      ),
      status: Type.Object({ reason: Type.Optional(Type.String({ description: 'What became of it.' })) }),
      references: [],
      columns: [],
    },
  ],
  operations: [
    {
      name: 'recall',
      summary: 'What was kept, by number',
      stream: false,
      input: Type.Object({}, closed),
      output: Type.Object({
        items: Type.Array(Type.Object({ size: Type.Integer({ description: 'Of one.' }) }), { description: 'One for each.' }),
      }),
      bundle: true,
    },
    {
      name: 'listen',
      summary: 'Goes on until nobody listens',
      stream: true,
      input: Type.Object({}, closed),
      output: Type.Object({ listeners: Type.Integer({ description: 'Who listen now.' }) }),
      cli: { verb: 'listen', columns: [{ title: 'LISTENERS', pointer: '/listeners' }] },
    },
  ],
  grants: { reads: ['Secret'] },
  config: Type.Object(
    {
      greeting: Type.Optional(Type.String({ description: 'A secret word.' })),
      headers: Type.Optional(Type.Array(Type.String(), { description: 'More of them.' })),
      retries: Type.Integer({ default: 3, description: 'How often it tries.' }),
    },
    closed,
  ),
  start(context) {
    let listeners = 0;
    context.log.info({ secrets: context.objects.list('Secret').length }, 'keeping');
    return {
      operations: {
        recall: () => ({ items: context.objects.list('Keepsake').map((_, size) => ({ size, secret: context.config.greeting })) }),
        async *listen(_input: unknown, { signal }: OperationCall) {
          listeners += 1;
          try {
            yield { listeners };
            await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
          } finally {
            listeners -= 1;
          }
        },
      },
    };
  },
});
