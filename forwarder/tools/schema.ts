/**
 * The one table of what crosses the border of libforwarder: rows, records, enumerations and calls.
 * gen.ts writes from it the C header, its layout, the binding's readers and the plugins' row packers.
 * Field order is memory order; padding to natural alignment (records: to 8 bytes) is added and named by gen.ts.
 */
export type Scalar = 'u8' | 'u16' | 'u32' | 'i32' | 'u64';

export interface Field {
  readonly name: string;
  /** `mac`: 6 bytes; `ip`: 16 bytes, IPv4 in the first 4, network order; `text`: `size` bytes with a NUL, UTF-8. */
  readonly type: Scalar | 'mac' | 'ip' | 'text';
  readonly size?: number;
  /** Largest value allowed in a row. */
  readonly max?: number;
  /** Smallest value allowed in a row. */
  readonly min?: number;
  /** Holds the IP version of the field `address`; not a field in TypeScript. */
  readonly family?: true;
  readonly doc: string;
}

export interface RecordSpec {
  readonly name: string;
  readonly doc: string;
  readonly fields: readonly Field[];
}

/** `key` counts the fields that make the key; they come first. `hash` counts those that the index hashes (default: the key). */
export interface RowSpec extends RecordSpec {
  readonly number: number;
  readonly key: number;
  readonly hash?: number;
  /** The key counts per owner: two owners may use the same. */
  readonly perOwner?: true;
  /** Written by the forwarder itself; plugins may only read it. */
  readonly internal?: true;
  /** Slots in 512 MiB of state memory. */
  readonly capacity: number;
}

export interface EnumSpec {
  readonly name: string;
  readonly prefix: string;
  readonly doc: string;
  readonly values: readonly (readonly [name: string, value: number, doc: string])[];
}

export interface CallSpec {
  readonly name: string;
  readonly returns: 'int32_t' | 'uint64_t';
  readonly parameters: readonly (readonly [type: 'uint32_t' | 'const char *' | 'const void *' | 'void *', name: string])[];
  readonly doc: string;
}

/** Identifiers of VRFs, bridges and ports are below this. */
export const idLimit = 1 << 20;
const id = (doc: string): Field => ({ name: 'id', type: 'u32', min: 1, max: idLimit - 1, doc });
const reference = (name: string, doc: string): Field => ({ name, type: 'u32', max: idLimit - 1, doc });
const family: Field = { name: 'family', type: 'u8', family: true, doc: 'IP version of address: 4 or 6' };
const address = (doc: string): Field => ({ name: 'address', type: 'ip', doc });

