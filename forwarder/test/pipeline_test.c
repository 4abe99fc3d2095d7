/* Packets in, packets out: the walk over small networks (tenants.h), through ports in memory. */
#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "port.h"
#include "punt.h"
#include "tenants.h"
#include "test.h"

static uint8_t in[2048], out[2048];

/* Sends `length` bytes of `in` from a port and lets them arrive. */
static void deliver(uint32_t port, uint32_t length)
{
	rig_clear();
	rig_send(port, in, length);
	rig_run();
}

/* The only frame that left anywhere: its port; 0: none; -1: more than one. Its bytes are in `out`. */
static int only_exit(void)
{
	int found = 0;

	for (uint32_t port = 1; port <= 8; port++) {
		if (port == 6 || port == 7)
			continue;
		while (rig_take(port, out) >= 0)
			found = found == 0 ? (int)port : -1;
	}
	return found;
}

TEST(a_gateway_answers_arp_with_the_virtual_mac)
{
	deliver(1, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000b, 0x0a010001));
	CHECK_EQ(only_exit(), 1);
	const struct rte_arp_hdr *arp = (void *)(out + RTE_ETHER_HDR_LEN);
	CHECK_EQ(ntohs(arp->arp_opcode), RTE_ARP_OP_REPLY);
	CHECK(memcmp(arp->arp_data.arp_sha.addr_bytes, mac_gateway, 6) == 0);
	CHECK(memcmp(out, mac_of(1), 6) == 0 && memcmp(out + 6, mac_gateway, 6) == 0);
	CHECK_EQ(ntohl(arp->arp_data.arp_sip), 0x0a010001);
	CHECK_EQ(ntohl(arp->arp_data.arp_tip), 0x0a01000b);
}

TEST(arp_for_a_neighbour_is_answered_with_its_own_mac)
{
	deliver(1, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000b, 0x0a01000c));
	CHECK_EQ(only_exit(), 1);
	CHECK(memcmp(out + RTE_ETHER_HDR_LEN + 8, mac_of(2), 6) == 0);
}

TEST(a_probe_for_ones_own_address_stays_unanswered)
{
	uint64_t before = rig_drops(1, DROP_ARP_SUPPRESSED);

	deliver(1, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0, 0x0a01000b));
	CHECK_EQ(only_exit(), 0);
	CHECK_EQ(rig_drops(1, DROP_ARP_SUPPRESSED), before + 1);
}

TEST(a_probe_for_anothers_address_is_answered)
{
	deliver(1, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0, 0x0a01000c));
	CHECK_EQ(only_exit(), 1);
}

TEST(arp_for_an_unknown_address_is_flooded_within_its_network)
{
	uint64_t cloned = rig_totals(1).cloned;

	deliver(1, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000b, 0x0a0100c8));
	CHECK_EQ(rig_take(2, out), 42);
	/* Port 6 hears it as VLAN 101 of trunk 5. */
	CHECK_EQ(rig_take(5, out), 46);
	CHECK(out[12] == 0x81 && out[13] == 0 && out[15] == 101);
	CHECK_EQ(only_exit(), 0);
	CHECK_EQ(rig_totals(1).cloned, cloned + 1);
}

TEST(nobody_may_announce_the_gateways_address)
{
	uint64_t before = rig_drops(1, DROP_INVALID_SOURCE);

	deliver(1, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a010001, 0x0a010001));
	CHECK_EQ(only_exit(), 0);
	CHECK_EQ(rig_drops(1, DROP_INVALID_SOURCE), before + 1);
}

TEST(a_network_that_only_routes_answers_arp_with_the_gateway_only)
{
	deliver(8, make_arp(in, RTE_ARP_OP_REQUEST, 8, 0x0a04000b, 0x0a020063));
	CHECK_EQ(only_exit(), 8);
	CHECK(memcmp(out + 6, mac_gateway, 6) == 0);
	deliver(8, make_arp(in, RTE_ARP_OP_REQUEST, 8, 0x0a04000b, 0x08080808));
	CHECK_EQ(only_exit(), 0);
}

