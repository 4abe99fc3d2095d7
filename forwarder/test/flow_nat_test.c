/*
 * Translation in the walk, where the tests of the RFCs (nat_rfc_*_test.c) do not look: who is asked by policy about
 * what, ways out through gateways and other VRFs, networks that are routed natively, what changes of rows do to flows,
 * and that a trace says what happens. The networks of outside.h.
 */
#include <netinet/in.h>
#include <stdlib.h>

#include "flow_life.h"
#include "limit.h"
#include "nat_rfc.h"
#include "packet_text.h"
#include "port.h"
#include "trace.h"
#include "uplink.h"

#define NATIVE_PORT 41u
#define GATEWAY_HOP 410u

static struct fwd_flow listed[64];

static uint32_t list(void)
{
	struct fwd_flow_filter filter = {0};
	uint32_t cursor = 0, bytes = 0;

	while (cursor != UINT32_MAX)
		bytes += (uint32_t)flow_read(
		        &filter, &cursor, (uint8_t *)listed + bytes, (uint32_t)sizeof(listed) - bytes);
	return bytes / (uint32_t)sizeof(listed[0]);
}

/* Gives a port of tenants.h policy: group and identity of its number, without rules; or takes it away. */
static void set_policy(uint32_t id, bool required)
{
	static const uint32_t bridges[9] = {[1] = 10, [2] = 10, [3] = 20, [4] = 30, [8] = 40};

	RIG_ROW(identity_group, .identity = 100 + id, .group = id, .gate = 1);
	RIG_ROW(port_identity, .port = id, .identity = 100 + id);
	RIG_ROW(port, .id = id, .bridge = bridges[id], .mtu = 1500, .mac = {2, 0, 0, 0, 0, (uint8_t)id},
	        .binding = FWD_BINDING_NONE, .flags = FWD_PORT_SECURITY | (required ? FWD_PORT_POLICY_REQUIRED : 0));
}

static void put_rule(uint32_t group, uint32_t number, uint8_t direction, uint8_t prefix, const char *remote)
{
	struct fwd_rule_row row = {.group = group,
	        .number = number,
	        .direction = direction,
	        .port_max = UINT16_MAX,
	        .prefix_length = prefix};

	if (!packet_text_address(remote, row.address, &row.family))
		abort();
	rig_row(FWD_TABLE_RULE, &row, sizeof(row));
}

static void forget_rules(void)
{
	for (uint32_t group = 1; group <= 8; group++) {
		for (uint32_t number = 1; number <= 2; number++)
			RIG_DELETE(rule, .group = group, .number = number);
		if (group < 5 || group == 8)
			set_policy(group, false);
	}
	RIG_ROW(port, .id = 8, .bridge = 40, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 8}, .binding = FWD_BINDING_NONE);
}

/* Network 60 in VRF 3, 10.60.0.0/24, is routed natively: port 41 is .11. */
static void put_native(void)
{
	RIG_ROW(vrf, .id = 3);
	RIG_ROW(bridge, .id = 60, .vrf = 3, .mode = FWD_MODE_L2_L3, .mtu = 1500, .flags = FWD_BRIDGE_UNDERLAY);
	RIG_ROW(port, .id = NATIVE_PORT, .bridge = 60, .mtu = 1500, .mac = {2, 0, 0, 0, 0, NATIVE_PORT},
	        .binding = FWD_BINDING_NONE, .flags = FWD_PORT_SECURITY);
	rig_attach(NATIVE_PORT);
	RIG_ROW(source, .port = NATIVE_PORT, .family = 4, .prefix_length = 32, .mac = {2, 0, 0, 0, 0, NATIVE_PORT},
	        .address = {10, 60, 0, 11});
	RIG_ROW(nexthop, .id = 460, .type = FWD_NEXTHOP_PORT, .port = NATIVE_PORT, .bridge = 60,
	        .mac = {2, 0, 0, 0, 0, NATIVE_PORT});
	RIG_ROW(route, .vrf = 3, .family = 4, .prefix_length = 24, .address = {10, 60}, .source = 10, .nexthop = 460);
	RIG_ROW(nexthop, .id = 463, .type = FWD_NEXTHOP_VRF, .target = 3);
	RIG_ROW(route, .vrf = 100, .family = 4, .prefix_length = 24, .address = {10, 60}, .source = 10, .nexthop = 463);
	RIG_ROW(route, .vrf = 3, .family = 4, .source = 45, .nexthop = 401);
	RIG_ROW(vrf_nat, .vrf = 3, .pool = 0, .port = UPLINK);
}

#define FROM_NATIVE(to) "eth m41 gw | ip4 10.60.0.11 " to " | "
#define FROM_WORLD(to)  "eth m99 m40 | ip4 " FAR " " to " | "

/* Policy. */

