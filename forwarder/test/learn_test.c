/* What is learned from packets, how long it stays, and that nobody learns what is not so. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "discovery.h"
#include "guard.h"
#include "learn.h"
#include "port.h"
#include "rows.h"
#include "tables.h"
#include "tenants.h"
#include "test.h"

enum { BRIDGE = 50, PLAIN = 51, OTHER = 52, SLAAC = 53, NEXT = 54 };

static uint8_t in[2048], out[2048];

static void make_port(uint32_t id, uint32_t flags)
{
	RIG_ROW(port, .id = id, .bridge = BRIDGE, .flags = flags, .mtu = 1500, .mac = {2, 0, 0, 0, 0, (uint8_t)id});
	rig_attach(id);
}

static void make_network(void)
{
	RIG_ROW(bridge, .id = BRIDGE, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500, .flags = FWD_BRIDGE_FLOOD_UNKNOWN);
	RIG_ROW(nexthop, .id = 900, .type = FWD_NEXTHOP_PORT, .bridge = BRIDGE, .flags = FWD_NEXTHOP_FLAG_SLAAC);
	RIG_ROW(nexthop, .id = 901, .type = FWD_NEXTHOP_PORT, .bridge = BRIDGE);
	RIG_ROW(route, .vrf = 1, .family = 6, .prefix_length = 64, .address = {0x20, 1, 0xd, 0xb8, 0, 50}, .source = 1,
	        .nexthop = 900);
	RIG_ROW(route, .vrf = 1, .family = 6, .prefix_length = 64, .address = {0x20, 1, 0xd, 0xb8, 0, 51}, .source = 1,
	        .nexthop = 901);
	make_port(PLAIN, 0);
	make_port(OTHER, 0);
	make_port(SLAAC, FWD_PORT_SECURITY);
	make_port(NEXT, FWD_PORT_SECURITY);
}

/* A frame from a MAC address behind a port, as time passes. */
static void speak(uint32_t port, const uint8_t *mac, uint32_t seconds)
{
	uint32_t length = make_udp(in, mac_broadcast, 1, 0x0a320001, 0x0a3200ff, 9, 20);

	learn_poll_once(seconds);
	memcpy(in + 6, mac, 6);
	deliver(port, in, length);
	learn_poll_once(seconds);
}

static uint32_t port_of_mac(const uint8_t *mac)
{
	const struct fwd_learned_mac_row *row = tables_learned_mac(BRIDGE, mac);

	return row == NULL ? 0 : row->port;
}

static uint32_t port_of_address(const uint8_t *address)
{
	const struct fwd_learned_neighbor_row *row = tables_learned_neighbor(BRIDGE, address);

	return row == NULL ? 0 : row->port;
}

/* A port probes for an address that it would like to have. */
static void probe(uint32_t port, const uint8_t *address, uint32_t seconds)
{
	struct discovery message = {.type = 135, .source = (uint8_t)port, .target = address};

	learn_poll_once(seconds);
	deliver(port, in, make_discovery(in, &message));
	learn_poll_once(seconds);
}

TEST(a_mac_is_learned_where_it_is_seen)
{
	speak(PLAIN, mac_of(101), 0);
	CHECK_EQ(port_of_mac(mac_of(101)), PLAIN);
	/* Known now: not flooded any more. */
	deliver(OTHER, in, make_udp(in, mac_of(101), OTHER, 1, 2, 9, 20));
	CHECK_EQ(only_exit(out, NULL), PLAIN);
	speak(OTHER, mac_of(101), 1);
	CHECK_EQ(port_of_mac(mac_of(101)), OTHER);
	speak(PLAIN, mac_of(101), 1);
	CHECK_EQ(port_of_mac(mac_of(101)), PLAIN);
}

TEST(nothing_is_learned_behind_a_port_with_security)
{
	learn_poll_once(2);
	deliver(SLAAC, in, make_udp6(in, mac_broadcast, SLAAC, link_local_of(SLAAC), link_local_of(1), 9, 20));
	learn_poll_once(2);
	CHECK_EQ(port_of_mac(mac_of(SLAAC)), 0);
}

TEST(a_mac_that_is_not_seen_ages)
{
	speak(PLAIN, mac_of(102), 10);
	speak(PLAIN, mac_of(103), 200);
	learn_poll_once(10 + LEARN_MAC_SECONDS);
	CHECK_EQ(port_of_mac(mac_of(102)), 0);
	CHECK_EQ(port_of_mac(mac_of(103)), PLAIN);
	learn_poll_once(200 + LEARN_MAC_SECONDS);
	CHECK_EQ(port_of_mac(mac_of(103)), 0);
}

