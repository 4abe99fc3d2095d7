/** All paths that the objects give, and the rows decided from them, one destination at a time. */
import type { RoutePath, Row } from '@weft/kernel/contract/net';
import { type MacPath, macRows, type NeighborPath, neighborRows } from './bridge-paths.ts';
import { destinationOf } from './destination.ts';
import { EcmpGroups, type KnownRows } from './ecmp.ts';
import type { Wanted } from './object-rows.ts';
import { PathTable } from './path-table.ts';
import { routeRows, usedPaths } from './rib.ts';

/** Table and destination, such as `route 1 10.1.0.0/24`. */
export type Destination = string;

/** A path that packets take. */
export interface UsedRoute {
  readonly path: RoutePath;
  /** Place in an ECMP group; absent without one. */
  readonly place?: number;
}

export class Decisions {
  readonly #routes = new PathTable<RoutePath>(destinationOf);
  readonly #neighbors = new PathTable<NeighborPath>(({ bridge, address }) => `${bridge} ${address}`);
  readonly #macs = new PathTable<MacPath>(({ bridge, mac }) => `${bridge} ${mac}`);
  readonly #groups = new EcmpGroups();

  /** Takes up what the forwarder has already; returns the destinations to decide anew. To be called first. */
  restore(known: KnownRows): readonly Destination[] {
    return this.#groups.restore(known).map((key) => `route ${key}`);
  }

  /** Makes these the paths of one object; returns the destinations to decide anew. */
  set(unit: string, { routes, neighbors, macs }: Pick<Wanted, 'routes' | 'neighbors' | 'macs'>): readonly Destination[] {
    return [
      ...[...this.#routes.set(unit, routes)].map((key) => `route ${key}`),
      ...[...this.#neighbors.set(unit, neighbors)].map((key) => `neighbor ${key}`),
      ...[...this.#macs.set(unit, macs)].map((key) => `mac ${key}`),
    ];
  }

  /** The rows of a destination. */
  rows(destination: Destination): readonly Row[] {
    const blank = destination.indexOf(' ');
    const key = destination.slice(blank + 1);
    switch (destination.slice(0, blank)) {
      case 'route':
        return routeRows(key, this.#routes.at(key), this.#groups);
      case 'neighbor':
        return neighborRows(this.#neighbors.at(key));
      default:
        return macRows(this.#macs.at(key));
    }
  }

  /** The routes of one table, in no order. */
  routesOf(table: number): readonly UsedRoute[] {
    return [...this.#routes.keys()].filter((key) => key.startsWith(`${table} `)).flatMap((key) => this.#used(key));
  }

  #used(key: string): readonly UsedRoute[] {
    const groups = this.#groups.at(key);
    return [...usedPaths(this.#routes.at(key))].flatMap(([source, paths]) => {
      const group = groups.get(source);
      if (!group) return paths.slice(0, 1).map((path) => ({ path }));
      return paths.map((path) => ({ path, place: group.places.indexOf(path.nextHop.id) })).filter(({ place }) => place >= 0);
    });
  }
}
