/** Which packets come to this plugin: UDP as punts, TCP through its service port. */
import { canonicalIp, protocols, type ServiceRow, serviceActions, type VirtualNetwork } from '@weft/kernel/contract/net';

export const serverPort = 53;

/** Port 53 of each gateway that its subnet names as DNS server, or that it names by default. Other servers are ordinary traffic. */
export function serviceRows(networks: readonly VirtualNetwork[], puntClass: number): readonly ServiceRow[] {
  return networks.flatMap((network) =>
    servers(network).flatMap((address) => {
      const row = { table: 'service', vrf: network.status.id, l4Port: serverPort, address } as const;
      return [
        { ...row, protocol: protocols.udp, action: serviceActions.punt, puntClass },
        { ...row, protocol: protocols.tcp, action: serviceActions.port, puntClass: 0 },
      ];
    }),
  );
}

function servers(network: VirtualNetwork): readonly string[] {
  if (network.spec.forwarding === 'l2') return [];
  return network.spec.subnets.flatMap((subnet, index) => {
    const gateway = network.status.gateways?.[index];
    return gateway !== undefined && (subnet.dns?.map(canonicalIp) ?? [gateway]).includes(gateway) ? [gateway] : [];
  });
}