TEST(the_gateway_answers_ping)
{
	uint32_t length = make_echo(in, mac_gateway, 1, 0x0a01000b, 0x0a010001);

	deliver(1, length);
	CHECK_EQ(only_exit(), 1);
	const struct rte_ipv4_hdr *ip = (void *)(out + RTE_ETHER_HDR_LEN);
	const struct rte_icmp_hdr *icmp = (void *)(ip + 1);
	CHECK_EQ(icmp->icmp_type, RTE_IP_ICMP_ECHO_REPLY);
	CHECK_EQ(rte_raw_cksum(icmp, 40), 0xffff);
	CHECK_EQ(rte_raw_cksum(ip, 20), 0xffff);
	CHECK_EQ(ntohl(ip->src_addr), 0x0a010001);
	/* The gateway of another network of the same VRF, too. */
	deliver(1, make_echo(in, mac_gateway, 1, 0x0a01000b, 0x0a020001));
	CHECK_EQ(only_exit(), 1);
}

TEST(anything_else_to_the_gateway_is_unserved)
{
	uint64_t before = rig_drops(1, DROP_SERVICE_UNSERVED);

	deliver(1, make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a010001, 9999, 20));
	CHECK_EQ(only_exit(), 0);
	CHECK_EQ(rig_drops(1, DROP_SERVICE_UNSERVED), before + 1);
}

TEST(frames_are_bridged_to_the_port_of_their_mac_untouched)
{
	uint32_t length = make_udp(in, mac_of(2), 1, 0x0a01000b, 0x0a01000c, 80, 100);

	deliver(1, length);
	CHECK_EQ(only_exit(), 2);
	CHECK(memcmp(in, out, length) == 0);
}

TEST(a_mac_of_another_tenant_is_unknown)
{
	uint64_t before = rig_drops(1, DROP_UNKNOWN_MAC);

	deliver(1, make_udp(in, mac_of(4), 1, 0x0a01000b, 0x0a01000c, 80, 100));
	CHECK_EQ(only_exit(), 0);
	CHECK_EQ(rig_drops(1, DROP_UNKNOWN_MAC), before + 1);
}

TEST(unknown_unicast_is_flooded_where_the_network_says_so)
{
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500, .flags = FWD_BRIDGE_FLOOD_UNKNOWN);
	deliver(1, make_udp(in, mac_of(99), 1, 0x0a01000b, 0x0a01000c, 80, 100));
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500);
	CHECK(rig_take(2, out) > 0 && rig_take(5, out) > 0);
	CHECK_EQ(only_exit(), 0);
}

TEST(routing_rewrites_macs_and_ttl)
{
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, 100);

	deliver(1, length);
	CHECK_EQ(only_exit(), 3);
	const struct rte_ipv4_hdr *ip = (void *)(out + RTE_ETHER_HDR_LEN);
	CHECK_EQ(ip->time_to_live, 63);
	CHECK_EQ(rte_raw_cksum(ip, 20), 0xffff);
	CHECK(memcmp(out, mac_of(3), 6) == 0 && memcmp(out + 6, mac_gateway, 6) == 0);
	CHECK(memcmp(in + 34, out + 34, length - 34) == 0);
}

TEST(routing_to_a_connected_subnet_finds_the_neighbour)
{
	deliver(3, make_udp(in, mac_gateway, 3, 0x0a02000b, 0x0a01000c, 80, 10));
	CHECK_EQ(only_exit(), 2);
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
		deliver(1, make_udp(in, mac_gateway, 1, 0x0a01000b, cases[i].to, 80, 10));
		if (only_exit() != 0 || rig_drops(1, cases[i].reason) != before + 1)
			printf("  case: %s\n", cases[i].what);
		CHECK_EQ(rig_drops(1, cases[i].reason), before + 1);
	}
}

TEST(a_ttl_of_one_ends_here)
{
	uint64_t before = rig_drops(1, DROP_TTL_EXCEEDED);
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, 10);
	struct rte_ipv4_hdr *ip = (void *)(in + RTE_ETHER_HDR_LEN);

	ip->time_to_live = 1;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	deliver(1, length);
	CHECK_EQ(only_exit(), 0);
	CHECK_EQ(rig_drops(1, DROP_TTL_EXCEEDED), before + 1);
}

