/** What of an object the ways out depend on, so that news of anything else, such as a phase, costs nothing. */
import type { WeftObject } from '@weft/kernel/contract/system';

/** Equal for objects that lead to the same rows and statuses. */
export function factsOf({ kind, metadata, spec, status }: WeftObject): string {
  switch (kind) {
    case 'Port':
      return JSON.stringify([metadata.uid, status.id, spec.network, status.addresses, spec.allowedAddressPairs]);
    case 'VirtualNetwork':
      return JSON.stringify([metadata.uid, status.id, spec.underlay, spec.forwarding]);
    case 'LogicalRouter':
      return JSON.stringify([metadata.uid, spec.networks, spec.external]);
    case 'Uplink':
      return JSON.stringify([metadata.uid, status.id, status.network, spec.addresses, spec.gateways, spec.allowedPrefixes]);
    case 'SnatPool':
      return JSON.stringify([metadata.uid, metadata.deletedAt, status.id, status.uplink, status.assignments, spec]);
    case 'FloatingIp':
      return JSON.stringify([metadata.uid, metadata.deletedAt, status.uplink, spec]);
    default:
      return JSON.stringify([metadata.uid, metadata.deletedAt, status.id, spec]);
  }
}
