/**
 * Places in ECMP groups over time. A flow's hash chooses a place, so a member keeps its place while it lasts: one that goes leaves a hole, and only
 * flows of that hole move; one that comes takes the first hole, and only then a new place.
 */
import { ecmpPlaces, type MemberRow, type NexthopRow, nexthopTypes, type RouteRow } from '@weft/kernel/contract/net';
import { destinationOfRow } from './destination.ts';
import { firstGroup, noNexthop } from './nexthops.ts';

export interface Group {
  /** Number of the group's nexthop row; it stays while any member stays. */
  readonly id: number;
  /** Next hops by place; undefined: a hole. */
  readonly places: readonly (number | undefined)[];
}

/** Rows of this plugin that the forwarder has. */
export interface KnownRows {
  readonly routes: readonly RouteRow[];
  readonly nexthops: readonly NexthopRow[];
  readonly members: readonly MemberRow[];
}

export class EcmpGroups {
  /** By destination, then by source of its routes. */
  readonly #groups = new Map<string, Map<number, Group>>();
  readonly #used = new Set<number>();
  #lowest = firstGroup;

  /**
   * Takes what each source now says about a destination: the next hops that it uses, in the order in which newcomers get places.
   * Returns the groups by source: none for a source with a single next hop that never shared a group, or with none.
   */
  update(destination: string, wanted: ReadonlyMap<number, readonly number[]>): ReadonlyMap<number, Group> {
    const known = this.#groups.get(destination) ?? new Map<number, Group>();
    for (const [source, group] of known) {
      const members = wanted.get(source) ?? [];
      if (!group.places.some((place) => place !== undefined && members.includes(place))) this.#drop(known, source, group);
    }
    for (const [source, members] of wanted) {
      const group = known.get(source);
      if (group) known.set(source, { id: group.id, places: placesOf(members, group.places) });
      else if (members.length > 1) known.set(source, { id: this.#take(), places: placesOf(members, []) });
    }
    if (known.size > 0) this.#groups.set(destination, known);
    else this.#groups.delete(destination);
    return known;
  }

  /** The groups of a destination by source, as `update` left them. */
  at(destination: string): ReadonlyMap<number, Group> {
    return this.#groups.get(destination) ?? new Map();
  }

  /** Takes up the groups that the forwarder has, so that no flow moves because this process was away. To be called first; returns their destinations. */
  restore({ routes, nexthops, members }: KnownRows): readonly string[] {
    const sizes = new Map(nexthops.flatMap(({ id, type, size }) => (type === nexthopTypes.ecmp && id >= firstGroup ? [[id, size]] : [])));
    const membersOf = Map.groupBy(members, ({ group }) => group);
    return routes.flatMap((route) => {
      const size = sizes.get(route.nexthop);
      if (size === undefined) return [];
      const places: (number | undefined)[] = Array.from({ length: size });
      for (const { index, nexthop } of membersOf.get(route.nexthop) ?? []) if (index < size) places[index] = nexthop;
      const destination = destinationOfRow(route);
      const groups = this.#groups.get(destination) ?? new Map<number, Group>();
      this.#groups.set(destination, groups.set(route.source, { id: route.nexthop, places }));
      this.#used.add(route.nexthop);
      return [destination];
    });
  }

  #drop(groups: Map<number, Group>, source: number, group: Group): void {
    groups.delete(source);
    this.#used.delete(group.id);
    this.#lowest = Math.min(this.#lowest, group.id);
  }

  #take(): number {
    while (this.#used.has(this.#lowest)) this.#lowest += 1;
    this.#used.add(this.#lowest);
    return this.#lowest;
  }
}

function placesOf(members: readonly number[], before: Group['places']): Group['places'] {
  const places = before.map((place) => (place !== undefined && members.includes(place) ? place : undefined));
  for (const member of members.filter((each) => !places.includes(each))) {
    const hole = places.indexOf(undefined);
    if (hole >= 0) places[hole] = member;
    else if (places.length < ecmpPlaces) places.push(member);
  }
  return places;
}

export function groupRows({ id, places }: Group): readonly (NexthopRow | MemberRow)[] {
  const members = places.flatMap((nexthop, index): MemberRow[] =>
    nexthop === undefined ? [] : [{ table: 'member', group: id, index, nexthop }],
  );
  return [{ ...noNexthop, id, type: nexthopTypes.ecmp, size: places.length }, ...members];
}