TEST(a_bad_header_checksum_is_not_routed)
{
	uint64_t before = rig_drops(1, DROP_MALFORMED);
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, 10);

	in[24] ^= 1;
	deliver(1, length);
	CHECK_EQ(rig_drops(1, DROP_MALFORMED), before + 1);
}

TEST(a_packet_above_the_mtu_of_its_exit_is_dropped)
{
	uint64_t before = rig_drops(1, DROP_MTU_EXCEEDED);

	deliver(1, make_udp(in, mac_of(2), 1, 0x0a01000b, 0x0a01000c, 80, 1472));
	CHECK_EQ(only_exit(), 2);
	deliver(1, make_udp(in, mac_of(2), 1, 0x0a01000b, 0x0a01000c, 80, 1473));
	CHECK_EQ(only_exit(), 0);
	CHECK_EQ(rig_drops(1, DROP_MTU_EXCEEDED), before + 1);
}

TEST(a_foreign_source_mac_is_dropped_where_security_is_on)
{
	uint64_t before = rig_drops(1, DROP_SPOOFED_MAC);

	deliver(1, make_udp(in, mac_of(2), 9, 0x0a01000b, 0x0a01000c, 80, 10));
	CHECK_EQ(rig_drops(1, DROP_SPOOFED_MAC), before + 1);
	uint64_t invalid = rig_drops(8, DROP_INVALID_SOURCE);
	make_udp(in, mac_gateway, 8, 0x0a04000b, 0x0a02000b, 80, 10);
	memcpy(in + 6, mac_gateway, 6);
	deliver(8, 64);
	CHECK_EQ(rig_drops(8, DROP_INVALID_SOURCE), invalid + 1);
}

TEST(a_trunk_gives_each_vlan_to_its_port)
{
	uint8_t frame[256];
	uint32_t length = make_udp(frame, mac_of(1), 6, 0x0a01000d, 0x0a01000b, 80, 20);

	deliver(5, make_tagged(in, 101, frame, length));
	CHECK_EQ(only_exit(), 1);
	CHECK(memcmp(out, frame, length) == 0);
	CHECK_EQ(rig_totals(6).rx_packets, 1);
	/* The other tenant's port with the same addresses, by its VLAN: back into the trunk with the tag of port 7. */
	length = make_udp(frame, mac_of(7), 4, 0x0a01000c, 0x0a01000d, 80, 20);
	memcpy(in, frame, length);
	deliver(4, length);
	CHECK_EQ(only_exit(), 5);
	CHECK(out[12] == 0x81 && out[15] == 102);
}

TEST(a_trunk_drops_untagged_and_unknown_vlans)
{
	uint8_t frame[256];
	uint64_t before = rig_drops(5, DROP_VLAN_UNKNOWN);
	uint32_t length = make_udp(frame, mac_of(1), 6, 0x0a01000d, 0x0a01000b, 80, 20);

	deliver(5, make_tagged(in, 103, frame, length));
	memcpy(in, frame, length);
	deliver(5, length);
	CHECK_EQ(only_exit(), 0);
	CHECK_EQ(rig_drops(5, DROP_VLAN_UNKNOWN), before + 2);
	before = rig_drops(1, DROP_VLAN_TAGGED);
	deliver(1, make_tagged(in, 101, frame, length));
	CHECK_EQ(rig_drops(1, DROP_VLAN_TAGGED), before + 1);
}

TEST(a_network_that_only_routes_bridges_nothing)
{
	uint64_t before = rig_drops(8, DROP_NOT_BRIDGED);

	deliver(8, make_udp(in, mac_broadcast, 8, 0x0a04000b, 0x0a0400ff, 80, 20));
	CHECK_EQ(rig_drops(8, DROP_NOT_BRIDGED), before + 1);
	/* Unicast is routed, whatever MAC it is sent to. */
	deliver(8, make_udp(in, mac_of(77), 8, 0x0a04000b, 0x0a02000b, 80, 20));
	CHECK_EQ(only_exit(), 3);
	before = rig_drops(8, DROP_NOT_IP);
	make_udp(in, mac_of(77), 8, 0x0a04000b, 0x0a02000b, 80, 20);
	in[12] = 0x88;
	in[13] = 0xb5;
	deliver(8, 64);
	CHECK_EQ(rig_drops(8, DROP_NOT_IP), before + 1);
}

