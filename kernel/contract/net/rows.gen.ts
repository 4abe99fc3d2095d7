/** Rows of the forwarder's tables: types, packers, readers. Written by forwarder/tools/gen.ts; edit the tables in schema.ts and calls.ts. */
import { keyOnly, packKey, packRow, readRow, type TableSpec } from './row-codec.ts';

/** Identifiers of VRFs, bridges and ports are below this. */
export const idLimit = 1048576;

/** A routing table. */
export interface VrfRow {
  readonly table: 'vrf';
  /** number of the VRF */
  readonly id: number;
}

/** A broadcast domain and the VRF that its gateway routes in. */
export interface BridgeRow {
  readonly table: 'bridge';
  /** number of the bridge */
  readonly id: number;
  /** routing table of its gateway; 0: none */
  readonly vrf: number;
  /** VXLAN network identifier (RFC 7348 §5) */
  readonly vni: number;
  /** largest IP packet, bytes */
  readonly mtu: number;
  /** mode */
  readonly mode: number;
  /** bridge_flag */
  readonly flags: number;
  /** frames per second that one port may have flooded; 0: no limit */
  readonly floodRate: number;
}

/** A place where frames enter and leave: a VM, a VLAN of a trunk, an interface of the host. */
export interface PortRow {
  readonly table: 'port';
  /** number of the port */
  readonly id: number;
  /** broadcast domain; 0: none */
  readonly bridge: number;
  /** VLAN: the trunk port that it is part of; service port: owner number of the plugin behind it; others: 0 */
  readonly parent: number;
  /** port_flag */
  readonly flags: number;
  /** the VM's address; flag uplink: the appliance's own there, zero: the interface's */
  readonly mac: string;
  /** of the link, bytes */
  readonly mtu: number;
  /** tag on the parent (IEEE 802.1Q VID); 0: none */
  readonly vlan: number;
  /** binding */
  readonly binding: number;
  /** name of the link; ethdev: PCI address */
  readonly interface: string;
  /** name of the namespace that gets the link's far end */
  readonly netns: string;
  /** vhost_user: path of the UNIX socket */
  readonly socket: string;
}

/** Where a MAC address of a bridge is. */
export interface MacRow {
  readonly table: 'mac';
  /** broadcast domain */
  readonly bridge: number;
  /** unicast address */
  readonly mac: string;
  /** port behind which it is */
  readonly port: number;
}

/** The MAC address of an IP address on a bridge; answers ARP and neighbour solicitations. */
export interface NeighborRow {
  readonly table: 'neighbor';
  /** broadcast domain */
  readonly bridge: number;
  /** network order */
  readonly address: string;
  /** answered */
  readonly mac: string;
  /** neighbor_flag */
  readonly flags: number;
}

/** What happens to packets of a route. Its number belongs to the owner: two owners may use the same. */
export interface NexthopRow {
  readonly table: 'nexthop';
  /** number, chosen by the owner */
  readonly id: number;
  /** type port: where the packet leaves */
  readonly port: number;
  /** type port: bridge that the packet leaves on */
  readonly bridge: number;
  /** type port: destination MAC address */
  readonly mac: string;
  /** type vrf: the VRF that is asked next; type gateway: number of the gateway of the port */
  readonly target: number;
  /** nexthop_type */
  readonly type: number;
  /** nexthop_flag */
  readonly flags: number;
  /** type ecmp: places in the group; rows of table member fill them, others are holes */
  readonly size: number;
  /** type punt: the class, one of the same owner */
  readonly puntClass: number;
}

/** A path to a prefix. Of several with the same prefix the lowest source wins. */
export interface RouteRow {
  readonly table: 'route';
  /** routing table */
  readonly vrf: number;
  /** bits; at most 32 for IPv4 */
  readonly prefixLength: number;
  /** network order; bits after prefix_length are zero */
  readonly address: string;
  /** who says so; lowest number wins */
  readonly source: number;
  /** id of a nexthop of the same owner */
  readonly nexthop: number;
}

