/** Which changes the catalogue must hear of. Its own plugin writes status, others do, and to make it anew is work. */
import type { VirtualNetwork } from '@weft/kernel/contract/net';
import { formatKey, type ObjectKey } from '@weft/kernel/contract/system';
import type { ObjectCache } from '@weft/kernel/sdk';
import type { LinkLocalService } from './kinds.ts';

export class Changes {
  readonly #objects: Pick<ObjectCache, 'get'>;
  /** What the catalogue reads of each object, by key. */
  readonly #seen = new Map<string, string>();

  constructor(objects: Pick<ObjectCache, 'get'>) {
    this.#objects = objects;
  }

  /** Whether one of these is another one to the catalogue than when it was noted last. */
  note(changed: readonly ObjectKey[]): boolean {
    return changed.filter((key) => this.#differs(key)).length > 0;
  }

  #differs(key: ObjectKey): boolean {
    const name = formatKey(key);
    const read = this.#read(key);
    if (this.#seen.get(name) === read) return false;
    if (read === undefined) this.#seen.delete(name);
    else this.#seen.set(name, read);
    return true;
  }

  #read(key: ObjectKey): string | undefined {
    const object = key.kind === 'Port' ? undefined : this.#objects.get<LinkLocalService | VirtualNetwork>(key);
    if (object === undefined) return undefined;
    const { metadata, spec, status } = object;
    return JSON.stringify([metadata.uid, metadata.shared, spec, 'id' in status ? status.id : 0]);
  }
}
