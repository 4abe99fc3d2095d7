/** The part of a port row that says where its packets come from. */
import { bindingTypes, type PortBinding, type PortRow, portFlags } from '@weft/kernel/contract/net';

export type LinkFields = Pick<PortRow, 'binding' | 'vlan' | 'interface' | 'netns' | 'socket' | 'flags'>;

export function linkFields(binding: PortBinding): LinkFields {
  const unbound = { binding: bindingTypes.none, vlan: 0, interface: '', netns: '', socket: '', flags: 0 };
  switch (binding.type) {
    case 'netns':
      return { ...unbound, binding: bindingTypes.netns, interface: binding.interface, netns: binding.netns };
    case 'tap':
    case 'interface':
      return { ...unbound, binding: bindingTypes[binding.type], interface: binding.interface };
    case 'vlan':
      return { ...unbound, binding: bindingTypes.vlan, vlan: binding.vlan };
    case 'vhost-user':
      return { ...unbound, binding: bindingTypes.vhostUser, socket: binding.socket, flags: binding.server ? portFlags.server : 0 };
    case 'none':
    case 'pci':
      return unbound;
  }
}
