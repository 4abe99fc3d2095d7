/*
 * libforwarder's public interface.
 * Written by forwarder/tools/gen.ts; edit the tables in schema.ts and calls.ts.
 *
 * Every call may be made from any thread. Calls return 0 or more, or a negative enum fwd_err. Buffers are pointer and length
 * in bytes and stay the caller's. Integers are little endian, IP and MAC addresses in network order; IPv4 addresses stand in
 * the first 4 of 16 bytes, the rest is zero.
 */
#ifndef FORWARDER_H
#define FORWARDER_H

#include <stdint.h>

#define FWD_PUBLIC __attribute__((visibility("default")))
#define FWD_ABI 0x2c260e41d3f4bd09ULL
#define FWD_ROWS_ABI 0xc3a4ec343450be92ULL
#define FWD_ID_LIMIT 1048576u /* ids of VRFs, bridges and ports are below */
#define FWD_ANY_VRF 0xffffffffu /* service rows of every VRF */
#define FWD_PUNT_VERSION 1
#define FWD_PUNT_FLAG_VLAN 1

/* What a call returns when it refuses; fwd_error_text has the sentence. */
enum fwd_err {
    FWD_ERR_ARGUMENT = -1, /* an argument is out of range or a buffer is NULL or too small */
    FWD_ERR_STATE = -2, /* not started, started already, or called out of order */
    FWD_ERR_ROW = -3, /* an operation of the batch is malformed; the text names operation and field */
    FWD_ERR_OWNER = -4, /* the row belongs to another owner */
    FWD_ERR_GENERATION = -5, /* not the generation that the owner began last */
    FWD_ERR_FULL = -6, /* the table, the journal or the list of owners is full */
    FWD_ERR_MEMORY = -7, /* out of memory */
    FWD_ERR_SYSTEM = -8, /* the operating system refused; the text says what */
    FWD_ERR_EAL = -9, /* DPDK did not start; the log says why */
    FWD_ERR_TAKEN = -10, /* the address belongs to another socket */
};

/* Tables of rows. */
enum fwd_table {
    FWD_TABLE_VRF = 1, /* A routing table. */
    FWD_TABLE_BRIDGE = 2, /* A broadcast domain and the VRF that its gateway routes in. */
    FWD_TABLE_PORT = 3, /* A place where frames enter and leave: a VM, a VLAN of a trunk, an interface of the host. */
    FWD_TABLE_MAC = 4, /* Where a MAC address of a bridge is. */
    FWD_TABLE_NEIGHBOR = 5, /* The MAC address of an IP address on a bridge; answers ARP and neighbour solicitations. */
    FWD_TABLE_NEXTHOP = 6, /* What happens to packets of a route. Its number belongs to the owner: two owners may use the same. */
    FWD_TABLE_ROUTE = 7, /* A path to a prefix. Of several with the same prefix the lowest source wins. */
    FWD_TABLE_SERVICE = 8, /* Packets to an address, protocol and port that a plugin answers. */
    FWD_TABLE_PUNT_CLASS = 9, /* A queue to a plugin with its limits (token buckets; burst in packets). */
    FWD_TABLE_SOURCE = 10, /* Addresses that a port with security may send from, with the MAC address that goes with them. */
    FWD_TABLE_MEMBER = 11, /* One place of an ECMP group. A place without a row is a hole: only flows that hash to it move to others. */
    FWD_TABLE_LEARNED_MAC = 12, /* Where the forwarder itself saw a MAC address: behind ports without security. A row of table mac goes before it. */
    FWD_TABLE_LEARNED_NEIGHBOR = 13, /* An IPv6 address that a port took by duplicate address detection (RFC 4862 §5.4). A row of table neighbor goes before it. */
    FWD_TABLE_RULE = 14, /* What a group allows or denies: flows of one IP version, protocol, range of ports and remote. Among those that match the lowest priority decides, deny before allow. */
    FWD_TABLE_IDENTITY_GROUP = 15, /* An identity belongs to a group. What it means never changes: another set of groups is another identity. */
    FWD_TABLE_PORT_IDENTITY = 16, /* The identity of a port with flag policy_required. Without this row such a port is closed. */
    FWD_TABLE_GATEWAY = 17, /* A router behind an uplink, watched by ARP or neighbour discovery as long as the row is there. */
    FWD_TABLE_NAT_ADDRESS = 18, /* An address that many ports share on their way out through an uplink, and the ports of it that are leased to this forwarder. The uplink answers for it. */
    FWD_TABLE_VRF_NAT = 19, /* What packets of a VRF become that leave through an uplink and whose source has no floating address there. */
    FWD_TABLE_FLOATING_IP = 20, /* An address outside that stands for one of a VM's, in both directions. The uplink answers for it. */
    FWD_TABLE_UPLINK_NEIGHBOR = 21, /* The MAC address of a host or router behind an uplink, as it answered. That of a host ends when it does not answer any more. */
};

/* Operations of a batch. */
enum fwd_op {
    FWD_OP_UPSERT = 1, /* the row follows */
    FWD_OP_DELETE = 2, /* the row follows; only its key counts; a row that is not there is no error */
};

/* How a bridge forwards. */
enum fwd_mode {
    FWD_MODE_L2 = 0, /* bridged only */
    FWD_MODE_L3 = 1, /* every IP packet is routed, the rest dropped */
    FWD_MODE_L2_L3 = 2, /* frames to the gateway's MAC address are routed, others bridged */
};

/* Bits of bridge.flags. */
enum fwd_bridge_flag {
    FWD_BRIDGE_FLOOD_UNKNOWN = 1, /* flood unknown unicast */
    FWD_BRIDGE_UNDERLAY = 2, /* routed natively: what leaves through an uplink keeps its addresses */
};

/* Bits of port.flags. */
enum fwd_port_flag {
    FWD_PORT_SECURITY = 1, /* frames must come from the MAC address of the port and, IP and neighbour protocols, from its rows of table source */
    FWD_PORT_POLICY_REQUIRED = 2, /* closed until its policy is there */
    FWD_PORT_TRUNK = 4, /* carries tagged frames for VLAN ports */
    FWD_PORT_SERVER = 8, /* vhost_user: the forwarder makes the socket and the VM connects; else the other way round */
    FWD_PORT_SERVICE = 16, /* binding netns: a service port, behind it the plugin whose owner number is its parent; in no bridge */
    FWD_PORT_UPLINK = 32, /* the underlay side: own MAC and addresses, neighbours are asked for; binding interface: the host goes on using it */
};

