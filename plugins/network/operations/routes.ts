/** `weft routes`: the routes of each network, with names. */
import { type Port, routeSources, type VirtualNetwork } from '@weft/kernel/contract/net';
import type { OperationSpec } from '@weft/kernel/contract/system';
import { fail, type ObjectCache, type OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import { networkOf, scopedName } from '../admission/world.ts';
import { formatPrefix, type Ipv4Prefix } from '../ipv4.ts';
import { networkPaths, nextHopText, portPaths } from '../rows/object-rows.ts';
import type { Path } from '../rows/rib.ts';
import { inProject } from './links.ts';

const input = Type.Object(
  { network: Type.Optional(Type.String({ description: 'Only this VirtualNetwork.' })) },
  { additionalProperties: false },
);
const item = Type.Object({
  project: Type.String({ description: 'Project of the network.' }),
  network: Type.String({ description: 'The VirtualNetwork that routes so.' }),
  prefix: Type.String({ description: 'Destination.' }),
  via: Type.String({ description: 'Address of the next hop; direct: on a subnet of the network, or the port itself.' }),
  source: Type.String({ description: 'connected, static or leaked (by a LogicalRouter).' }),
  port: Type.Optional(Type.String({ description: 'PROJECT/NAME of the port that the packets leave through.' })),
});
const output = Type.Object({ items: Type.Array(item) });
type Item = Static<typeof item>;

export const routesSpec: OperationSpec = {
  name: 'routes',
  summary: 'Routes of networks',
  stream: false,
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
    ],
  },
};

/** Peers of a network, by `project/name`. */
export interface Peering {
  peersOf(network: string): readonly VirtualNetwork[];
}

export function routes(
  cache: Pick<ObjectCache, 'list'>,
  peering: Peering,
  given: Static<typeof input>,
  call: OperationCall,
): Static<typeof output> {
  const networks = cache
    .list<VirtualNetwork>('VirtualNetwork')
    .filter(({ metadata }) => inProject(metadata.project ?? '', call.project) && (given.network ?? metadata.name) === metadata.name);
  if (given.network !== undefined && networks.length === 0) {
    throw fail('NOT_FOUND', `no VirtualNetwork ${given.network} in project ${call.project}`, 'list them with: weft get vn');
  }
  const portsOf = Map.groupBy(cache.list<Port>('Port'), networkOf);
  const own = (network: VirtualNetwork) => ownRoutes(network, portsOf.get(scopedName(network)) ?? []);
  return {
    items: networks.flatMap((network) => {
      const leaked = peering
        .peersOf(scopedName(network))
        .flatMap((peer) => own(peer).filter(({ path }) => path.source === routeSources.connected));
      const { project, name } = network.metadata;
      const base = { project: project ?? '', network: name };
      return [
        ...own(network).map((route) => describe(base, route)),
        ...leaked.map((route) => describe(base, { ...route, path: { ...route.path, source: routeSources.leaked } })),
      ];
    }),
  };
}

interface Route {
  readonly path: Path;
  readonly via: string;
  readonly port?: string;
}

function ownRoutes(network: VirtualNetwork, ports: readonly Port[]): readonly Route[] {
  const subnets = networkPaths(network).map((path) => ({ path, via: 'direct' }));
  const hosts = ports.flatMap((port) =>
    portPaths(port, network).map((path) => {
      const via = path.source === routeSources.static ? (nextHopText(path, network) ?? 'direct') : 'direct';
      return { path, via, port: scopedName(port) };
    }),
  );
  return [...subnets, ...hosts].sort((a, b) => byPrefix(a.path.prefix, b.path.prefix));
}

function byPrefix(a: Ipv4Prefix, b: Ipv4Prefix): number {
  return a.first - b.first || a.length - b.length;
}

function describe(base: Pick<Item, 'project' | 'network'>, { path, via, port }: Route): Item {
  const source = Object.entries(routeSources).find(([, number]) => number === path.source)?.[0] ?? String(path.source);
  return { ...base, prefix: formatPrefix(path.prefix), via, source, ...(port === undefined ? {} : { port }) };
}
