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

TEST(a_gateway_answers_arp_with_the_virtual_mac)
{
	deliver(1, in, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000b, 0x0a010001));
	CHECK_EQ(only_exit(out, NULL), 1);
	const struct rte_arp_hdr *arp = (void *)(out + RTE_ETHER_HDR_LEN);
	CHECK_EQ(ntohs(arp->arp_opcode), RTE_ARP_OP_REPLY);
	CHECK(memcmp(arp->arp_data.arp_sha.addr_bytes, mac_gateway, 6) == 0);
	CHECK(memcmp(out, mac_of(1), 6) == 0 && memcmp(out + 6, mac_gateway, 6) == 0);
	CHECK_EQ(ntohl(arp->arp_data.arp_sip), 0x0a010001);
	CHECK_EQ(ntohl(arp->arp_data.arp_tip), 0x0a01000b);
}

TEST(arp_for_a_neighbour_is_answered_with_its_own_mac)
{
	deliver(1, in, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000b, 0x0a01000c));
	CHECK_EQ(only_exit(out, NULL), 1);
	CHECK(memcmp(out + RTE_ETHER_HDR_LEN + 8, mac_of(2), 6) == 0);
}

TEST(a_probe_for_ones_own_address_stays_unanswered)
{
	uint64_t before = rig_drops(1, DROP_ARP_SUPPRESSED);

	deliver(1, in, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0, 0x0a01000b));
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_drops(1, DROP_ARP_SUPPRESSED), before + 1);
}

TEST(a_probe_for_anothers_address_is_answered)
{
	deliver(1, in, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0, 0x0a01000c));
	CHECK_EQ(only_exit(out, NULL), 1);
}

TEST(arp_for_an_unknown_address_is_flooded_within_its_network)
{
	uint64_t cloned = rig_totals(1).cloned;

	deliver(1, in, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000b, 0x0a0100c8));
	CHECK_EQ(rig_take(2, out), 42);
	/* Port 6 hears it as VLAN 101 of trunk 5. */
	CHECK_EQ(rig_take(5, out), 46);
	CHECK(out[12] == 0x81 && out[13] == 0 && out[15] == 101);
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_totals(1).cloned, cloned + 1);
}

TEST(nobody_may_announce_the_gateways_address)
{
	uint64_t before = rig_drops(1, DROP_INVALID_SOURCE);

	deliver(1, in, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a010001, 0x0a010001));
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_drops(1, DROP_INVALID_SOURCE), before + 1);
}

TEST(frames_are_bridged_to_the_port_of_their_mac_untouched)
{
	uint32_t length = make_udp(in, mac_of(2), 1, 0x0a01000b, 0x0a01000c, 80, 100);

	deliver(1, in, length);
	CHECK_EQ(only_exit(out, NULL), 2);
	CHECK(memcmp(in, out, length) == 0);
}

TEST(a_mac_of_another_tenant_is_unknown)
{
	uint64_t before = rig_drops(1, DROP_UNKNOWN_MAC);

	deliver(1, in, make_udp(in, mac_of(4), 1, 0x0a01000b, 0x0a01000c, 80, 100));
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_drops(1, DROP_UNKNOWN_MAC), before + 1);
}

TEST(a_packet_above_the_mtu_of_its_exit_is_dropped)
{
	uint64_t before = rig_drops(1, DROP_MTU_EXCEEDED);

	deliver(1, in, make_udp(in, mac_of(2), 1, 0x0a01000b, 0x0a01000c, 80, 1472));
	CHECK_EQ(only_exit(out, NULL), 2);
	deliver(1, in, make_udp(in, mac_of(2), 1, 0x0a01000b, 0x0a01000c, 80, 1473));
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_drops(1, DROP_MTU_EXCEEDED), before + 1);
}