/* How a port is tied to the outside. */
enum fwd_binding {
    FWD_BINDING_NONE = 0, /* not at all */
    FWD_BINDING_INTERFACE = 1, /* an interface of the host */
    FWD_BINDING_NETNS = 2, /* a veth pair with one end in a namespace */
    FWD_BINDING_VLAN = 3, /* tagged frames of the parent port */
    FWD_BINDING_ETHDEV = 4, /* a DPDK device */
    FWD_BINDING_TAP = 5, /* a tap interface of the host, made here */
    FWD_BINDING_VHOST_USER = 6, /* a virtio device of a virtual machine, over a UNIX socket */
};

/* Bits of neighbor.flags. */
enum fwd_neighbor_flag {
    FWD_NEIGHBOR_GATEWAY = 1, /* answered with, and routed by, this appliance */
};

/* What a next hop does. */
enum fwd_nexthop_type {
    FWD_NEXTHOP_DROP = 0, /* drop */
    FWD_NEXTHOP_PORT = 1, /* rewrite and send */
    FWD_NEXTHOP_BLACKHOLE = 2, /* drop without a word */
    FWD_NEXTHOP_ECMP = 3, /* one of the members of a group, chosen by a hash of the flow */
    FWD_NEXTHOP_PUNT = 4, /* hand to a plugin */
    FWD_NEXTHOP_VRF = 5, /* look the destination up in another VRF, once */
    FWD_NEXTHOP_GATEWAY = 6, /* to a router behind an uplink; while it does not answer, the next member of the group */
};

/* Bits of nexthop.flags. */
enum fwd_nexthop_flag {
    FWD_NEXTHOP_FLAG_SLAAC = 1, /* a connected subnet in which ports may take IPv6 addresses by themselves (RFC 4862) */
};

/* Bits of nat_address.flags. */
enum fwd_nat_flag {
    FWD_NAT_HOST = 1, /* perhaps an address of the host, too: then only ports that the host's sockets do not use are given out */
    FWD_NAT_REUSE = 2, /* TCP: a port whose blocks are used up shares outside ports among remotes */
    FWD_NAT_DEPENDENT_MAPPING = 4, /* each remote address and port gets an outside port of its own; else endpoint-independent (RFC 4787 §4.1) */
    FWD_NAT_DEPENDENT_FILTERING = 8, /* only a remote that was sent to may answer; else endpoint-independent (RFC 4787 §5) */
};

/* What a nat_event tells. */
enum fwd_nat_event_kind {
    FWD_NAT_EVENT_LISTED = 0, /* a block that a port has */
    FWD_NAT_EVENT_ASSIGNED = 1, /* a port got a block */
    FWD_NAT_EVENT_RELEASED = 2, /* a block went back: none of its outside ports is used any more */
    FWD_NAT_EVENT_EXHAUSTED = 3, /* a new flow of a port found no outside port; told once in 10 seconds for each port */
};

/* What a service row does. */
enum fwd_action {
    FWD_ACTION_PUNT = 0, /* hand the packet to a plugin */
    FWD_ACTION_PORT = 1, /* send it out of the owner's service port */
    FWD_ACTION_REJECT = 2, /* tell the sender that nobody serves there */
};

/* Which flows a rule is asked about. */
enum fwd_rule_direction {
    FWD_RULE_INGRESS = 0, /* those to the port; the remote is the source */
    FWD_RULE_EGRESS = 1, /* those from the port; the remote is the destination */
};

/* What a rule says of flows that match. */
enum fwd_rule_action {
    FWD_RULE_ALLOW = 0, /* they pass, with their answers */
    FWD_RULE_DENY = 1, /* they are dropped */
};

/* What becomes of a TCP segment without SYN that belongs to no flow. */
enum fwd_tcp_pickup {
    FWD_TCP_PICKUP_FORWARD = 0, /* decided as if it were the first of its direction */
    FWD_TCP_PICKUP_EITHER = 1, /* allowed when either direction would be */
    FWD_TCP_PICKUP_NEVER = 2, /* dropped */
};

/* Why a flow is told of. */
enum fwd_flow_event {
    FWD_FLOW_EVENT_LISTED = 0, /* it was asked for */
    FWD_FLOW_EVENT_BEGAN = 1, /* its first packet passed */
    FWD_FLOW_EVENT_ENDED = 2, /* it was forgotten: out of time, evicted, or replaced by a new connection */
    FWD_FLOW_EVENT_DENIED = 3, /* a packet of it was denied; nothing is remembered of one that was never allowed */
};

/* What is known of a flow. */
enum fwd_flow_state {
    FWD_FLOW_OPENING = 0, /* TCP: the handshake is not complete; others: no answer yet */
    FWD_FLOW_ESTABLISHED = 1, /* both sides speak */
    FWD_FLOW_CLOSING = 2, /* TCP: one side has ended */
    FWD_FLOW_CLOSED = 3, /* TCP: both have, or it was reset */
};

/* State of a port. */
enum fwd_link {
    FWD_LINK_PENDING = 0, /* being made or retried */
    FWD_LINK_UP = 1, /* carries frames */
    FWD_LINK_DOWN = 2, /* exists, no carrier */
};

/* How a captured frame passed the port. */
enum fwd_direction {
    FWD_DIRECTION_NONE = 0, /* not at all: a copy or an answer that was dropped before it left */
    FWD_DIRECTION_IN = 1, /* it came in */
    FWD_DIRECTION_OUT = 2, /* it was to leave */
};