TEST(each_end_is_asked_about_the_packet_as_its_wire_has_it)
{
	outside_begin();
	set_policy(2, true);
	set_policy(4, true);
	/* Port 4 of the other tenant has the same address inside, 10.1.0.12, and 198.18.0.24 outside. */
	put_rule(2, 1, FWD_RULE_EGRESS, 32, "198.18.0.24");
	CHECK(outside_drops(2, DROP_POLICY_DENIED, FROM2("198.18.0.24") "udp 4000 53"));
	put_rule(4, 1, FWD_RULE_INGRESS, 32, "10.1.0.12");
	CHECK(outside_drops(2, DROP_POLICY_DENIED, FROM2("198.18.0.24") "udp 4000 53"));
	put_rule(4, 2, FWD_RULE_INGRESS, 32, "198.18.0.20");
	struct seen seen = outside_send(2, FROM2("198.18.0.24") "udp 4000 53");
	CHECK(arrived(&seen, 4, "10.1.0.12", 53) && strcmp(seen.src, "198.18.0.20") == 0);
	seen = outside_send(4, FROM4("198.18.0.20") "udp 53 4000");
	CHECK(arrived(&seen, 2, "10.1.0.12", 4000) && strcmp(seen.src, "198.18.0.24") == 0);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].translated, 1);
	/* A rule that goes stops it, both ways. */
	RIG_DELETE(rule, .group = 2, .number = 1);
	CHECK(outside_drops(4, DROP_POLICY_DENIED, FROM4("198.18.0.20") "udp 53 4000"));
	CHECK(outside_drops(2, DROP_POLICY_DENIED, FROM2("198.18.0.24") "udp 4000 53"));
	forget_rules();
}

TEST(the_own_end_is_asked_about_inside_addresses)
{
	outside_begin();
	set_policy(2, true);
	put_rule(2, 1, FWD_RULE_INGRESS, 32, FAR);
	CHECK(outside_drops(2, DROP_POLICY_DENIED, FROM2(FAR) "udp 4000 53"));
	struct seen seen = outside_send(UPLINK, FROM_WORLD("198.18.0.20") "udp 53 4000");
	CHECK(arrived(&seen, 2, "10.1.0.12", 4000));
	seen = outside_send(2, FROM2(FAR) "udp 4000 53");
	CHECK_EQ(seen.port, UPLINK);
	CHECK(outside_drops(UPLINK, DROP_POLICY_DENIED, "eth m99 m40 | ip4 198.19.0.8 198.18.0.20 | udp 53 4000"));
	forget_rules();
}

TEST(a_denied_packet_takes_no_outside_port)
{
	struct fwd_nat_address_stats stats[8];

	outside_begin();
	set_policy(1, true);
	CHECK(outside_drops(1, DROP_POLICY_DENIED, FROM1(FAR) "udp 4000 53"));
	int32_t bytes = fwd_nat_stats_read(stats, sizeof(stats));
	for (int32_t i = 0; i < bytes / (int32_t)sizeof(stats[0]); i++)
		CHECK_EQ(stats[i].udp + stats[i].blocked, 0);
	CHECK_EQ(list(), 0);
	forget_rules();
}

/* Ways out. */

TEST(a_gateway_is_asked_for_its_mac_address_and_ecmp_chooses_one)
{
	outside_begin();
	RIG_ROW(gateway, .port = UPLINK, .number = 3, .family = 4, .address = {198, 18, 0, 254});
	RIG_ROW(nexthop, .id = GATEWAY_HOP, .type = FWD_NEXTHOP_GATEWAY, .port = UPLINK, .target = 3, .bridge = 100);
	RIG_ROW(nexthop, .id = GATEWAY_HOP + 1, .type = FWD_NEXTHOP_ECMP, .size = 1);
	RIG_ROW(member, .group = GATEWAY_HOP + 1, .index = 0, .nexthop = GATEWAY_HOP);
	RIG_ROW(route, .vrf = 100, .family = 4, .prefix_length = 24, .address = {198, 51, 100}, .source = 20,
	        .nexthop = GATEWAY_HOP + 1);
	RIG_DELETE(route, .vrf = 1, .family = 4, .prefix_length = 24, .address = {198, 51, 100}, .source = 20);
	outside_put(1, FROM1("198.51.100.9") "udp 4000 53 | data 8");
	/* It waits: nothing left but the question. */
	CHECK_EQ(list(), 0);
	CHECK_EQ(rig_in_flight(1), 1);
	rig_clear();
	outside_put(UPLINK, "eth m77 m40 | arp reply m77 198.18.0.254 m40 198.18.0.1");
	uplink_poll(1);
	rig_run();
	/* Among announcements and questions. */
	struct seen seen = outside_next(UPLINK);
	while (seen.port != 0 && seen.protocol != IPPROTO_UDP)
		seen = outside_next(UPLINK);
	CHECK(left_by_pool(&seen) && memcmp(seen.frame, mac_of(77), 6) == 0);
	CHECK(memcmp(seen.frame + 6, mac_of(UPLINK), 6) == 0);
	CHECK_EQ(list(), 1);
	RIG_DELETE(route, .vrf = 100, .family = 4, .prefix_length = 24, .address = {198, 51, 100}, .source = 20);
	RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 24, .address = {198, 51, 100}, .source = 20,
	        .nexthop = 999);
}