export const rows: readonly RowSpec[] = [
  {
    name: 'vrf',
    number: 1,
    key: 1,
    capacity: 65_536,
    doc: 'A routing table.',
    fields: [id('number of the VRF')],
  },
  {
    name: 'bridge',
    number: 2,
    key: 1,
    capacity: 65_536,
    doc: 'A broadcast domain and the VRF that its gateway routes in.',
    fields: [
      id('number of the bridge'),
      reference('vrf', 'routing table of its gateway; 0: none'),
      { name: 'vni', type: 'u32', max: 0xff_ffff, doc: 'VXLAN network identifier (RFC 7348 §5)' },
      { name: 'mtu', type: 'u16', doc: 'largest IP packet, bytes' },
      { name: 'mode', type: 'u8', max: 2, doc: 'enum fwd_mode' },
      { name: 'flags', type: 'u8', max: 3, doc: 'enum fwd_bridge_flag' },
      { name: 'flood_rate', type: 'u32', doc: 'frames per second that one port may have flooded; 0: no limit' },
    ],
  },
  {
    name: 'port',
    number: 3,
    key: 1,
    capacity: 65_536,
    doc: 'A place where frames enter and leave: a VM, a VLAN of a trunk, an interface of the host.',
    fields: [
      id('number of the port'),
      reference('bridge', 'broadcast domain; 0: none'),
      reference('parent', 'VLAN: the trunk port that it is part of; service port: owner number of the plugin behind it; others: 0'),
      { name: 'flags', type: 'u32', max: 63, doc: 'enum fwd_port_flag' },
      { name: 'mac', type: 'mac', doc: "the VM's address; flag uplink: the appliance's own there, zero: the interface's" },
      { name: 'mtu', type: 'u16', doc: 'of the link, bytes' },
      { name: 'vlan', type: 'u16', max: 4094, doc: 'tag on the parent (IEEE 802.1Q VID); 0: none' },
      { name: 'binding', type: 'u8', max: 6, doc: 'enum fwd_binding' },
      { name: 'interface', type: 'text', size: 16, doc: 'name of the link; ethdev: PCI address' },
      { name: 'netns', type: 'text', size: 64, doc: "name of the namespace that gets the link's far end" },
      { name: 'socket', type: 'text', size: 108, doc: 'vhost_user: path of the UNIX socket' },
    ],
  },
  {
    name: 'mac',
    number: 4,
    key: 2,
    capacity: 1_048_576,
    doc: 'Where a MAC address of a bridge is.',
    fields: [
      reference('bridge', 'broadcast domain'),
      { name: 'mac', type: 'mac', doc: 'unicast address' },
      reference('port', 'port behind which it is'),
    ],
  },
  {
    name: 'neighbor',
    number: 5,
    key: 3,
    capacity: 1_048_576,
    doc: 'The MAC address of an IP address on a bridge; answers ARP and neighbour solicitations.',
    fields: [
      reference('bridge', 'broadcast domain'),
      family,
      address('network order'),
      { name: 'mac', type: 'mac', doc: 'answered' },
      { name: 'flags', type: 'u8', max: 1, doc: 'enum fwd_neighbor_flag' },
    ],
  },
  {
    name: 'nexthop',
    number: 6,
    key: 1,
    perOwner: true,
    capacity: 1_048_576,
    doc: 'What happens to packets of a route. Its number belongs to the owner: two owners may use the same.',
    fields: [
      { name: 'id', type: 'u32', doc: 'number, chosen by the owner' },
      reference('port', 'type port: where the packet leaves'),
      reference('bridge', 'type port: bridge that the packet leaves on'),
      { name: 'mac', type: 'mac', doc: 'type port: destination MAC address' },
      {
        name: 'target',
        type: 'u32',
        max: idLimit - 1,
        doc: 'type vrf: the VRF that is asked next; type gateway: number of the gateway of the port',
      },
      { name: 'type', type: 'u8', max: 6, doc: 'enum fwd_nexthop_type' },
      { name: 'flags', type: 'u8', max: 1, doc: 'enum fwd_nexthop_flag' },
      { name: 'size', type: 'u16', max: 256, doc: 'type ecmp: places in the group; rows of table member fill them, others are holes' },
      { name: 'punt_class', type: 'u16', max: 255, doc: 'type punt: the class, one of the same owner' },
    ],
  },
  {
    name: 'route',
    number: 7,
    key: 5,
    hash: 4,
    capacity: 2_097_152,
    doc: 'A path to a prefix. Of several with the same prefix the lowest source wins.',
    fields: [
      reference('vrf', 'routing table'),
      family,
      { name: 'prefix_length', type: 'u8', max: 128, doc: 'bits; at most 32 for IPv4' },
      address('network order; bits after prefix_length are zero'),
      { name: 'source', type: 'u8', doc: 'who says so; lowest number wins' },
      { name: 'nexthop', type: 'u32', doc: 'id of a nexthop of the same owner' },
    ],
  },
  {
    name: 'service',
    number: 8,
    key: 5,
    capacity: 65_536,
    doc: 'Packets to an address, protocol and port that a plugin answers.',
    fields: [
      { name: 'vrf', type: 'u32', doc: 'routing table; 0xffffffff: any' },
      family,
      { name: 'protocol', type: 'u8', doc: 'IANA protocol number' },
      { name: 'l4_port', type: 'u16', doc: 'destination port, host order' },
      address('destination, network order; all zero: any'),
      { name: 'punt_class', type: 'u16', max: 255, doc: 'action punt: the class' },
      { name: 'action', type: 'u8', max: 2, doc: 'enum fwd_action' },
    ],
  },
  {
    name: 'punt_class',
    number: 9,
    key: 1,
    capacity: 256,
    doc: 'A queue to a plugin with its limits (token buckets; burst in packets).',
    fields: [
      { name: 'id', type: 'u16', max: 255, doc: 'number of the class' },
      { name: 'receiver', type: 'u16', min: 1, max: 63, doc: 'owner number of the plugin that reads it' },
      { name: 'rate', type: 'u32', doc: 'packets per second, all ports together' },
      { name: 'burst', type: 'u32', doc: 'packets' },
      { name: 'port_rate', type: 'u32', doc: 'packets per second, each port' },
      { name: 'port_burst', type: 'u32', doc: 'packets' },
      { name: 'name', type: 'text', size: 32, doc: 'for people' },
    ],
  },
  {
    name: 'source',
    number: 10,
    key: 5,
    capacity: 262_144,
    doc: 'Addresses that a port with security may send from, with the MAC address that goes with them.',
    fields: [
      reference('port', 'the port'),
      family,
      { name: 'prefix_length', type: 'u8', max: 128, doc: 'bits; at most 32 for IPv4' },
      { name: 'mac', type: 'mac', doc: 'source MAC address' },
      address('network order; bits after prefix_length are zero'),
    ],
  },
  {
    name: 'member',
    number: 11,
    key: 2,
    hash: 1,
    perOwner: true,
    capacity: 262_144,
    doc: 'One place of an ECMP group. A place without a row is a hole: only flows that hash to it move to others.',
    fields: [
      { name: 'group', type: 'u32', doc: 'id of a nexthop of type ecmp of the same owner' },
      { name: 'index', type: 'u32', max: 255, doc: 'place in the group, from 0' },
      { name: 'nexthop', type: 'u32', doc: 'id of a nexthop of the same owner that is no group' },
    ],
  },
  {
    name: 'learned_mac',
    number: 12,
    key: 2,
    capacity: 262_144,
    internal: true,
    doc: 'Where the forwarder itself saw a MAC address: behind ports without security. A row of table mac goes before it.',
    fields: [
      reference('bridge', 'broadcast domain'),
      { name: 'mac', type: 'mac', doc: 'unicast address' },
      reference('port', 'port behind which it was seen last'),
      { name: 'generation', type: 'u32', doc: 'of the port; another port with the same id has another' },
    ],
  },
  {
    name: 'learned_neighbor',
    number: 13,
    key: 3,
    capacity: 262_144,
    internal: true,
    doc: 'An IPv6 address that a port took by duplicate address detection (RFC 4862 §5.4). A row of table neighbor goes before it.',
    fields: [
      reference('bridge', 'broadcast domain'),
      family,
      address('network order'),
      { name: 'mac', type: 'mac', doc: 'answered' },
      reference('port', 'port that has it'),
      { name: 'generation', type: 'u32', doc: 'of the port; another port with the same id has another' },
    ],
  },
  {
    name: 'rule',
    number: 14,
    key: 2,
    hash: 2,
    capacity: 524_288,
    doc: 'What a group allows or denies: flows of one IP version, protocol, range of ports and remote. Among those that match the lowest priority decides, deny before allow.',
    fields: [
      { name: 'group', type: 'u32', min: 1, doc: 'number of the group' },
      { name: 'number', type: 'u32', doc: 'of the rule in its group; kept while the rule is' },
      { name: 'priority', type: 'u32', doc: 'lowest first' },
      { name: 'remote_group', type: 'u32', doc: "the remote's address belongs to a port with an identity in this group; 0: any" },
      { name: 'port_min', type: 'u16', doc: 'destination port, host order; ICMP: type << 8 | code; other protocols: 0' },
      { name: 'port_max', type: 'u16', doc: 'the last one; other protocols, and all of one: 65535' },
      { name: 'direction', type: 'u8', max: 1, doc: 'enum fwd_rule_direction' },
      { name: 'action', type: 'u8', max: 1, doc: 'enum fwd_rule_action' },
      { name: 'protocol', type: 'u8', doc: 'IANA protocol number; 0: any' },
      family,
      { name: 'prefix_length', type: 'u8', max: 128, doc: 'of the remote; bits, at most 32 for IPv4; 0: any address' },
      address("the remote's, network order; bits after prefix_length are zero"),
    ],
  },
  {
    name: 'identity_group',
    number: 15,
    key: 2,
    hash: 1,
    capacity: 524_288,
    doc: 'An identity belongs to a group. What it means never changes: another set of groups is another identity.',
    fields: [
      { name: 'identity', type: 'u32', min: 16, max: 65_535, doc: 'number of the identity' },
      { name: 'group', type: 'u32', min: 1, doc: 'number of the group' },
      {
        name: 'gate',
        type: 'u8',
        max: 3,
        doc: 'where its rules are asked; every gate that an identity has must allow; 0: nowhere, it is only a remote',
      },
    ],
  },
  {
    name: 'port_identity',
    number: 16,
    key: 1,
    capacity: 65_536,
    doc: 'The identity of a port with flag policy_required. Without this row such a port is closed.',
    fields: [
      { name: 'port', type: 'u32', min: 1, max: idLimit - 1, doc: 'the port' },
      { name: 'identity', type: 'u32', min: 16, max: 65_535, doc: 'number of the identity; one without groups allows nothing' },
    ],
  },
  {
    name: 'gateway',
    number: 17,
    key: 2,
    capacity: 4_096,
    doc: 'A router behind an uplink, watched by ARP or neighbour discovery as long as the row is there.',
    fields: [
      reference('port', 'port with flag uplink'),
      { name: 'number', type: 'u32', max: 255, doc: 'of the gateway at this port' },
      family,
      address('network order; IPv6 may be link-local'),
    ],
  },
  {
    name: 'nat_address',
    number: 18,
    key: 3,
    capacity: 1_024,
    doc: 'An address that many ports share on their way out through an uplink, and the ports of it that are leased to this forwarder. The uplink answers for it.',
    fields: [
      reference('port', 'the uplink'),
      family,
      address('network order'),
      { name: 'pool', type: 'u32', min: 1, doc: 'number of the pool that it is part of' },
      { name: 'port_min', type: 'u16', min: 1, doc: 'first port (ICMP: identifier) that may be given out, host order' },
      { name: 'port_max', type: 'u16', doc: 'the last one' },
      { name: 'block_size', type: 'u16', min: 64, max: 16_384, doc: 'ports that a port of a VM gets at a time; a power of two' },
      { name: 'port_blocks', type: 'u16', min: 1, max: 1_024, doc: 'blocks that one port may have at a time' },
      { name: 'flags', type: 'u8', max: 15, doc: 'enum fwd_nat_flag' },
    ],
  },
  {
    name: 'vrf_nat',
    number: 19,
    key: 1,
    capacity: 65_536,
    doc: 'What packets of a VRF become that leave through an uplink and whose source has no floating address there.',
    fields: [
      reference('vrf', 'the VRF'),
      { name: 'pool', type: 'u32', doc: 'pool of nat_address rows whose addresses they share; 0: they are dropped' },
      reference('port', 'the uplink whose nat_address and floating_ip rows packets from the VRF reach from inside'),
    ],
  },
  {
    name: 'floating_ip',
    number: 20,
    key: 3,
    capacity: 65_536,
    doc: "An address outside that stands for one of a VM's, in both directions. The uplink answers for it.",
    fields: [
      reference('port', 'the uplink'),
      family,
      address('outside, network order'),
      { name: 'prefix_length', type: 'u8', max: 128, doc: "of the uplink's subnet that it lies in; 0: in none" },
      { name: 'inside_port', type: 'u32', max: idLimit - 1, doc: 'port of the VM' },
      { name: 'inside', type: 'ip', doc: "the VM's address, of the same IP version, network order" },
    ],
  },
  {
    name: 'uplink_neighbor',
    number: 21,
    key: 3,
    capacity: 16_384,
    internal: true,
    doc: 'The MAC address of a host or router behind an uplink, as it answered. That of a host ends when it does not answer any more.',
    fields: [
      reference('port', 'the uplink'),
      family,
      address('network order'),
      { name: 'mac', type: 'mac', doc: 'unicast address; zero: it never answered' },
      { name: 'silent', type: 'u8', max: 1, doc: '1: a gateway that does not answer any more; its address is kept' },
      { name: 'generation', type: 'u32', doc: 'of the port; another port with the same id has another' },
    ],
  },
];