/* What a step of a trace tells, and what follows it. */
enum fwd_step_kind {
    FWD_STEP_STAGE = 0, /* a stage gave a verdict: value is enum fwd_verdict or a drop reason; its name follows */
    FWD_STEP_ROW = 1, /* a row decided; value is its table, the row follows */
    FWD_STEP_SENT = 2, /* a frame leaves through port; it follows */
    FWD_STEP_DROPPED = 3, /* a frame ends; value is the drop reason; it follows */
    FWD_STEP_PUNTED = 4, /* a frame goes to a plugin; value is the punt class; it follows */
    FWD_STEP_MADE = 5, /* a frame is made besides the one that caused it: a copy, a fragment, an ICMP error; it follows */
    FWD_STEP_LEARNED = 6, /* an address behind the port is remembered; value is the table that gets the row; the key follows */
    FWD_STEP_FLOW = 7, /* the packet belongs to a flow, or would begin one (event BEGAN); a struct fwd_flow follows */
};

/* What a stage says of a frame, besides the numbers of drop reasons, which lie below. */
enum fwd_verdict {
    FWD_VERDICT_NEXT = 128, /* go on */
    FWD_VERDICT_SEND = 129, /* leaves through a port */
    FWD_VERDICT_REPLY = 130, /* turned round: leaves through the port it came from */
    FWD_VERDICT_FLOOD = 131, /* to every other port of the network */
    FWD_VERDICT_PUNT = 132, /* to a plugin */
    FWD_VERDICT_ROUTE = 133, /* look up its destination */
    FWD_VERDICT_FRAGMENT = 134, /* leaves through a port in pieces */
};

/* Rows. */

/* A routing table. */
struct fwd_vrf_row {
    uint32_t id; /* number of the VRF */
    uint8_t pad0[4]; /* zero */
};
_Static_assert(sizeof(struct fwd_vrf_row) == 8, "fwd_vrf_row");

/* A broadcast domain and the VRF that its gateway routes in. */
struct fwd_bridge_row {
    uint32_t id; /* number of the bridge */
    uint32_t vrf; /* routing table of its gateway; 0: none */
    uint32_t vni; /* VXLAN network identifier (RFC 7348 §5) */
    uint16_t mtu; /* largest IP packet, bytes */
    uint8_t mode; /* enum fwd_mode */
    uint8_t flags; /* enum fwd_bridge_flag */
    uint32_t flood_rate; /* frames per second that one port may have flooded; 0: no limit */
    uint8_t pad0[4]; /* zero */
};
_Static_assert(sizeof(struct fwd_bridge_row) == 24, "fwd_bridge_row");

/* A place where frames enter and leave: a VM, a VLAN of a trunk, an interface of the host. */
struct fwd_port_row {
    uint32_t id; /* number of the port */
    uint32_t bridge; /* broadcast domain; 0: none */
    uint32_t parent; /* VLAN: the trunk port that it is part of; service port: owner number of the plugin behind it; others: 0 */
    uint32_t flags; /* enum fwd_port_flag */
    uint8_t mac[6]; /* the VM's address; flag uplink: the appliance's own there, zero: the interface's */
    uint16_t mtu; /* of the link, bytes */
    uint16_t vlan; /* tag on the parent (IEEE 802.1Q VID); 0: none */
    uint8_t binding; /* enum fwd_binding */
    char interface[16]; /* name of the link; ethdev: PCI address */
    char netns[64]; /* name of the namespace that gets the link's far end */
    char socket[108]; /* vhost_user: path of the UNIX socket */
    uint8_t pad0[1]; /* zero */
};
_Static_assert(sizeof(struct fwd_port_row) == 216, "fwd_port_row");

/* Where a MAC address of a bridge is. */
struct fwd_mac_row {
    uint32_t bridge; /* broadcast domain */
    uint8_t mac[6]; /* unicast address */
    uint8_t pad0[2]; /* zero */
    uint32_t port; /* port behind which it is */
};
_Static_assert(sizeof(struct fwd_mac_row) == 16, "fwd_mac_row");

/* The MAC address of an IP address on a bridge; answers ARP and neighbour solicitations. */
struct fwd_neighbor_row {
    uint32_t bridge; /* broadcast domain */
    uint8_t family; /* IP version of address: 4 or 6 */
    uint8_t pad0[3]; /* zero */
    uint8_t address[16]; /* network order */
    uint8_t mac[6]; /* answered */
    uint8_t flags; /* enum fwd_neighbor_flag */
    uint8_t pad1[1]; /* zero */
};
_Static_assert(sizeof(struct fwd_neighbor_row) == 32, "fwd_neighbor_row");

/* What happens to packets of a route. Its number belongs to the owner: two owners may use the same. */
struct fwd_nexthop_row {
    uint32_t id; /* number, chosen by the owner */
    uint32_t port; /* type port: where the packet leaves */
    uint32_t bridge; /* type port: bridge that the packet leaves on */
    uint8_t mac[6]; /* type port: destination MAC address */
    uint8_t pad0[2]; /* zero */
    uint32_t target; /* type vrf: the VRF that is asked next; type gateway: number of the gateway of the port */
    uint8_t type; /* enum fwd_nexthop_type */
    uint8_t flags; /* enum fwd_nexthop_flag */
    uint16_t size; /* type ecmp: places in the group; rows of table member fill them, others are holes */
    uint16_t punt_class; /* type punt: the class, one of the same owner */
    uint8_t pad1[2]; /* zero */
};
_Static_assert(sizeof(struct fwd_nexthop_row) == 32, "fwd_nexthop_row");

/* A path to a prefix. Of several with the same prefix the lowest source wins. */
struct fwd_route_row {
    uint32_t vrf; /* routing table */
    uint8_t family; /* IP version of address: 4 or 6 */
    uint8_t prefix_length; /* bits; at most 32 for IPv4 */
    uint8_t pad0[2]; /* zero */
    uint8_t address[16]; /* network order; bits after prefix_length are zero */
    uint8_t source; /* who says so; lowest number wins */
    uint8_t pad1[3]; /* zero */
    uint32_t nexthop; /* id of a nexthop of the same owner */
};
_Static_assert(sizeof(struct fwd_route_row) == 32, "fwd_route_row");

/* Packets to an address, protocol and port that a plugin answers. */
struct fwd_service_row {
    uint32_t vrf; /* routing table; 0xffffffff: any */
    uint8_t family; /* IP version of address: 4 or 6 */
    uint8_t protocol; /* IANA protocol number */
    uint16_t l4_port; /* destination port, host order */
    uint8_t address[16]; /* destination, network order; all zero: any */
    uint16_t punt_class; /* action punt: the class */
    uint8_t action; /* enum fwd_action */
    uint8_t pad0[5]; /* zero */
};
_Static_assert(sizeof(struct fwd_service_row) == 32, "fwd_service_row");

