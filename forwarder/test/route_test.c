/* Routing, both families: from the gateway's MAC to the next hop, or to a named end. */
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <string.h>

#include "punt.h"
#include "tenants.h"
#include "test.h"

static uint8_t in[2048], out[2048];

TEST(routing_rewrites_macs_and_ttl)
{
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, 100);

	deliver(1, in, length);
	CHECK_EQ(only_exit(out, NULL), 3);
	const struct rte_ipv4_hdr *ip = (void *)(out + RTE_ETHER_HDR_LEN);
	CHECK_EQ(ip->time_to_live, 63);
	CHECK_EQ(rte_raw_cksum(ip, 20), 0xffff);
	CHECK(memcmp(out, mac_of(3), 6) == 0 && memcmp(out + 6, mac_gateway, 6) == 0);
	CHECK(memcmp(in + 34, out + 34, length - 34) == 0);
}

TEST(routing_to_a_connected_subnet_finds_the_neighbour)
{
	deliver(3, in, make_udp(in, mac_gateway, 3, 0x0a02000b, 0x0a01000c, 80, 10));
	CHECK_EQ(only_exit(out, NULL), 2);
	CHECK(memcmp(out, mac_of(2), 6) == 0);
}

struct refused {
	const char *what;
	uint32_t to;
	enum drop_reason reason;
};

TEST(routes_that_end_here_say_why)
{
	static const struct refused cases[] = {
	        {"no route", 0x08080808, DROP_NO_ROUTE},
	        {"black hole", 0xc0000201, DROP_BLACKHOLE},
	        {"next hop says drop", 0xcb007101, DROP_NEXTHOP_DROP},
	        {"next hop missing", 0xc6336401, DROP_UNRESOLVED},
	        {"no such neighbour", 0x0a0200c8, DROP_NO_NEIGHBOR},
	        {"loopback", 0x7f000001, DROP_INVALID_ADDRESS},
	        {"multicast", 0xe0000005, DROP_INVALID_ADDRESS},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = rig_drops(1, cases[i].reason);
		deliver(1, in, make_udp(in, mac_gateway, 1, 0x0a01000b, cases[i].to, 80, 10));
		if (rig_drops(1, cases[i].reason) != before + 1)
			printf("  case: %s\n", cases[i].what);
		CHECK_EQ(rig_drops(1, cases[i].reason), before + 1);
	}
}

TEST(a_ttl_of_one_ends_here)
{
	uint64_t before = rig_drops(1, DROP_TTL_EXCEEDED);
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, 10);

	set_hop_limit(in, 1);
	deliver(1, in, length);
	CHECK_EQ(rig_drops(1, DROP_TTL_EXCEEDED), before + 1);
}

TEST(a_bad_header_checksum_is_not_routed)
{
	uint64_t before = rig_drops(1, DROP_MALFORMED);
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, 10);

	in[24] ^= 1;
	deliver(1, in, length);
	CHECK_EQ(rig_drops(1, DROP_MALFORMED), before + 1);
}

TEST(ipv6_routing_rewrites_macs_and_hop_limit)
{
	uint32_t length = make_udp6(in, mac_gateway, 1, ip6(1, 11), ip6(2, 11), 80, 100);

	deliver(1, in, length);
	CHECK_EQ(only_exit(out, NULL), 3);
	CHECK_EQ(out[21], 63);
	CHECK(memcmp(out, mac_of(3), 6) == 0 && memcmp(out + 6, mac_gateway, 6) == 0);
	CHECK(memcmp(in + 22, out + 22, length - 22) == 0);
}

TEST(ipv6_routing_to_a_connected_subnet_finds_the_neighbour)
{
	deliver(3, in, make_udp6(in, mac_gateway, 3, ip6(2, 11), ip6(1, 12), 80, 10));
	CHECK_EQ(only_exit(out, NULL), 2);
	CHECK(memcmp(out, mac_of(2), 6) == 0);
}

TEST(both_families_in_one_burst_take_their_ways)
{
	uint32_t length4 = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, 100);
	uint8_t other[256];
	uint32_t length6 = make_udp6(other, mac_gateway, 1, ip6(1, 11), ip6(4, 11), 80, 100);

	rig_clear();
	for (int i = 0; i < 8; i++) {
		rig_send(1, in, length4);
		rig_send(1, other, length6);
	}
	rig_run();
	for (int i = 0; i < 8; i++) {
		CHECK_EQ(rig_take(3, out), length4);
		CHECK_EQ(rig_take(8, out), length6);
	}
	CHECK_EQ(only_exit(out, NULL), 0);
}