TEST(nobody_is_routed_through_the_appliance)
{
	outside_begin();
	CHECK(outside_drops(UPLINK, DROP_UPLINK_TRANSIT, FROM_WORLD("198.19.0.9") "udp 1 2"));
	CHECK(outside_drops(UPLINK, DROP_UPLINK_TRANSIT, FROM_WORLD("198.18.0.77") "udp 1 2"));
	CHECK_EQ(list(), 0);
}

TEST(outside_addresses_come_from_inside_only)
{
	outside_begin();
	CHECK(outside_drops(UPLINK, DROP_SPOOFED_ADDRESS, "eth m99 m40 | ip4 198.18.0.24 198.18.0.20 | udp 53 4000"));
	CHECK(outside_drops(UPLINK, DROP_SPOOFED_ADDRESS, "eth m99 m40 | ip4 198.18.0.10 198.18.0.20 | udp 53 4000"));
	CHECK(outside_drops(UPLINK, DROP_SPOOFED_ADDRESS, "eth m99 m40 | ip4 198.18.0.1 198.18.0.20 | udp 53 4000"));
	CHECK(outside_drops(UPLINK, DROP_UNKNOWN_MAC, "eth m99 m98 | ip4 " FAR " 198.18.0.20 | udp 53 4000"));
	CHECK(outside_drops(UPLINK, DROP_INVALID_ADDRESS, "eth m99 m40 | ip4 127.0.0.1 198.18.0.20 | udp 53 4000"));
}

TEST(services_of_the_appliance_are_not_there_for_the_outside)
{
	outside_begin();
	/* UDP 67 is a service of every VRF. */
	CHECK(outside_drops(UPLINK, DROP_UPLINK_TRANSIT, FROM_WORLD("198.19.0.9") "udp 68 67"));
	struct seen seen = outside_send(UPLINK, FROM_WORLD("198.18.0.1") "icmp 8 0 word 0x70001 | data 20");
	CHECK_EQ(seen.port, UPLINK);
	CHECK(outside_is(&seen, "eth m40 m99 | ip4 198.18.0.1 " FAR " id * | icmp 0 0 word 0x70001 | data 20"));
}

TEST(without_a_pool_nothing_leaves_untranslated)
{
	outside_begin();
	RIG_ROW(vrf_nat, .vrf = 1, .pool = 0, .port = UPLINK);
	struct seen seen = outside_send(1, FROM1(FAR) "udp 4000 53 | data 8");
	/* The sender is told. */
	CHECK(seen.port == 1 && seen.protocol == IPPROTO_ICMP && seen.dst_port == (3 << 8 | 13));
	CHECK(rig_drops(1, DROP_NOT_TRANSLATED) > 0);
	/* One with a floating address has it. */
	seen = outside_send(2, FROM2(FAR) "udp 4000 53 | data 8");
	CHECK(seen.port == (int)UPLINK && strcmp(seen.src, "198.18.0.20") == 0 && seen.src_port == 4000);
}

TEST(what_has_no_ports_does_not_share_an_address)
{
	outside_begin();
	CHECK(outside_drops(1, DROP_NAT_PROTOCOL, "eth m1 gw | ip4 10.1.0.11 " FAR " proto 47 | data 20"));
	CHECK(outside_drops(1, DROP_NAT_PROTOCOL, "eth m1 gw | ip4 10.1.0.11 " FAR " proto 2 | data 20"));
	struct seen seen = outside_send(2, "eth m2 gw | ip4 10.1.0.12 " FAR " proto 47 | data 20");
	CHECK(seen.port == (int)UPLINK && strcmp(seen.src, "198.18.0.20") == 0);
	seen = outside_send(UPLINK, "eth m99 m40 | ip4 " FAR " 198.18.0.20 proto 47 | data 20");
	CHECK(arrived(&seen, 2, "10.1.0.12", 0));
	CHECK(outside_drops(2, DROP_NAT_PROTOCOL, "eth m2 gw | ip4 10.1.0.12 " FAR " proto 2 | data 20"));
}

/* Natively routed networks. */