/* A queue to a plugin with its limits (token buckets; burst in packets). */
struct fwd_punt_class_row {
    uint16_t id; /* number of the class */
    uint16_t receiver; /* owner number of the plugin that reads it */
    uint32_t rate; /* packets per second, all ports together */
    uint32_t burst; /* packets */
    uint32_t port_rate; /* packets per second, each port */
    uint32_t port_burst; /* packets */
    char name[32]; /* for people */
    uint8_t pad0[4]; /* zero */
};
_Static_assert(sizeof(struct fwd_punt_class_row) == 56, "fwd_punt_class_row");

/* Addresses that a port with security may send from, with the MAC address that goes with them. */
struct fwd_source_row {
    uint32_t port; /* the port */
    uint8_t family; /* IP version of address: 4 or 6 */
    uint8_t prefix_length; /* bits; at most 32 for IPv4 */
    uint8_t mac[6]; /* source MAC address */
    uint8_t address[16]; /* network order; bits after prefix_length are zero */
    uint8_t pad0[4]; /* zero */
};
_Static_assert(sizeof(struct fwd_source_row) == 32, "fwd_source_row");

/* One place of an ECMP group. A place without a row is a hole: only flows that hash to it move to others. */
struct fwd_member_row {
    uint32_t group; /* id of a nexthop of type ecmp of the same owner */
    uint32_t index; /* place in the group, from 0 */
    uint32_t nexthop; /* id of a nexthop of the same owner that is no group */
    uint8_t pad0[4]; /* zero */
};
_Static_assert(sizeof(struct fwd_member_row) == 16, "fwd_member_row");

/* Where the forwarder itself saw a MAC address: behind ports without security. A row of table mac goes before it. */
struct fwd_learned_mac_row {
    uint32_t bridge; /* broadcast domain */
    uint8_t mac[6]; /* unicast address */
    uint8_t pad0[2]; /* zero */
    uint32_t port; /* port behind which it was seen last */
    uint32_t generation; /* of the port; another port with the same id has another */
    uint8_t pad1[4]; /* zero */
};
_Static_assert(sizeof(struct fwd_learned_mac_row) == 24, "fwd_learned_mac_row");

/* An IPv6 address that a port took by duplicate address detection (RFC 4862 §5.4). A row of table neighbor goes before it. */
struct fwd_learned_neighbor_row {
    uint32_t bridge; /* broadcast domain */
    uint8_t family; /* IP version of address: 4 or 6 */
    uint8_t pad0[3]; /* zero */
    uint8_t address[16]; /* network order */
    uint8_t mac[6]; /* answered */
    uint8_t pad1[2]; /* zero */
    uint32_t port; /* port that has it */
    uint32_t generation; /* of the port; another port with the same id has another */
};
_Static_assert(sizeof(struct fwd_learned_neighbor_row) == 40, "fwd_learned_neighbor_row");

/* What a group allows or denies: flows of one IP version, protocol, range of ports and remote. Among those that match the lowest priority decides, deny before allow. */
struct fwd_rule_row {
    uint32_t group; /* number of the group */
    uint32_t number; /* of the rule in its group; kept while the rule is */
    uint32_t priority; /* lowest first */
    uint32_t remote_group; /* the remote's address belongs to a port with an identity in this group; 0: any */
    uint16_t port_min; /* destination port, host order; ICMP: type << 8 | code; other protocols: 0 */
    uint16_t port_max; /* the last one; other protocols, and all of one: 65535 */
    uint8_t direction; /* enum fwd_rule_direction */
    uint8_t action; /* enum fwd_rule_action */
    uint8_t protocol; /* IANA protocol number; 0: any */
    uint8_t family; /* IP version of address: 4 or 6 */
    uint8_t prefix_length; /* of the remote; bits, at most 32 for IPv4; 0: any address */
    uint8_t pad0[3]; /* zero */
    uint8_t address[16]; /* the remote's, network order; bits after prefix_length are zero */
    uint8_t pad1[4]; /* zero */
};
_Static_assert(sizeof(struct fwd_rule_row) == 48, "fwd_rule_row");

/* An identity belongs to a group. What it means never changes: another set of groups is another identity. */
struct fwd_identity_group_row {
    uint32_t identity; /* number of the identity */
    uint32_t group; /* number of the group */
    uint8_t gate; /* where its rules are asked; every gate that an identity has must allow; 0: nowhere, it is only a remote */
    uint8_t pad0[7]; /* zero */
};
_Static_assert(sizeof(struct fwd_identity_group_row) == 16, "fwd_identity_group_row");

/* The identity of a port with flag policy_required. Without this row such a port is closed. */
struct fwd_port_identity_row {
    uint32_t port; /* the port */
    uint32_t identity; /* number of the identity; one without groups allows nothing */
};
_Static_assert(sizeof(struct fwd_port_identity_row) == 8, "fwd_port_identity_row");

/* A router behind an uplink, watched by ARP or neighbour discovery as long as the row is there. */
struct fwd_gateway_row {
    uint32_t port; /* port with flag uplink */
    uint32_t number; /* of the gateway at this port */
    uint8_t family; /* IP version of address: 4 or 6 */
    uint8_t pad0[3]; /* zero */
    uint8_t address[16]; /* network order; IPv6 may be link-local */
    uint8_t pad1[4]; /* zero */
};
_Static_assert(sizeof(struct fwd_gateway_row) == 32, "fwd_gateway_row");

/* An address that many ports share on their way out through an uplink, and the ports of it that are leased to this forwarder. The uplink answers for it. */
struct fwd_nat_address_row {
    uint32_t port; /* the uplink */
    uint8_t family; /* IP version of address: 4 or 6 */
    uint8_t pad0[3]; /* zero */
    uint8_t address[16]; /* network order */
    uint32_t pool; /* number of the pool that it is part of */
    uint16_t port_min; /* first port (ICMP: identifier) that may be given out, host order */
    uint16_t port_max; /* the last one */
    uint16_t block_size; /* ports that a port of a VM gets at a time; a power of two */
    uint16_t port_blocks; /* blocks that one port may have at a time */
    uint8_t flags; /* enum fwd_nat_flag */
    uint8_t pad1[3]; /* zero */
};
_Static_assert(sizeof(struct fwd_nat_address_row) == 40, "fwd_nat_address_row");