/** Packets to an address, protocol and port that a plugin answers. */
export interface ServiceRow {
  readonly table: 'service';
  /** routing table; 0xffffffff: any */
  readonly vrf: number;
  /** IANA protocol number */
  readonly protocol: number;
  /** destination port, host order */
  readonly l4Port: number;
  /** destination, network order; all zero: any */
  readonly address: string;
  /** action punt: the class */
  readonly puntClass: number;
  /** action */
  readonly action: number;
}

/** A queue to a plugin with its limits (token buckets; burst in packets). */
export interface PuntClassRow {
  readonly table: 'punt_class';
  /** number of the class */
  readonly id: number;
  /** owner number of the plugin that reads it */
  readonly receiver: number;
  /** packets per second, all ports together */
  readonly rate: number;
  /** packets */
  readonly burst: number;
  /** packets per second, each port */
  readonly portRate: number;
  /** packets */
  readonly portBurst: number;
  /** for people */
  readonly name: string;
}

/** Addresses that a port with security may send from, with the MAC address that goes with them. */
export interface SourceRow {
  readonly table: 'source';
  /** the port */
  readonly port: number;
  /** bits; at most 32 for IPv4 */
  readonly prefixLength: number;
  /** source MAC address */
  readonly mac: string;
  /** network order; bits after prefix_length are zero */
  readonly address: string;
}

/** One place of an ECMP group. A place without a row is a hole: only flows that hash to it move to others. */
export interface MemberRow {
  readonly table: 'member';
  /** id of a nexthop of type ecmp of the same owner */
  readonly group: number;
  /** place in the group, from 0 */
  readonly index: number;
  /** id of a nexthop of the same owner that is no group */
  readonly nexthop: number;
}

/** Where the forwarder itself saw a MAC address: behind ports without security. A row of table mac goes before it. */
export interface LearnedMacRow {
  readonly table: 'learned_mac';
  /** broadcast domain */
  readonly bridge: number;
  /** unicast address */
  readonly mac: string;
  /** port behind which it was seen last */
  readonly port: number;
  /** of the port; another port with the same id has another */
  readonly generation: number;
}

/** An IPv6 address that a port took by duplicate address detection (RFC 4862 §5.4). A row of table neighbor goes before it. */
export interface LearnedNeighborRow {
  readonly table: 'learned_neighbor';
  /** broadcast domain */
  readonly bridge: number;
  /** network order */
  readonly address: string;
  /** answered */
  readonly mac: string;
  /** port that has it */
  readonly port: number;
  /** of the port; another port with the same id has another */
  readonly generation: number;
}

/** What a group allows or denies: flows of one IP version, protocol, range of ports and remote. Among those that match the lowest priority decides, deny before allow. */
export interface RuleRow {
  readonly table: 'rule';
  /** number of the group */
  readonly group: number;
  /** of the rule in its group; kept while the rule is */
  readonly number: number;
  /** lowest first */
  readonly priority: number;
  /** the remote's address belongs to a port with an identity in this group; 0: any */
  readonly remoteGroup: number;
  /** destination port, host order; ICMP: type << 8 | code; other protocols: 0 */
  readonly portMin: number;
  /** the last one; other protocols, and all of one: 65535 */
  readonly portMax: number;
  /** rule_direction */
  readonly direction: number;
  /** rule_action */
  readonly action: number;
  /** IANA protocol number; 0: any */
  readonly protocol: number;
  /** of the remote; bits, at most 32 for IPv4; 0: any address */
  readonly prefixLength: number;
  /** the remote's, network order; bits after prefix_length are zero */
  readonly address: string;
}

/** An identity belongs to a group. What it means never changes: another set of groups is another identity. */
export interface IdentityGroupRow {
  readonly table: 'identity_group';
  /** number of the identity */
  readonly identity: number;
  /** number of the group */
  readonly group: number;
  /** where its rules are asked; every gate that an identity has must allow; 0: nowhere, it is only a remote */
  readonly gate: number;
}

