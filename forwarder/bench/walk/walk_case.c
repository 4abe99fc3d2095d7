#include "walk_case.h"

#include <netinet/icmp6.h>
#include <rte_byteorder.h>
#include <rte_tcp.h>
#include <string.h>

#include "discovery.h"
#include "tenants.h"

#define FRAME     60u /* 64 on the wire: its checksum is not here */
#define FRAME_570 566u
#define FRAME_MAX 1514u
#define UDP4      42u
#define UDP6      62u
/* That flows go by. */
#define FLOW_ROUTES 1000u

/* Of the case `vlan`: where it leaves. */
#define TRUNK_OUT   9u
#define VLAN_OUT    10u
#define NETWORK_OUT 50u
/* Of the case `flood`: the sender and who hears it. */
#define CROWD_NETWORK 60u
#define CROWD_FIRST   60u
#define CROWD         9u

/* Destination n: host 9 of 20.0.0.0/24 plus n × 256. */
static uint32_t address4(uint32_t number)
{
	return (20u << 24) + (number << 8) + 9;
}

static void route4(uint32_t number, uint32_t nexthop)
{
	uint32_t address = address4(number);

	RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 24,
	        .address = {(uint8_t)(address >> 24), (uint8_t)(address >> 16), (uint8_t)(address >> 8)}, .source = 20,
	        .nexthop = nexthop);
}

static void route4_to_port3(uint32_t number)
{
	route4(number, 103);
}

/* Host 9 of 2001:db8:8000::/64 plus n × 2^64. */
static void address6(uint8_t *address, uint32_t number)
{
	uint64_t prefix = rte_cpu_to_be_64(0x20010db880000000u + number);

	memcpy(address, &prefix, sizeof(prefix));
}

static void route6_to_port3(uint32_t number)
{
	uint8_t at[16] = {0};

	address6(at, number);
	RIG_ROW(route, .vrf = 1, .family = 6, .prefix_length = 64,
	        .address = {at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7]}, .source = 20, .nexthop = 103);
}

