/* Anti-spoofing over the networks of tenants.h: which packets a port with security may send, and from which rows. */
#include <netinet/in.h>
#include <rte_arp.h>
#include <stdio.h>
#include <string.h>

#include "discovery.h"
#include "guard.h"
#include "tenants.h"
#include "test.h"

static uint8_t in[2048];
static const uint8_t unspecified[16];

#define CHECK_VERDICT(port, length, reason)                                                                            \
	do {                                                                                                           \
		uint64_t before_ = rig_drops(port, reason);                                                            \
		deliver(port, in, length);                                                                             \
		CHECK_EQ(rig_drops(port, reason), before_ + 1);                                                        \
	} while (0)

#define CHECK_PASSES(port, length)                                                                                     \
	do {                                                                                                           \
		uint64_t before_ = rig_totals(port).dropped;                                                           \
		deliver(port, in, length);                                                                             \
		CHECK_EQ(rig_totals(port).dropped, before_);                                                           \
	} while (0)

static bool allows4(uint32_t port, uint32_t address, const uint8_t *mac)
{
	return guard_allows4(port, htonl(address), mac);
}

TEST(a_port_sends_from_its_own_addresses)
{
	CHECK_PASSES(1, make_udp(in, mac_of(2), 1, 0x0a01000b, 0x0a01000c, 80, 20));
	CHECK_VERDICT(1, make_udp(in, mac_of(2), 1, 0x0a01000c, 0x0a01000c, 80, 20), DROP_SPOOFED_ADDRESS);
	CHECK_VERDICT(1, make_udp(in, mac_of(2), 2, 0x0a01000b, 0x0a01000c, 80, 20), DROP_SPOOFED_MAC);
	CHECK_PASSES(1, make_udp6(in, mac_of(2), 1, ip6(1, 11), ip6(1, 12), 80, 20));
	CHECK_VERDICT(1, make_udp6(in, mac_of(2), 1, ip6(1, 12), ip6(1, 12), 80, 20), DROP_SPOOFED_ADDRESS);
	CHECK_VERDICT(1, make_udp6(in, mac_of(2), 2, ip6(1, 11), ip6(1, 12), 80, 20), DROP_SPOOFED_MAC);
	/* Port 8 has no security. */
	CHECK_PASSES(8, make_udp(in, mac_gateway, 8, 0x0a040063, 0x0a01000c, 80, 20));
}

TEST(link_local_addresses_need_no_row)
{
	CHECK_PASSES(1, make_udp6(in, mac_of(2), 1, link_local_of(1), link_local_of(2), 80, 20));
	CHECK_VERDICT(1, make_udp6(in, mac_of(2), 2, link_local_of(1), link_local_of(2), 80, 20), DROP_SPOOFED_MAC);
	CHECK_VERDICT(
	        1, make_udp6(in, mac_of(2), 1, gateway_link_local_ip, link_local_of(2), 80, 20), DROP_INVALID_SOURCE);
	CHECK_VERDICT(
	        8, make_udp6(in, mac_of(2), 8, gateway_link_local_ip, link_local_of(2), 80, 20), DROP_INVALID_SOURCE);
}

TEST(the_unspecified_address_sends_what_asks_for_one)
{
	uint32_t length = make_udp(in, mac_broadcast, 1, 0, 0xffffffff, 67, 240);

	in[34] = 0;
	in[35] = 68;
	uint64_t punted = rig_totals(1).punted;
	deliver(1, in, length);
	CHECK_EQ(rig_totals(1).punted, punted + 1);
	CHECK_VERDICT(1, make_udp(in, mac_broadcast, 1, 0, 0xffffffff, 67, 240), DROP_SPOOFED_ADDRESS);
	length = make_udp(in, mac_broadcast, 1, 0, 0x0a01000c, 67, 240);
	in[34] = 0;
	in[35] = 68;
	CHECK_VERDICT(1, length, DROP_SPOOFED_ADDRESS);
	CHECK_VERDICT(1, make_udp6(in, mac_of(2), 1, unspecified, ip6(1, 12), 547, 20), DROP_SPOOFED_ADDRESS);
	CHECK_VERDICT(1, make_echo6(in, mac_of(2), 1, unspecified, ip6(1, 12)), DROP_SPOOFED_ADDRESS);
	/* A multicast listener report. */
	length = make_echo6(in, (const uint8_t[6]){0x33, 0x33, 0, 0, 0, 0x16}, 1, unspecified,
	        (const uint8_t[16]){0xff, 2, [15] = 0x16});
	in[54] = 143;
	fix_checksum6(in);
	CHECK_PASSES(1, length);
}

