/** Port objects by the number that punts carry. */

import type { Port } from '../contract/net/index.ts';
import { formatKey, type ObjectKey } from '../contract/system/index.ts';

export class PortIndex {
  readonly #byId = new Map<number, Port>();
  readonly #byKey = new Map<string, Port>();

  /** Takes the present state of a Port, undefined once it is gone. Returns the object that it replaces. */
  put(key: ObjectKey, port: Port | undefined): Port | undefined {
    const name = formatKey(key);
    const before = this.#byKey.get(name);
    // The number may already belong to another port.
    if (before !== undefined && this.#byId.get(before.status.id) === before) this.#byId.delete(before.status.id);
    this.#byKey.delete(name);
    if (port !== undefined) {
      this.#byKey.set(name, port);
      this.#byId.set(port.status.id, port);
    }
    return before;
  }

  get(id: number): Port | undefined {
    return this.#byId.get(id);
  }
}
