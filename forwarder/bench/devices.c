/*
 * Plain L3 forwarding between two DPDK devices through the public calls: 1,000 /24 routes, 1,000 flows. Run with
 * load_preload.so, which makes the devices an in-memory load; the same load under testpmd's macswap is the bare limit
 * (bench/devices.sh).
 *
 *     bench-devices STATE_FILE SECONDS CPU HUGEPAGES
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "forwarder.h"

enum { ROUTES = 1000, ROW_SPACE = 256 };

static uint8_t ops[ROUTES * ROW_SPACE];
static uint32_t used;

static void put(uint8_t table, const void *row, uint16_t bytes)
{
	uint8_t *at = ops + used;

	at[0] = FWD_OP_UPSERT;
	at[1] = table;
	memcpy(at + 2, &bytes, sizeof(bytes));
	memcpy(at + 8, row, bytes);
	used += 8 + ((bytes + 7u) & ~7u);
}

static void put_port(uint32_t id)
{
	struct fwd_port_row port = {.id = id, .bridge = 1, .mac = {2, 0, 0, 0, 0, (uint8_t)id}, .mtu = 1500};
	struct fwd_nexthop_row nexthop = {.id = id, .type = FWD_NEXTHOP_PORT, .port = id, .bridge = 1};

	port.binding = FWD_BINDING_ETHDEV;
	snprintf(port.interface, sizeof(port.interface), "net_null%u", id - 1);
	memcpy(nexthop.mac, port.mac, sizeof(port.mac));
	put(FWD_TABLE_PORT, &port, sizeof(port));
	put(FWD_TABLE_NEXTHOP, &nexthop, sizeof(nexthop));
}

static void put_routes(void)
{
	for (uint32_t i = 0; i < ROUTES; i++) {
		struct fwd_route_row route = {.vrf = 1, .family = 4, .prefix_length = 24, .source = 10};

		route.address[0] = 10;
		route.address[1] = (uint8_t)(16 + i / 256);
		route.address[2] = (uint8_t)i;
		route.nexthop = 1 + i % 2;
		put(FWD_TABLE_ROUTE, &route, sizeof(route));
	}
}

static int fail(const char *what)
{
	char text[256];

	fwd_error_text(text, sizeof(text));
	fprintf(stderr, "%s: %s\n", what, text);
	return 1;
}

static int both_up(void)
{
	struct fwd_port_state states[2];
	int32_t count = fwd_ports_read(0, states, sizeof(states));

	for (int32_t i = 0; i < count; i++) {
		if (states[i].state != FWD_LINK_UP)
			return fprintf(stderr, "port %u is not up: %s\n", states[i].id, states[i].reason), 0;
	}
	return count == 2;
}

int main(int count, char **arguments)
{
	if (count != 5)
		return fprintf(stderr, "usage: bench-devices STATE_FILE SECONDS CPU HUGEPAGES\n"), 2;
	struct fwd_config config = {.memory_mib = 256,
	        .state_mib = 16,
	        .state_fd = open(arguments[1], O_RDWR | O_CREAT | O_TRUNC, 0600),
	        .log_fd = 2,
	        .cpu = atoi(arguments[3]),
	        .packet_threads = 1,
	        .link_tag = "bnc",
	        .max_ports = 16,
	        .hugepages = (uint8_t)atoi(arguments[4]),
	        .log_level = 4};
	struct fwd_vrf_row vrf = {.id = 1};
	struct fwd_bridge_row bridge = {.id = 1, .vrf = 1, .mtu = 1500, .mode = FWD_MODE_L2_L3};

	if (fwd_start(&config, sizeof(config)) < 0)
		return fail("fwd_start");
	uint32_t owner = (uint32_t)fwd_owner_open("bench");
	uint32_t generation = (uint32_t)fwd_rows_begin(owner);
	put(FWD_TABLE_VRF, &vrf, sizeof(vrf));
	put(FWD_TABLE_BRIDGE, &bridge, sizeof(bridge));
	put_port(1);
	put_port(2);
	put_routes();
	if (fwd_rows_apply(owner, generation, ops, used, 0) < 0)
		return fail("fwd_rows_apply");
	sleep((unsigned int)atoi(arguments[2]));
	if (!both_up())
		return 1;
	/* The devices close, and the load reports, when their rows go. */
	if (fwd_rows_clear(owner) < 0)
		return fail("fwd_rows_clear");
	sleep(1);
	return fwd_stop() < 0 ? fail("fwd_stop") : 0;
}