TEST(a_row_of_a_plugin_goes_before_what_is_learned)
{
	speak(PLAIN, mac_of(104), 600);
	RIG_ROW(mac, .bridge = BRIDGE, .mac = {2, 0, 0, 0, 0, 104}, .port = OTHER);
	learn_poll_once(600);
	CHECK_EQ(port_of_mac(mac_of(104)), 0);
	speak(PLAIN, mac_of(104), 601);
	CHECK_EQ(port_of_mac(mac_of(104)), 0);
	RIG_DELETE(mac, .bridge = BRIDGE, .mac = {2, 0, 0, 0, 0, 104}, .port = OTHER);
}

TEST(a_port_teaches_a_bounded_number_of_macs)
{
	uint32_t known = 0;

	for (uint32_t i = 0; i < LEARN_MAC_PER_PORT + 50; i++)
		speak(OTHER, (const uint8_t[6]){2, 1, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}, 1000);
	for (uint32_t i = 0; i < LEARN_MAC_PER_PORT + 50; i++)
		known += port_of_mac((const uint8_t[6]){2, 1, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}) == OTHER;
	CHECK_EQ(known, LEARN_MAC_PER_PORT);
	/* Those of another port are not pushed out. */
	speak(PLAIN, mac_of(105), 1000);
	CHECK_EQ(port_of_mac(mac_of(105)), PLAIN);
	learn_poll_once(2000);
	CHECK_EQ(port_of_mac(mac_of(105)), 0);
}

TEST(an_address_is_taken_by_probing_for_it)
{
	static const uint8_t address[16] = {0x20, 1, 0xd, 0xb8, 0, 50, [15] = 7};
	static const uint8_t not_slaac[16] = {0x20, 1, 0xd, 0xb8, 0, 51, [15] = 7};

	CHECK(!guard_allows6(SLAAC, address, mac_of(SLAAC)));
	probe(SLAAC, address, 3000);
	CHECK_EQ(port_of_address(address), SLAAC);
	CHECK(guard_allows6(SLAAC, address, mac_of(SLAAC)));
	CHECK(!guard_allows6(SLAAC, address, mac_of(NEXT)));
	/* First come: the second one is told. */
	probe(NEXT, address, 3001);
	CHECK_EQ(only_exit(out, NULL), NEXT);
	CHECK_EQ(out[54], 136);
	CHECK_EQ(port_of_address(address), SLAAC);
	CHECK(!guard_allows6(NEXT, address, mac_of(NEXT)));
	/* Once more by the one who has it: nobody answers. */
	probe(SLAAC, address, 3002);
	CHECK_EQ(only_exit(out, NULL), 0);
	/* Routed packets find it. */
	deliver(1, in, make_udp6(in, mac_gateway, 1, ip6(1, 11), address, 9, 20));
	CHECK_EQ(only_exit(out, NULL), SLAAC);
	probe(NEXT, not_slaac, 3003);
	CHECK_EQ(port_of_address(not_slaac), 0);
	CHECK(!guard_allows6(NEXT, not_slaac, mac_of(NEXT)));
}

TEST(a_port_takes_a_bounded_number_of_addresses)
{
	uint8_t address[16] = {0x20, 1, 0xd, 0xb8, 0, 50, [14] = 1};
	uint32_t known = 0;

	for (uint8_t i = 0; i < GUARD_LEARNED + 4; i++) {
		address[15] = i;
		probe(NEXT, address, 4000 + i);
	}
	for (uint8_t i = 0; i < GUARD_LEARNED + 4; i++) {
		address[15] = i;
		known += port_of_address(address) == NEXT && guard_allows6(NEXT, address, mac_of(NEXT));
	}
	CHECK_EQ(known, GUARD_LEARNED);
	/* One that was not seen for an hour makes room, one that was stays. */
	address[15] = 0;
	probe(NEXT, address, 4000 + LEARN_NEIGHBOR_SECONDS - 1);
	address[15] = 200;
	probe(NEXT, address, 4001 + LEARN_NEIGHBOR_SECONDS);
	CHECK_EQ(port_of_address(address), NEXT);
	address[15] = 0;
	CHECK_EQ(port_of_address(address), NEXT);
	address[15] = 1;
	CHECK_EQ(port_of_address(address), 0);
	CHECK(!guard_allows6(NEXT, address, mac_of(NEXT)));
}