/* What packets of a VRF become that leave through an uplink and whose source has no floating address there. */
struct fwd_vrf_nat_row {
    uint32_t vrf; /* the VRF */
    uint32_t pool; /* pool of nat_address rows whose addresses they share; 0: they are dropped */
    uint32_t port; /* the uplink whose nat_address and floating_ip rows packets from the VRF reach from inside */
    uint8_t pad0[4]; /* zero */
};
_Static_assert(sizeof(struct fwd_vrf_nat_row) == 16, "fwd_vrf_nat_row");

/* An address outside that stands for one of a VM's, in both directions. The uplink answers for it. */
struct fwd_floating_ip_row {
    uint32_t port; /* the uplink */
    uint8_t family; /* IP version of address: 4 or 6 */
    uint8_t pad0[3]; /* zero */
    uint8_t address[16]; /* outside, network order */
    uint8_t prefix_length; /* of the uplink's subnet that it lies in; 0: in none */
    uint8_t pad1[3]; /* zero */
    uint32_t inside_port; /* port of the VM */
    uint8_t inside[16]; /* the VM's address, of the same IP version, network order */
};
_Static_assert(sizeof(struct fwd_floating_ip_row) == 48, "fwd_floating_ip_row");

/* The MAC address of a host or router behind an uplink, as it answered. That of a host ends when it does not answer any more. */
struct fwd_uplink_neighbor_row {
    uint32_t port; /* the uplink */
    uint8_t family; /* IP version of address: 4 or 6 */
    uint8_t pad0[3]; /* zero */
    uint8_t address[16]; /* network order */
    uint8_t mac[6]; /* unicast address; zero: it never answered */
    uint8_t silent; /* 1: a gateway that does not answer any more; its address is kept */
    uint8_t pad1[1]; /* zero */
    uint32_t generation; /* of the port; another port with the same id has another */
    uint8_t pad2[4]; /* zero */
};
_Static_assert(sizeof(struct fwd_uplink_neighbor_row) == 40, "fwd_uplink_neighbor_row");

/* Other records. */

/* What fwd_start needs. */
struct fwd_config {
    uint32_t memory_mib; /* packet memory (EAL -m), MiB; 64 to 65536 */
    uint32_t state_mib; /* state memory, MiB; 4 to 65536; unused parts cost nothing */
    int32_t state_fd; /* descriptor of the state memory (tmpfs); stays the caller’s */
    int32_t log_fd; /* descriptor for log lines; stays the caller’s */
    int32_t cpu; /* CPU of the first packet thread; -1: wherever the scheduler likes */
    uint32_t packet_threads; /* 1 to 8, on following CPUs */
    uint32_t max_ports; /* live ports; 1 to 65536 */
    uint32_t flow_pairs; /* flows that are remembered, each in both directions; 64 to 16777216; 0: 524288; they lie behind the state memory in its file */
    uint32_t flow_port_percent; /* share of them that flows from one port may take; 1 to 100; 0: 25 */
    uint32_t flow_tcp_established; /* seconds without a packet after which a flow is forgotten: open TCP connections; 0: 7440 */
    uint32_t flow_tcp_transitory; /* the same of TCP connections that begin or end; 0: 240 */
    uint32_t flow_udp; /* of UDP; 0: 300 */
    uint32_t flow_icmp; /* of ICMP and ICMPv6; 0: 60 */
    uint32_t flow_other; /* of all other protocols; 0: 300 */
    uint32_t nat_addresses; /* addresses that ports may share (rows nat_address) at a time; 1 to 1024; 0: 16; their mappings lie behind the flows */
    uint32_t nat_reuse_wait; /* seconds in which an outside port is given to nobody else after its last flow (RFC 6888 §3 REQ-8); 0: 120 */
    uint8_t flow_tcp_pickup; /* enum fwd_tcp_pickup */
    uint8_t hugepages; /* 1: packet memory in hugepages */
    uint8_t log_level; /* EAL log level, 1 (emergency) to 8 (debug) */
    char link_tag[4]; /* stands in the names of our links, wf<tag>p<port id>: 1 to 3 of a-z, 0-9; the same for each start with this memory */
    uint8_t pad0[1]; /* zero */
};
_Static_assert(sizeof(struct fwd_config) == 72, "fwd_config");

/* What became of the state memory at start. */
struct fwd_state {
    uint32_t epoch; /* starts of a forwarder with this memory; changes with each */
    uint32_t rows; /* rows found and taken over */
    uint32_t discarded; /* rows found damaged and left out */
    uint32_t replayed; /* row changes of an interrupted batch that were finished */
    uint8_t fresh; /* 1: the memory was empty or had to be given up */
    char note[128]; /* why it had to be given up; empty otherwise */
    uint8_t pad0[7]; /* zero */
};
_Static_assert(sizeof(struct fwd_state) == 152, "fwd_state");

/* How a port is doing. */
struct fwd_port_state {
    uint32_t id; /* of the port */
    uint32_t generation; /* of the port row; another port with the same id has another */
    uint16_t slot; /* small number of the live port; stands in its identity addresses behind service ports */
    uint8_t mac[6]; /* flag uplink: of the appliance there; zero until it is up */
    uint8_t state; /* enum fwd_link */
    char reason[127]; /* why it is not up, for people; empty when up */
};
_Static_assert(sizeof(struct fwd_port_state) == 144, "fwd_port_state");

/* Counters of one port since it was made: rx_packets + injected + cloned + originated = sent + dropped + punted, by the port entered. */
struct fwd_port_stats {
    uint32_t id; /* of the port */
    uint32_t generation; /* of the port */
    uint64_t rx_packets; /* frames that came in */
    uint64_t rx_bytes; /* of them */
    uint64_t tx_packets; /* frames that left through this port */
    uint64_t tx_bytes; /* of them */
    uint64_t injected; /* frames that plugins sent */
    uint64_t cloned; /* copies made of frames that came in here */
    uint64_t originated; /* frames made by the forwarder itself: errors, further fragments */
    uint64_t sent; /* left through any port */
    uint64_t dropped; /* under a named reason */
    uint64_t punted; /* handed to plugins */
};
_Static_assert(sizeof(struct fwd_port_stats) == 88, "fwd_port_stats");