/** The identity of a port with flag policy_required. Without this row such a port is closed. */
export interface PortIdentityRow {
  readonly table: 'port_identity';
  /** the port */
  readonly port: number;
  /** number of the identity; one without groups allows nothing */
  readonly identity: number;
}

/** A router behind an uplink, watched by ARP or neighbour discovery as long as the row is there. */
export interface GatewayRow {
  readonly table: 'gateway';
  /** port with flag uplink */
  readonly port: number;
  /** of the gateway at this port */
  readonly number: number;
  /** network order; IPv6 may be link-local */
  readonly address: string;
}

/** An address that many ports share on their way out through an uplink, and the ports of it that are leased to this forwarder. The uplink answers for it. */
export interface NatAddressRow {
  readonly table: 'nat_address';
  /** the uplink */
  readonly port: number;
  /** network order */
  readonly address: string;
  /** number of the pool that it is part of */
  readonly pool: number;
  /** first port (ICMP: identifier) that may be given out, host order */
  readonly portMin: number;
  /** the last one */
  readonly portMax: number;
  /** ports that a port of a VM gets at a time; a power of two */
  readonly blockSize: number;
  /** blocks that one port may have at a time */
  readonly portBlocks: number;
  /** nat_flag */
  readonly flags: number;
}

/** What packets of a VRF become that leave through an uplink and whose source has no floating address there. */
export interface VrfNatRow {
  readonly table: 'vrf_nat';
  /** the VRF */
  readonly vrf: number;
  /** pool of nat_address rows whose addresses they share; 0: they are dropped */
  readonly pool: number;
  /** the uplink whose nat_address and floating_ip rows packets from the VRF reach from inside */
  readonly port: number;
}

/** An address outside that stands for one of a VM's, in both directions. The uplink answers for it. */
export interface FloatingIpRow {
  readonly table: 'floating_ip';
  /** the uplink */
  readonly port: number;
  /** outside, network order */
  readonly address: string;
  /** of the uplink's subnet that it lies in; 0: in none */
  readonly prefixLength: number;
  /** port of the VM */
  readonly insidePort: number;
  /** the VM's address, of the same IP version, network order */
  readonly inside: string;
}

/** The MAC address of a host or router behind an uplink, as it answered. That of a host ends when it does not answer any more. */
export interface UplinkNeighborRow {
  readonly table: 'uplink_neighbor';
  /** the uplink */
  readonly port: number;
  /** network order */
  readonly address: string;
  /** unicast address; zero: it never answered */
  readonly mac: string;
  /** 1: a gateway that does not answer any more; its address is kept */
  readonly silent: number;
  /** of the port; another port with the same id has another */
  readonly generation: number;
}

/** Key of a VrfRow. */
export interface VrfKey {
  readonly table: 'vrf';
  /** number of the VRF */
  readonly id: number;
}

/** Key of a BridgeRow. */
export interface BridgeKey {
  readonly table: 'bridge';
  /** number of the bridge */
  readonly id: number;
}

/** Key of a PortRow. */
export interface PortKey {
  readonly table: 'port';
  /** number of the port */
  readonly id: number;
}

/** Key of a MacRow. */
export interface MacKey {
  readonly table: 'mac';
  /** broadcast domain */
  readonly bridge: number;
  /** unicast address */
  readonly mac: string;
}

/** Key of a NeighborRow. */
export interface NeighborKey {
  readonly table: 'neighbor';
  /** broadcast domain */
  readonly bridge: number;
  /** network order */
  readonly address: string;
}

/** Key of a NexthopRow. */
export interface NexthopKey {
  readonly table: 'nexthop';
  /** number, chosen by the owner */
  readonly id: number;
}

/** Key of a RouteRow. */
export interface RouteKey {
  readonly table: 'route';
  /** routing table */
  readonly vrf: number;
  /** bits; at most 32 for IPv4 */
  readonly prefixLength: number;
  /** network order; bits after prefix_length are zero */
  readonly address: string;
  /** who says so; lowest number wins */
  readonly source: number;
}

