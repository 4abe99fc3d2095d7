/** Which packets the forwarder hands to this plugin. */
import { protocols, type ServiceRow, serviceActions, type VirtualNetwork } from '@weft/kernel/contract/net';
import { servesIpv4 } from './v4/assignment.ts';

/**
 * UDP port 67 of every network with a served subnet, whatever the destination address. A network without one is left alone, so that a VM there
 * may serve DHCP itself.
 */
export function serviceRows(networks: readonly VirtualNetwork[], puntClass: number): readonly ServiceRow[] {
  return networks.filter(servesIpv4).map((network) => ({
    table: 'service',
    vrf: network.status.id,
    protocol: protocols.udp,
    l4Port: 67,
    address: '0.0.0.0',
    action: serviceActions.punt,
    puntClass,
  }));
}