/* Drops of one port under one reason. */
struct fwd_drop {
    uint32_t port; /* entered through */
    uint32_t reason; /* number for fwd_drop_name */
    uint64_t packets; /* frames */
    uint64_t bytes; /* of them */
};
_Static_assert(sizeof(struct fwd_drop) == 24, "fwd_drop");

/* Head of a punt or inject record; length bytes of Ethernet frame follow, then zeros to a multiple of 8. */
struct fwd_punt {
    uint8_t version; /* 1 */
    uint8_t flags; /* 1: vlan holds the tag that the frame carried */
    uint16_t punt_class; /* id of the class */
    uint32_t length; /* of the frame, bytes */
    uint32_t port; /* entered through; inject: leaves through */
    uint32_t generation; /* of the port; a stale injection is dropped */
    uint32_t vrf; /* of the port */
    uint16_t vlan; /* IEEE 802.1Q VID */
    uint16_t reserved; /* zero */
    uint64_t timestamp_ns; /* CLOCK_REALTIME of the arrival */
};
_Static_assert(sizeof(struct fwd_punt) == 32, "fwd_punt");

/* Head of a captured frame; taken bytes of it follow, then zeros to a multiple of 8. */
struct fwd_captured {
    uint32_t length; /* of the frame, bytes */
    uint32_t taken; /* bytes that follow */
    uint64_t timestamp_ns; /* CLOCK_REALTIME */
    uint64_t lost; /* frames before this one that found no room, since the capture began */
    uint16_t reason; /* drop reason; 0xffff: it was not dropped */
    uint8_t direction; /* enum fwd_direction */
    uint8_t pad0[5]; /* zero */
};
_Static_assert(sizeof(struct fwd_captured) == 32, "fwd_captured");

/* A flow: packets of one conversation in both directions, told as its first packet went. */
struct fwd_flow {
    uint64_t time_ns; /* CLOCK_REALTIME at which this was told */
    uint64_t age_ms; /* since its first packet */
    uint64_t idle_ms; /* since its last packet */
    uint64_t packets; /* of the direction of the first packet */
    uint64_t bytes; /* of them, IP packets */
    uint64_t reply_packets; /* of the other direction */
    uint64_t reply_bytes; /* of them */
    uint32_t from_port; /* id of the port that the first packet entered through */
    uint32_t from_generation; /* of that port */
    uint32_t to_port; /* id of the port that it left through; 0: none */
    uint32_t to_generation; /* of that port */
    uint32_t egress_group; /* group of the rule of the first port that decided; 0: none did */
    uint32_t egress_number; /* number of that rule */
    uint32_t ingress_group; /* group of the rule of the second port that decided; 0: none did */
    uint32_t ingress_number; /* number of that rule */
    uint16_t src_port; /* host order; ICMP: identifier */
    uint16_t dst_port; /* host order; ICMP: type << 8 | code */
    uint16_t last_drop; /* drop reason of the last packet of it that was dropped; 0xffff: none */
    uint8_t event; /* enum fwd_flow_event */
    uint8_t state; /* enum fwd_flow_state */
    uint8_t action; /* enum fwd_rule_action */
    uint8_t protocol; /* IANA protocol number */
    uint8_t version; /* of IP: 4 or 6 */
    uint8_t translated; /* 1: its addresses or ports are translated; the next four say into what */
    uint16_t nat_src_port; /* as src_port, of packets as they leave */
    uint16_t nat_dst_port; /* as dst_port */
    uint8_t src[16]; /* network order */
    uint8_t dst[16]; /* network order */
    uint8_t nat_src[16]; /* of packets as they leave */
    uint8_t nat_dst[16]; /* of packets as they leave */
};
_Static_assert(sizeof(struct fwd_flow) == 168, "fwd_flow");

/* Which flows fwd_flows_read tells of; all fields must fit. */
struct fwd_flow_filter {
    uint32_t port; /* id of a port at either end; 0: any */
    uint8_t protocol; /* IANA protocol number; 0: any */
    uint8_t version; /* of IP and address; 0: any */
    uint16_t l4_port; /* host order, at either end; 0: any */
    uint8_t address[16]; /* at either end, network order; all zero: any */
};
_Static_assert(sizeof(struct fwd_flow_filter) == 24, "fwd_flow_filter");

/* The table of flows as a whole. */
struct fwd_flow_stats {
    uint64_t capacity; /* pairs that fit */
    uint64_t used; /* pairs in use */
    uint64_t added; /* since the start */
    uint64_t expired; /* after their time, since the start */
    uint64_t evicted; /* half-open ones that had to go for new ones, since the start */
    uint64_t kept; /* taken over from the forwarder before this one */
    uint64_t redecided; /* times that a flow was decided anew because rules changed */
    uint64_t events_lost; /* flow events that found no room or were too many, since the start */
};
_Static_assert(sizeof(struct fwd_flow_stats) == 64, "fwd_flow_stats");

/* How much of a shared address is in use. */
struct fwd_nat_address_stats {
    uint32_t port; /* the uplink */
    uint32_t pool; /* number of the pool */
    uint32_t ports; /* leased: port_max - port_min + 1, without those that sockets of the host have */
    uint32_t blocked; /* of them in blocks that belong to a port */
    uint32_t tcp; /* outside ports in use, the reuse wait included */
    uint32_t udp; /* the same of UDP */
    uint32_t icmp; /* identifiers in use */
    uint8_t version; /* of IP: 4 or 6 */
    uint8_t host; /* 1: it is an address of the host, too */
    uint8_t pad0[2]; /* zero */
    uint64_t exhausted; /* new flows that found no port, since the start */
    uint8_t address[16]; /* network order */
};
_Static_assert(sizeof(struct fwd_nat_address_stats) == 56, "fwd_nat_address_stats");