/** Key of a ServiceRow. */
export interface ServiceKey {
  readonly table: 'service';
  /** routing table; 0xffffffff: any */
  readonly vrf: number;
  /** IANA protocol number */
  readonly protocol: number;
  /** destination port, host order */
  readonly l4Port: number;
  /** destination, network order; all zero: any */
  readonly address: string;
}

/** Key of a PuntClassRow. */
export interface PuntClassKey {
  readonly table: 'punt_class';
  /** number of the class */
  readonly id: number;
}

/** Key of a SourceRow. */
export interface SourceKey {
  readonly table: 'source';
  /** the port */
  readonly port: number;
  /** bits; at most 32 for IPv4 */
  readonly prefixLength: number;
  /** source MAC address */
  readonly mac: string;
  /** network order; bits after prefix_length are zero */
  readonly address: string;
}

/** Key of a MemberRow. */
export interface MemberKey {
  readonly table: 'member';
  /** id of a nexthop of type ecmp of the same owner */
  readonly group: number;
  /** place in the group, from 0 */
  readonly index: number;
}

/** Key of a LearnedMacRow. */
export interface LearnedMacKey {
  readonly table: 'learned_mac';
  /** broadcast domain */
  readonly bridge: number;
  /** unicast address */
  readonly mac: string;
}

/** Key of a LearnedNeighborRow. */
export interface LearnedNeighborKey {
  readonly table: 'learned_neighbor';
  /** broadcast domain */
  readonly bridge: number;
  /** network order */
  readonly address: string;
}

/** Key of a RuleRow. */
export interface RuleKey {
  readonly table: 'rule';
  /** number of the group */
  readonly group: number;
  /** of the rule in its group; kept while the rule is */
  readonly number: number;
}

/** Key of a IdentityGroupRow. */
export interface IdentityGroupKey {
  readonly table: 'identity_group';
  /** number of the identity */
  readonly identity: number;
  /** number of the group */
  readonly group: number;
}

/** Key of a PortIdentityRow. */
export interface PortIdentityKey {
  readonly table: 'port_identity';
  /** the port */
  readonly port: number;
}

/** Key of a GatewayRow. */
export interface GatewayKey {
  readonly table: 'gateway';
  /** port with flag uplink */
  readonly port: number;
  /** of the gateway at this port */
  readonly number: number;
}

/** Key of a NatAddressRow. */
export interface NatAddressKey {
  readonly table: 'nat_address';
  /** the uplink */
  readonly port: number;
  /** network order */
  readonly address: string;
}

/** Key of a VrfNatRow. */
export interface VrfNatKey {
  readonly table: 'vrf_nat';
  /** the VRF */
  readonly vrf: number;
}

/** Key of a FloatingIpRow. */
export interface FloatingIpKey {
  readonly table: 'floating_ip';
  /** the uplink */
  readonly port: number;
  /** outside, network order */
  readonly address: string;
}

/** Key of a UplinkNeighborRow. */
export interface UplinkNeighborKey {
  readonly table: 'uplink_neighbor';
  /** the uplink */
  readonly port: number;
  /** network order */
  readonly address: string;
}

export type Row = VrfRow | BridgeRow | PortRow | MacRow | NeighborRow | NexthopRow | RouteRow | ServiceRow | PuntClassRow | SourceRow | MemberRow | LearnedMacRow | LearnedNeighborRow | RuleRow | IdentityGroupRow | PortIdentityRow | GatewayRow | NatAddressRow | VrfNatRow | FloatingIpRow | UplinkNeighborRow;
export type RowKey = VrfKey | BridgeKey | PortKey | MacKey | NeighborKey | NexthopKey | RouteKey | ServiceKey | PuntClassKey | SourceKey | MemberKey | LearnedMacKey | LearnedNeighborKey | RuleKey | IdentityGroupKey | PortIdentityKey | GatewayKey | NatAddressKey | VrfNatKey | FloatingIpKey | UplinkNeighborKey;
export type TableName = Row['table'];

