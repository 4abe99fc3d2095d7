/** What path sources (objects of `network`, later BGP) tell a routing table. The best paths to a prefix become rows of the forwarder. */
import type { IpPrefix } from './ip.ts';
import type { NexthopRow } from './rows.gen.ts';

/** One way in which one table reaches one prefix. */
export interface RoutePath {
  /** Number of the VRF. */
  readonly table: number;
  readonly prefix: IpPrefix;
  /** Who says so, a value of `routeSources`: the lowest wins. */
  readonly source: number;
  /** Tells the paths of one source to one prefix apart, and keeps its place in an ECMP group while it lasts. */
  readonly pathId: string;
  /** Among paths of one source the lowest wins; equals share the traffic. */
  readonly preference: number;
  /** The row that packets follow, of any type but ecmp; whoever gives the path also keeps that row in the forwarder. */
  readonly nextHop: NexthopRow;
  /** Address of the next router, for people; absent where packets go straight to their destination. */
  readonly via?: string;
}