struct refused6 {
	const char *what;
	const uint8_t *from;
	uint8_t to[16];
	enum drop_reason reason;
};

TEST(ipv6_routes_that_end_here_say_why)
{
	const struct refused6 cases[] = {
	        {"no route", ip6(1, 11), {0x20, 0x01, 0x0d, 0xb9}, DROP_NO_ROUTE},
	        {"black hole", ip6(1, 11), {0x20, 0x01, 0x0d, 0xb8, 0, 0xb0, [15] = 1}, DROP_BLACKHOLE},
	        {"next hop says drop", ip6(1, 11), {0x20, 0x01, 0x0d, 0xb8, 0, 0xd0, [15] = 1}, DROP_NEXTHOP_DROP},
	        {"no such neighbour", ip6(1, 11), {0x20, 0x01, 0x0d, 0xb8, 0, 2, [15] = 200}, DROP_NO_NEIGHBOR},
	        {"loopback", ip6(1, 11), {[15] = 1}, DROP_INVALID_ADDRESS},
	        {"unspecified", ip6(1, 11), {0}, DROP_INVALID_ADDRESS},
	        {"IPv4-mapped", ip6(1, 11), {[10] = 0xff, 0xff, 10, 2, 0, 11}, DROP_INVALID_ADDRESS},
	        {"multicast", ip6(1, 11), {0xff, 0x0e, [15] = 1}, DROP_INVALID_ADDRESS},
	        {"link-local destination", ip6(1, 11), {0xfe, 0x80, [15] = 3}, DROP_INVALID_ADDRESS},
	        {"link-local source", link_local_of(1), {0x20, 0x01, 0x0d, 0xb8, 0, 2, [15] = 11},
	                DROP_INVALID_ADDRESS},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = rig_drops(1, cases[i].reason);
		deliver(1, in, make_udp6(in, mac_gateway, 1, cases[i].from, cases[i].to, 80, 10));
		if (rig_drops(1, cases[i].reason) != before + 1)
			printf("  case: %s\n", cases[i].what);
		CHECK_EQ(rig_drops(1, cases[i].reason), before + 1);
	}
}

TEST(a_hop_limit_of_one_ends_here)
{
	uint64_t before = rig_drops(1, DROP_TTL_EXCEEDED);
	uint32_t length = make_udp6(in, mac_gateway, 1, ip6(1, 11), ip6(2, 11), 80, 10);

	set_hop_limit(in, 1);
	deliver(1, in, length);
	CHECK_EQ(rig_drops(1, DROP_TTL_EXCEEDED), before + 1);
	/* Also where nobody is. */
	length = make_udp6(in, mac_gateway, 1, ip6(1, 11), ip6(2, 200), 80, 10);
	set_hop_limit(in, 1);
	deliver(1, in, length);
	CHECK_EQ(rig_drops(1, DROP_TTL_EXCEEDED), before + 2);
}

TEST(a_host_moves_with_its_next_hop_within_one_burst_of_others)
{
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, 10);

	deliver(1, in, length);
	CHECK_EQ(only_exit(out, NULL), 3);
	RIG_ROW(nexthop, .id = 103, .type = FWD_NEXTHOP_PORT, .port = 8, .bridge = 40, .mac = {2, 0, 0, 0, 0, 8});
	deliver(1, in, length);
	int now = only_exit(out, NULL);
	RIG_ROW(nexthop, .id = 103, .type = FWD_NEXTHOP_PORT, .port = 3, .bridge = 20, .mac = {2, 0, 0, 0, 0, 3});
	CHECK_EQ(now, 8);
}

/* Sends one packet for each of 64 source ports; how many left through `port`, by what `exits` says before. */
static uint32_t spread(uint8_t exits[64])
{
	uint32_t differ = 0;

	for (uint16_t i = 0; i < 64; i++) {
		uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a630001, (uint16_t)(1000 + i), 10);
		deliver(1, in, length);
		uint8_t now = (uint8_t)only_exit(out, NULL);
		differ += now != exits[i];
		exits[i] = now;
	}
	return differ;
}

static uint32_t count_of(const uint8_t exits[64], uint8_t port)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < 64; i++)
		count += exits[i] == port;
	return count;
}