TEST(a_foreign_source_mac_is_dropped_where_security_is_on)
{
	uint64_t before = rig_drops(1, DROP_SPOOFED_MAC);

	deliver(1, in, make_udp(in, mac_of(2), 9, 0x0a01000b, 0x0a01000c, 80, 10));
	CHECK_EQ(rig_drops(1, DROP_SPOOFED_MAC), before + 1);
	uint64_t invalid = rig_drops(8, DROP_INVALID_SOURCE);
	make_udp(in, mac_gateway, 8, 0x0a04000b, 0x0a02000b, 80, 10);
	memcpy(in + 6, mac_gateway, 6);
	deliver(8, in, 64);
	CHECK_EQ(rig_drops(8, DROP_INVALID_SOURCE), invalid + 1);
}

TEST(a_trunk_gives_each_vlan_to_its_port)
{
	uint8_t frame[256];
	uint32_t length = make_udp(frame, mac_of(1), 6, 0x0a01000d, 0x0a01000b, 80, 20);

	deliver(5, in, make_tagged(in, 101, frame, length));
	CHECK_EQ(only_exit(out, NULL), 1);
	CHECK(memcmp(out, frame, length) == 0);
	CHECK_EQ(rig_totals(6).rx_packets, 1);
	/* The other tenant's port with the same addresses, by its VLAN: back into the trunk with the tag of port 7. */
	length = make_udp(frame, mac_of(7), 4, 0x0a01000c, 0x0a01000d, 80, 20);
	memcpy(in, frame, length);
	deliver(4, in, length);
	CHECK_EQ(only_exit(out, NULL), 5);
	CHECK(out[12] == 0x81 && out[15] == 102);
}

TEST(a_trunk_drops_untagged_and_unknown_vlans)
{
	uint8_t frame[256];
	uint64_t before = rig_drops(5, DROP_VLAN_UNKNOWN);
	uint32_t length = make_udp(frame, mac_of(1), 6, 0x0a01000d, 0x0a01000b, 80, 20);

	deliver(5, in, make_tagged(in, 103, frame, length));
	memcpy(in, frame, length);
	deliver(5, in, length);
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_drops(5, DROP_VLAN_UNKNOWN), before + 2);
	before = rig_drops(1, DROP_VLAN_TAGGED);
	deliver(1, in, make_tagged(in, 101, frame, length));
	CHECK_EQ(rig_drops(1, DROP_VLAN_TAGGED), before + 1);
}

TEST(a_missing_punt_class_is_unresolved)
{
	uint64_t before = rig_drops(1, DROP_UNRESOLVED);

	deliver(1, in, make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a010001, 53, 20));
	CHECK_EQ(rig_drops(1, DROP_UNRESOLVED), before + 1);
}

TEST(a_frame_for_a_port_that_went_is_unresolved)
{
	uint64_t before = rig_drops(1, DROP_UNRESOLVED);

	RIG_ROW(port, .id = 60, .bridge = 10, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 60});
	RIG_ROW(mac, .bridge = 10, .mac = {2, 0, 0, 0, 0, 60}, .port = 60);
	rig_attach(60);
	deliver(1, in, make_udp(in, mac_of(60), 1, 0x0a01000b, 0x0a01003c, 80, 20));
	CHECK_EQ(rig_take(60, out), 62);
	port_detach(port_of(60));
	uint64_t down = rig_drops(1, DROP_PORT_DOWN);
	deliver(1, in, make_udp(in, mac_of(60), 1, 0x0a01000b, 0x0a01003c, 80, 20));
	CHECK_EQ(rig_drops(1, DROP_PORT_DOWN), down + 1);
	RIG_DELETE(port, .id = 60);
	deliver(1, in, make_udp(in, mac_of(60), 1, 0x0a01000b, 0x0a01003c, 80, 20));
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
	        CASE(frames_are_bridged_to_the_port_of_their_mac_untouched),
	        CASE(a_mac_of_another_tenant_is_unknown),
	        CASE(a_packet_above_the_mtu_of_its_exit_is_dropped),
	        CASE(a_foreign_source_mac_is_dropped_where_security_is_on),
	        CASE(a_trunk_gives_each_vlan_to_its_port),
	        CASE(a_trunk_drops_untagged_and_unknown_vlans),
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
