/** `weft routes`: the routes of each network and of each uplink, with names. */
import {
  comparePrefixes,
  formatPrefix,
  type LearnedNeighborRow,
  nexthopTypes,
  type Port,
  parseIp,
  prefixContains,
  prefixOf,
  type RoutePath,
  routeSources,
  type Uplink,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import type { OperationSpec, WeftObject } from '@weft/kernel/contract/system';
import { type Forwarder, fail, type ObjectCache, type OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import { scopedName } from '../admission/world.ts';
import type { UsedRoute } from '../rows/decisions.ts';
import { linkLocal } from '../subnet.ts';
import { inProject, nameFor } from './links.ts';
import { waysOut } from './ways-out.ts';

const input = Type.Object(
  { network: Type.Optional(Type.String({ description: 'Only this VirtualNetwork.' })) },
  { additionalProperties: false },
);
const item = Type.Object({
  project: Type.String({ description: 'Project of the network; empty: it is an Uplink.' }),
  network: Type.String({ description: 'The VirtualNetwork or Uplink that routes so.' }),
  prefix: Type.String({ description: 'Destination.' }),
  via: Type.String({
    description:
      'Address of the next hop; direct: on a subnet of the network, or the port itself; uplink NAME: looked up there, and PROJECT/NAME: in that network; plugin: answered by a plugin; unreachable: no port has the next hop.',
  }),
  source: Type.String({
    description:
      'connected, static, leaked (by a LogicalRouter), underlay (routed natively), external (the way out that the plugin snat makes), or learned: an address that a VM took by itself.',
  }),
  port: Type.Optional(
    Type.String({ description: 'PROJECT/NAME of the port that the packets leave through, if the caller may see it, or uplink NAME.' }),
  ),
  mac: Type.Optional(Type.String({ description: 'MAC address that they are sent to.' })),
  place: Type.Optional(
    Type.Integer({ description: 'Place in the ECMP group, from 0, when several ports share the traffic: one item for each.', minimum: 0 }),
  ),
});
const output = Type.Object({ items: Type.Array(item, { description: 'One for each route.' }) });
type Item = Static<typeof item>;

export const routesSpec: OperationSpec = {
  name: 'routes',
  summary: 'Routes of networks and uplinks',
  stream: false,
  bundle: true,
  viewer: true,
  input,
  output,
  cli: {
    verb: 'routes',
    columns: [
      { title: 'PROJECT', pointer: '/project' },
      { title: 'NETWORK', pointer: '/network' },
      { title: 'PREFIX', pointer: '/prefix' },
      { title: 'VIA', pointer: '/via' },
      { title: 'SOURCE', pointer: '/source' },
      { title: 'PORT', pointer: '/port' },
      { title: 'PLACE', pointer: '/place' },
      { title: 'MAC', pointer: '/mac', wide: true },
    ],
  },
};

/** The routes in use, by the number of their table. */
export interface Routes {
  routesOf(table: number): readonly UsedRoute[];
}

export async function routes(
  context: { readonly objects: Pick<ObjectCache, 'list'>; readonly forwarder: Pick<Forwarder, 'rows'> },
  used: Routes,
  given: Static<typeof input>,
  call: OperationCall,
): Promise<Static<typeof output>> {
  const networks = context.objects
    .list<VirtualNetwork>('VirtualNetwork')
    .filter(({ metadata }) => inProject(metadata.project ?? '', call.project) && (given.network ?? metadata.name) === metadata.name);
  if (given.network !== undefined && networks.length === 0) {
    throw fail('NOT_FOUND', `no VirtualNetwork ${given.network} in project ${call.project}`, 'list them with: weft get vn');
  }
  const uplinks = given.network === undefined && call.projects === undefined ? context.objects.list<Uplink>('Uplink') : [];
  const names = namesFor(context.objects, call);
  const out = waysOut(context.objects);
  const taken = await context.forwarder.rows('learned_neighbor');
  const learned = Map.groupBy(
    taken.filter(({ address }) => !isLinkLocal(address)),
    ({ bridge }) => bridge,
  );
  return {
    items: [
      ...networks.flatMap((network) => {
        const { metadata, status } = network;
        const base = { project: metadata.project ?? '', network: metadata.name };
        return [
          ...[...used.routesOf(status.id)].sort(inOrder).map((route) => describe(base, route, names)),
          ...(learned.get(status.id) ?? []).map((row) => describeLearned(base, row, names)),
          ...wayOut(base, hasOwnWay(network) ? undefined : out.get(scopedName(network))),
        ];
      }),
      ...uplinks.flatMap(({ metadata, status }) =>
        [...used.routesOf(status.network)].sort(inOrder).map((route) => describe({ project: '', network: metadata.name }, route, names)),
      ),
    ],
  };
}

/** For people: of ports by their number, and of networks and uplinks by that of their table. */
interface RouteNames {
  readonly ports: ReadonlyMap<number, string>;
  readonly tables: ReadonlyMap<number, string>;
}

function namesFor(cache: Pick<ObjectCache, 'list'>, call: OperationCall): RouteNames {
  const called = ({ kind, metadata }: WeftObject<object, object>): string => nameFor(call, metadata.project ?? '', metadata.name, kind);
  const uplinks = cache.list<Uplink>('Uplink');
  return {
    ports: new Map([...cache.list<Port>('Port'), ...uplinks].map((object) => [object.status.id, called(object)])),
    tables: new Map([
      ...cache.list<VirtualNetwork>('VirtualNetwork').map((network) => [network.status.id, called(network)] as const),
      ...uplinks.map((uplink) => [uplink.status.network, called(uplink)] as const),
    ]),
  };
}

/** Routed natively, or not at all. */
const hasOwnWay = ({ spec }: VirtualNetwork): boolean => spec.underlay !== undefined || spec.forwarding === 'l2';

/** What the plugin snat makes for the network. */
function wayOut(base: Pick<Item, 'project' | 'network'>, uplink: string | undefined): Item[] {
  if (uplink === undefined) return [];
  return ['0.0.0.0/0', '::/0'].map((prefix) => ({ ...base, prefix, via: `uplink ${uplink}`, source: 'external' }));
}

function inOrder(a: UsedRoute, b: UsedRoute): number {
  return comparePrefixes(a.path.prefix, b.path.prefix) || a.path.source - b.path.source || (a.place ?? 0) - (b.place ?? 0);
}

function describe(base: Pick<Item, 'project' | 'network'>, { path, place }: UsedRoute, { ports, tables }: RouteNames): Item {
  const source = Object.entries(routeSources).find(([, number]) => number === path.source)?.[0] ?? String(path.source);
  const port = ports.get(path.nextHop.port);
  return {
    ...base,
    prefix: formatPrefix(path.prefix),
    via: viaOf(path, tables),
    source,
    ...(port === undefined ? {} : { port, ...(path.nextHop.type === nexthopTypes.port ? { mac: path.nextHop.mac } : {}) }),
    ...(place === undefined ? {} : { place }),
  };
}

/** Addresses of the link alone are no routes. */
function isLinkLocal(address: string): boolean {
  const parsed = parseIp(address);
  return parsed !== undefined && linkLocal.some((prefix) => prefixContains(prefix, parsed));
}

/** An address that a VM took by itself: packets of its subnet's route reach it. */
function describeLearned(
  base: Pick<Item, 'project' | 'network'>,
  { address, port: number, mac }: LearnedNeighborRow,
  { ports }: RouteNames,
): Item {
  const port = ports.get(number);
  const prefix = parseIp(address);
  return {
    ...base,
    prefix: prefix ? formatPrefix(prefixOf(prefix)) : address,
    via: 'direct',
    source: 'learned',
    ...(port === undefined ? {} : { port }),
    mac,
  };
}

function viaOf({ via, nextHop }: RoutePath, tables: ReadonlyMap<number, string>): string {
  if (nextHop.type === nexthopTypes.vrf) return tables.get(nextHop.target) ?? `table ${nextHop.target}`;
  if (nextHop.type === nexthopTypes.blackhole) return 'unreachable';
  return nextHop.type === nexthopTypes.punt ? 'plugin' : (via ?? 'direct');
}
