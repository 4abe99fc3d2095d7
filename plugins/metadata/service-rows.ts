/** Which connections the forwarder leads to this plugin, and which it refuses. Pure. */
import { protocols, type ServiceRow, serviceActions, type VirtualNetwork } from '@weft/kernel/contract/net';
import type { Policy } from './policy.ts';

export const httpPort = 80;

/** Where clients of OpenStack and EC2 ask, in both families; the second one before the VM has a global address. */
export const serviceAddresses = ['169.254.169.254', 'fe80::a9fe:a9fe', 'fd00:ec2::254'] as const;

export function serviceRows(
  networks: readonly VirtualNetwork[],
  policyOf: (network: VirtualNetwork) => Pick<Policy, 'mode'>,
): readonly ServiceRow[] {
  return networks.flatMap((network) => {
    const action = policyOf(network).mode === 'none' ? serviceActions.reject : serviceActions.port;
    return serviceAddresses.map((address) => ({
      table: 'service' as const,
      vrf: network.status.id,
      protocol: protocols.tcp,
      l4Port: httpPort,
      address,
      action,
      puntClass: 0,
    }));
  });
}
