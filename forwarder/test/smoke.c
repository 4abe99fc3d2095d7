/*
 * Driver of test/smoke.sh and smoke-offload.sh: starts libforwarder through its public calls, with two VMs in two
 * namespaces, a tap and a VLAN on one network and a third VM on another, routed. Prints "ready", holds until its input
 * ends, prints states, counters and drops.
 *
 *     smoke STATE_FILE NETNS1 NETNS2 NETNS3 TRUNK TAP MTU [SERVICE_NETNS]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forwarder.h"

static uint8_t ops[8192];
static uint32_t used;
static uint16_t mtu;

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

/* 10.<second>.0.1/24 and fd00:<second>::1/64. */
static void network(uint32_t id, uint8_t second)
{
	PUT(bridge, FWD_TABLE_BRIDGE, .id = id, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = mtu);
	PUT(neighbor, FWD_TABLE_NEIGHBOR, .bridge = id, .family = 4, .address = {10, second, 0, 1},
	        .mac = {0, 0, 0x5e, 0, 1, 0}, .flags = FWD_NEIGHBOR_GATEWAY);
	PUT(neighbor, FWD_TABLE_NEIGHBOR, .bridge = id, .family = 6, .address = {0xfd, 0, 0, second, [15] = 1},
	        .mac = {0, 0, 0x5e, 0, 1, 0}, .flags = FWD_NEIGHBOR_GATEWAY);
	PUT(nexthop, FWD_TABLE_NEXTHOP, .id = id, .type = FWD_NEXTHOP_PORT, .bridge = id);
	PUT(route, FWD_TABLE_ROUTE, .vrf = 1, .family = 4, .prefix_length = 24, .address = {10, second, 0, 0},
	        .source = 10, .nexthop = id);
	PUT(route, FWD_TABLE_ROUTE, .vrf = 1, .family = 6, .prefix_length = 64, .address = {0xfd, 0, 0, second},
	        .source = 10, .nexthop = id);
}

/* A port's MAC and its addresses 10.<second>.0.<last> and fd00:<second>::<last>, the digits the same. */
static void machine(const struct fwd_port_row *row, uint8_t second, uint8_t last)
{
	uint8_t hex = (uint8_t)(last / 10 * 16 + last % 10);
	uint8_t addresses[2][16] = {{10, second, 0, last}, {0xfd, 0, 0, second, [15] = hex}};

	put(FWD_TABLE_PORT, row, sizeof(*row));
	PUT(mac, FWD_TABLE_MAC, .bridge = row->bridge, .mac = {2, 0, 0, 0, 0, row->mac[5]}, .port = row->id);
	for (int i = 0; i < 2; i++) {
		struct fwd_neighbor_row neighbor = {.bridge = row->bridge, .family = i == 0 ? 4 : 6};
		struct fwd_source_row source = {
		        .port = row->id, .family = neighbor.family, .prefix_length = i == 0 ? 32 : 128};
		memcpy(neighbor.address, addresses[i], 16);
		memcpy(neighbor.mac, row->mac, 6);
		memcpy(source.address, addresses[i], 16);
		memcpy(source.mac, row->mac, 6);
		put(FWD_TABLE_NEIGHBOR, &neighbor, sizeof(neighbor));
		put(FWD_TABLE_SOURCE, &source, sizeof(source));
	}
}

static struct fwd_port_row port(uint32_t id, uint32_t bridge, uint8_t binding, const char *interface)
{
	struct fwd_port_row row = {.id = id,
	        .bridge = bridge,
	        .flags = FWD_PORT_SECURITY,
	        .mac = {2, 0, 0, 0, 0, (uint8_t)id},
	        .mtu = mtu,
	        .binding = binding};

	strncpy(row.interface, interface, sizeof(row.interface) - 1);
	return row;
}

static void vm(uint32_t id, uint32_t bridge, uint8_t second, uint8_t last, const char *netns)
{
	struct fwd_port_row row = port(id, bridge, FWD_BINDING_NETNS, "eth0");

	strncpy(row.netns, netns, sizeof(row.netns) - 1);
	machine(&row, second, last);
}

static void trunk(uint32_t id, uint32_t child, uint32_t bridge, uint16_t vlan, const char *interface)
{
	struct fwd_port_row row = {.id = id, .flags = FWD_PORT_TRUNK, .mtu = mtu, .binding = FWD_BINDING_INTERFACE};

	strncpy(row.interface, interface, sizeof(row.interface) - 1);
	PUT(port, FWD_TABLE_PORT, .id = child, .bridge = bridge, .parent = id, .vlan = vlan, .mtu = mtu,
	        .mac = {2, 0, 0, 0, 0, (uint8_t)child}, .binding = FWD_BINDING_VLAN);
	put(FWD_TABLE_PORT, &row, sizeof(row));
}

