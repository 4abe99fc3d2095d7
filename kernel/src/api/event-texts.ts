/** Events of the log as server-sent events, made once for all who watch. */
import { keyOf, type ObjectKey } from '../../contract/system/index.ts';
import { shown } from '../apply/index.ts';
import type { ObjectStore } from '../store/index.ts';
import { formatEvent } from './sse.ts';

export interface EventText {
  readonly key: ObjectKey;
  readonly text: string;
}

/** What lies between two revisions, `since` exclusive, `until` inclusive. */
export interface Stretch {
  readonly until: number;
  readonly events: readonly EventText[];
}

/** Of one stretch, so that a slow reader holds little. One event may be longer. */
const longest = 256 * 1024;
/** Read from the store at once. */
const readAtOnce = 64;
/** Stretches that are kept: almost all who watch are at the same place. */
const kept = 16;

export class EventTexts {
  readonly #store: ObjectStore;
  readonly #stretches = new Map<number, Stretch>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** What comes next after `since`, which is not the last revision. @throws REVISION_GONE */
  after(since: number): Stretch {
    this.#store.assertReachable(since);
    const known = this.#stretches.get(since);
    if (known !== undefined) return known;
    const stretch = this.#read(since);
    const [oldest] = this.#stretches.keys();
    if (this.#stretches.size === kept && oldest !== undefined) this.#stretches.delete(oldest);
    this.#stretches.set(since, stretch);
    return stretch;
  }

  #read(since: number): Stretch {
    const events: EventText[] = [];
    let length = 0;
    for (let until = since; ; ) {
      const part = this.#store.eventsAfter(until, null, readAtOnce);
      for (const { revision, type, object } of part.events) {
        const text = formatEvent({ id: revision, event: type, data: shown(object) });
        length += text.length;
        events.push({ key: keyOf(object), text });
        if (length >= longest) return { until: revision, events };
      }
      until = part.until;
      if (until >= this.#store.revision) return { until, events };
    }
  }
}
