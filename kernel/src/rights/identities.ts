/** From credentials to a subject with its bindings. */
import { fail } from '../../contract/system/index.ts';
import { roleKind } from '../registry/index.ts';
import type { ObjectStore } from '../store/index.ts';
import type { Binding, Identity, RoleName } from './roles.ts';
import type { Tokens } from './tokens.ts';

/** What a connection and its request bring. */
export interface Credentials {
  /** User id at the other end of a unix socket. */
  readonly uid?: number | null;
  /** Value of the header Authorization; goes before the others. */
  readonly authorization?: string | undefined;
  /** Common name of a client certificate whose signature was checked. */
  readonly certificate?: string | undefined;
}

const nothing: readonly Binding[] = [];
const everything: readonly Binding[] = [{ role: 'admin', projects: null }];

export class Identities {
  readonly #store: ObjectStore;
  readonly #tokens: Tokens;
  readonly #admins: readonly number[];
  #bindings: ReadonlyMap<string, readonly Binding[]> = new Map();
  /** Revision of the roles that `#bindings` was made from. */
  #revision = -1;

  /** @param admins user ids with all rights (setting `api.admins`); root and the kernel's own user always have them */
  constructor(store: ObjectStore, tokens: Tokens, admins: readonly number[]) {
    this.#store = store;
    this.#tokens = tokens;
    this.#admins = admins;
  }

  /** @throws UNAUTHENTICATED */
  identify({ uid, authorization, certificate }: Credentials): Identity {
    if (authorization !== undefined) return this.#known('token', this.#tokens.verify(bearer(authorization)));
    if (certificate !== undefined) return this.#known('cert', certificate);
    if (uid === null || uid === undefined) {
      throw fail(
        'UNAUTHENTICATED',
        'the caller cannot be identified',
        'present a token: Authorization: Bearer …; the command takes it from WEFT_TOKEN',
      );
    }
    const identity = this.#known('uid', String(uid));
    const isAdmin = uid === 0 || uid === process.getuid?.() || this.#admins.includes(uid);
    return isAdmin ? { ...identity, bindings: everything } : identity;
  }

  #known(by: 'uid' | 'token' | 'cert', name: string): Identity {
    this.#refresh();
    const subject = by === 'uid' ? ({ kind: 'user', name: `uid-${name}` } as const) : ({ kind: by, name } as const);
    return { subject, bindings: this.#bindings.get(`${by}:${name}`) ?? nothing };
  }

  #refresh(): void {
    const revision = this.#store.revisionOf([roleKind.kind]);
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#bindings = bindingsOf(this.#store.list(roleKind.kind).map(({ spec }) => spec as unknown as RoleSpec));
  }
}

interface RoleSpec {
  readonly role: RoleName;
  readonly subjects: readonly string[];
  readonly projects?: readonly string[];
  readonly everywhere: boolean;
}

/** By subject; one for each role that it has, however many objects say so. */
function bindingsOf(specs: readonly RoleSpec[]): Map<string, Binding[]> {
  const all = new Map<string, Map<RoleName, Set<string> | null>>();
  for (const { role, subjects, projects = [], everywhere } of specs) {
    for (const subject of subjects) {
      const roles = all.get(subject) ?? new Map<RoleName, Set<string> | null>();
      all.set(subject, roles);
      const known = roles.get(role);
      if (everywhere || known === null) roles.set(role, null);
      else if (known === undefined) roles.set(role, new Set(projects));
      else for (const project of projects) known.add(project);
    }
  }
  return new Map([...all].map(([subject, roles]) => [subject, [...roles].map(([role, projects]) => ({ role, projects }))]));
}

function bearer(authorization: string): string {
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
  if (token === undefined)
    throw fail('UNAUTHENTICATED', 'the header Authorization holds no bearer token', 'write: Authorization: Bearer TOKEN');
  return token;
}