TEST(an_arp_sender_is_who_it_says)
{
	CHECK_PASSES(1, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000b, 0x0a01000c));
	CHECK_PASSES(1, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0, 0x0a01000c));
	CHECK_VERDICT(1, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000c, 0x0a01000d), DROP_SPOOFED_ADDRESS);
	CHECK_VERDICT(1, make_arp(in, RTE_ARP_OP_REPLY, 1, 0, 0x0a01000c), DROP_SPOOFED_ADDRESS);
	uint32_t length = make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000b, 0x0a01000c);
	in[22 + 5] = 2;
	CHECK_VERDICT(1, length, DROP_SPOOFED_MAC);
	CHECK_VERDICT(1, make_arp(in, RTE_ARP_OP_REQUEST, 2, 0x0a01000b, 0x0a01000c), DROP_SPOOFED_MAC);
}

/* A virtual address of two hosts (RFC 5798), and a prefix that a router behind the port has. */
TEST(further_pairs_of_address_and_mac_pass)
{
	static const uint8_t virtual_mac[6] = {0, 0, 0x5e, 0, 1, 7};
	uint32_t length = make_udp(in, mac_of(2), 1, 0x0a010064, 0x0a01000c, 80, 20);

	RIG_ROW(source, .port = 1, .family = 4, .prefix_length = 32, .mac = {0, 0, 0x5e, 0, 1, 7},
	        .address = {10, 1, 0, 100});
	RIG_ROW(source, .port = 1, .family = 4, .prefix_length = 24, .mac = {2, 0, 0, 0, 0, 1},
	        .address = {172, 16, 5, 0});
	RIG_ROW(source, .port = 1, .family = 6, .prefix_length = 61, .mac = {2, 0, 0, 0, 0, 1},
	        .address = {0x20, 1, 0xd, 0xb8, 0, 9, 0, 8});
	CHECK_VERDICT(1, length, DROP_SPOOFED_ADDRESS);
	memcpy(in + 6, virtual_mac, 6);
	CHECK_PASSES(1, length);
	CHECK_PASSES(1, make_udp(in, mac_of(2), 1, 0xac1005fe, 0x0a01000c, 80, 20));
	CHECK_VERDICT(1, make_udp(in, mac_of(2), 1, 0xac1006fe, 0x0a01000c, 80, 20), DROP_SPOOFED_ADDRESS);
	static const uint8_t inside[16] = {0x20, 1, 0xd, 0xb8, 0, 9, 0, 15, 1},
	                     outside[16] = {0x20, 1, 0xd, 0xb8, 0, 9, 0, 16};
	CHECK_PASSES(1, make_udp6(in, mac_of(2), 1, inside, ip6(1, 12), 80, 20));
	CHECK_VERDICT(1, make_udp6(in, mac_of(2), 1, outside, ip6(1, 12), 80, 20), DROP_SPOOFED_ADDRESS);
	/* The gateway's addresses stay its own, whatever a row says. */
	RIG_ROW(source, .port = 1, .family = 4, .prefix_length = 0, .mac = {2, 0, 0, 0, 0, 1});
	CHECK_VERDICT(1, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a010001, 0x0a01000d), DROP_INVALID_SOURCE);
	CHECK_PASSES(1, make_udp(in, mac_of(2), 1, 0x08080808, 0x0a01000c, 80, 20));
	RIG_DELETE(source, .port = 1, .family = 4, .prefix_length = 0, .mac = {2, 0, 0, 0, 0, 1});
	RIG_DELETE(source, .port = 1, .family = 4, .prefix_length = 32, .mac = {0, 0, 0x5e, 0, 1, 7},
	        .address = {10, 1, 0, 100});
	RIG_DELETE(source, .port = 1, .family = 4, .prefix_length = 24, .mac = {2, 0, 0, 0, 0, 1},
	        .address = {172, 16, 5, 0});
	RIG_DELETE(source, .port = 1, .family = 6, .prefix_length = 61, .mac = {2, 0, 0, 0, 0, 1},
	        .address = {0x20, 1, 0xd, 0xb8, 0, 9, 0, 8});
	CHECK_VERDICT(1, make_udp(in, mac_of(2), 1, 0xac1005fe, 0x0a01000c, 80, 20), DROP_SPOOFED_ADDRESS);
}