TEST(bridge_protocols_stay_on_their_link)
{
	static const uint8_t lldp[6] = {0x01, 0x80, 0xc2, 0, 0, 0x0e};
	uint64_t before = rig_drops(1, DROP_RESERVED_MULTICAST);

	make_udp(in, lldp, 1, 0, 0, 0, 20);
	in[12] = 0x88;
	in[13] = 0xcc;
	deliver(1, 64);
	CHECK_EQ(only_exit(), 0);
	CHECK_EQ(rig_drops(1, DROP_RESERVED_MULTICAST), before + 1);
}

TEST(a_missing_punt_class_is_unresolved)
{
	uint64_t before = rig_drops(1, DROP_UNRESOLVED);

	deliver(1, make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a010001, 53, 20));
	CHECK_EQ(rig_drops(1, DROP_UNRESOLVED), before + 1);
}

TEST(a_frame_for_a_port_that_went_is_unresolved)
{
	uint64_t before = rig_drops(1, DROP_UNRESOLVED);

	RIG_ROW(port, .id = 60, .bridge = 10, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 60});
	RIG_ROW(mac, .bridge = 10, .mac = {2, 0, 0, 0, 0, 60}, .port = 60);
	rig_attach(60);
	deliver(1, make_udp(in, mac_of(60), 1, 0x0a01000b, 0x0a01003c, 80, 20));
	CHECK_EQ(rig_take(60, out), 62);
	port_detach(port_of(60));
	uint64_t down = rig_drops(1, DROP_PORT_DOWN);
	deliver(1, make_udp(in, mac_of(60), 1, 0x0a01000b, 0x0a01003c, 80, 20));
	CHECK_EQ(rig_drops(1, DROP_PORT_DOWN), down + 1);
	RIG_DELETE(port, .id = 60);
	deliver(1, make_udp(in, mac_of(60), 1, 0x0a01000b, 0x0a01003c, 80, 20));
	CHECK_EQ(rig_drops(1, DROP_UNRESOLVED), before + 1);
	RIG_DELETE(mac, .bridge = 10, .mac = {2, 0, 0, 0, 0, 60});
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_gateway_answers_arp_with_the_virtual_mac),
	        CASE(arp_for_a_neighbour_is_answered_with_its_own_mac),
	        CASE(a_probe_for_ones_own_address_stays_unanswered),
	        CASE(a_probe_for_anothers_address_is_answered),
	        CASE(arp_for_an_unknown_address_is_flooded_within_its_network),
	        CASE(nobody_may_announce_the_gateways_address),
	        CASE(a_network_that_only_routes_answers_arp_with_the_gateway_only),
	        CASE(the_gateway_answers_ping),
	        CASE(anything_else_to_the_gateway_is_unserved),
	        CASE(frames_are_bridged_to_the_port_of_their_mac_untouched),
	        CASE(a_mac_of_another_tenant_is_unknown),
	        CASE(unknown_unicast_is_flooded_where_the_network_says_so),
	        CASE(routing_rewrites_macs_and_ttl),
	        CASE(routing_to_a_connected_subnet_finds_the_neighbour),
	        CASE(routes_that_end_here_say_why),
	        CASE(a_ttl_of_one_ends_here),
	        CASE(a_bad_header_checksum_is_not_routed),
	        CASE(a_packet_above_the_mtu_of_its_exit_is_dropped),
	        CASE(a_foreign_source_mac_is_dropped_where_security_is_on),
	        CASE(a_trunk_gives_each_vlan_to_its_port),
	        CASE(a_trunk_drops_untagged_and_unknown_vlans),
	        CASE(a_network_that_only_routes_bridges_nothing),
	        CASE(bridge_protocols_stay_on_their_link),
	        CASE(a_missing_punt_class_is_unresolved),
	        CASE(a_frame_for_a_port_that_went_is_unresolved),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