const count = (name: string, doc: string): Field => ({ name, type: 'u64', doc });

/** Other records of the interface. `config` goes in, `punt` both ways, the rest comes out. */
export const records: readonly RecordSpec[] = [
  {
    name: 'config',
    doc: 'What fwd_start needs.',
    fields: [
      { name: 'memory_mib', type: 'u32', doc: 'packet memory (EAL -m), MiB; 64 to 65536' },
      { name: 'state_mib', type: 'u32', doc: 'state memory, MiB; 4 to 65536; unused parts cost nothing' },
      { name: 'state_fd', type: 'i32', doc: 'descriptor of the state memory (tmpfs); stays the caller’s' },
      { name: 'log_fd', type: 'i32', doc: 'descriptor for log lines; stays the caller’s' },
      { name: 'cpu', type: 'i32', doc: 'CPU of the first packet thread; -1: wherever the scheduler likes' },
      { name: 'packet_threads', type: 'u32', doc: '1 to 8, on following CPUs' },
      { name: 'max_ports', type: 'u32', doc: 'live ports; 1 to 65536' },
      {
        name: 'flow_pairs',
        type: 'u32',
        doc: 'flows that are remembered, each in both directions; 64 to 16777216; 0: 524288; they lie behind the state memory in its file',
      },
      { name: 'flow_port_percent', type: 'u32', doc: 'share of them that flows from one port may take; 1 to 100; 0: 25' },
      {
        name: 'flow_tcp_established',
        type: 'u32',
        doc: 'seconds without a packet after which a flow is forgotten: open TCP connections; 0: 7440',
      },
      { name: 'flow_tcp_transitory', type: 'u32', doc: 'the same of TCP connections that begin or end; 0: 240' },
      { name: 'flow_udp', type: 'u32', doc: 'of UDP; 0: 300' },
      { name: 'flow_icmp', type: 'u32', doc: 'of ICMP and ICMPv6; 0: 60' },
      { name: 'flow_other', type: 'u32', doc: 'of all other protocols; 0: 300' },
      {
        name: 'nat_addresses',
        type: 'u32',
        doc: 'addresses that ports may share (rows nat_address) at a time; 1 to 1024; 0: 16; their mappings lie behind the flows',
      },
      {
        name: 'nat_reuse_wait',
        type: 'u32',
        doc: 'seconds in which an outside port is given to nobody else after its last flow (RFC 6888 §3 REQ-8); 0: 120',
      },
      { name: 'flow_tcp_pickup', type: 'u8', max: 2, doc: 'enum fwd_tcp_pickup' },
      { name: 'hugepages', type: 'u8', max: 1, doc: '1: packet memory in hugepages' },
      { name: 'log_level', type: 'u8', doc: 'EAL log level, 1 (emergency) to 8 (debug)' },
      {
        name: 'link_tag',
        type: 'text',
        size: 4,
        doc: 'stands in the names of our links, wf<tag>p<port id>: 1 to 3 of a-z, 0-9; the same for each start with this memory',
      },
    ],
  },
  {
    name: 'state',
    doc: 'What became of the state memory at start.',
    fields: [
      { name: 'epoch', type: 'u32', doc: 'starts of a forwarder with this memory; changes with each' },
      { name: 'rows', type: 'u32', doc: 'rows found and taken over' },
      { name: 'discarded', type: 'u32', doc: 'rows found damaged and left out' },
      { name: 'replayed', type: 'u32', doc: 'row changes of an interrupted batch that were finished' },
      { name: 'fresh', type: 'u8', doc: '1: the memory was empty or had to be given up' },
      { name: 'note', type: 'text', size: 128, doc: 'why it had to be given up; empty otherwise' },
    ],
  },
  {
    name: 'port_state',
    doc: 'How a port is doing.',
    fields: [
      { name: 'id', type: 'u32', doc: 'of the port' },
      { name: 'generation', type: 'u32', doc: 'of the port row; another port with the same id has another' },
      { name: 'slot', type: 'u16', doc: 'small number of the live port; stands in its identity addresses behind service ports' },
      { name: 'mac', type: 'mac', doc: 'flag uplink: of the appliance there; zero until it is up' },
      { name: 'state', type: 'u8', doc: 'enum fwd_link' },
      { name: 'reason', type: 'text', size: 127, doc: 'why it is not up, for people; empty when up' },
    ],
  },
  {
    name: 'port_stats',
    doc: 'Counters of one port since it was made: rx_packets + injected + cloned + originated = sent + dropped + punted, by the port entered.',
    fields: [
      { name: 'id', type: 'u32', doc: 'of the port' },
      { name: 'generation', type: 'u32', doc: 'of the port' },
      count('rx_packets', 'frames that came in'),
      count('rx_bytes', 'of them'),
      count('tx_packets', 'frames that left through this port'),
      count('tx_bytes', 'of them'),
      count('injected', 'frames that plugins sent'),
      count('cloned', 'copies made of frames that came in here'),
      count('originated', 'frames made by the forwarder itself: errors, further fragments'),
      count('sent', 'left through any port'),
      count('dropped', 'under a named reason'),
      count('punted', 'handed to plugins'),
    ],
  },
  {
    name: 'drop',
    doc: 'Drops of one port under one reason.',
    fields: [
      { name: 'port', type: 'u32', doc: 'entered through' },
      { name: 'reason', type: 'u32', doc: 'number for fwd_drop_name' },
      count('packets', 'frames'),
      count('bytes', 'of them'),
    ],
  },
  {
    name: 'punt',
    doc: 'Head of a punt or inject record; length bytes of Ethernet frame follow, then zeros to a multiple of 8.',
    fields: [
      { name: 'version', type: 'u8', doc: '1' },
      { name: 'flags', type: 'u8', doc: '1: vlan holds the tag that the frame carried' },
      { name: 'punt_class', type: 'u16', doc: 'id of the class' },
      { name: 'length', type: 'u32', doc: 'of the frame, bytes' },
      { name: 'port', type: 'u32', doc: 'entered through; inject: leaves through' },
      { name: 'generation', type: 'u32', doc: 'of the port; a stale injection is dropped' },
      { name: 'vrf', type: 'u32', doc: 'of the port' },
      { name: 'vlan', type: 'u16', doc: 'IEEE 802.1Q VID' },
      { name: 'reserved', type: 'u16', doc: 'zero' },
      { name: 'timestamp_ns', type: 'u64', doc: 'CLOCK_REALTIME of the arrival' },
    ],
  },
  {
    name: 'captured',
    doc: 'Head of a captured frame; taken bytes of it follow, then zeros to a multiple of 8.',
    fields: [
      { name: 'length', type: 'u32', doc: 'of the frame, bytes' },
      { name: 'taken', type: 'u32', doc: 'bytes that follow' },
      { name: 'timestamp_ns', type: 'u64', doc: 'CLOCK_REALTIME' },
      { name: 'lost', type: 'u64', doc: 'frames before this one that found no room, since the capture began' },
      { name: 'reason', type: 'u16', doc: 'drop reason; 0xffff: it was not dropped' },
      { name: 'direction', type: 'u8', doc: 'enum fwd_direction' },
    ],
  },
  {
    name: 'flow',
    doc: 'A flow: packets of one conversation in both directions, told as its first packet went.',
    fields: [
      { name: 'time_ns', type: 'u64', doc: 'CLOCK_REALTIME at which this was told' },
      { name: 'age_ms', type: 'u64', doc: 'since its first packet' },
      { name: 'idle_ms', type: 'u64', doc: 'since its last packet' },
      count('packets', 'of the direction of the first packet'),
      count('bytes', 'of them, IP packets'),
      count('reply_packets', 'of the other direction'),
      count('reply_bytes', 'of them'),
      { name: 'from_port', type: 'u32', doc: 'id of the port that the first packet entered through' },
      { name: 'from_generation', type: 'u32', doc: 'of that port' },
      { name: 'to_port', type: 'u32', doc: 'id of the port that it left through; 0: none' },
      { name: 'to_generation', type: 'u32', doc: 'of that port' },
      { name: 'egress_group', type: 'u32', doc: 'group of the rule of the first port that decided; 0: none did' },
      { name: 'egress_number', type: 'u32', doc: 'number of that rule' },
      { name: 'ingress_group', type: 'u32', doc: 'group of the rule of the second port that decided; 0: none did' },
      { name: 'ingress_number', type: 'u32', doc: 'number of that rule' },
      { name: 'src_port', type: 'u16', doc: 'host order; ICMP: identifier' },
      { name: 'dst_port', type: 'u16', doc: 'host order; ICMP: type << 8 | code' },
      { name: 'last_drop', type: 'u16', doc: 'drop reason of the last packet of it that was dropped; 0xffff: none' },
      { name: 'event', type: 'u8', doc: 'enum fwd_flow_event' },
      { name: 'state', type: 'u8', doc: 'enum fwd_flow_state' },
      { name: 'action', type: 'u8', doc: 'enum fwd_rule_action' },
      { name: 'protocol', type: 'u8', doc: 'IANA protocol number' },
      { name: 'version', type: 'u8', doc: 'of IP: 4 or 6' },
      { name: 'translated', type: 'u8', doc: '1: its addresses or ports are translated; the next four say into what' },
      { name: 'nat_src_port', type: 'u16', doc: 'as src_port, of packets as they leave' },
      { name: 'nat_dst_port', type: 'u16', doc: 'as dst_port' },
      { name: 'src', type: 'ip', doc: 'network order' },
      { name: 'dst', type: 'ip', doc: 'network order' },
      { name: 'nat_src', type: 'ip', doc: 'of packets as they leave' },
      { name: 'nat_dst', type: 'ip', doc: 'of packets as they leave' },
    ],
  },
  {
    name: 'flow_filter',
    doc: 'Which flows fwd_flows_read tells of; all fields must fit.',
    fields: [
      { name: 'port', type: 'u32', doc: 'id of a port at either end; 0: any' },
      { name: 'protocol', type: 'u8', doc: 'IANA protocol number; 0: any' },
      { name: 'version', type: 'u8', doc: 'of IP and address; 0: any' },
      { name: 'l4_port', type: 'u16', doc: 'host order, at either end; 0: any' },
      { name: 'address', type: 'ip', doc: 'at either end, network order; all zero: any' },
    ],
  },
  {
    name: 'flow_stats',
    doc: 'The table of flows as a whole.',
    fields: [
      count('capacity', 'pairs that fit'),
      count('used', 'pairs in use'),
      count('added', 'since the start'),
      count('expired', 'after their time, since the start'),
      count('evicted', 'half-open ones that had to go for new ones, since the start'),
      count('kept', 'taken over from the forwarder before this one'),
      count('redecided', 'times that a flow was decided anew because rules changed'),
      count('events_lost', 'flow events that found no room or were too many, since the start'),
    ],
  },
  {
    name: 'nat_address_stats',
    doc: 'How much of a shared address is in use.',
    fields: [
      { name: 'port', type: 'u32', doc: 'the uplink' },
      { name: 'pool', type: 'u32', doc: 'number of the pool' },
      { name: 'ports', type: 'u32', doc: 'leased: port_max - port_min + 1, without those that sockets of the host have' },
      { name: 'blocked', type: 'u32', doc: 'of them in blocks that belong to a port' },
      { name: 'tcp', type: 'u32', doc: 'outside ports in use, the reuse wait included' },
      { name: 'udp', type: 'u32', doc: 'the same of UDP' },
      { name: 'icmp', type: 'u32', doc: 'identifiers in use' },
      { name: 'version', type: 'u8', doc: 'of IP: 4 or 6' },
      { name: 'host', type: 'u8', doc: '1: it is an address of the host, too' },
      count('exhausted', 'new flows that found no port, since the start'),
      { name: 'address', type: 'ip', doc: 'network order' },
    ],
  },
  {
    name: 'nat_event',
    doc: 'What happened to a block of outside ports, or a block that a port has now.',
    fields: [
      { name: 'sequence', type: 'u64', doc: 'number of the event, from 1, over restarts of the forwarder; 0: it is a listed block' },
      { name: 'time_ns', type: 'u64', doc: 'CLOCK_REALTIME; of a listed block: since when' },
      { name: 'inside_port', type: 'u32', doc: 'id of the port of the VM' },
      { name: 'inside_generation', type: 'u32', doc: 'of that port' },
      { name: 'port', type: 'u32', doc: 'the uplink' },
      { name: 'first', type: 'u16', doc: 'outside port, host order; exhausted: 0' },
      { name: 'last', type: 'u16', doc: 'outside port, host order; exhausted: 0' },
      { name: 'event', type: 'u8', doc: 'enum fwd_nat_event' },
      { name: 'version', type: 'u8', doc: 'of IP: 4 or 6' },
      { name: 'protocol', type: 'u8', doc: 'exhausted: of the packet that found no port; IANA protocol number' },
      { name: 'address', type: 'ip', doc: 'network order' },
    ],
  },
  {
    name: 'rule_stats',
    doc: 'What a rule decided, since the forwarder started.',
    fields: [
      { name: 'group', type: 'u32', doc: 'of the rule' },
      { name: 'number', type: 'u32', doc: 'of the rule in its group' },
      count('flows', 'flows that it decided, each time; denied packets for a rule that denies'),
      count('packets', 'of flows that it allowed, both directions; some seconds behind'),
      count('bytes', 'of them'),
    ],
  },
  {
    name: 'step',
    doc: 'Head of a step of a trace; length bytes follow (see enum fwd_step_kind), then zeros to a multiple of 8.',
    fields: [
      { name: 'length', type: 'u32', doc: 'bytes that follow' },
      { name: 'kind', type: 'u32', doc: 'enum fwd_step_kind' },
      { name: 'port', type: 'u32', doc: 'id of the port; 0: none' },
      { name: 'value', type: 'u32', doc: 'as the kind says' },
    ],
  },
];
