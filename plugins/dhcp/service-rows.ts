/** Which packets the forwarder hands to this plugin. */
import { protocols, type ServiceRow, serviceActions, type VirtualNetwork } from '@weft/kernel/contract/net';
import { advertises } from './ra/advertisement.ts';
import { servesIpv4 } from './v4/assignment.ts';
import { servesDhcp6 } from './v6/assignment.ts';

/** What is listened to in a network. */
interface Service {
  readonly puntClass: string;
  /** A network that a service is not for is left alone, so that a VM there may serve it itself. */
  readonly serves: (network: VirtualNetwork) => boolean;
  readonly protocol: number;
  /** ICMPv6: the type. */
  readonly l4Port: number;
  /** Of the destination; the all-zero address of a family: whatever it is. */
  readonly address: string;
}

const dhcp6 = { puntClass: 'dhcp6', serves: servesDhcp6, protocol: protocols.udp, l4Port: 547 } as const;

const services: readonly Service[] = [
  { puntClass: 'dhcp', serves: servesIpv4, protocol: protocols.udp, l4Port: 67, address: '0.0.0.0' },
  // Groups of RFC 9915 §7.1, so that a server of the tenant's own can be asked by its address.
  { ...dhcp6, address: 'ff02::1:2' },
  { ...dhcp6, address: 'ff05::1:3' },
  { puntClass: 'router-solicitation', serves: advertises, protocol: protocols.icmpv6, l4Port: 133, address: '::' },
];

/** `classNumber`: the forwarder's number of a punt class. */
export function serviceRows(networks: readonly VirtualNetwork[], classNumber: (puntClass: string) => number): readonly ServiceRow[] {
  return services.flatMap(({ puntClass, serves, protocol, l4Port, address }) => {
    const to = { protocol, l4Port, address, action: serviceActions.punt, puntClass: classNumber(puntClass) };
    return networks.filter(serves).map((network): ServiceRow => ({ table: 'service', vrf: network.status.id, ...to }));
  });
}