TEST(a_native_network_keeps_its_addresses)
{
	outside_begin();
	put_native();
	struct seen seen = outside_send(NATIVE_PORT, FROM_NATIVE(FAR) "udp 4000 53");
	CHECK(seen.port == (int)UPLINK && strcmp(seen.src, "10.60.0.11") == 0);
	seen = outside_send(UPLINK, FROM_WORLD("10.60.0.11") "udp 53 4000");
	CHECK(arrived(&seen, NATIVE_PORT, "10.60.0.11", 4000));
	seen = outside_send(UPLINK, FROM_WORLD("10.60.0.11") "udp 1 2");
	CHECK(arrived(&seen, NATIVE_PORT, "10.60.0.11", 2));
	CHECK(outside_drops(UPLINK, DROP_SPOOFED_ADDRESS, "eth m99 m40 | ip4 10.60.0.12 10.60.0.11 | udp 1 2"));
	CHECK_EQ(list(), 2);
	CHECK_EQ(listed[0].translated + listed[1].translated, 0);
}

TEST(a_native_network_reaches_floating_addresses_and_is_reached_by_those_that_share_one)
{
	outside_begin();
	put_native();
	struct seen seen = outside_send(NATIVE_PORT, FROM_NATIVE("198.18.0.20") "udp 4000 53");
	CHECK(arrived(&seen, 2, "10.1.0.12", 53) && strcmp(seen.src, "10.60.0.11") == 0);
	seen = outside_send(2, FROM2("10.60.0.11") "udp 53 4000");
	CHECK(arrived(&seen, NATIVE_PORT, "10.60.0.11", 4000) && strcmp(seen.src, "198.18.0.20") == 0);
	/* As the outside would see it. */
	seen = outside_send(1, FROM1("10.60.0.11") "udp 4000 53");
	CHECK(arrived(&seen, NATIVE_PORT, "10.60.0.11", 53) && strncmp(seen.src, "198.18.0.1", 10) == 0);
	seen = outside_send(NATIVE_PORT, "eth m41 gw | ip4 10.60.0.11 %s | udp 53 %u", seen.src, seen.src_port);
	CHECK(arrived(&seen, 1, "10.1.0.11", 4000) && strcmp(seen.src, "10.60.0.11") == 0);
}

TEST(a_network_that_is_native_no_more_loses_its_flows)
{
	outside_begin();
	put_native();
	CHECK_EQ(outside_send(NATIVE_PORT, FROM_NATIVE(FAR) "udp 4000 53").port, UPLINK);
	RIG_ROW(bridge, .id = 60, .vrf = 3, .mode = FWD_MODE_L2_L3, .mtu = 1500);
	RIG_ROW(vrf_nat, .vrf = 3, .pool = OUTSIDE_POOL, .port = UPLINK);
	struct seen seen = outside_send(NATIVE_PORT, FROM_NATIVE(FAR) "udp 4000 53");
	CHECK(left_by_pool(&seen));
}

/* Hairpins. */

TEST(without_rows_that_say_what_a_source_becomes_nobody_turns_inside)
{
	outside_begin();
	put_native();
	RIG_DELETE(vrf_nat, .vrf = 1);
	uint64_t before = rig_drops(1, DROP_NOT_TRANSLATED);
	CHECK(outside_send(1, FROM1("10.60.0.11") "udp 4000 53").port != (int)NATIVE_PORT);
	CHECK_EQ(rig_drops(1, DROP_NOT_TRANSLATED), before + 1);
	RIG_ROW(vrf_nat, .vrf = 1, .pool = OUTSIDE_POOL, .port = UPLINK);
	CHECK_EQ(outside_send(1, FROM1("10.60.0.11") "udp 4000 53").port, NATIVE_PORT);
}

TEST(an_own_floating_address_works_from_inside)
{
	outside_begin();
	struct seen seen = outside_send(2, FROM2("198.18.0.20") "tcp 4000 80 S seq 100");
	CHECK(arrived(&seen, 2, "10.1.0.12", 80) && strcmp(seen.src, "198.18.0.20") == 0);
	seen = outside_send(2, FROM2("198.18.0.20") "tcp 80 4000 SA seq 500 ack 101");
	CHECK(arrived(&seen, 2, "10.1.0.12", 4000) && strcmp(seen.src, "198.18.0.20") == 0);
	CHECK_EQ(list(), 1);
	/* Both directions would be the same. */
	CHECK(outside_drops(2, DROP_NAT_CONFLICT, FROM2("198.18.0.20") "udp 4000 4000"));
	CHECK_EQ(list(), 1);
}

