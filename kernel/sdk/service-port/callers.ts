/** Who an identity address belongs to, from what the forwarder tells of its ports. */
import type { PortState } from '../../contract/net/index.ts';
import type { Forwarder } from '../plugin.ts';
import { type Identity, isMeant } from './identity.ts';

/** News of a port come some 10 ms after the port itself. */
const patienceMs = 1_000;
/** Askers that wait to be known. Who comes beyond them is a stranger at once. */
const mostWaiting = 256;

interface Waiting {
  readonly identity: Identity;
  readonly resolve: (port: PortState | undefined) => void;
  readonly timer: NodeJS.Timeout;
}

export class Callers {
  readonly #bySlot = new Map<number, PortState>();
  readonly #slots = new Map<number, number>();
  readonly #waiting = new Set<Waiting>();

  constructor(forwarder: Pick<Forwarder, 'onPorts'>) {
    forwarder.onPorts((ports, removed) => this.#learn(ports, removed));
  }

  /** The port, when it is known already. */
  find(identity: Identity): PortState | undefined {
    const port = this.#bySlot.get(identity.slot);
    return port !== undefined && isMeant(identity, port.generation) ? port : undefined;
  }

  /** The port once it is known; undefined when it does not become so within a second, or too many wait. */
  whenKnown(identity: Identity): Promise<PortState | undefined> {
    const known = this.find(identity);
    if (known !== undefined || this.#waiting.size >= mostWaiting) return Promise.resolve(known);
    return new Promise((resolve) => {
      const waiting: Waiting = { identity, resolve, timer: setTimeout(() => this.#end(waiting), patienceMs) };
      this.#waiting.add(waiting);
    });
  }

  #learn(ports: readonly PortState[], removed: readonly number[]): void {
    for (const id of removed) this.#forget(id);
    for (const port of ports) {
      this.#forget(port.id);
      if (port.slot === 0) continue;
      this.#bySlot.set(port.slot, port);
      this.#slots.set(port.id, port.slot);
    }
    for (const waiting of [...this.#waiting]) if (this.find(waiting.identity) !== undefined) this.#end(waiting);
  }

  #forget(id: number): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#slots.delete(id);
    // Another port may have the place by now.
    if (this.#bySlot.get(slot)?.id === id) this.#bySlot.delete(slot);
  }

  #end(waiting: Waiting): void {
    clearTimeout(waiting.timer);
    this.#waiting.delete(waiting);
    waiting.resolve(this.find(waiting.identity));
  }
}
