/** Who may do what. Every route passes through here. */
import { fail } from '../../contract/system/index.ts';
import type { Subject } from '../apply/index.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'delete' | 'operate' | 'manage';

export interface Identity {
  readonly subject: Subject;
  /** `none`: known, but without any right. */
  readonly role: 'admin' | 'none';
}

/**
 * @param uid of the peer, null when unknown
 * @param admins further user ids with all rights (setting `api.admins`); root and the kernel's own user always have them
 * @throws UNAUTHENTICATED
 */
export function identify(uid: number | null, admins: readonly number[]): Identity {
  if (uid === null) throw fail('UNAUTHENTICATED', 'the caller cannot be identified', 'connect through the unix socket of the API');
  const isAdmin = uid === 0 || uid === process.getuid?.() || admins.includes(uid);
  return { subject: { kind: 'user', name: `uid-${uid}` }, role: isAdmin ? 'admin' : 'none' };
}

/**
 * @param kind an object kind, or the API's own word for what is touched: `plugins`, `status` …
 * @param project absent for what belongs to no project
 * @throws FORBIDDEN
 */
export function authorize(identity: Identity, verb: Verb, kind: string, project?: string): void {
  if (identity.role === 'admin') return;
  const what = project === undefined ? kind : `${kind} in project ${project}`;
  throw fail(
    'FORBIDDEN',
    `${identity.subject.name} may not ${verb} ${what}`,
    'run it as root, or add the user id to the setting api.admins',
  );
}
