/*
 * Driver of test/smoke-uplink.sh: libforwarder in a namespace that stands for a host, with an uplink on an interface
 * that this host goes on using, and a VM behind it.
 *
 *     smoke_uplink STATE_FILE INTERFACE VLAN VM_NETNS
 *
 * VLAN 0: the uplink is the interface itself. The VM is 10.1.0.11 on port 1, shares 192.0.2.1 (the host's own, ports
 * 1024 to 65535) and 192.0.2.10; as 10.1.0.12 it is reached by 192.0.2.20. Subnet 10.9.0.0/24 is routed natively.
 * Commands on stdin: r shows states, counters, drops and shared addresses; c removes all rows.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forwarder.h"

#define UPLINK 40
#define TRUNK  41
#define OUTER  100
#define POOL   7

static uint8_t ops[8192];
static uint32_t used;

static void put(uint8_t table, const void *row, uint16_t bytes)
{
	uint8_t *at = ops + used;

	memset(at, 0, 8);
	at[0] = FWD_OP_UPSERT;
	at[1] = table;
	memcpy(at + 2, &bytes, 2);
	memcpy(at + 8, row, bytes);
	used += 8 + ((bytes + 7u) & ~7u);
}
#define PUT(table, number, ...)                                                                                        \
	do {                                                                                                           \
		struct fwd_##table##_row row_ = {__VA_ARGS__};                                                         \
		put(number, &row_, sizeof(row_));                                                                      \
	} while (0)

static void inside(const char *netns)
{
	struct fwd_port_row row = {.id = 1,
	        .bridge = 10,
	        .mac = {2, 0, 0, 0, 0, 1},
	        .mtu = 1500,
	        .binding = FWD_BINDING_NETNS,
	        .interface = "eth0"};

	strncpy(row.netns, netns, sizeof(row.netns) - 1);
	PUT(vrf, FWD_TABLE_VRF, .id = 1);
	PUT(bridge, FWD_TABLE_BRIDGE, .id = 10, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500);
	PUT(bridge, FWD_TABLE_BRIDGE, .id = 11, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500,
	        .flags = FWD_BRIDGE_UNDERLAY);
	PUT(neighbor, FWD_TABLE_NEIGHBOR, .bridge = 10, .family = 4, .address = {10, 1, 0, 1},
	        .mac = {0, 0, 0x5e, 0, 1, 0}, .flags = FWD_NEIGHBOR_GATEWAY);
	for (uint8_t last = 11; last <= 12; last++)
		PUT(neighbor, FWD_TABLE_NEIGHBOR, .bridge = 10, .family = 4, .address = {10, 1, 0, last},
		        .mac = {2, 0, 0, 0, 0, 1});
	PUT(mac, FWD_TABLE_MAC, .bridge = 10, .mac = {2, 0, 0, 0, 0, 1}, .port = 1);
	PUT(nexthop, FWD_TABLE_NEXTHOP, .id = 10, .type = FWD_NEXTHOP_PORT, .bridge = 10);
	PUT(route, FWD_TABLE_ROUTE, .vrf = 1, .family = 4, .prefix_length = 24, .address = {10, 1, 0, 0}, .source = 10,
	        .nexthop = 10);
	put(FWD_TABLE_PORT, &row, sizeof(row));
}

static void outside(const char *interface, uint16_t vlan)
{
	struct fwd_port_row row = {.id = vlan == 0 ? UPLINK : TRUNK,
	        .bridge = vlan == 0 ? OUTER : 0,
	        .flags = vlan == 0 ? FWD_PORT_UPLINK : FWD_PORT_TRUNK,
	        .mtu = 1500,
	        .binding = FWD_BINDING_INTERFACE};

	strncpy(row.interface, interface, sizeof(row.interface) - 1);
	put(FWD_TABLE_PORT, &row, sizeof(row));
	if (vlan != 0)
		PUT(port, FWD_TABLE_PORT, .id = UPLINK, .bridge = OUTER, .flags = FWD_PORT_UPLINK, .parent = TRUNK,
		        .vlan = vlan, .mtu = 1500, .binding = FWD_BINDING_VLAN);
	PUT(vrf, FWD_TABLE_VRF, .id = OUTER);
	PUT(bridge, FWD_TABLE_BRIDGE, .id = OUTER, .vrf = OUTER, .mode = FWD_MODE_L3, .mtu = 1500);
	PUT(neighbor, FWD_TABLE_NEIGHBOR, .bridge = OUTER, .family = 4, .address = {192, 0, 2, 1},
	        .mac = {0, 0, 0x5e, 0, 1, 0}, .flags = FWD_NEIGHBOR_GATEWAY);
	PUT(nexthop, FWD_TABLE_NEXTHOP, .id = 100, .type = FWD_NEXTHOP_PORT, .bridge = OUTER);
	PUT(nexthop, FWD_TABLE_NEXTHOP, .id = 101, .type = FWD_NEXTHOP_GATEWAY, .port = UPLINK, .bridge = OUTER,
	        .target = 1);
	PUT(nexthop, FWD_TABLE_NEXTHOP, .id = 102, .type = FWD_NEXTHOP_VRF, .target = OUTER);
	PUT(nexthop, FWD_TABLE_NEXTHOP, .id = 103, .type = FWD_NEXTHOP_VRF, .target = 1);
	PUT(gateway, FWD_TABLE_GATEWAY, .port = UPLINK, .number = 1, .family = 4, .address = {192, 0, 2, 254});
	PUT(route, FWD_TABLE_ROUTE, .vrf = OUTER, .family = 4, .prefix_length = 24, .address = {192, 0, 2, 0},
	        .source = 10, .nexthop = 100);
	PUT(route, FWD_TABLE_ROUTE, .vrf = OUTER, .family = 4, .source = 20, .nexthop = 101);
	PUT(route, FWD_TABLE_ROUTE, .vrf = OUTER, .family = 4, .prefix_length = 24, .address = {10, 9, 0, 0},
	        .source = 45, .nexthop = 103);
	PUT(route, FWD_TABLE_ROUTE, .vrf = 1, .family = 4, .source = 50, .nexthop = 102);
}

static void translated(void)
{
	for (uint8_t last = 1; last <= 10; last += 9)
		PUT(nat_address, FWD_TABLE_NAT_ADDRESS, .port = UPLINK, .family = 4, .address = {192, 0, 2, last},
		        .pool = last == 1 ? POOL : POOL + 1, .port_min = 1024, .port_max = 65535, .block_size = 64,
		        .port_blocks = 8, .flags = last == 1 ? FWD_NAT_HOST : 0);
	PUT(vrf_nat, FWD_TABLE_VRF_NAT, .vrf = 1, .pool = POOL, .port = UPLINK);
	PUT(floating_ip, FWD_TABLE_FLOATING_IP, .port = UPLINK, .family = 4, .address = {192, 0, 2, 20},
	        .prefix_length = 24, .inside_port = 1, .inside = {10, 1, 0, 12});
}

static int fail(const char *what)
{
	char text[256];

	fwd_error_text(text, sizeof(text));
	printf("%s: %s\n", what, text);
	return 1;
}

static void report(void)
{
	struct fwd_nat_address_stats shared[4];
	struct fwd_port_state states[8];
	struct fwd_drop drops[128];
	char text[256];
	int32_t count = fwd_ports_read(0, states, sizeof(states));

	for (int32_t i = 0; i < count; i++)
		printf("port %u state %u mac %02x:%02x:%02x:%02x:%02x:%02x %s\n", states[i].id, states[i].state,
		        states[i].mac[0], states[i].mac[1], states[i].mac[2], states[i].mac[3], states[i].mac[4],
		        states[i].mac[5], states[i].reason);
	count = fwd_drops_read(0, drops, sizeof(drops));
	for (int32_t i = 0; i < count; i++) {
		fwd_drop_name(drops[i].reason, text, sizeof(text));
		printf("port %u dropped %lu: %s\n", drops[i].port, drops[i].packets, text);
	}
	count = fwd_nat_stats_read(shared, sizeof(shared)) / (int32_t)sizeof(shared[0]);
	for (int32_t i = 0; i < count; i++)
		printf("shared .%u: %u ports, tcp %u udp %u icmp %u\n", shared[i].address[3], shared[i].ports,
		        shared[i].tcp, shared[i].udp, shared[i].icmp);
	printf("reported\n");
}

/* The same for each start with one memory, different for smoke tests side by side. */
static void tag_of(int state_fd, char tag[4])
{
	struct stat info = {0};

	fstat(state_fd, &info);
	for (int i = 0; i < 3; i++, info.st_ino /= 26)
		tag[i] = (char)('a' + info.st_ino % 26);
}