TEST(a_hairpin_between_tenants_in_both_ip_versions)
{
	outside_begin();
	struct seen seen = outside_send(4, "eth m4 gw | ip6 2001:db8:1::c 2001:db8:f::20 | udp 4000 53 | data 8");
	CHECK(arrived(&seen, 2, "2001:db8:1::c", 53) && strcmp(seen.src, "2001:db8:f::24") == 0);
	seen = outside_send(2, "eth m2 gw | ip6 2001:db8:1::c 2001:db8:f::24 | udp 53 4000 | data 8");
	CHECK(arrived(&seen, 4, "2001:db8:1::c", 4000) && strcmp(seen.src, "2001:db8:f::20") == 0);
	CHECK_EQ(list(), 1);
}

TEST(an_error_in_a_hairpin_tells_nothing_of_the_other_inside)
{
	outside_begin();
	CHECK_EQ(outside_send(2, FROM2("198.18.0.24") "udp 4000 53 | data 20").port, 4);
	struct seen seen = outside_send(
	        4, FROM4("198.18.0.20") "icmp 3 3 | ip4 198.18.0.20 10.1.0.12 ttl 63 | udp 4000 53 | data 20");
	CHECK(seen.port == 2 && strcmp(seen.dst, "10.1.0.12") == 0 && strcmp(seen.src, "198.18.0.24") == 0);
	CHECK(outside_is(&seen, "eth gw m2 | ip4 198.18.0.24 10.1.0.12 ttl 63 | icmp 3 3 | ip4 10.1.0.12 198.18.0.24 "
	                        "ttl 63 | udp 4000 53 | data 20"));
	CHECK(outside_drops(4, DROP_NAT_NO_MAPPING,
	        FROM4("198.18.0.20") "icmp 3 3 | ip4 198.18.0.20 10.1.0.12 ttl 63 | udp 4001 53 | data 20"));
}

/* Fragments. */

TEST(fragments_are_translated_both_ways_also_out_of_order)
{
	outside_begin();
	outside_put(1, FROM1(FAR) "udp 4000 53 | data 8");
	struct seen first = outside_next(UPLINK);
	CHECK(left_by_pool(&first));
	outside_put(1, "eth m1 gw | ip4 10.1.0.11 " FAR " id 9 offset 80 proto 17 | data 5");
	CHECK_EQ(rig_in_flight(1), 1);
	outside_put(1, "eth m1 gw | ip4 10.1.0.11 " FAR " id 9 mf | udp 4000 53 | data 72");
	for (uint32_t i = 0; i < 2; i++) {
		struct seen seen = outside_take(UPLINK);
		CHECK(seen.port == (int)UPLINK && strcmp(seen.src, first.src) == 0);
	}
	/* Answers: the first tells the port. */
	outside_put(UPLINK, "eth m99 m40 | ip4 " FAR " %s id 7 offset 80 proto 17 | data 5", first.src);
	CHECK_EQ(rig_in_flight(UPLINK), 1);
	outside_put(UPLINK, "eth m99 m40 | ip4 " FAR " %s id 7 mf | udp 53 %u | data 72", first.src, first.src_port);
	for (uint32_t i = 0; i < 2; i++) {
		struct seen seen = outside_take(1);
		CHECK(seen.port == 1 && strcmp(seen.dst, "10.1.0.11") == 0);
	}
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].packets, 3);
	CHECK_EQ(listed[0].reply_packets, 2);
	/* Of a datagram that nobody inside waits for. */
	CHECK(outside_drops(
	        UPLINK, DROP_NAT_NO_MAPPING, "eth m99 m40 | ip4 " FAR " %s id 8 mf | udp 53 9 | data 72", first.src));
	CHECK(outside_drops(UPLINK, DROP_NAT_NO_MAPPING,
	        "eth m99 m40 | ip4 " FAR " %s id 8 offset 80 proto 17 | data 5", first.src));
}

TEST(fragments_for_a_floating_address_in_one_burst)
{
	outside_begin();
	uint8_t frames[4][256];
	uint32_t lengths[4];
	static const char *const texts[4] = {FROM_WORLD("198.18.0.20 id 7 mf") "udp 53 1 | data 72",
	        FROM_WORLD("198.18.0.21 id 8 mf") "udp 53 2 | data 72",
	        "eth m99 m40 | ip4 " FAR " 198.18.0.20 id 7 offset 80 proto 17 | data 5",
	        "eth m99 m40 | ip4 " FAR " 198.18.0.21 id 8 offset 80 proto 17 | data 5"};

	for (uint32_t i = 0; i < 4; i++) {
		struct packet_text text;
		char fault[256];
		CHECK(packet_text_make(texts[i], NULL, &text, fault));
		memcpy(frames[i], text.bytes, text.length);
		lengths[i] = text.length;
	}
	rig_clear();
	for (uint32_t i = 0; i < 4; i++)
		CHECK(rig_send(UPLINK, frames[i], lengths[i]));
	rig_run();
	for (uint32_t i = 0; i < 2; i++) {
		CHECK(strcmp(outside_take(2).dst, "10.1.0.12") == 0);
		CHECK(strcmp(outside_take(3).dst, "10.2.0.11") == 0);
	}
	CHECK_EQ(list(), 2);
}

