/** Names for the numbers in traces: of ports, networks, uplinks, groups and pools. */
import { type Port, type Row, type SnatPool, servicePortOwner, type Uplink, type VirtualNetwork } from '@weft/kernel/contract/net';
import type { WeftObject } from '@weft/kernel/contract/system';
import type { ObjectCache, OperationCall } from '@weft/kernel/sdk';
import { gatewayNumbers, readUplink } from '../uplink.ts';
import { groupNames, groupsOf, groupsSeen } from './groups.ts';
import { allLinks, nameFor, sees } from './links.ts';
import type { PolicyNames } from './trace-policy.ts';
import type { Names as StepNames } from './trace-words.ts';

export interface Names extends StepNames, PolicyNames {
  /** Whether a VRF is that of an uplink. */
  isUplinkTable(vrf: number): boolean;
  /** Whether the caller may know what a row says: what is inside of other projects is their own. */
  seesRow(row: Row): boolean;
}

/** @param permission why the sender may send */
export function namesOf(cache: Pick<ObjectCache, 'list'>, call: OperationCall, permission: string): Names {
  const links = allLinks(cache);
  const ports = new Map(cache.list<Port>('Port').map((port) => [port.status.id, port]));
  const uplinks = cache.list<Uplink>('Uplink');
  const networks = new Map<number, WeftObject<object, object>>([
    ...cache.list<VirtualNetwork>('VirtualNetwork').map((network) => [network.status.id, network] as const),
    ...uplinks.map((uplink) => [uplink.status.network, uplink] as const),
  ]);
  const pools = new Map(cache.list<SnatPool>('SnatPool').map((pool) => [pool.status.id, pool]));
  const called = ({ kind, metadata }: WeftObject<object, object>): string => nameFor(call, metadata.project ?? '', metadata.name, kind);
  const seesPort = (id: number): boolean => sees(call, links.get(id));
  const seesNetwork = (id: number): boolean => {
    const network = networks.get(id);
    return sees(call, network && { project: network.metadata.project ?? '', port: network.metadata.name, kind: network.kind });
  };
  return {
    permission,
    group: groupNames(cache, call),
    seesRulesOf: groupsSeen(cache, call),
    groupsOf: (id) => {
      const port = ports.get(id);
      return port && groupsOf(port, call);
    },
    isUplinkTable: (vrf) => networks.get(vrf)?.kind === 'Uplink',
    isUplink: (id) => links.get(id)?.kind === 'Uplink',
    seesPort,
    seesRow: (row) => portsIn(row).every(seesPort) && networksIn(row).every(seesNetwork),
    port: (id) => {
      const link = links.get(id);
      if (link === undefined) return servicePortOwner(id) === undefined ? `port ${id}` : 'a service port';
      return nameFor(call, link.project, link.port, link.kind);
    },
    network: (id) => {
      const network = networks.get(id);
      return network ? called(network) : `network ${id}`;
    },
    gateway: (id, number) => {
      const uplink = uplinks.find(({ status }) => status.id === id);
      const numbers = uplink ? gatewayNumbers(readUplink(uplink.spec).gateways) : new Map<string, number>();
      return numbers.entries().find(([, each]) => each === number)?.[0] ?? String(number);
    },
    pool: (id) => {
      const pool = pools.get(id);
      return pool ? called(pool) : String(id);
    },
  };
}

/** Ports whose addresses a row tells. */
function portsIn(row: Row): readonly number[] {
  switch (row.table) {
    case 'floating_ip':
      return [row.insidePort];
    case 'mac':
    case 'learned_mac':
    case 'learned_neighbor':
      return [row.port];
    default:
      return [];
  }
}

/** Networks whose addresses and routes a row tells. */
function networksIn(row: Row): readonly number[] {
  switch (row.table) {
    case 'route':
    case 'vrf_nat':
      return [row.vrf];
    case 'neighbor':
    case 'mac':
    case 'learned_mac':
    case 'learned_neighbor':
      return [row.bridge];
    case 'nexthop':
      return row.bridge === 0 ? [] : [row.bridge];
    default:
      return [];
  }
}
