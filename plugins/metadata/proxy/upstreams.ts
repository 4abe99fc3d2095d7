/** The Novas in use, by the uid of their Metadata object: made anew when the object or one of its secrets changes. */
import { type ObjectKey, referencedKey } from '@weft/kernel/contract/system';
import type { DeniedPrefixes, ObjectCache } from '@weft/kernel/sdk';
import type { Metadata } from '../kinds.ts';
import type { Health } from './health.ts';
import { resolveNova, type Secret } from './nova.ts';
import { Upstream } from './upstream.ts';

interface Entry {
  /** What it was made of. Holds secrets: it goes nowhere. */
  readonly made: string;
  readonly upstream: Upstream | undefined;
}

export class Upstreams {
  readonly #objects: Pick<ObjectCache, 'get' | 'list'>;
  readonly #health: Pick<Health, 'configured'>;
  readonly #sockets: number;
  readonly #denied: DeniedPrefixes;
  readonly #entries = new Map<string, Entry>();

  /** @param sockets connections to each Nova */
  constructor(objects: Pick<ObjectCache, 'get' | 'list'>, health: Pick<Health, 'configured'>, sockets: number, denied: DeniedPrefixes) {
    this.#objects = objects;
    this.#health = health;
    this.#sockets = sockets;
    this.#denied = denied;
  }

  /** Takes up what changed in Metadata and Secret objects. */
  refresh(): void {
    const present = new Set<string>();
    for (const metadata of this.#objects.list<Metadata>('Metadata')) {
      present.add(metadata.metadata.uid);
      this.#update(metadata);
    }
    for (const [uid, { upstream }] of this.#entries) {
      if (present.has(uid)) continue;
      upstream?.retire();
      this.#entries.delete(uid);
    }
  }

  /** Undefined: the object is no proxy, or cannot be one as it is. */
  get({ metadata }: Metadata): Upstream | undefined {
    return this.#entries.get(metadata.uid)?.upstream;
  }

  #update(metadata: Metadata): void {
    const { uid, project } = metadata.metadata;
    const made = this.#inputs(metadata);
    const before = this.#entries.get(uid);
    if (before?.made === made) return;
    const { mode, nova } = metadata.spec;
    const find = (key: ObjectKey) => this.#objects.get<Secret>(key);
    const outcome = mode === 'proxy' && nova !== undefined ? resolveNova(nova, project, find, this.#denied) : undefined;
    before?.upstream?.retire();
    this.#entries.set(uid, { made, upstream: outcome?.ok === true ? new Upstream(outcome.value, this.#sockets, this.#denied) : undefined });
    this.#health.configured(metadata, outcome?.ok === false ? `${outcome.problem.message}: ${outcome.problem.fix}` : null);
  }
  /** All that `resolveNova` looks at: certificates are read anew only when they changed, however often some Secret does. */
  #inputs({ spec: { mode, nova }, metadata: { project } }: Metadata): string {
    const references = [nova?.secretRef, nova?.caRef, nova?.clientCertificateRef];
    const secrets = references.map((name) => name && this.#objects.get<Secret>(referencedKey('Secret', name, project))?.spec.data);
    return JSON.stringify([mode, nova, secrets]);
  }
}
