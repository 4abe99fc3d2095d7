/** Which service answers whom: from the objects to one entry for each network, address, protocol and port. Pure. */
import { canonicalIp, cidrContains, protocols, type VirtualNetwork } from '@weft/kernel/contract/net';
import { formatKey, keyOf, referencedKey } from '@weft/kernel/contract/system';
import type { LinkLocalService } from './kinds.ts';

export interface Entry {
  readonly service: LinkLocalService;
  readonly network: VirtualNetwork;
  /** Canonical. */
  readonly address: string;
}

export interface Catalogue {
  /** By `placeOf`. A project's own service goes before a shared one; of several equal ones the first by name. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** By uid of the service, names of the networks of which a subnet holds the address: there it is an ordinary one. */
  readonly covering: ReadonlyMap<string, readonly string[]>;
}

export type Transport = LinkLocalService['spec']['protocol'];

export const protocolNumber: Readonly<Record<Transport, number>> = { tcp: protocols.tcp, udp: protocols.udp };

/** How an entry is found when somebody asks. `network`: its number in the forwarder. */
export const placeOf = (network: number, protocol: Transport, address: string, port: number): string =>
  `${network} ${protocol} ${address} ${port}`;

export function catalogue(services: readonly LinkLocalService[], networks: readonly VirtualNetwork[]): Catalogue {
  const entries = new Map<string, Entry>();
  const covering = new Map<string, readonly string[]>();
  for (const service of services) {
    const { address: written, protocol, port } = service.spec;
    const address = canonicalIp(written);
    const inScope = networks.filter(scopeOf(service));
    const covered = inScope.filter(({ spec }) => spec.subnets.some(({ cidr }) => cidrContains(cidr, address)));
    if (covered.length > 0)
      covering.set(
        service.metadata.uid,
        covered.map(({ metadata }) => metadata.name),
      );
    for (const network of inScope) {
      if (covered.includes(network)) continue;
      const place = placeOf(network.status.id, protocol, address, port);
      const rival = entries.get(place);
      if (rival === undefined || precedes(service, rival.service, network)) entries.set(place, { service, network, address });
    }
  }
  return { entries, covering };
}

/** Made once for each service: there may be a million pairs of service and network to look at. */
function scopeOf({ spec, metadata }: LinkLocalService): (network: VirtualNetwork) => boolean {
  if (spec.networks === undefined) return (network) => metadata.shared === true || metadata.project === network.metadata.project;
  const named = new Set(spec.networks.map((name) => formatKey(referencedKey('VirtualNetwork', name, metadata.project))));
  return (network) => named.has(formatKey(keyOf(network)));
}

function precedes(a: LinkLocalService, b: LinkLocalService, network: VirtualNetwork): boolean {
  const own = (service: LinkLocalService): number => (service.metadata.project === network.metadata.project ? 0 : 1);
  return (own(a) - own(b) || (formatKey(keyOf(a)) < formatKey(keyOf(b)) ? -1 : 1)) < 0;
}