/* Rows come and go in one order and another; a plain list of what is there is the oracle. */
TEST(any_number_of_rows_means_what_they_say)
{
	enum { ROWS = 600 };
	static bool there[ROWS];
	uint32_t seed = 1;

	RIG_ROW(port, .id = 90, .bridge = 10, .flags = FWD_PORT_SECURITY, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 90});
	for (uint32_t step = 0; step < 4 * ROWS; step++) {
		seed = seed * 1664525 + 1013904223;
		uint32_t i = (seed >> 8) % ROWS;
		/* Prefixes of 24 to 31 bits, none inside another; two MAC addresses. */
		uint8_t length = (uint8_t)(24 + i % 8);
		struct fwd_source_row row = {.port = 90,
		        .family = 4,
		        .prefix_length = length,
		        .mac = {2, 0, 0, 0, 0, (uint8_t)(90 + i % 2)},
		        .address = {20, (uint8_t)(i / 256), (uint8_t)i}};
		if (there[i])
			rig_delete(FWD_TABLE_SOURCE, &row, sizeof(row));
		else
			rig_row(FWD_TABLE_SOURCE, &row, sizeof(row));
		there[i] = !there[i];
	}
	for (uint32_t i = 0; i < ROWS; i++) {
		uint32_t base = 20u << 24 | i << 8, size = 1u << (8 - i % 8);
		if (allows4(90, base + size - 1, mac_of((uint8_t)(90 + i % 2))) != there[i])
			printf("  row %u\n", i);
		CHECK_EQ(allows4(90, base + size - 1, mac_of((uint8_t)(90 + i % 2))), there[i]);
		CHECK(!allows4(90, base, mac_of((uint8_t)(91 - i % 2))));
		if (i % 8 != 0)
			CHECK(!allows4(90, base + size, mac_of((uint8_t)(90 + i % 2))));
	}
	for (uint32_t i = 0; i < ROWS; i++) {
		struct fwd_source_row row = {.port = 90,
		        .family = 4,
		        .prefix_length = (uint8_t)(24 + i % 8),
		        .mac = {2, 0, 0, 0, 0, (uint8_t)(90 + i % 2)},
		        .address = {20, (uint8_t)(i / 256), (uint8_t)i}};
		rig_delete(FWD_TABLE_SOURCE, &row, sizeof(row));
	}
	CHECK(guards[90] == NULL);
	RIG_DELETE(port, .id = 90);
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_port_sends_from_its_own_addresses),
	        CASE(link_local_addresses_need_no_row),
	        CASE(the_unspecified_address_sends_what_asks_for_one),
	        CASE(an_arp_sender_is_who_it_says),
	        CASE(further_pairs_of_address_and_mac_pass),
	        CASE(any_number_of_rows_means_what_they_say),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