TEST(only_flows_of_a_hole_move_within_a_group)
{
	uint8_t exits[64] = {0}, before[64];

	RIG_ROW(nexthop, .id = 400, .type = FWD_NEXTHOP_ECMP, .size = 3);
	RIG_ROW(member, .group = 400, .index = 0, .nexthop = 102);
	RIG_ROW(member, .group = 400, .index = 1, .nexthop = 103);
	RIG_ROW(member, .group = 400, .index = 2, .nexthop = 108);
	RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 16, .address = {10, 99}, .source = 20, .nexthop = 400);
	spread(exits);
	CHECK(count_of(exits, 2) > 5 && count_of(exits, 3) > 5 && count_of(exits, 8) > 5);
	CHECK_EQ(count_of(exits, 2) + count_of(exits, 3) + count_of(exits, 8), 64);
	memcpy(before, exits, sizeof(exits));
	CHECK_EQ(spread(exits), 0);
	RIG_DELETE(member, .group = 400, .index = 1);
	CHECK_EQ(spread(exits), count_of(before, 3));
	CHECK_EQ(count_of(exits, 3), 0);
	for (uint32_t i = 0; i < 64; i++)
		CHECK(before[i] == 3 || before[i] == exits[i]);
	RIG_DELETE(member, .group = 400, .index = 0);
	RIG_DELETE(member, .group = 400, .index = 2);
	uint64_t empty = rig_drops(1, DROP_ECMP_EMPTY);
	spread(exits);
	CHECK_EQ(rig_drops(1, DROP_ECMP_EMPTY), empty + 64);
}

TEST(all_fragments_of_a_datagram_take_one_way)
{
	uint32_t ways = 0;

	RIG_ROW(member, .group = 400, .index = 0, .nexthop = 102);
	RIG_ROW(member, .group = 400, .index = 1, .nexthop = 103);
	RIG_ROW(member, .group = 400, .index = 2, .nexthop = 108);
	for (uint16_t port = 0; port < 32; port++) {
		uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a630001, (uint16_t)(1000 + port), 24);
		struct rte_ipv4_hdr *ip = (void *)(in + RTE_ETHER_HDR_LEN);
		/* First fragments have ports, later ones none. */
		ip->fragment_offset = htons(port % 2 == 0 ? RTE_IPV4_HDR_MF_FLAG : 4);
		set_hop_limit(in, 64);
		deliver(1, in, length);
		ways |= 1u << only_exit(out, NULL);
	}
	CHECK_EQ(__builtin_popcount(ways), 1);
}

TEST(a_next_hop_may_be_a_plugin)
{
	uint8_t batch[4096];
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a620001, 80, 10);

	RIG_ROW(nexthop, .id = 401, .type = FWD_NEXTHOP_PUNT, .punt_class = 7);
	RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 16, .address = {10, 98}, .source = 20, .nexthop = 401);
	while (punt_read(rig_owner(), batch, sizeof(batch)) > 0)
		;
	deliver(1, in, length);
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(punt_read(rig_owner(), batch, sizeof(batch)), (sizeof(struct fwd_punt) + length + 7) & ~7u);
	CHECK(memcmp(batch + sizeof(struct fwd_punt), in, length) == 0);
	/* A class that is not there. */
	uint64_t before = rig_drops(1, DROP_UNRESOLVED);
	RIG_ROW(nexthop, .id = 401, .type = FWD_NEXTHOP_PUNT, .punt_class = 9);
	deliver(1, in, length);
	CHECK_EQ(rig_drops(1, DROP_UNRESOLVED), before + 1);
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(routing_rewrites_macs_and_ttl),
	        CASE(routing_to_a_connected_subnet_finds_the_neighbour),
	        CASE(routes_that_end_here_say_why),
	        CASE(a_ttl_of_one_ends_here),
	        CASE(a_bad_header_checksum_is_not_routed),
	        CASE(ipv6_routing_rewrites_macs_and_hop_limit),
	        CASE(ipv6_routing_to_a_connected_subnet_finds_the_neighbour),
	        CASE(both_families_in_one_burst_take_their_ways),
	        CASE(ipv6_routes_that_end_here_say_why),
	        CASE(a_hop_limit_of_one_ends_here),
	        CASE(a_host_moves_with_its_next_hop_within_one_burst_of_others),
	        CASE(only_flows_of_a_hole_move_within_a_group),
	        CASE(all_fragments_of_a_datagram_take_one_way),
	        CASE(a_next_hop_may_be_a_plugin),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
