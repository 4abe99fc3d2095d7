/** Sites by the uid of their port, as many as fit; the least recently used go first. */
import type { Guest } from '../guest.ts';
import { Site } from './site.ts';

interface Entry {
  readonly guest: Guest;
  readonly site: Site;
}

export class SiteCache {
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  /** @param limit bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The site of a guest, made when it is not there or was made of other objects. */
  of(guest: Guest): Site {
    const { uid } = guest.port.metadata;
    const kept = this.#entries.get(uid);
    const entry = kept !== undefined && isSame(kept.guest, guest) ? kept : { guest, site: new Site(guest) };
    this.drop(uid);
    this.#entries.set(uid, entry);
    this.#bytes += entry.site.bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#limit) break;
      this.drop(oldest);
    }
    return entry.site;
  }

  drop(uid: string): void {
    this.#bytes -= this.#entries.get(uid)?.site.bytes ?? 0;
    this.#entries.delete(uid);
  }
}

/** Objects are never changed in place, so the same ones say the same. */
function isSame(a: Guest, b: Guest): boolean {
  return a.port === b.port && a.network === b.network && a.data === b.data && a.projectUuid === b.projectUuid;
}
