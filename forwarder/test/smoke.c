/*
 * Driver of test/smoke.sh: starts libforwarder through its public calls, with two VMs in two namespaces on one network
 * and a third on another, routed. Prints "ready", holds until its input ends, prints states, counters and drops.
 *
 *     smoke STATE_FILE NETNS1 NETNS2 NETNS3 TRUNK
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "forwarder.h"

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

static void network(uint32_t id, uint8_t second)
{
	PUT(bridge, FWD_TABLE_BRIDGE, .id = id, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500);
	PUT(neighbor, FWD_TABLE_NEIGHBOR, .bridge = id, .family = 4, .address = {10, second, 0, 1},
	        .mac = {0, 0, 0x5e, 0, 1, 0}, .flags = FWD_NEIGHBOR_GATEWAY);
	PUT(nexthop, FWD_TABLE_NEXTHOP, .id = id, .type = FWD_NEXTHOP_PORT, .bridge = id);
	PUT(route, FWD_TABLE_ROUTE, .vrf = 1, .family = 4, .prefix_length = 24, .address = {10, second, 0, 0},
	        .source = 10, .nexthop = id);
}

static void vm(uint32_t id, uint32_t bridge, uint8_t second, uint8_t last, const char *netns)
{
	struct fwd_port_row row = {.id = id,
	        .bridge = bridge,
	        .flags = FWD_PORT_SECURITY,
	        .mac = {2, 0, 0, 0, 0, (uint8_t)id},
	        .mtu = 1500,
	        .binding = FWD_BINDING_NETNS,
	        .interface = "eth0"};

	strncpy(row.netns, netns, sizeof(row.netns) - 1);
	put(FWD_TABLE_PORT, &row, sizeof(row));
	PUT(mac, FWD_TABLE_MAC, .bridge = bridge, .mac = {2, 0, 0, 0, 0, (uint8_t)id}, .port = id);
	PUT(neighbor, FWD_TABLE_NEIGHBOR, .bridge = bridge, .family = 4, .address = {10, second, 0, last},
	        .mac = {2, 0, 0, 0, 0, (uint8_t)id});
}

static void trunk(uint32_t id, uint32_t child, uint32_t bridge, uint16_t vlan, const char *interface)
{
	struct fwd_port_row row = {.id = id, .flags = FWD_PORT_TRUNK, .mtu = 1500, .binding = FWD_BINDING_INTERFACE};

	strncpy(row.interface, interface, sizeof(row.interface) - 1);
	PUT(port, FWD_TABLE_PORT, .id = child, .bridge = bridge, .parent = id, .vlan = vlan, .mtu = 1500,
	        .mac = {2, 0, 0, 0, 0, (uint8_t)child}, .binding = FWD_BINDING_VLAN);
	put(FWD_TABLE_PORT, &row, sizeof(row));
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
	struct fwd_drop drops[64];
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

int main(int count, char **arguments)
{
	if (count != 6)
		return printf("usage: smoke STATE_FILE NETNS1 NETNS2 NETNS3 TRUNK\n"), 2;
	int state_fd = open(arguments[1], O_RDWR | O_CREAT, 0600);
	struct fwd_config config = {.memory_mib = 64,
	        .state_mib = 16,
	        .state_fd = state_fd,
	        .log_fd = 2,
	        .cpu = -1,
	        .packet_threads = 1,
	        .max_ports = 64,
	        .log_level = 4};
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
