import { randomUUID } from 'node:crypto';
import { apiVersion, defaultProject, type WeftObject } from '../../contract/system/index.ts';

export interface ObjectOptions {
  /** Default `default`; null makes an object of a system kind. */
  readonly project?: string | null;
  readonly status?: object;
  readonly labels?: Readonly<Record<string, string>>;
  readonly uid?: string;
  /** Plugins that the object waits for when it is removed. */
  readonly finalizers?: readonly string[];
}

/** An object as the store would hold it; its revision is set when it is put into the pretended kernel. */
export function makeObject<T extends WeftObject<object, object> = WeftObject>(
  kind: string,
  name: string,
  spec: T['spec'],
  options: ObjectOptions = {},
): T {
  const { project = defaultProject, status = {}, labels, uid = randomUUID(), finalizers } = options;
  const metadata = {
    name,
    ...(project === null ? {} : { project }),
    uid,
    revision: 0,
    generation: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    ...(labels === undefined ? {} : { labels }),
    ...(finalizers === undefined ? {} : { finalizers }),
  };
  return { apiVersion, kind, metadata, spec, status } as unknown as T;
}
