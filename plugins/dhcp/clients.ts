/** Who is behind which port: known by the number that a punt carries, never by what the client says. */
import type { Port, VirtualNetwork } from '@weft/kernel/contract/net';
import { type ObjectKey, referencedKey } from '@weft/kernel/contract/system';
import { type ObjectCache, PortIndex } from '@weft/kernel/sdk';

export interface Client {
  readonly port: Port;
  /** Absent while its network is not known. */
  readonly network?: VirtualNetwork;
}

/** What a client gets by a protocol, or why nothing. */
export type Assigned<Assignment> = { readonly ok: true; readonly assignment: Assignment } | { readonly ok: false; readonly reason: string };

/** What clients get, made once for as long as neither their port nor their network change. */
export class Assignments<Assignment> {
  readonly #make: (port: Port, network: VirtualNetwork) => Assigned<Assignment>;
  readonly #known = new WeakMap<Client, Assigned<Assignment>>();

  constructor(make: (port: Port, network: VirtualNetwork) => Assigned<Assignment>) {
    this.#make = make;
  }

  of(client: Client): Assigned<Assignment> {
    const known = this.#known.get(client);
    if (known !== undefined) return known;
    const { port, network } = client;
    const made =
      network === undefined ? { ok: false as const, reason: `network ${port.spec.network} is not known` } : this.#make(port, network);
    this.#known.set(client, made);
    return made;
  }
}

export class Clients {
  readonly #objects: Pick<ObjectCache, 'get'>;
  readonly #ports = new PortIndex();
  /** By port number; made when first asked for, forgotten when anything that they are made of changes. */
  readonly #clients = new Map<number, Client>();

  constructor(objects: Pick<ObjectCache, 'get'>) {
    this.#objects = objects;
  }

  /** Takes up what changed in the object cache. Returns the Ports (as they were) that are gone or made anew. */
  refresh(changed: readonly ObjectKey[]): readonly Port[] {
    const gone: Port[] = [];
    if (changed.some((key) => key.kind === 'VirtualNetwork')) this.#clients.clear();
    for (const key of changed) {
      if (key.kind !== 'Port') continue;
      const port = this.#objects.get<Port>(key);
      const before = this.#ports.put(key, port);
      for (const each of [before, port]) if (each !== undefined) this.#clients.delete(each.status.id);
      if (before !== undefined && before.metadata.uid !== port?.metadata.uid) gone.push(before);
    }
    return gone;
  }

  /** Behind the port of this number. The same object as long as neither port nor network changed: usable as a key of caches. */
  get(id: number): Client | undefined {
    const known = this.#clients.get(id);
    if (known !== undefined) return known;
    const port = this.#ports.get(id);
    if (port === undefined) return undefined;
    const network = this.#objects.get<VirtualNetwork>(referencedKey('VirtualNetwork', port.spec.network, port.metadata.project));
    const client = network === undefined ? { port } : { port, network };
    this.#clients.set(id, client);
    return client;
  }
}