/* Rows that change. */

TEST(a_floating_address_that_goes_ends_its_flows)
{
	outside_begin();
	CHECK(arrived(&(struct seen[]){outside_send(UPLINK, FROM_WORLD("198.18.0.20") "udp 53 4000")}[0], 2,
	        "10.1.0.12", 4000));
	CHECK_EQ(outside_send(2, FROM2(FAR) "udp 4000 53").port, UPLINK);
	outside_floating_gone("198.18.0.20");
	struct seen seen = outside_send(2, FROM2(FAR) "udp 4000 53");
	CHECK(left_by_pool(&seen));
	CHECK(outside_send(UPLINK, FROM_WORLD("198.18.0.20") "udp 53 4000").port != 2);
	CHECK_EQ(list(), 1);
}

TEST(a_hairpin_ends_with_its_floating_address)
{
	outside_begin();
	CHECK_EQ(outside_send(2, FROM2("198.18.0.24") "udp 4000 53").port, 4);
	CHECK_EQ(outside_send(4, FROM4("198.18.0.20") "udp 53 4000").port, 2);
	outside_floating_gone("198.18.0.24");
	CHECK(outside_send(2, FROM2("198.18.0.24") "udp 4000 53").port != 4);
	CHECK(outside_send(4, FROM4("198.18.0.20") "udp 53 4000").port != 2 || list() == 1);
	outside_floating("198.18.0.24", 4, "10.1.0.12");
}

TEST(a_floating_address_that_moves_takes_no_flow_along)
{
	outside_begin();
	CHECK_EQ(outside_send(UPLINK, FROM_WORLD("198.18.0.20") "udp 53 4000").port, 2);
	outside_floating("198.18.0.20", 3, "10.2.0.11");
	/* One packet may be lost, then all go to the new place. */
	outside_send(UPLINK, FROM_WORLD("198.18.0.20") "udp 53 4000");
	struct seen seen = outside_send(UPLINK, FROM_WORLD("198.18.0.20") "udp 53 4000");
	CHECK(arrived(&seen, 3, "10.2.0.11", 4000));
}

TEST(a_floating_address_that_comes_touches_no_flow)
{
	outside_begin();
	struct seen before = outside_send(1, FROM1(FAR) "udp 4000 53");
	CHECK(left_by_pool(&before));
	outside_floating("198.18.0.30", 1, "10.1.0.11");
	struct seen behind = outside_send(1, FROM1(FAR) "udp 4000 53");
	CHECK(same_source(&before, &behind));
	behind = outside_send(1, FROM1(FAR) "udp 4001 53");
	CHECK(strcmp(behind.src, "198.18.0.30") == 0 && behind.src_port == 4001);
	outside_floating_gone("198.18.0.30");
}

TEST(a_way_out_that_goes_ends_flows_that_shared_an_address)
{
	outside_begin();
	CHECK_EQ(outside_send(1, FROM1(FAR) "udp 4000 53").port, UPLINK);
	RIG_ROW(vrf_nat, .vrf = 1, .pool = 0, .port = UPLINK);
	CHECK(outside_send(1, FROM1(FAR) "udp 4000 53").port != (int)UPLINK);
	CHECK_EQ(list(), 0);
}

/* Addresses that networks have themselves. */

TEST(what_a_network_routes_itself_is_nobody_elses_floating_address)
{
	outside_begin();
	CHECK_EQ(outside_send(1, FROM1("10.2.0.11") "udp 4000 53").port, 3);
	/* The other tenant's. */
	outside_floating("10.2.0.11", 4, "10.1.0.12");
	CHECK_EQ(outside_send(1, FROM1("10.2.0.11") "udp 4000 53").port, 3);
	CHECK_EQ(outside_send(1, FROM1("10.2.0.11") "udp 4001 53").port, 3);
	CHECK_EQ(outside_send(1, FROM1("10.2.0.11") "icmp 8 0 word 0x10001 | data 20").port, 3);
	CHECK_EQ(outside_send(1, FROM1("10.2.0.11 mf") "udp 4002 53 | data 16").port, 3);
	set_policy(3, true);
	put_rule(3, 1, FWD_RULE_INGRESS, 24, "10.1.0.0");
	CHECK_EQ(outside_send(1, FROM1("10.2.0.11") "udp 4003 53").port, 3);
	CHECK_EQ(outside_send(1, FROM1("10.2.0.11") "udp 4003 53").port, 3);
	forget_rules();
	outside_floating_gone("10.2.0.11");
}

