/** Objects → the rows that they want in the forwarder and what their status says. Pure; each row belongs to exactly one object. */
import {
  type FloatingIp,
  formatIp,
  type NatAddressRow,
  type NexthopRow,
  natFlags,
  nexthopTypes,
  parseIp,
  type Row,
  routeSources,
  type SnatPool,
  type SnatPoolSpec,
  type Uplink,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import { insideOf } from '../floating-ips.ts';
import { isHostPool, placeInPool, poolAddresses, poolPlace, portRange } from '../pools.ts';
import { nameFor, type Site, titleOf } from '../site.ts';
import { decidedOf, notAllowed, placeOf, usedBy } from '../uplinks.ts';
import { wayOf } from '../way.ts';

export interface Wanted {
  readonly rows: readonly Row[];
  /** Once the forwarder has the rows. */
  readonly status?: Readonly<Record<string, unknown>>;
}

export const nothing: Wanted = { rows: [] };

/** Where packets look on that leave a network: the VRF of the uplink. */
export function uplinkWants({ status }: Uplink): Wanted {
  const none = { port: 0, bridge: 0, mac: '00:00:00:00:00:00', flags: 0, size: 0, puntClass: 0 };
  const row: NexthopRow = { table: 'nexthop', id: nexthopOf(status), type: nexthopTypes.vrf, target: status.network, ...none };
  return { rows: [row] };
}

const nexthopOf = ({ network }: Uplink['status']): number => network;

/** The way out of a network. One that is routed natively has its routes from the plugin network. */
export function networkWants(network: VirtualNetwork, site: Site): Wanted {
  const way = wayOf(network, site);
  if (way === undefined) return nothing;
  const { uplink, pool, native } = way;
  const vrf = network.status.id;
  const to = { vrf, prefixLength: 0, source: routeSources.external, nexthop: nexthopOf(uplink.status) };
  return {
    rows: [
      { table: 'vrf_nat', vrf, pool: pool?.status.id ?? 0, port: uplink.status.id },
      ...(native ? [] : ['0.0.0.0', '::'].map((address): Row => ({ table: 'route', ...to, address }))),
    ],
  };
}

export function poolWants(pool: SnatPool, site: Site, appliance: string): Wanted {
  const { uplink, reason: nowhere } = withReason(poolPlace(pool, site.uplinks()));
  const addresses = poolAddresses(pool, uplink);
  const problems = new Map(addresses.flatMap((address) => pair(address, poolProblem(pool, address, site, uplink))));
  const used = uplink === undefined ? [] : addresses.filter((address) => !problems.has(address));
  const without = uplink !== undefined && addresses.length === 0 ? [`Uplink/${uplink.metadata.name} has no address of its own`] : [];
  const reasons =
    uplink === undefined ? [nowhere] : [...without, ...[...problems].map(([address, why]) => `${address} is left out: ${why}`)];
  return {
    rows: uplink === undefined ? [] : used.flatMap((address) => addressRow(pool, uplink, address) ?? []),
    status: {
      phase: used.length > 0 ? 'Active' : 'Pending',
      uplink: uplink?.metadata.name ?? '',
      assignments: used.map((address) => ({ address, appliance })),
      reason: reasons.join('; ').slice(0, longestReason),
    },
  };
}

const longestReason = 1_000;

function pair(address: string, problem: string | undefined): readonly (readonly [string, string])[] {
  return problem === undefined ? [] : [[address, problem]];
}

/** What happened after admission: an uplink, or another pool that came before it could be known where this one is. */
function poolProblem(pool: SnatPool, address: string, site: Site, uplink: Uplink | undefined): string | undefined {
  const title = titleOf(pool);
  if (isHostPool(pool.spec)) {
    const [first] = uplink === undefined ? [] : site.hostPools(uplink);
    return first === undefined || first === title ? undefined : `${nameFor(pool, first)} shares it already`;
  }
  const parsed = parseIp(address);
  const used = usedBy(address, site.uplinks());
  if (used !== undefined) return `it is ${used}`;
  const [first] = site.holders(address);
  if (first !== undefined && first !== title) return `${nameFor(pool, first)} has it`;
  const banned = parsed && uplink && notAllowed(parsed, uplink);
  if (banned !== undefined) return `it is ${banned}`;
  const own = parsed && placeInPool(pool, parsed, site.uplinks(), uplink).uplink;
  return own === undefined || own === uplink ? undefined : `it is behind Uplink/${own?.metadata.name}`;
}

function addressRow(pool: SnatPool, uplink: Uplink, address: string): NatAddressRow | undefined {
  const { spec, status } = pool;
  const range = portRange(spec);
  return (
    range && {
      table: 'nat_address',
      port: uplink.status.id,
      address,
      pool: status.id,
      portMin: range.first,
      portMax: range.last,
      blockSize: spec.blockSize,
      portBlocks: spec.maxBlocksPerPort,
      flags: flagsOf(spec),
    }
  );
}

function flagsOf(spec: SnatPoolSpec): number {
  return (
    (isHostPool(spec) ? natFlags.host : 0) |
    (spec.tcpPortReuse ? natFlags.reuse : 0) |
    (spec.mapping === 'endpoint-independent' ? 0 : natFlags.dependentMapping) |
    (spec.filtering === 'endpoint-independent' ? 0 : natFlags.dependentFiltering)
  );
}

export function ipWants(ip: FloatingIp, site: Site): Wanted {
  const uplinks = site.uplinks();
  const address = parseIp(ip.spec.address);
  const port = site.portOf(ip);
  const place = address && placeOf(address, ip.spec.uplink, uplinks, decidedOf(ip.status));
  const uplink = place?.uplink;
  const inside = port && insideOf(ip, port);
  const reason = ipProblem(ip, site, uplink) ?? withReason(place ?? {}).reason;
  const common = { uplink: uplink?.metadata.name ?? '', inside: inside ?? '' };
  if (reason !== '' || uplink === undefined || port === undefined || inside === undefined || address === undefined)
    return { rows: [], status: { phase: 'Pending', ...common, reason } };
  const { prefixLength } = place as { readonly prefixLength: number };
  const behind = { port: uplink.status.id, address: formatIp(address), prefixLength };
  return {
    rows: [{ table: 'floating_ip', ...behind, insidePort: port.status.id, inside }],
    status: { phase: 'Active', ...common, reason: '' },
  };
}

/** Why it cannot be used, beside its place: what happened after admission. */
function ipProblem(ip: FloatingIp, site: Site, uplink: Uplink | undefined): string | undefined {
  const parsed = parseIp(ip.spec.address);
  const canonical = parsed === undefined ? ip.spec.address : formatIp(parsed);
  const used = usedBy(canonical, site.uplinks());
  const bad = used ?? (parsed && uplink && notAllowed(parsed, uplink));
  if (bad !== undefined) return `${canonical} is ${bad}`;
  const [first] = site.holders(canonical);
  if (first !== undefined && first !== titleOf(ip)) return `${nameFor(ip, first)} has ${canonical}`;
  const port = site.portOf(ip);
  if (port === undefined) return `there is no Port ${ip.spec.target.port}`;
  if (insideOf(ip, port) === undefined)
    return `Port ${ip.spec.target.port} has no address ${ip.spec.target.address ?? `that fits ${canonical}`}`;
  const network = site.networkOf(port);
  if (network === undefined) return `there is no VirtualNetwork ${port.spec.network}`;
  if (network.spec.forwarding === 'l2') return `VirtualNetwork ${port.spec.network} has forwarding l2: it has no gateway`;
  const way = wayOf(network, site)?.uplink;
  if (uplink === undefined || way === undefined || way === uplink) return undefined;
  return `the way out of VirtualNetwork ${port.spec.network} is Uplink/${way.metadata.name}, not Uplink/${uplink.metadata.name}`;
}

function withReason(place: { readonly uplink?: Uplink | undefined; readonly reason?: string }): {
  readonly uplink: Uplink | undefined;
  readonly reason: string;
} {
  return { uplink: place.uplink, reason: place.reason ?? '' };
}