static void tap(uint32_t id, uint32_t bridge, uint8_t second, uint8_t last, const char *interface)
{
	struct fwd_port_row row = port(id, bridge, FWD_BINDING_TAP, interface);

	machine(&row, second, last);
}

/* Port 8: a service port. TCP 80 and UDP 123 at 169.254.169.254 and fe80::a9fe:a9fe, in any network. */
static void service(uint32_t owner, const char *netns)
{
	const uint8_t addresses[2][16] = {{169, 254, 169, 254}, {0xfe, 0x80, [12] = 0xa9, 0xfe, 0xa9, 0xfe}};
	struct fwd_port_row row = {.id = 8,
	        .flags = FWD_PORT_SERVICE,
	        .parent = owner,
	        .mac = {2, 0, 0, 0, 0, 8},
	        .mtu = 9216,
	        .binding = FWD_BINDING_NETNS,
	        .interface = "service0"};

	strncpy(row.netns, netns, sizeof(row.netns) - 1);
	put(FWD_TABLE_PORT, &row, sizeof(row));
	for (int i = 0; i < 4; i++) {
		struct fwd_service_row rule = {.vrf = 0xffffffff,
		        .family = i < 2 ? 4 : 6,
		        .protocol = i % 2 == 0 ? 6 : 17,
		        .l4_port = i % 2 == 0 ? 80 : 123,
		        .action = FWD_ACTION_PORT};
		memcpy(rule.address, addresses[i / 2], 16);
		put(FWD_TABLE_SERVICE, &rule, sizeof(rule));
	}
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
	struct fwd_port_state states[8];
	struct fwd_port_stats stats[8];
	struct fwd_drop drops[128];
	char text[256];
	int32_t count = fwd_ports_read(0, states, sizeof(states));

	for (int32_t i = 0; i < count; i++)
		printf("port %u generation %u state %u %s\n", states[i].id, states[i].generation, states[i].state,
		        states[i].reason);
	count = fwd_stats_read(0, stats, sizeof(stats));
	for (int32_t i = 0; i < count; i++) {
		const struct fwd_port_stats *s = &stats[i];
		uint64_t in = s->rx_packets + s->injected + s->cloned + s->originated;
		uint64_t out = s->sent + s->dropped + s->punted;
		printf("port %u rx %lu tx %lu cloned %lu sent %lu dropped %lu: ledger %s\n", s->id, s->rx_packets,
		        s->tx_packets, s->cloned, s->sent, s->dropped, in == out ? "holds" : "BROKEN");
	}
	count = fwd_drops_read(0, drops, sizeof(drops));
	for (int32_t i = 0; i < count; i++) {
		fwd_drop_name(drops[i].reason, text, sizeof(text));
		printf("port %u dropped %lu: %s\n", drops[i].port, drops[i].packets, text);
	}
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
	if (count != 8 && count != 9)
		return printf("usage: smoke STATE_FILE NETNS1 NETNS2 NETNS3 TRUNK TAP MTU [SERVICE_NETNS]\n"), 2;
	mtu = (uint16_t)atoi(arguments[7]);
	int state_fd = open(arguments[1], O_RDWR | O_CREAT, 0600);
	struct fwd_config config = {.memory_mib = 64,
	        .state_mib = 16,
	        .state_fd = state_fd,
	        .log_fd = 2,
	        .cpu = -1,
	        .packet_threads = 1,
	        .max_ports = 64,
	        .log_level = 4};
	tag_of(state_fd, config.link_tag);
	if (fwd_start(&config, sizeof(config)) < 0)
		return fail("fwd_start");
	int32_t owner = fwd_owner_open("smoke");
	int32_t generation = fwd_rows_begin((uint32_t)owner);
	PUT(vrf, FWD_TABLE_VRF, .id = 1);
	network(10, 1);
	network(20, 2);
	vm(1, 10, 1, 11, arguments[2]);
	vm(2, 10, 1, 12, arguments[3]);
	vm(3, 20, 2, 11, arguments[4]);
	trunk(4, 5, 10, 101, arguments[5]);
	tap(6, 10, 1, 16, arguments[6]);
	/* Of an interface that port 4 has. */
	struct fwd_port_row second = port(7, 10, FWD_BINDING_INTERFACE, arguments[5]);
	put(FWD_TABLE_PORT, &second, sizeof(second));
	if (count == 9)
		service((uint32_t)owner, arguments[8]);
	if (fwd_rows_apply((uint32_t)owner, (uint32_t)generation, ops, used, 0) < 0)
		return fail("fwd_rows_apply");
	printf("ready\n");
	fflush(stdout);
	for (char c; read(0, &c, 1) > 0;) {
		/* 'c': all rows go, and the links with them. */
		if (c == 'c' && fwd_rows_clear((uint32_t)owner) < 0)
			return fail("fwd_rows_clear");
		report();
		fflush(stdout);
	}
	return fwd_stop() < 0 ? fail("fwd_stop") : 0;
}