int main(int count, char **arguments)
{
	if (count != 5)
		return printf("usage: smoke_uplink STATE_FILE INTERFACE VLAN VM_NETNS\n"), 2;
	int state_fd = open(arguments[1], O_RDWR | O_CREAT, 0600);
	struct fwd_config config = {.memory_mib = 64,
	        .state_mib = 64,
	        .state_fd = state_fd,
	        .log_fd = 2,
	        .cpu = -1,
	        .packet_threads = 1,
	        .max_ports = 64,
	        .flow_pairs = 4096,
	        .nat_reuse_wait = 5,
	        .log_level = 4};
	tag_of(state_fd, config.link_tag);
	if (fwd_start(&config, sizeof(config)) < 0)
		return fail("fwd_start");
	uint32_t owner = (uint32_t)fwd_owner_open("smoke");
	uint32_t generation = (uint32_t)fwd_rows_begin(owner);
	inside(arguments[4]);
	outside(arguments[2], (uint16_t)atoi(arguments[3]));
	translated();
	if (fwd_rows_apply(owner, generation, ops, used, 0) < 0)
		return fail("fwd_rows_apply");
	printf("ready %s\n", config.link_tag);
	fflush(stdout);
	for (char c; read(0, &c, 1) > 0;) {
		if (c == 'c' && fwd_rows_clear(owner) < 0)
			return fail("fwd_rows_clear");
		report();
		fflush(stdout);
	}
	return fwd_stop() < 0 ? fail("fwd_stop") : 0;
}
