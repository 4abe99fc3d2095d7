/** Where a packet leaves: networks of one switch each, routers between those with the same VRF. Only what tests use. */
import { type IpAddress, type IpPrefix, prefixContains } from '@weft/kernel/contract/net';
import { isGroupMac, type Packet } from './packet.ts';
import type { Party } from './rules.ts';

export const gatewayMac = '00:00:5e:00:01:00';

export interface Network {
  /** Number of the bridge. */
  readonly id: number;
  readonly vrf: number;
  readonly mode: 'l2' | 'l3' | 'l2_l3';
  readonly floodsUnknown: boolean;
  readonly subnets: readonly { readonly prefix: IpPrefix; readonly gateway: IpAddress }[];
}

export interface Port extends Party {
  readonly network: number;
  readonly mac: string;
  /** Another port that gets the same id has another. */
  readonly generation: number;
  /** May send only from what it owns. */
  readonly isSecured: boolean;
  /** Addresses that neighbours find here. */
  readonly addresses: readonly IpAddress[];
  /** Foreign prefixes that are routed to it. */
  readonly routes: readonly IpPrefix[];
}

export type Way = { readonly to: Port } | { readonly copies: readonly Port[] } | { readonly dropped: string } | { readonly answered: true };

const isSame = (a: IpAddress, b: IpAddress): boolean => a.family === b.family && a.value === b.value;

export function wayOf(packet: Packet, from: Port, networks: readonly Network[], ports: readonly Port[]): Way {
  const network = networks.find(({ id }) => id === from.network);
  if (!network) return { dropped: 'not-attached' };
  const members = ports.filter((port) => port.network === network.id);
  const flooded = { copies: members.filter((port) => port !== from) };
  if (isGroupMac(packet.dstMac)) return network.mode === 'l3' ? { dropped: 'not-bridged' } : flooded;
  if (network.mode === 'l3' || (packet.dstMac === gatewayMac && network.mode === 'l2_l3')) return routeOf(packet, network, networks, ports);
  if (packet.dstMac === gatewayMac) return { dropped: 'not-routed' };
  const to = members.find(({ mac }) => mac === packet.dstMac);
  if (to) return to === from ? { dropped: 'same-port' } : { to };
  return network.floodsUnknown ? flooded : { dropped: 'unknown-mac' };
}

function routeOf({ dst }: Packet, { vrf }: Network, networks: readonly Network[], ports: readonly Port[]): Way {
  const inVrf = networks.filter((each) => each.vrf === vrf);
  const isHere = (port: Port) => inVrf.some(({ id }) => id === port.network);
  const connected = inVrf.flatMap((network) => network.subnets.map((subnet) => ({ ...subnet, network })));
  const routes = ports.filter(isHere).flatMap((port) => port.routes.map((prefix) => ({ prefix, port })));
  const [best] = [...connected, ...routes]
    .filter(({ prefix }) => prefixContains(prefix, dst))
    .sort((a, b) => a.prefix.length - b.prefix.length)
    .slice(-1);
  if (!best) return { dropped: 'no-route' };
  if ('port' in best) return { to: best.port };
  if (isSame(best.gateway, dst)) return { answered: true };
  const to = ports.find(({ network, addresses }) => network === best.network.id && addresses.some((address) => isSame(address, dst)));
  return to ? { to } : { dropped: 'no-neighbor' };
}