TEST(what_was_learned_survives_a_restart)
{
	static const uint8_t address[16] = {0x20, 1, 0xd, 0xb8, 0, 50, [15] = 9};

	speak(PLAIN, mac_of(106), 8000);
	probe(SLAAC, address, 8000);
	learn_free();
	guard_fini();
	CHECK(guard_init() == 0 && learn_init() == 0);
	CHECK(guard_allows6(1, ip6(1, 11), mac_of(1)) && !guard_allows6(1, ip6(1, 12), mac_of(1)));
	CHECK_EQ(port_of_mac(mac_of(106)), PLAIN);
	CHECK(guard_allows6(SLAAC, address, mac_of(SLAAC)));
	learn_poll_once(10);
	CHECK_EQ(port_of_mac(mac_of(106)), PLAIN);
	/* Its time runs anew. */
	learn_poll_once(LEARN_MAC_SECONDS);
	CHECK_EQ(port_of_mac(mac_of(106)), 0);
	CHECK_EQ(port_of_address(address), SLAAC);
}

TEST(another_port_with_the_same_id_inherits_nothing)
{
	static const uint8_t address[16] = {0x20, 1, 0xd, 0xb8, 0, 50, [15] = 10};

	speak(PLAIN, mac_of(107), 400);
	probe(SLAAC, address, 400);
	CHECK_EQ(port_of_mac(mac_of(107)), PLAIN);
	CHECK_EQ(port_of_address(address), SLAAC);
	RIG_DELETE(port, .id = PLAIN);
	RIG_DELETE(port, .id = SLAAC);
	make_port(PLAIN, 0);
	make_port(SLAAC, FWD_PORT_SECURITY);
	/* At once, before anything was tidied up. */
	CHECK_EQ(port_of_mac(mac_of(107)), 0);
	CHECK_EQ(port_of_address(address), 0);
	CHECK(!guard_allows6(SLAAC, address, mac_of(SLAAC)));
	probe(NEXT, address, 401);
	learn_poll_once(402);
	uint32_t cursor = 0, rows = 0;
	static struct fwd_learned_neighbor_row found[64];
	while (cursor != UINT32_MAX)
		rows += (uint32_t)rows_read(0, FWD_TABLE_LEARNED_NEIGHBOR, &cursor, found, sizeof(found)) /
		        sizeof(found[0]);
	for (uint32_t i = 0; i < rows; i++)
		CHECK_EQ(found[i].port, NEXT);
}

/* What anybody behind it could claim is not kept for a port with security. */
TEST(a_port_that_gets_security_keeps_only_what_is_its_own)
{
	static const uint8_t foreign[16] = {0xfe, 0x80, [14] = 7, [15] = 1}, own[16] = {0xfe, 0x80, [14] = 7, [15] = 2};
	struct discovery message = {.type = 135, .source = 109, .target = foreign};

	deliver(OTHER, in, make_discovery(in, &message));
	probe(OTHER, own, 500);
	CHECK_EQ(port_of_address(foreign), OTHER);
	CHECK_EQ(port_of_address(own), OTHER);
	CHECK_EQ(port_of_mac(mac_of(109)), OTHER);
	RIG_ROW(port, .id = OTHER, .bridge = BRIDGE, .flags = FWD_PORT_SECURITY, .mtu = 1500,
	        .mac = {2, 0, 0, 0, 0, OTHER});
	learn_poll_once(500);
	CHECK_EQ(port_of_address(foreign), 0);
	CHECK(!guard_allows6(OTHER, foreign, mac_of(109)));
	CHECK_EQ(port_of_address(own), OTHER);
	CHECK_EQ(port_of_mac(mac_of(109)), 0);
	RIG_ROW(port, .id = OTHER, .bridge = BRIDGE, .mtu = 1500, .mac = {2, 0, 0, 0, 0, OTHER});
}

TEST(the_thread_does_the_same)
{
	uint32_t port = 0;

	CHECK_EQ(learn_start(), 0);
	uint32_t length = make_udp(in, mac_broadcast, 1, 0x0a320001, 0x0a3200ff, 9, 20);
	memcpy(in + 6, mac_of(108), 6);
	deliver(PLAIN, in, length);
	for (int i = 0; i < 200 && port == 0; i++) {
		usleep(10000);
		rows_lock();
		port = port_of_mac(mac_of(108));
		rows_unlock();
	}
	learn_stop();
	CHECK_EQ(port, PLAIN);
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_mac_is_learned_where_it_is_seen),
	        CASE(nothing_is_learned_behind_a_port_with_security),
	        CASE(a_mac_that_is_not_seen_ages),
	        CASE(a_row_of_a_plugin_goes_before_what_is_learned),
	        CASE(a_port_teaches_a_bounded_number_of_macs),
	        CASE(an_address_is_taken_by_probing_for_it),
	        CASE(a_port_takes_a_bounded_number_of_addresses),
	        CASE(what_was_learned_survives_a_restart),
	        CASE(another_port_with_the_same_id_inherits_nothing),
	        CASE(a_port_that_gets_security_keeps_only_what_is_its_own),
	        CASE(the_thread_does_the_same),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	make_network();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
