/** Networks and ports with IPv6, for tests. */
import type { DhcpOptions, Port, SubnetSpec, VirtualNetwork, VirtualNetworkSpec } from '@weft/kernel/contract/net';
import { makeObject } from '@weft/kernel/sdk/testing';

export const subnet6: SubnetSpec = { cidr: '2001:db8:1::/64', dhcp: true };

/** `gateways` are the first addresses of the subnets, as admission has them. */
export function network6(
  subnets: readonly SubnetSpec[] = [subnet6],
  spec: Partial<VirtualNetworkSpec> = {},
  status: { readonly id?: number; readonly mtu?: number } = {},
): VirtualNetwork {
  const whole = { subnets, forwarding: 'l2_l3' as const, ...spec };
  const gateways = subnets.map(({ cidr }) => (cidr.includes(':') ? `${cidr.split('/')[0]}1` : cidr.replace(/\.0\/\d+$/, '.1')));
  return makeObject<VirtualNetwork>('VirtualNetwork', 'red', whole, { status: { id: 7, vni: 5007, mtu: 1450, gateways, ...status } });
}

export interface PortParts {
  readonly addresses?: readonly string[];
  readonly hostname?: string;
  readonly portSecurity?: boolean;
  readonly dhcpOptions?: DhcpOptions;
}

/** Port `pN` of number N with MAC 02:00:00:00:00:N and, unless said otherwise, address 2001:db8:1::1N. */
export function port6(number: number, { addresses = [`2001:db8:1::1${number}`], ...parts }: PortParts = {}): Port {
  const spec = { network: 'red', portSecurity: true, binding: { type: 'none' } as const, ...parts };
  const status = { id: number, mac: macOf(number), addresses, reason: '', since: '' };
  return makeObject<Port>('Port', `p${number}`, spec, { status });
}

export const macOf = (number: number): string => `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