/** Numbers, sizes and fields of the tables. */
export const tables: Readonly<Record<TableName, TableSpec>> = {
  vrf: {
    number: 1,
    bytes: 8,
    keyBytes: 4,
    fields: [
      { name: 'id', type: 'u32', offset: 0, bytes: 4, key: true, min: 1, max: 1048575 },
    ],
  },
  bridge: {
    number: 2,
    bytes: 24,
    keyBytes: 4,
    fields: [
      { name: 'id', type: 'u32', offset: 0, bytes: 4, key: true, min: 1, max: 1048575 },
      { name: 'vrf', type: 'u32', offset: 4, bytes: 4, key: false, min: 0, max: 1048575 },
      { name: 'vni', type: 'u32', offset: 8, bytes: 4, key: false, min: 0, max: 16777215 },
      { name: 'mtu', type: 'u16', offset: 12, bytes: 2, key: false, min: 0, max: 65535 },
      { name: 'mode', type: 'u8', offset: 14, bytes: 1, key: false, min: 0, max: 2 },
      { name: 'flags', type: 'u8', offset: 15, bytes: 1, key: false, min: 0, max: 3 },
      { name: 'floodRate', type: 'u32', offset: 16, bytes: 4, key: false, min: 0, max: 4294967295 },
    ],
  },
  port: {
    number: 3,
    bytes: 216,
    keyBytes: 4,
    fields: [
      { name: 'id', type: 'u32', offset: 0, bytes: 4, key: true, min: 1, max: 1048575 },
      { name: 'bridge', type: 'u32', offset: 4, bytes: 4, key: false, min: 0, max: 1048575 },
      { name: 'parent', type: 'u32', offset: 8, bytes: 4, key: false, min: 0, max: 1048575 },
      { name: 'flags', type: 'u32', offset: 12, bytes: 4, key: false, min: 0, max: 63 },
      { name: 'mac', type: 'mac', offset: 16, bytes: 6, key: false },
      { name: 'mtu', type: 'u16', offset: 22, bytes: 2, key: false, min: 0, max: 65535 },
      { name: 'vlan', type: 'u16', offset: 24, bytes: 2, key: false, min: 0, max: 4094 },
      { name: 'binding', type: 'u8', offset: 26, bytes: 1, key: false, min: 0, max: 6 },
      { name: 'interface', type: 'text', offset: 27, bytes: 16, key: false },
      { name: 'netns', type: 'text', offset: 43, bytes: 64, key: false },
      { name: 'socket', type: 'text', offset: 107, bytes: 108, key: false },
    ],
  },
  mac: {
    number: 4,
    bytes: 16,
    keyBytes: 10,
    fields: [
      { name: 'bridge', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 1048575 },
      { name: 'mac', type: 'mac', offset: 4, bytes: 6, key: true },
      { name: 'port', type: 'u32', offset: 12, bytes: 4, key: false, min: 0, max: 1048575 },
    ],
  },
  neighbor: {
    number: 5,
    bytes: 32,
    keyBytes: 24,
    fields: [
      { name: 'bridge', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 1048575 },
      { name: 'address', type: 'ip', offset: 8, bytes: 16, key: true, family: 4 },
      { name: 'mac', type: 'mac', offset: 24, bytes: 6, key: false },
      { name: 'flags', type: 'u8', offset: 30, bytes: 1, key: false, min: 0, max: 1 },
    ],
  },
  nexthop: {
    number: 6,
    bytes: 32,
    keyBytes: 4,
    fields: [
      { name: 'id', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 4294967295 },
      { name: 'port', type: 'u32', offset: 4, bytes: 4, key: false, min: 0, max: 1048575 },
      { name: 'bridge', type: 'u32', offset: 8, bytes: 4, key: false, min: 0, max: 1048575 },
      { name: 'mac', type: 'mac', offset: 12, bytes: 6, key: false },
      { name: 'target', type: 'u32', offset: 20, bytes: 4, key: false, min: 0, max: 1048575 },
      { name: 'type', type: 'u8', offset: 24, bytes: 1, key: false, min: 0, max: 6 },
      { name: 'flags', type: 'u8', offset: 25, bytes: 1, key: false, min: 0, max: 1 },
      { name: 'size', type: 'u16', offset: 26, bytes: 2, key: false, min: 0, max: 256 },
      { name: 'puntClass', type: 'u16', offset: 28, bytes: 2, key: false, min: 0, max: 255 },
    ],
  },
  route: {
    number: 7,
    bytes: 32,
    keyBytes: 25,
    fields: [
      { name: 'vrf', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 1048575 },
      { name: 'prefixLength', type: 'u8', offset: 5, bytes: 1, key: true, min: 0, max: 128 },
      { name: 'address', type: 'ip', offset: 8, bytes: 16, key: true, family: 4 },
      { name: 'source', type: 'u8', offset: 24, bytes: 1, key: true, min: 0, max: 255 },
      { name: 'nexthop', type: 'u32', offset: 28, bytes: 4, key: false, min: 0, max: 4294967295 },
    ],
  },
  service: {
    number: 8,
    bytes: 32,
    keyBytes: 24,
    fields: [
      { name: 'vrf', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 4294967295 },
      { name: 'protocol', type: 'u8', offset: 5, bytes: 1, key: true, min: 0, max: 255 },
      { name: 'l4Port', type: 'u16', offset: 6, bytes: 2, key: true, min: 0, max: 65535 },
      { name: 'address', type: 'ip', offset: 8, bytes: 16, key: true, family: 4 },
      { name: 'puntClass', type: 'u16', offset: 24, bytes: 2, key: false, min: 0, max: 255 },
      { name: 'action', type: 'u8', offset: 26, bytes: 1, key: false, min: 0, max: 2 },
    ],
  },
  punt_class: {
    number: 9,
    bytes: 56,
    keyBytes: 2,
    fields: [
      { name: 'id', type: 'u16', offset: 0, bytes: 2, key: true, min: 0, max: 255 },
      { name: 'receiver', type: 'u16', offset: 2, bytes: 2, key: false, min: 1, max: 63 },
      { name: 'rate', type: 'u32', offset: 4, bytes: 4, key: false, min: 0, max: 4294967295 },
      { name: 'burst', type: 'u32', offset: 8, bytes: 4, key: false, min: 0, max: 4294967295 },
      { name: 'portRate', type: 'u32', offset: 12, bytes: 4, key: false, min: 0, max: 4294967295 },
      { name: 'portBurst', type: 'u32', offset: 16, bytes: 4, key: false, min: 0, max: 4294967295 },
      { name: 'name', type: 'text', offset: 20, bytes: 32, key: false },
    ],
  },
  source: {
    number: 10,
    bytes: 32,
    keyBytes: 28,
    fields: [
      { name: 'port', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 1048575 },
      { name: 'prefixLength', type: 'u8', offset: 5, bytes: 1, key: true, min: 0, max: 128 },
      { name: 'mac', type: 'mac', offset: 6, bytes: 6, key: true },
      { name: 'address', type: 'ip', offset: 12, bytes: 16, key: true, family: 4 },
    ],
  },
  member: {
    number: 11,
    bytes: 16,
    keyBytes: 8,
    fields: [
      { name: 'group', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 4294967295 },
      { name: 'index', type: 'u32', offset: 4, bytes: 4, key: true, min: 0, max: 255 },
      { name: 'nexthop', type: 'u32', offset: 8, bytes: 4, key: false, min: 0, max: 4294967295 },
    ],
  },
  learned_mac: {
    number: 12,
    bytes: 24,
    keyBytes: 10,
    fields: [
      { name: 'bridge', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 1048575 },
      { name: 'mac', type: 'mac', offset: 4, bytes: 6, key: true },
      { name: 'port', type: 'u32', offset: 12, bytes: 4, key: false, min: 0, max: 1048575 },
      { name: 'generation', type: 'u32', offset: 16, bytes: 4, key: false, min: 0, max: 4294967295 },
    ],
  },
  learned_neighbor: {
    number: 13,
    bytes: 40,
    keyBytes: 24,
    fields: [
      { name: 'bridge', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 1048575 },
      { name: 'address', type: 'ip', offset: 8, bytes: 16, key: true, family: 4 },
      { name: 'mac', type: 'mac', offset: 24, bytes: 6, key: false },
      { name: 'port', type: 'u32', offset: 32, bytes: 4, key: false, min: 0, max: 1048575 },
      { name: 'generation', type: 'u32', offset: 36, bytes: 4, key: false, min: 0, max: 4294967295 },
    ],
  },
  rule: {
    number: 14,
    bytes: 48,
    keyBytes: 8,
    fields: [
      { name: 'group', type: 'u32', offset: 0, bytes: 4, key: true, min: 1, max: 4294967295 },
      { name: 'number', type: 'u32', offset: 4, bytes: 4, key: true, min: 0, max: 4294967295 },
      { name: 'priority', type: 'u32', offset: 8, bytes: 4, key: false, min: 0, max: 4294967295 },
      { name: 'remoteGroup', type: 'u32', offset: 12, bytes: 4, key: false, min: 0, max: 4294967295 },
      { name: 'portMin', type: 'u16', offset: 16, bytes: 2, key: false, min: 0, max: 65535 },
      { name: 'portMax', type: 'u16', offset: 18, bytes: 2, key: false, min: 0, max: 65535 },
      { name: 'direction', type: 'u8', offset: 20, bytes: 1, key: false, min: 0, max: 1 },
      { name: 'action', type: 'u8', offset: 21, bytes: 1, key: false, min: 0, max: 1 },
      { name: 'protocol', type: 'u8', offset: 22, bytes: 1, key: false, min: 0, max: 255 },
      { name: 'prefixLength', type: 'u8', offset: 24, bytes: 1, key: false, min: 0, max: 128 },
      { name: 'address', type: 'ip', offset: 28, bytes: 16, key: false, family: 23 },
    ],
  },
  identity_group: {
    number: 15,
    bytes: 16,
    keyBytes: 8,
    fields: [
      { name: 'identity', type: 'u32', offset: 0, bytes: 4, key: true, min: 16, max: 65535 },
      { name: 'group', type: 'u32', offset: 4, bytes: 4, key: true, min: 1, max: 4294967295 },
      { name: 'gate', type: 'u8', offset: 8, bytes: 1, key: false, min: 0, max: 3 },
    ],
  },
  port_identity: {
    number: 16,
    bytes: 8,
    keyBytes: 4,
    fields: [
      { name: 'port', type: 'u32', offset: 0, bytes: 4, key: true, min: 1, max: 1048575 },
      { name: 'identity', type: 'u32', offset: 4, bytes: 4, key: false, min: 16, max: 65535 },
    ],
  },
  gateway: {
    number: 17,
    bytes: 32,
    keyBytes: 8,
    fields: [
      { name: 'port', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 1048575 },
      { name: 'number', type: 'u32', offset: 4, bytes: 4, key: true, min: 0, max: 255 },
      { name: 'address', type: 'ip', offset: 12, bytes: 16, key: false, family: 8 },
    ],
  },
  nat_address: {
    number: 18,
    bytes: 40,
    keyBytes: 24,
    fields: [
      { name: 'port', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 1048575 },
      { name: 'address', type: 'ip', offset: 8, bytes: 16, key: true, family: 4 },
      { name: 'pool', type: 'u32', offset: 24, bytes: 4, key: false, min: 1, max: 4294967295 },
      { name: 'portMin', type: 'u16', offset: 28, bytes: 2, key: false, min: 1, max: 65535 },
      { name: 'portMax', type: 'u16', offset: 30, bytes: 2, key: false, min: 0, max: 65535 },
      { name: 'blockSize', type: 'u16', offset: 32, bytes: 2, key: false, min: 64, max: 16384 },
      { name: 'portBlocks', type: 'u16', offset: 34, bytes: 2, key: false, min: 1, max: 1024 },
      { name: 'flags', type: 'u8', offset: 36, bytes: 1, key: false, min: 0, max: 15 },
    ],
  },
  vrf_nat: {
    number: 19,
    bytes: 16,
    keyBytes: 4,
    fields: [
      { name: 'vrf', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 1048575 },
      { name: 'pool', type: 'u32', offset: 4, bytes: 4, key: false, min: 0, max: 4294967295 },
      { name: 'port', type: 'u32', offset: 8, bytes: 4, key: false, min: 0, max: 1048575 },
    ],
  },
  floating_ip: {
    number: 20,
    bytes: 48,
    keyBytes: 24,
    fields: [
      { name: 'port', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 1048575 },
      { name: 'address', type: 'ip', offset: 8, bytes: 16, key: true, family: 4 },
      { name: 'prefixLength', type: 'u8', offset: 24, bytes: 1, key: false, min: 0, max: 128 },
      { name: 'insidePort', type: 'u32', offset: 28, bytes: 4, key: false, min: 0, max: 1048575 },
      { name: 'inside', type: 'ip', offset: 32, bytes: 16, key: false, family: 4 },
    ],
  },
  uplink_neighbor: {
    number: 21,
    bytes: 40,
    keyBytes: 24,
    fields: [
      { name: 'port', type: 'u32', offset: 0, bytes: 4, key: true, min: 0, max: 1048575 },
      { name: 'address', type: 'ip', offset: 8, bytes: 16, key: true, family: 4 },
      { name: 'mac', type: 'mac', offset: 24, bytes: 6, key: false },
      { name: 'silent', type: 'u8', offset: 30, bytes: 1, key: false, min: 0, max: 1 },
      { name: 'generation', type: 'u32', offset: 32, bytes: 4, key: false, min: 0, max: 4294967295 },
    ],
  },
};

