/** Holds statuses to the schema of their kind, as the kernel does. */
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { fail, formatKey, type KindSpec, type ObjectKey } from '../../contract/system/index.ts';

type Status = Readonly<Record<string, unknown>>;

/** @param update the fields that the plugin gives: only these are looked at. @throws INVALID */
export function assertStatus(kinds: readonly KindSpec[], key: ObjectKey, merged: Status, update: Status): void {
  const schema = kinds.find(({ kind }) => kind === key.kind)?.status;
  if (schema === undefined) return;
  const found = [...Value.Errors(schema as TSchema, merged)].find(({ instancePath }) => {
    const [, field = ''] = instancePath.split('/');
    return instancePath !== '' && Object.hasOwn(update, field);
  });
  if (found !== undefined)
    throw fail('INVALID', `${formatKey(key)} /status${found.instancePath}: ${found.message}`, 'see the schema of the kind');
}
