/** Which port numbers a change concerns, and which ports of a network may have a router behind them. */
import type { Port } from '@weft/kernel/contract/net';
import { formatKey, type ObjectKey, referencedKey } from '@weft/kernel/contract/system';
import type { ObjectCache } from '@weft/kernel/sdk';

/** So many of a network's ports hear its router solicitations. */
const mostRouters = 16;

export class Followers {
  readonly #objects: Pick<ObjectCache, 'get' | 'list'>;
  /** Numbers of ports without security by their network; made when first asked for. */
  #routers: Map<string, number[]> | undefined;

  constructor(objects: Pick<ObjectCache, 'get' | 'list'>) {
    this.#objects = objects;
  }

  refresh(changed: readonly ObjectKey[]): void {
    if (changed.some(({ kind }) => kind === 'Port')) this.#routers = undefined;
  }

  /** Of the Ports that changed and are still there; a port that goes is told by the forwarder. */
  numbers(changed: readonly ObjectKey[]): readonly number[] {
    return changed.flatMap((key) => (key.kind === 'Port' ? (this.#objects.get<Port>(key)?.status.id ?? []) : []));
  }

  /** Ports without security of the network in which `port` is. */
  routersBeside(port: Port): readonly number[] {
    this.#routers ??= this.#group();
    return this.#routers.get(networkOf(port)) ?? [];
  }

  #group(): Map<string, number[]> {
    const routers = new Map<string, number[]>();
    for (const port of this.#objects.list<Port>('Port')) {
      const among = routers.get(networkOf(port)) ?? [];
      if (port.spec.portSecurity || among.length === mostRouters) continue;
      routers.set(networkOf(port), [...among, port.status.id]);
    }
    return routers;
  }
}

const networkOf = ({ spec, metadata }: Port): string => formatKey(referencedKey('VirtualNetwork', spec.network, metadata.project));
