/** The DNS domain of a network: what `dhcp` tells its clients and `dns` answers for. */
import type { VirtualNetwork } from './kinds.ts';

/** Parent of the domains of all networks that name none. Never asked of the outside. */
export const internalDomain = 'weft.internal';

/** `spec.domain`, or `NETWORK.PROJECT.weft.internal`; without a trailing dot. */
export function domainOf(network: Pick<VirtualNetwork, 'metadata' | 'spec'>): string {
  const { name, project } = network.metadata;
  return network.spec.domain?.replace(/\.$/, '') ?? `${name}.${project}.${internalDomain}`;
}