/** The operation that makes or changes a row. Throws a RangeError that names table and field. */
export function packUpsert(row: Row): Buffer {
  return packRow(row.table, tables[row.table], row);
}

/** The operation that removes the row with this key. Throws a RangeError that names table and field. */
export function packDelete(key: RowKey): Buffer {
  return packKey(key.table, tables[key.table], key);
}

/** The key as text: equal for rows with the same key, however their addresses are written. */
export function rowId(row: Row | RowKey): string {
  return operationId(packKey(row.table, tables[row.table], row));
}

/** The row that an operation makes or removes, as `rowId` names it. */
export function operationId(op: Buffer): string {
  const { name, spec } = tableOf(op);
  return `${name}/${op.toString('hex', 8, 8 + spec.keyBytes)}`;
}

/** The operation that removes the row which `op` makes. */
export function deletionOf(op: Buffer): Buffer {
  return keyOnly(op, tableOf(op).spec);
}

const byNumber = new Map(Object.entries(tables).map(([name, spec]) => [spec.number, { name, spec }]));

function tableOf(op: Buffer): { readonly name: string; readonly spec: TableSpec } {
  const found = byNumber.get(op.readUInt8(1));
  if (!found) throw new RangeError(`there is no table ${op.readUInt8(1)}`);
  return found;
}

/** Rows that stand back to back, as rows.read answers. A rest that is no whole row is ignored. */
export function readRows(table: TableName, buffer: Buffer): Row[] {
  const spec = tables[table];
  const rows: Row[] = [];
  for (let at = 0; at + spec.bytes <= buffer.length; at += spec.bytes) rows.push({ table, ...readRow(spec, buffer, at) } as unknown as Row);
  return rows;
}