static void mac_at_port2(uint32_t number)
{
	RIG_ROW(mac, .bridge = 10, .port = 2,
	        .mac = {6, 0, (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
	                (uint8_t)number});
}

/* The templates go to 0.0.0.0: the address's words are added to the header checksum (RFC 1624). */
static inline void set_address4(uint8_t *ip, uint32_t number)
{
	uint32_t address = rte_cpu_to_be_32(address4(number));
	uint16_t *checksum = (uint16_t *)(ip + 10);
	uint32_t sum = (uint16_t) ~*checksum + (address & 0xffff) + (address >> 16);

	sum = (sum & 0xffff) + (sum >> 16);
	*checksum = (uint16_t) ~(sum + (sum >> 16));
	memcpy(ip + 16, &address, sizeof(address));
}

static void aim4(uint8_t *frame, uint32_t number)
{
	set_address4(frame + 14, number);
}

static void aim4_tagged(uint8_t *frame, uint32_t number)
{
	set_address4(frame + 18, number);
}

static void aim6(uint8_t *frame, uint32_t number)
{
	address6(frame + 38, number);
}

/* MAC address 06:00 and the number. */
static void aim_mac(uint8_t *frame, uint32_t number)
{
	uint32_t be = rte_cpu_to_be_32(number);

	frame[0] = 6;
	frame[1] = 0;
	memcpy(frame + 2, &be, sizeof(be));
}

static uint32_t udp(uint8_t *frame, uint32_t flow)
{
	return make_udp(frame, mac_gateway, 1, 0x0a01000b, 0, (uint16_t)(1000 + flow), FRAME - UDP4);
}

/* 7 : 4 : 1, mixed. */
static uint32_t udp_imix(uint8_t *frame, uint32_t flow)
{
	static const uint16_t lengths[12] = {
	        FRAME, FRAME_570, FRAME, FRAME, FRAME_570, FRAME, FRAME_MAX, FRAME, FRAME_570, FRAME, FRAME_570, FRAME};

	return make_udp(frame, mac_gateway, 1, 0x0a01000b, 0, (uint16_t)(1000 + flow), lengths[flow % 12] - UDP4);
}

static uint32_t udp6(uint8_t *frame, uint32_t flow)
{
	uint8_t destination[16] = {[15] = 9};

	return make_udp6(frame, mac_gateway, 1, ip6(1, 11), destination, (uint16_t)(1000 + flow), 2);
}

static uint32_t udp_tagged(uint8_t *frame, uint32_t flow)
{
	uint8_t plain[FRAME];
	uint32_t length = make_udp(plain, mac_gateway, 6, 0x0a01000d, 0, (uint16_t)(1000 + flow), FRAME - UDP4);

	return make_tagged(frame, 101, plain, length);
}

static uint32_t ask_arp(uint8_t *frame, uint32_t flow)
{
	make_arp(frame, 1, 1, 0x0a01000b, 0x0a010001);
	memset(frame + 42, 0, FRAME - 42);
	return FRAME;
}

static uint32_t ask_nd(uint8_t *frame, uint32_t flow)
{
	return make_discovery(frame, &(struct discovery){.type = ND_NEIGHBOR_SOLICIT,
	                                     .source = 1,
	                                     .src = ip6(1, 11),
	                                     .target = ip6(1, 1),
	                                     .link_address = mac_of(1)});
}

static uint32_t broadcast(uint8_t *frame, uint32_t flow)
{
	return make_udp(
	        frame, mac_broadcast, CROWD_FIRST, 0x0a06000b, 0x0a0600ff, (uint16_t)(1000 + flow), FRAME - UDP4);
}

/* The right MAC address, somebody else's IP address. */
static uint32_t spoofed(uint8_t *frame, uint32_t flow)
{
	return make_udp(frame, mac_gateway, 1, 0x0a01000c, address4(0), (uint16_t)(1000 + flow), FRAME - UDP4);
}

static void make_vlan_out(void)
{
	RIG_ROW(bridge, .id = NETWORK_OUT, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500);
	RIG_ROW(port, .id = TRUNK_OUT, .flags = FWD_PORT_TRUNK, .mtu = 1500, .binding = FWD_BINDING_NONE);
	rig_attach(TRUNK_OUT);
	RIG_ROW(port, .id = VLAN_OUT, .bridge = NETWORK_OUT, .parent = TRUNK_OUT, .vlan = 102, .mtu = 1500,
	        .mac = {2, 0, 0, 0, 0, VLAN_OUT}, .binding = FWD_BINDING_VLAN);
	rig_links();
	RIG_ROW(nexthop, .id = 100 + VLAN_OUT, .type = FWD_NEXTHOP_PORT, .port = VLAN_OUT, .bridge = NETWORK_OUT,
	        .mac = {2, 0, 0, 0, 0, VLAN_OUT});
}

static void route4_to_vlan(uint32_t number)
{
	route4(number, 100 + VLAN_OUT);
}

/* A limit on floods that is never reached: it is part of the walk. */
static void make_crowd(void)
{
	RIG_ROW(bridge, .id = CROWD_NETWORK, .mode = FWD_MODE_L2, .mtu = 1500, .flood_rate = 1000000000);
	for (uint8_t id = CROWD_FIRST; id < CROWD_FIRST + CROWD; id++) {
		RIG_ROW(port, .id = id, .bridge = CROWD_NETWORK, .mtu = 1500, .mac = {2, 0, 0, 0, 0, id},
		        .binding = FWD_BINDING_NONE, .flags = FWD_PORT_SECURITY);
		rig_attach(id);
	}
	RIG_ROW(source, .port = CROWD_FIRST, .family = 4, .prefix_length = 32, .mac = {2, 0, 0, 0, 0, CROWD_FIRST},
	        .address = {10, 6, 0, 11});
}

/* Ports 1 and 3 follow rules that allow everything. */
static void make_policy(void)
{
	for (uint8_t id = 1; id <= 3; id += 2) {
		RIG_ROW(rule, .group = id, .number = 1, .direction = id == 1 ? FWD_RULE_EGRESS : FWD_RULE_INGRESS,
		        .family = 4, .port_max = UINT16_MAX);
		RIG_ROW(identity_group, .identity = 100 + id, .group = id, .gate = 1);
		RIG_ROW(port_identity, .port = id, .identity = 100 + id);
		RIG_ROW(port, .id = id, .bridge = id == 1 ? 10 : 20, .mtu = 1500, .mac = {2, 0, 0, 0, 0, id},
		        .binding = FWD_BINDING_NONE, .flags = FWD_PORT_SECURITY | FWD_PORT_POLICY_REQUIRED);
	}
}

/* Of the cases `snat` and `fip`: the way out. */
#define UPLINK   40u
#define OUTSIDE  100u
#define EXTERNAL 50u

static void make_uplink(void)
{
	RIG_ROW(vrf, .id = OUTSIDE);
	RIG_ROW(bridge, .id = OUTSIDE, .vrf = OUTSIDE, .mode = FWD_MODE_L3, .mtu = 1500);
	RIG_ROW(port, .id = UPLINK, .bridge = OUTSIDE, .flags = FWD_PORT_UPLINK, .mtu = 1500,
	        .mac = {2, 0, 0, 0, 0, UPLINK}, .binding = FWD_BINDING_NONE);
	rig_attach(UPLINK);
	RIG_ROW(nexthop, .id = 400, .type = FWD_NEXTHOP_PORT, .port = UPLINK, .bridge = OUTSIDE,
	        .mac = {2, 0, 0, 0, 0, 99});
	RIG_ROW(nexthop, .id = 401, .type = FWD_NEXTHOP_VRF, .target = OUTSIDE);
	RIG_ROW(route, .vrf = OUTSIDE, .family = 4, .source = 20, .nexthop = 400);
	RIG_ROW(route, .vrf = 1, .family = 4, .source = EXTERNAL, .nexthop = 401);
}

/* Port 1 has policy and shares one address. */
static void make_snat(void)
{
	make_policy();
	make_uplink();
	RIG_ROW(nat_address, .port = UPLINK, .family = 4, .address = {198, 18, 0, 10}, .pool = 7, .port_min = 1024,
	        .port_max = 65535, .block_size = 512, .port_blocks = 126);
	RIG_ROW(vrf_nat, .vrf = 1, .pool = 7, .port = UPLINK);
}

/* The same port has an address of its own. */
static void make_fip(void)
{
	make_policy();
	make_uplink();
	RIG_ROW(vrf_nat, .vrf = 1, .port = UPLINK);
	RIG_ROW(floating_ip, .port = UPLINK, .family = 4, .address = {198, 18, 0, 20}, .prefix_length = 24,
	        .inside_port = 1, .inside = {10, 1, 0, 11});
}

/* Each frame is of another flow; of some thousand endpoints inside, as many as have outside ports. */
static void aim_new_snat(uint8_t *frame, uint32_t number)
{
	static uint32_t flow;
	uint16_t ports[2] = {
	        rte_cpu_to_be_16((uint16_t)(2000 + flow % 50000)), rte_cpu_to_be_16((uint16_t)(1000 + flow / 50000))};

	set_address4(frame + 14, number);
	memcpy(frame + 34, ports, sizeof(ports));
	flow++;
}

/* Flow n: destination n mod ROUTES, and a port for each further round. */
static void route4_of_flow(uint32_t number)
{
	if (number < FLOW_ROUTES)
		route4_to_port3(number);
}

static void aim_flow(uint8_t *frame, uint32_t number)
{
	uint16_t port = rte_cpu_to_be_16((uint16_t)(number / FLOW_ROUTES + 1000));

	set_address4(frame + 14, number % FLOW_ROUTES);
	memcpy(frame + 36, &port, sizeof(port));
}

/* Each frame is of another flow. */
static void aim_new(uint8_t *frame, uint32_t number)
{
	static uint32_t flow;
	/* Above those of services. */
	uint16_t ports[2] = {
	        rte_cpu_to_be_16((uint16_t)(flow / 60000)), rte_cpu_to_be_16((uint16_t)(1000 + flow % 60000))};

	set_address4(frame + 14, number);
	memcpy(frame + 34, ports, sizeof(ports));
	flow++;
}

static uint32_t tcp(uint8_t *frame, uint32_t flow)
{
	memset(frame, 0, FRAME);
	make_tcp(frame, mac_gateway, 1, 0x0a01000b, 0, (uint16_t)(1000 + flow), RTE_TCP_ACK_FLAG);
	return FRAME;
}

const struct walk_case walk_cases[] = {
        {.name = "l3",
                .title = "L3, IPv4 routes of /24",
                .sizes = {1, 1000, 128000, 1000000},
                .entry = 1,
                .exits = {3},
                .copies = 1,
                .destination = route4_to_port3,
                .frame = udp,
                .aim = aim4},
        {.name = "l3-ipv6",
                .title = "L3, IPv6 routes of /64",
                .sizes = {1, 1000, 128000, 1000000},
                .entry = 1,
                .exits = {3},
                .copies = 1,
                .destination = route6_to_port3,
                .frame = udp6,
                .aim = aim6},
        {.name = "imix",
                .title = "L3, IPv4, frames of 64, 570 and 1,518 bytes (7:4:1)",
                .sizes = {1000},
                .entry = 1,
                .exits = {3},
                .copies = 1,
                .destination = route4_to_port3,
                .frame = udp_imix,
                .aim = aim4},
        {.name = "l2",
                .title = "L2, MAC addresses",
                .sizes = {1, 1000, 128000, 1000000},
                .entry = 1,
                .exits = {2},
                .copies = 1,
                .destination = mac_at_port2,
                .frame = udp,
                .aim = aim_mac},
        {.name = "vlan",
                .title = "L3 from VLAN 101 to VLAN 102",
                .sizes = {1000},
                .entry = 5,
                .exits = {TRUNK_OUT},
                .copies = 1,
                .rows = make_vlan_out,
                .destination = route4_to_vlan,
                .frame = udp_tagged,
                .aim = aim4_tagged},
        {.name = "arp",
                .title = "ARP requests, answered",
                .sizes = {1},
                .entry = 1,
                .exits = {1},
                .copies = 1,
                .frame = ask_arp},
        {.name = "nd",
                .title = "neighbour solicitations, answered",
                .sizes = {1},
                .entry = 1,
                .exits = {1},
                .copies = 1,
                .frame = ask_nd},
        {.name = "flood",
                .title = "broadcast to 8 ports",
                .sizes = {1},
                .entry = CROWD_FIRST,
                .exits = {61, 62, 63, 64, 65, 66, 67, 68},
                .copies = CROWD - 1,
                .rows = make_crowd,
                .frame = broadcast},
        {.name = "spoofed",
                .title = "a foreign source address, dropped",
                .sizes = {1},
                .entry = 1,
                .drop = DROP_SPOOFED_ADDRESS,
                .frame = spoofed},
        {.name = "flow",
                .title = "L3, flows between ports with policy",
                .sizes = {1000, 128000, 1000000},
                .entry = 1,
                .exits = {3},
                .copies = 1,
                .flows = 1 << 20,
                .rows = make_policy,
                .destination = route4_of_flow,
                .frame = udp,
                .aim = aim_flow},
        {.name = "flow-tcp",
                .title = "L3, TCP flows between ports with policy",
                .sizes = {1000, 128000, 1000000},
                .entry = 1,
                .exits = {3},
                .copies = 1,
                .flows = 1 << 20,
                .rows = make_policy,
                .destination = route4_of_flow,
                .frame = tcp,
                .aim = aim_flow},
        {.name = "new-flows",
                .title = "L3, a new flow with each packet",
                .sizes = {1000},
                .entry = 1,
                .exits = {3},
                .copies = 1,
                .flows = 1 << 19,
                .rows = make_policy,
                .destination = route4_to_port3,
                .frame = udp,
                .aim = aim_new},
        {.name = "snat",
                .title = "L3, flows that share an outside address",
                .sizes = {1000, 128000},
                .entry = 1,
                .exits = {UPLINK},
                .copies = 1,
                .flows = 1 << 20,
                .rows = make_snat,
                .frame = udp,
                .aim = aim_flow},
        {.name = "snat-new",
                .title = "L3, a new flow that shares an outside address with each packet",
                .sizes = {1000},
                .entry = 1,
                .exits = {UPLINK},
                .copies = 1,
                .flows = 1 << 19,
                .rows = make_snat,
                .frame = udp,
                .aim = aim_new_snat},
        {.name = "fip",
                .title = "L3, flows from a floating address",
                .sizes = {1000, 128000},
                .entry = 1,
                .exits = {UPLINK},
                .copies = 1,
                .flows = 1 << 20,
                .rows = make_fip,
                .frame = udp,
                .aim = aim_flow},
};
const uint32_t walk_case_count = sizeof(walk_cases) / sizeof(walk_cases[0]);

const struct walk_case *walk_case_named(const char *name)
{
	for (uint32_t i = 0; i < walk_case_count; i++)
		if (strcmp(walk_cases[i].name, name) == 0)
			return &walk_cases[i];
	return NULL;
}
