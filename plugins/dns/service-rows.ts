/** Which packets the forwarder hands to this plugin. */
import { canonicalIp, protocols, type ServiceRow, serviceActions, type VirtualNetwork } from '@weft/kernel/contract/net';

/** UDP port 53 of each gateway that its subnet names as DNS server, or that it names by default. Other servers are ordinary traffic. */
export function serviceRows(networks: readonly VirtualNetwork[], puntClass: number): readonly ServiceRow[] {
  return networks.flatMap((network) =>
    servers(network).map((address) => ({
      table: 'service',
      vrf: network.status.id,
      protocol: protocols.udp,
      l4Port: 53,
      address,
      action: serviceActions.punt,
      puntClass,
    })),
  );
}

function servers(network: VirtualNetwork): readonly string[] {
  if (network.spec.forwarding === 'l2') return [];
  return network.spec.subnets.flatMap((subnet, index) => {
    const gateway = network.status.gateways?.[index];
    return gateway !== undefined && (subnet.dns?.map(canonicalIp) ?? [gateway]).includes(gateway) ? [gateway] : [];
  });
}