/* What happened to a block of outside ports, or a block that a port has now. */
struct fwd_nat_event {
    uint64_t sequence; /* number of the event, from 1, over restarts of the forwarder; 0: it is a listed block */
    uint64_t time_ns; /* CLOCK_REALTIME; of a listed block: since when */
    uint32_t inside_port; /* id of the port of the VM */
    uint32_t inside_generation; /* of that port */
    uint32_t port; /* the uplink */
    uint16_t first; /* outside port, host order; exhausted: 0 */
    uint16_t last; /* outside port, host order; exhausted: 0 */
    uint8_t event; /* enum fwd_nat_event */
    uint8_t version; /* of IP: 4 or 6 */
    uint8_t protocol; /* exhausted: of the packet that found no port; IANA protocol number */
    uint8_t pad0[1]; /* zero */
    uint8_t address[16]; /* network order */
    uint8_t pad1[4]; /* zero */
};
_Static_assert(sizeof(struct fwd_nat_event) == 56, "fwd_nat_event");

/* What a rule decided, since the forwarder started. */
struct fwd_rule_stats {
    uint32_t group; /* of the rule */
    uint32_t number; /* of the rule in its group */
    uint64_t flows; /* flows that it decided, each time; denied packets for a rule that denies */
    uint64_t packets; /* of flows that it allowed, both directions; some seconds behind */
    uint64_t bytes; /* of them */
};
_Static_assert(sizeof(struct fwd_rule_stats) == 32, "fwd_rule_stats");

/* Head of a step of a trace; length bytes follow (see enum fwd_step_kind), then zeros to a multiple of 8. */
struct fwd_step {
    uint32_t length; /* bytes that follow */
    uint32_t kind; /* enum fwd_step_kind */
    uint32_t port; /* id of the port; 0: none */
    uint32_t value; /* as the kind says */
};
_Static_assert(sizeof(struct fwd_step) == 16, "fwd_step");

/* Calls. */

/* The hash of the interface that the library was built from. */
FWD_PUBLIC uint64_t fwd_abi(void);

/* Writes sizeof and offsets of every record as u32, in the order of the table. Returns how many there are.
 * Errors: ARGUMENT (length in bytes is too small). */
FWD_PUBLIC int32_t fwd_layout(void *out, uint32_t length);

/* Writes the sentence about the last call that failed on this thread, with a NUL. Returns its length.
 * Errors: ARGUMENT. */
FWD_PUBLIC int32_t fwd_error_text(void *out, uint32_t length);

/* Starts DPDK on threads of its own, takes the state memory over and forwards. config is a struct fwd_config. Once per process.
 * Errors: ARGUMENT, STATE, MEMORY, SYSTEM, EAL. */
FWD_PUBLIC int32_t fwd_start(const void *config, uint32_t length);

/* Stops all threads, closes ports. The state memory keeps the rows.
 * Errors: STATE. */
FWD_PUBLIC int32_t fwd_stop(void);

/* Writes a struct fwd_state. Returns 0.
 * Errors: ARGUMENT, STATE. */
FWD_PUBLIC int32_t fwd_state_read(void *out, uint32_t length);

/* The number of the owner with this name (1 to 31 bytes), the same as long as the state memory lives. Returns 1 to 63.
 * Errors: ARGUMENT, STATE, FULL. */
FWD_PUBLIC int32_t fwd_owner_open(const char *name);

/* Begins a generation of the owner’s rows and forgets what it staged. Returns its number (1 to 2^31-1).
 * Errors: ARGUMENT, STATE. */
FWD_PUBLIC int32_t fwd_rows_begin(uint32_t owner);

/* A batch: operations [u8 op][u8 table][u16 size][u32 0][row], each padded to 8 bytes. more 0: publishes it with all that was staged, all or nothing; 1: stages it.
 * Returns how many rows changed. After an error nothing is staged any more and no row has changed.
 * Errors: ARGUMENT, STATE, ROW, OWNER, GENERATION, FULL, MEMORY. */
FWD_PUBLIC int32_t fwd_rows_apply(uint32_t owner, uint32_t generation, const void *ops, uint32_t length, uint32_t more);

/* Removes the owner’s rows that were not sent since the generation began. Returns how many.
 * Errors: ARGUMENT, STATE (something is staged), GENERATION, FULL, MEMORY. */
FWD_PUBLIC int32_t fwd_rows_commit(uint32_t owner, uint32_t generation);

/* Removes all rows of the owner and forgets what it staged. Returns how many.
 * Errors: ARGUMENT, STATE, FULL, MEMORY. */
FWD_PUBLIC int32_t fwd_rows_clear(uint32_t owner);

/* Writes rows of the owner (0: of all) back to back. cursor is a u32 that the caller sets to 0 and passes on; 0xffffffff: that was the last part.
 * Returns the number of bytes, a multiple of the row’s size.
 * Errors: ARGUMENT, STATE. */
FWD_PUBLIC int32_t fwd_rows_read(uint32_t owner, uint32_t table, void *cursor, void *out, uint32_t length);

/* Writes struct fwd_port_state of the ports with an id ≥ from, by id, as many as fit. Returns how many; 0: no more.
 * Errors: ARGUMENT, STATE. */
FWD_PUBLIC int32_t fwd_ports_read(uint32_t from, void *out, uint32_t length);

/* Counts changes of any port’s state, generation or existence; 0 before the start. */
FWD_PUBLIC uint64_t fwd_ports_changes(void);

/* The reading end of a non-blocking pipe that gets a byte when fwd_ports_changes rises (at most one per unread byte). It stays the library’s.
 * Errors: STATE. */
FWD_PUBLIC int32_t fwd_ports_fd(void);

/* Writes struct fwd_port_stats like fwd_ports_read.
 * Errors: ARGUMENT, STATE. */
FWD_PUBLIC int32_t fwd_stats_read(uint32_t from, void *out, uint32_t length);

/* Writes struct fwd_drop for every reason that was counted, of ports with an id ≥ from, by id, whole ports only. Returns how many; 0: no more.
 * Errors: ARGUMENT (not even one port fits), STATE. */
FWD_PUBLIC int32_t fwd_drops_read(uint32_t from, void *out, uint32_t length);

/* Writes "name: sentence" of a drop reason, with a NUL. Returns its length.
 * Errors: ARGUMENT (no such reason). */
FWD_PUBLIC int32_t fwd_drop_name(uint32_t reason, void *out, uint32_t length);

