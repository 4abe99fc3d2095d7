/** Which packets the forwarder brings to this plugin's service port. */
import { type ServiceRow, serviceActions } from '@weft/kernel/contract/net';
import { type Entry, protocolNumber } from './catalogue.ts';

export function serviceRows(entries: Iterable<Entry>): readonly ServiceRow[] {
  return [...entries].map(({ service, network, address }) => ({
    table: 'service',
    vrf: network.status.id,
    protocol: protocolNumber[service.spec.protocol],
    l4Port: service.spec.port,
    address,
    action: serviceActions.port,
    puntClass: 0,
  }));
}
