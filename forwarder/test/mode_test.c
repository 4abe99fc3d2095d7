/* The modes of a network: what is bridged, what is routed, and what ends. */
#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <string.h>

#include "tenants.h"
#include "test.h"

static uint8_t in[2048], out[2048];

TEST(a_network_that_only_routes_answers_arp_with_the_gateway_only)
{
	deliver(8, in, make_arp(in, RTE_ARP_OP_REQUEST, 8, 0x0a04000b, 0x0a020063));
	CHECK_EQ(only_exit(out, NULL), 8);
	CHECK(memcmp(out + 6, mac_gateway, 6) == 0);
	deliver(8, in, make_arp(in, RTE_ARP_OP_REQUEST, 8, 0x0a04000b, 0x08080808));
	CHECK_EQ(only_exit(out, NULL), 0);
}

TEST(a_network_that_only_routes_bridges_nothing)
{
	uint64_t before = rig_drops(8, DROP_NOT_BRIDGED);

	deliver(8, in, make_udp(in, mac_broadcast, 8, 0x0a04000b, 0x0a0400ff, 80, 20));
	CHECK_EQ(rig_drops(8, DROP_NOT_BRIDGED), before + 1);
	/* Unicast is routed, whatever MAC it is sent to. */
	deliver(8, in, make_udp(in, mac_of(77), 8, 0x0a04000b, 0x0a02000b, 80, 20));
	CHECK_EQ(only_exit(out, NULL), 3);
	before = rig_drops(8, DROP_NOT_IP);
	make_udp(in, mac_of(77), 8, 0x0a04000b, 0x0a02000b, 80, 20);
	in[12] = 0x88;
	in[13] = 0xb5;
	deliver(8, in, 64);
	CHECK_EQ(rig_drops(8, DROP_NOT_IP), before + 1);
}

TEST(unknown_unicast_is_flooded_where_the_network_says_so)
{
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500, .flags = FWD_BRIDGE_FLOOD_UNKNOWN);
	deliver(1, in, make_udp(in, mac_of(99), 1, 0x0a01000b, 0x0a01000c, 80, 100));
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500);
	CHECK(rig_take(2, out) > 0 && rig_take(5, out) > 0);
	CHECK_EQ(only_exit(out, NULL), 0);
}

TEST(bridge_protocols_stay_on_their_link)
{
	static const uint8_t lldp[6] = {0x01, 0x80, 0xc2, 0, 0, 0x0e};
	uint64_t before = rig_drops(1, DROP_RESERVED_MULTICAST);

	make_udp(in, lldp, 1, 0, 0, 0, 20);
	in[12] = 0x88;
	in[13] = 0xcc;
	deliver(1, in, 64);
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_drops(1, DROP_RESERVED_MULTICAST), before + 1);
}

static void set_mode(uint8_t mode)
{
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = mode, .mtu = 1500);
}

TEST(a_network_that_only_bridges_has_no_gateway)
{
	uint64_t before = rig_drops(1, DROP_NOT_ROUTED);

	set_mode(FWD_MODE_L2);
	deliver(1, in, make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, 20));
	CHECK_EQ(only_exit(out, NULL), 0);
	deliver(1, in, make_echo(in, mac_gateway, 1, 0x0a01000b, 0x0a010001));
	CHECK_EQ(only_exit(out, NULL), 0);
	deliver(1, in, make_echo6(in, mac_gateway, 1, link_local_of(1), gateway_link_local_ip));
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_drops(1, DROP_NOT_ROUTED), before + 3);
	deliver(1, in, make_udp(in, mac_of(2), 1, 0x0a01000b, 0x0a01000c, 80, 20));
	CHECK_EQ(only_exit(out, NULL), 2);
	set_mode(FWD_MODE_L2_L3);
}

TEST(hosts_of_a_network_that_only_routes_talk_through_the_gateway)
{
	set_mode(FWD_MODE_L3);
	deliver(1, in, make_udp(in, mac_of(2), 1, 0x0a01000b, 0x0a01000c, 80, 20));
	CHECK_EQ(only_exit(out, NULL), 2);
	CHECK_EQ(out[22], 63);
	CHECK(memcmp(out + 6, mac_gateway, 6) == 0);
	deliver(1, in, make_udp6(in, mac_gateway, 1, ip6(1, 11), ip6(1, 12), 80, 20));
	CHECK_EQ(only_exit(out, NULL), 2);
	CHECK_EQ(out[21], 63);
	/* Nothing for the group, of either family. */
	uint64_t before = rig_drops(1, DROP_NOT_BRIDGED);
	static const uint8_t all_nodes[6] = {0x33, 0x33, 0, 0, 0, 1};
	static const uint8_t group[16] = {0xff, 0x02, [15] = 0xfb};
	deliver(1, in, make_udp6(in, all_nodes, 1, ip6(1, 11), group, 5353, 20));
	deliver(1, in, make_udp(in, mac_broadcast, 1, 0x0a01000b, 0xffffffff, 5353, 20));
	CHECK_EQ(rig_drops(1, DROP_NOT_BRIDGED), before + 2);
	set_mode(FWD_MODE_L2_L3);
}

TEST(multicast_stays_within_its_network)
{
	static const uint8_t mdns4[6] = {0x01, 0, 0x5e, 0, 0, 0xfb}, mdns6[6] = {0x33, 0x33, 0, 0, 0, 0xfb};
	static const uint8_t group[16] = {0xff, 0x02, [15] = 0xfb};

	deliver(1, in, make_udp(in, mdns4, 1, 0x0a01000b, 0xe00000fb, 5353, 20));
	CHECK(rig_take(2, out) > 0 && rig_take(5, out) > 0);
	CHECK_EQ(only_exit(out, NULL), 0);
	deliver(1, in, make_udp6(in, mdns6, 1, link_local_of(1), group, 5353, 20));
	CHECK(rig_take(2, out) > 0 && rig_take(5, out) > 0);
	CHECK_EQ(only_exit(out, NULL), 0);
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_network_that_only_routes_answers_arp_with_the_gateway_only),
	        CASE(a_network_that_only_routes_bridges_nothing),
	        CASE(unknown_unicast_is_flooded_where_the_network_says_so),
	        CASE(bridge_protocols_stay_on_their_link),
	        CASE(a_network_that_only_bridges_has_no_gateway),
	        CASE(hosts_of_a_network_that_only_routes_talk_through_the_gateway),
	        CASE(multicast_stays_within_its_network),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