/* The reading end of a non-blocking pipe that gets a byte when a record waits after fwd_punt_arm. It stays the library’s.
 * Errors: STATE. */
FWD_PUBLIC int32_t fwd_punt_fd(void);

/* Asks for the next byte on fwd_punt_fd. Returns 1 when records wait already (no byte will come), else 0.
 * Errors: STATE. */
FWD_PUBLIC int32_t fwd_punt_arm(void);

/* Moves whole punt records of the owner’s classes to out. One caller per owner at a time. Returns the number of bytes; 0: none wait.
 * Errors: ARGUMENT (the first record does not fit), STATE. */
FWD_PUBLIC int32_t fwd_punt_read(uint32_t owner, void *out, uint32_t length);

/* Hands a batch of punt records to the packet threads. Never waits: what does not fit is counted as dropped. Returns how many were taken.
 * Errors: ARGUMENT (a record is cut short or of another version; those before it were taken), STATE. */
FWD_PUBLIC int32_t fwd_inject(uint32_t owner, const void *records, uint32_t length);

/* Compiles a pcap-filter expression to classic BPF (struct bpf_insn, 8 bytes each) for fwd_capture_open. Returns the number of bytes. May wait for name servers.
 * Errors: ARGUMENT (out is too small, at least 256 bytes; or the expression is wrong: out then holds the sentence, with a NUL). */
FWD_PUBLIC int32_t fwd_filter_compile(const char *text, void *out, uint32_t length);

/* Begins to copy frames that pass a port, at most snap bytes of each (0: whole ones). filter is a program of fwd_filter_compile; length 0: all frames. Returns its number (≥ 1).
 * Errors: ARGUMENT (no such port, or the program may not end or leaves the frame), STATE, FULL (the port is captured already, or too many are), MEMORY. */
FWD_PUBLIC int32_t fwd_capture_open(uint32_t port, uint32_t snap, const void *filter, uint32_t length);

/* Moves records (struct fwd_captured) to out, in the order the frames passed, each about 10 ms after it did. One caller per capture at a time. Returns the number of bytes; 0: none wait.
 * Errors: ARGUMENT (no such capture, or the first record does not fit), STATE. */
FWD_PUBLIC int32_t fwd_capture_read(uint32_t capture, void *out, uint32_t length);

/* Ends a capture. Returns how many frames found no room in it.
 * Errors: ARGUMENT (no such capture), STATE. */
FWD_PUBLIC int32_t fwd_capture_close(uint32_t capture);

/* Walks a frame as if it had come in through the port, by the same code, and writes what happened as records (struct fwd_step); nothing is sent, counted, learned or taken from a limit. One at a time.
 * Returns the number of bytes.
 * Errors: ARGUMENT (no such port, a frame of impossible length, or out is too small), STATE, MEMORY. */
FWD_PUBLIC int32_t fwd_trace(uint32_t port, const void *frame, uint32_t frame_length, void *out, uint32_t length);

/* Writes struct fwd_flow of the flows that fit a struct fwd_flow_filter, looking at some ten thousand at most. cursor is a u32 that the caller sets to 0 and passes on; 0xffffffff: that was the last part.
 * Flows that come or go meanwhile may be in it or not. Returns the number of bytes.
 * Errors: ARGUMENT, STATE. */
FWD_PUBLIC int32_t fwd_flows_read(const void *filter, void *cursor, void *out, uint32_t length);

/* Moves struct fwd_flow records of what happened to out, oldest first for each packet thread: flows denied (at most 10 a second for each port, bursts of 50), and while follow is 1 those that began and ended. What finds no room is lost and counted (fwd_flow_stats). One caller at a time.
 * Returns the number of bytes; 0: nothing waits.
 * Errors: ARGUMENT, STATE. */
FWD_PUBLIC int32_t fwd_flow_events(uint32_t follow, void *out, uint32_t length);

/* Writes a struct fwd_flow_stats. Returns 0.
 * Errors: ARGUMENT, STATE. */
FWD_PUBLIC int32_t fwd_flow_stats_read(void *out, uint32_t length);

/* Writes a struct fwd_nat_address_stats of each row nat_address, as many as fit. Returns the number of bytes.
 * Errors: ARGUMENT, STATE. */
FWD_PUBLIC int32_t fwd_nat_stats_read(void *out, uint32_t length);

/* Writes struct fwd_nat_event (LISTED) of the blocks that ports have. cursor as in fwd_rows_read. Returns the number of bytes.
 * Errors: ARGUMENT, STATE. */
FWD_PUBLIC int32_t fwd_nat_blocks_read(void *cursor, void *out, uint32_t length);

/* Writes struct fwd_nat_event with a sequence above the u64 at after, in order, as many as fit. The last 8,192 are kept, over restarts of the forwarder: a gap in the numbers says how many are lost.
 * Returns the number of bytes; 0: there is nothing new.
 * Errors: ARGUMENT, STATE. */
FWD_PUBLIC int32_t fwd_nat_events_read(const void *after, void *out, uint32_t length);

/* Writes struct fwd_rule_stats of every rule that decided something. cursor as in fwd_rows_read. Returns the number of bytes.
 * Errors: ARGUMENT, STATE. */
FWD_PUBLIC int32_t fwd_rule_stats_read(void *cursor, void *out, uint32_t length);

/* Opens a socket in the namespace of a plugin’s service port: protocol 6 (TCP) listens on all addresses of both families, address is ""; 17 (UDP) is bound to one address.
 * Returns its descriptor, which is the caller’s.
 * Errors: ARGUMENT, STATE (there is no service port, or not yet), TAKEN, SYSTEM. */
FWD_PUBLIC int32_t fwd_service_socket(uint32_t owner, uint32_t protocol, uint32_t l4_port, const char *address);

/* Number of the namespace of a plugin’s service port, which no other that exists has; 0: there is none, or not yet. */
FWD_PUBLIC uint64_t fwd_service_namespace(uint32_t owner);

/* Sends a descriptor, which stays the caller’s, over a connected UNIX socket with one byte (SCM_RIGHTS). Never waits. Returns 0.
 * Errors: SYSTEM. */
FWD_PUBLIC int32_t fwd_service_hand(uint32_t connection, uint32_t descriptor);

#endif