TEST(what_a_network_routes_itself_is_no_shared_address)
{
	struct fwd_nat_address_row row = {.port = UPLINK,
	        .family = 4,
	        .pool = OUTSIDE_POOL,
	        .address = {10, 2, 0, 11},
	        .port_min = 1024,
	        .port_max = 65535,
	        .block_size = 64,
	        .port_blocks = 4};

	outside_begin();
	rig_row(FWD_TABLE_NAT_ADDRESS, &row, sizeof(row));
	CHECK_EQ(outside_send(1, FROM1("10.2.0.11") "udp 4000 2000").port, 3);
	CHECK_EQ(outside_send(1, FROM1("10.2.0.11") "icmp 3 3 | ip4 10.2.0.11 10.1.0.11 | udp 9 9").port, 3);
	rig_delete(FWD_TABLE_NAT_ADDRESS, &row, sizeof(row));
}

TEST(a_route_of_its_own_ends_flows_to_a_floating_address)
{
	outside_begin();
	outside_floating("10.9.0.5", 4, "10.1.0.12");
	struct seen seen = outside_send(1, FROM1("10.9.0.5") "udp 4000 53");
	CHECK(arrived(&seen, 4, "10.1.0.12", 53));
	RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 24, .address = {10, 9}, .source = 10, .nexthop = 103);
	seen = outside_send(1, FROM1("10.9.0.5") "udp 4000 53");
	CHECK(arrived(&seen, 3, "10.9.0.5", 53) && strcmp(seen.src, "10.1.0.11") == 0);
	CHECK_EQ(list(), 0);
	RIG_DELETE(route, .vrf = 1, .family = 4, .prefix_length = 24, .address = {10, 9}, .source = 10);
	outside_floating_gone("10.9.0.5");
}

TEST(nobody_outside_speaks_by_an_address_of_the_network_he_reaches)
{
	outside_begin();
	CHECK(outside_drops(UPLINK, DROP_SPOOFED_ADDRESS, "eth m99 m40 | ip4 10.2.0.11 198.18.0.20 | udp 53 4000"));
	outside_floating_gone("198.18.0.24");
	outside_floating("10.2.0.11", 4, "10.1.0.12");
	CHECK(outside_drops(4, DROP_SPOOFED_ADDRESS, FROM4("198.18.0.20") "udp 53 4000"));
	CHECK_EQ(list(), 0);
	outside_floating_gone("10.2.0.11");
}

TEST(an_address_of_a_native_network_is_nobodys_floating_address)
{
	outside_begin();
	put_native();
	outside_floating_gone("198.18.0.24");
	outside_floating("10.60.0.11", 4, "10.1.0.12");
	struct seen seen = outside_send(UPLINK, FROM_WORLD("10.60.0.11") "udp 53 4000");
	CHECK(arrived(&seen, NATIVE_PORT, "10.60.0.11", 4000));
	seen = outside_send(1, FROM1("10.60.0.11") "udp 53 4000");
	CHECK(arrived(&seen, NATIVE_PORT, "10.60.0.11", 4000));
	CHECK(outside_drops(4, DROP_SPOOFED_ADDRESS, FROM4(FAR) "udp 53 4000"));
	outside_floating_gone("10.60.0.11");
}

/* Traces. */

static uint8_t records[1 << 20];

/* Whether a trace of the packet tells one frame, which then leaves just so, or the drop that follows. */
static bool trace_holds(uint32_t port, const char *text)
{
	struct packet_text packet;
	char fault[256];
	uint8_t out[2048], sent[2048];
	uint32_t told_port = 0, told_length = 0, told_drop = DROP_COUNT, length;

	if (!packet_text_make(text, NULL, &packet, fault))
		abort();
	/* By the clock: room for one more ICMP error may come after the trace. */
	limit_reset(port_of(port)->slot);
	uint32_t flows_before = flow_count(&flows);
	int32_t bytes = trace_run(port, packet.bytes, packet.length, records, sizeof(records));
	for (int32_t at = 0; at < bytes;) {
		struct fwd_step step;
		memcpy(&step, records + at, sizeof(step));
		if (step.kind == FWD_STEP_SENT) {
			told_port = step.port;
			told_length = step.length;
			memcpy(sent, records + at + sizeof(step), step.length);
		}
		if (step.kind == FWD_STEP_DROPPED)
			told_drop = step.value;
		at += (int32_t)(sizeof(step) + ((step.length + 7) & ~7u));
	}
	if (flow_count(&flows) != flows_before)
		return false;
	uint64_t drops = told_drop == DROP_COUNT ? 0 : rig_drops(port, told_drop);
	deliver(port, packet.bytes, packet.length);
	int left = only_exit(out, &length);
	if (told_drop != DROP_COUNT && rig_drops(port, told_drop) != drops + 1)
		return false;
	return left == (int)told_port && (left == 0 || (length == told_length && memcmp(out, sent, length) == 0));
}

TEST(a_trace_of_translated_packets_says_what_happens)
{
	static const char *const hosts[] = {FAR, "198.19.0.8", "198.18.0.20", "198.18.0.21", "198.18.0.24",
	        "198.18.0.10", "198.18.0.11", "198.18.0.1", "10.60.0.11", "10.1.0.12"};
	static const struct {
		uint32_t port;
		const char *begin;
	} senders[] = {{1, "eth m1 gw | ip4 10.1.0.11"}, {2, "eth m2 gw | ip4 10.1.0.12"},
	        {4, "eth m4 gw | ip4 10.1.0.12"}, {8, "eth m8 gw | ip4 10.4.0.11"},
	        {NATIVE_PORT, "eth m41 gw | ip4 10.60.0.11"}, {UPLINK, "eth m99 m40 | ip4 198.19.0.7"},
	        {UPLINK, "eth m99 m40 | ip4 198.19.0.8"}, {UPLINK, "eth m99 m40 | ip4 198.18.0.99"}};
	uint32_t seed = 7, differ = 0;
	char text[256];

	outside_begin();
	put_native();
	/* No outside port below 2048, which packets here go to: a trace does not know that a second destination of one
	 * inside endpoint takes another outside port. */
	outside_pool(2048, 65535, 64, 4, 0);
	for (uint32_t i = 0; i < 3000; i++) {
		seed = seed * 1664525u + 1013904223u;
		uint32_t pick = seed >> 8;
		const char *to = hosts[pick % 10];
		uint32_t from = pick / 10 % 8;
		switch (pick / 80 % 4) {
		case 0:
			snprintf(text, sizeof(text), "%s %s | icmp 8 0 word 0x%x0001 | data 20", senders[from].begin,
			        to, pick / 320 % 3 + 1);
			break;
		case 1:
			snprintf(text, sizeof(text), "%s %s | tcp %u %u %s seq 1", senders[from].begin, to,
			        pick / 320 % 3 + 1100, pick / 960 % 3 + 1100, pick & 1 ? "S" : "A");
			break;
		default:
			snprintf(text, sizeof(text), "%s %s | udp %u %u | data 8", senders[from].begin, to,
			        pick / 320 % 3 + 1024, pick / 960 % 3 + 1024);
		}
		if (i % 100 == 0)
			rig_later(1);
		if (i == 1000)
			outside_floating("198.18.0.20", 1, "10.1.0.11");
		if (i == 2000)
			outside_floating("198.18.0.21", 8, "10.4.0.11");
		if (trace_holds(senders[from].port, text))
			continue;
		printf("  %s\n", text);
		differ++;
	}
	CHECK_EQ(differ, 0);
	rig_later(5);
	CHECK(rig_ledgers_hold());
}

NAT_RFC_MAIN(CASE(each_end_is_asked_about_the_packet_as_its_wire_has_it),
        CASE(the_own_end_is_asked_about_inside_addresses), CASE(a_denied_packet_takes_no_outside_port),
        CASE(a_gateway_is_asked_for_its_mac_address_and_ecmp_chooses_one), CASE(nobody_is_routed_through_the_appliance),
        CASE(outside_addresses_come_from_inside_only), CASE(services_of_the_appliance_are_not_there_for_the_outside),
        CASE(without_a_pool_nothing_leaves_untranslated), CASE(what_has_no_ports_does_not_share_an_address),
        CASE(a_native_network_keeps_its_addresses),
        CASE(a_native_network_reaches_floating_addresses_and_is_reached_by_those_that_share_one),
        CASE(a_network_that_is_native_no_more_loses_its_flows), CASE(an_own_floating_address_works_from_inside),
        CASE(a_hairpin_between_tenants_in_both_ip_versions),
        CASE(an_error_in_a_hairpin_tells_nothing_of_the_other_inside),
        CASE(fragments_are_translated_both_ways_also_out_of_order), CASE(fragments_for_a_floating_address_in_one_burst),
        CASE(a_floating_address_that_goes_ends_its_flows), CASE(a_hairpin_ends_with_its_floating_address),
        CASE(a_floating_address_that_moves_takes_no_flow_along), CASE(a_floating_address_that_comes_touches_no_flow),
        CASE(a_way_out_that_goes_ends_flows_that_shared_an_address),
        CASE(without_rows_that_say_what_a_source_becomes_nobody_turns_inside),
        CASE(what_a_network_routes_itself_is_nobody_elses_floating_address),
        CASE(what_a_network_routes_itself_is_no_shared_address),
        CASE(a_route_of_its_own_ends_flows_to_a_floating_address),
        CASE(nobody_outside_speaks_by_an_address_of_the_network_he_reaches),
        CASE(an_address_of_a_native_network_is_nobodys_floating_address),
        CASE(a_trace_of_translated_packets_says_what_happens))
