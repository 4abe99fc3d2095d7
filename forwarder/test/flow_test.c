/*
 * Flows in the walk: who may begin them, what belongs to them, what ends them. Ports 1, 2, 3 and 8 of tenants.h, and
 * two of VRF 2 with the addresses of 1 and 2: 4 and 20. Each has a group of its own number, whose rules the tests
 * write.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "flow_event.h"
#include "flow_life.h"
#include "limit.h"
#include "packet_text.h"
#include "policy.h"
#include "port.h"
#include "tables.h"
#include "tenants.h"
#include "test.h"

#define TWIN 20u

static uint8_t in[2048], out[2048];
static struct packet_text packet, before;

/* Ports and rules. */

static void write_port(uint32_t id, uint32_t flags)
{
	static const uint32_t bridges[TWIN + 1] = {[1] = 10, [2] = 10, [3] = 20, [4] = 30, [8] = 40, [TWIN] = 30};

	RIG_ROW(port, .id = id, .bridge = bridges[id], .flags = flags, .mtu = 1500, .mac = {2, 0, 0, 0, 0, (uint8_t)id},
	        .binding = FWD_BINDING_NONE);
}

static void set_policy(uint32_t id, bool required)
{
	write_port(id, (id == 8 ? 0 : FWD_PORT_SECURITY) | (required ? FWD_PORT_POLICY_REQUIRED : 0));
}

static uint32_t rules[TWIN + 1];

static void forget_rules(void)
{
	for (uint32_t group = 1; group <= TWIN; group++)
		for (; rules[group] > 0; rules[group]--)
			RIG_DELETE(rule, .group = group, .number = rules[group]);
}

/* Adds a rule for both families' port range; returns its number. */
static uint32_t add_rule(
        uint32_t group, uint8_t direction, uint8_t family, uint8_t protocol, uint16_t min, uint16_t max)
{
	uint32_t number = ++rules[group];

	RIG_ROW(rule, .group = group, .number = number, .direction = direction, .family = family, .protocol = protocol,
	        .port_min = min, .port_max = max);
	return number;
}

static void allow(uint32_t group, uint8_t direction)
{
	add_rule(group, direction, 4, 0, 0, 65535);
	add_rule(group, direction, 6, 0, 0, 65535);
}

/* Ports 1, 2, 3 and 20 have policy and may send everything; 4 and 8 are open; no flow is known. */
static void begin(void)
{
	forget_rules();
	for (uint32_t id = 1; id <= TWIN; id += id == 3 ? TWIN - 3 : 1) {
		RIG_ROW(identity_group, .identity = 100 + id, .group = id, .gate = 1);
		RIG_ROW(port_identity, .port = id, .identity = 100 + id);
		set_policy(id, true);
		allow(id, FWD_RULE_EGRESS);
	}
	set_policy(4, false);
	set_policy(8, false);
	rig_later(8000);
	rig_clear();
}

/* Packets. */

static uint32_t make(const char *text)
{
	char fault[256];

	if (packet_text_make(text, &before, &packet, fault))
		return packet.length;
	printf("  %s: %s\n", text, fault);
	abort();
}

/* The port that the packet left through; 0: none. Of a flood: -1. */
static int sends(uint32_t port, const char *text)
{
	uint32_t length;

	make(text);
	deliver(port, packet.bytes, packet.length);
	before = packet;
	return only_exit(out, &length);
}

static bool drops(uint32_t port, enum drop_reason reason, const char *text)
{
	uint64_t count = rig_drops(port, reason);

	return sends(port, text) == 0 && rig_drops(port, reason) == count + 1;
}

/* Whether a port gets a copy of what another one floods. */
static bool hears(uint32_t port, uint32_t from, const char *text)
{
	make(text);
	deliver(from, packet.bytes, packet.length);
	return rig_take(port, out) > 0;
}

/* Flows as they are told. */

static struct fwd_flow listed[64];

static uint32_t list(void)
{
	struct fwd_flow_filter filter = {0};
	uint32_t cursor = 0, bytes = 0;

	while (cursor != UINT32_MAX) {
		int32_t more = flow_read(&filter, &cursor, (uint8_t *)listed + bytes, (uint32_t)sizeof(listed) - bytes);
		if (more < 0)
			abort();
		bytes += (uint32_t)more;
	}
	return bytes / (uint32_t)sizeof(listed[0]);
}

static struct fwd_flow_stats stats(void)
{
	struct fwd_flow_stats now;

	flow_life_stats(&now);
	return now;
}

#define FROM_1  "eth m1 gw | ip4 10.1.0.11 10.2.0.11 | "
#define FROM_3  "eth m3 gw | ip4 10.2.0.11 10.1.0.11 | "
#define FROM_16 "eth m1 gw | ip6 2001:db8:1::b 2001:db8:2::b | "
#define FROM_36 "eth m3 gw | ip6 2001:db8:2::b 2001:db8:1::b | "

TEST(nothing_comes_in_without_a_rule_and_all_goes_out_with_one)
{
	begin();
	CHECK(drops(1, DROP_POLICY_DENIED, FROM_1 "udp 1000 80 | data 8"));
	CHECK(drops(1, DROP_POLICY_DENIED, FROM_16 "udp 1000 80 | data 8"));
	CHECK(drops(1, DROP_POLICY_DENIED, "eth m1 m2 | ip4 10.1.0.11 10.1.0.12 | tcp 1000 80 S"));
	CHECK_EQ(list(), 0);
	CHECK_EQ(sends(1, "eth m1 gw | ip4 10.1.0.11 10.4.0.11 | udp 1000 80 | data 8"), 8);
	CHECK_EQ(list(), 1);
	CHECK(rig_ledgers_hold());
}

TEST(answers_pass_and_nothing_else_does)
{
	begin();
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 80, 80);
	add_rule(3, FWD_RULE_INGRESS, 6, IPPROTO_UDP, 80, 80);
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "udp 80 1000 | data 8"));
	CHECK_EQ(sends(1, FROM_1 "udp 1000 80 | data 8"), 3);
	CHECK_EQ(sends(3, FROM_3 "udp 80 1000 | data 8"), 1);
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "udp 80 1001 | data 8"));
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "udp 81 1000 | data 8"));
	CHECK(drops(1, DROP_POLICY_DENIED, FROM_1 "udp 1000 81 | data 8"));
	CHECK(drops(1, DROP_POLICY_DENIED, FROM_1 "tcp 1000 80 S"));
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_36 "udp 80 1000 | data 8"));
	CHECK_EQ(sends(1, FROM_16 "udp 1000 80 | data 8"), 3);
	CHECK_EQ(sends(3, FROM_36 "udp 80 1000 | data 8"), 1);
	CHECK_EQ(list(), 2);
	CHECK(rig_ledgers_hold());
}

TEST(both_directions_are_counted_in_bytes_of_ip)
{
	begin();
	allow(3, FWD_RULE_INGRESS);
	for (uint32_t i = 0; i < 3; i++)
		CHECK_EQ(sends(1, FROM_1 "udp 1000 80 | data 8"), 3);
	for (uint32_t i = 0; i < 2; i++)
		CHECK_EQ(sends(3, FROM_3 "udp 80 1000 | data 100"), 1);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].packets, 3);
	CHECK_EQ(listed[0].bytes, 3 * 36);
	CHECK_EQ(listed[0].reply_packets, 2);
	CHECK_EQ(listed[0].reply_bytes, 2 * 128);
	CHECK_EQ(listed[0].from_port, 1);
	CHECK_EQ(listed[0].to_port, 3);
	CHECK_EQ(listed[0].src_port, 1000);
	CHECK_EQ(listed[0].dst_port, 80);
	CHECK_EQ(listed[0].egress_group, 1);
	CHECK_EQ(listed[0].ingress_group, 3);
	CHECK_EQ(listed[0].last_drop, FLOW_NO_DROP);
}

TEST(a_padded_frame_counts_without_its_padding)
{
	begin();
	allow(3, FWD_RULE_INGRESS);
	make(FROM_1 "udp 1000 80 | data 1");
	memset(packet.bytes + packet.length, 0, 60);
	deliver(1, packet.bytes, 60);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].bytes, 29);
}

TEST(a_burst_of_one_new_flow_begins_one)
{
	begin();
	allow(3, FWD_RULE_INGRESS);
	uint64_t added = stats().added;
	make(FROM_1 "udp 1000 80 | data 8");
	for (uint32_t i = 0; i < 32; i++)
		rig_send(1, packet.bytes, packet.length);
	rig_run();
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].packets, 32);
	CHECK_EQ(stats().added, added + 1);
}

TEST(the_last_drop_of_a_flow_is_known)
{
	begin();
	allow(3, FWD_RULE_INGRESS);
	CHECK_EQ(sends(1, FROM_1 "udp 1000 80 | data 8"), 3);
	CHECK(sends(1, "eth m1 gw | ip4 10.1.0.11 10.2.0.11 ttl 1 | udp 1000 80 | data 8") != 3);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].last_drop, DROP_TTL_EXCEEDED);
	CHECK_EQ(listed[0].packets, 1);
}

TEST(a_port_without_identity_is_closed_and_says_so)
{
	begin();
	allow(3, FWD_RULE_INGRESS);
	CHECK_EQ(sends(1, FROM_1 "udp 1000 80 | data 8"), 3);
	RIG_DELETE(port_identity, .port = 3);
	CHECK(drops(1, DROP_POLICY_PENDING, FROM_1 "udp 1000 80 | data 8"));
	CHECK(drops(3, DROP_POLICY_PENDING, FROM_3 "udp 80 1000 | data 8"));
	CHECK(drops(1, DROP_POLICY_PENDING, FROM_1 "udp 1001 80 | data 8"));
	CHECK(drops(3, DROP_POLICY_PENDING, "eth m3 gw | ip4 10.2.0.11 10.4.0.11 | udp 1 2 | data 8"));
	CHECK_EQ(list(), 1);
	/* The flow is still there. */
	RIG_ROW(port_identity, .port = 3, .identity = 103);
	forget_rules();
	allow(1, FWD_RULE_EGRESS);
	allow(3, FWD_RULE_INGRESS);
	CHECK_EQ(sends(3, FROM_3 "udp 80 1000 | data 8"), 1);
	CHECK_EQ(list(), 1);
	CHECK(rig_ledgers_hold());
}

TEST(between_open_ports_nothing_is_remembered_or_judged)
{
	begin();
	set_policy(1, false);
	set_policy(2, false);
	CHECK_EQ(sends(1, "eth m1 m2 | ip4 10.1.0.11 10.1.0.12 | udp 1000 80 | data 8"), 2);
	CHECK_EQ(sends(1, "eth m1 m2 | ip4 10.1.0.11 10.1.0.12 | icmp 3 1 | data 3"), 2);
	CHECK_EQ(list(), 0);
}

TEST(an_open_port_speaks_with_one_that_has_policy)
{
	begin();
	add_rule(1, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 80, 80);
	CHECK_EQ(sends(8, "eth m8 gw | ip4 10.4.0.11 10.1.0.11 | udp 1000 80 | data 8"), 1);
	CHECK(drops(8, DROP_POLICY_DENIED, "eth m8 gw | ip4 10.4.0.11 10.1.0.11 | udp 1000 81 | data 8"));
	CHECK_EQ(sends(1, "eth m1 gw | ip4 10.1.0.11 10.4.0.11 | udp 80 1000 | data 8"), 8);
	CHECK_EQ(sends(8, "eth m8 gw | ip4 10.4.0.11 10.1.0.11 | udp 1000 80 | data 8"), 1);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].packets, 2);
	CHECK_EQ(listed[0].reply_packets, 1);
}

/* Changes of rules. */

TEST(a_rule_that_goes_stops_a_flow_both_ways_and_its_return_lets_it_go_on)
{
	begin();
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 80, 80);
	CHECK_EQ(sends(1, FROM_1 "udp 1000 80 | data 8"), 3);
	CHECK_EQ(sends(3, FROM_3 "udp 80 1000 | data 8"), 1);
	uint64_t redecided = stats().redecided;
	RIG_DELETE(rule, .group = 3, .number = rules[3]);
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "udp 80 1000 | data 8"));
	CHECK(drops(1, DROP_POLICY_DENIED, FROM_1 "udp 1000 80 | data 8"));
	CHECK(drops(1, DROP_POLICY_DENIED, FROM_1 "udp 1000 80 | data 8"));
	CHECK(stats().redecided > redecided);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].action, FWD_RULE_DENY);
	CHECK_EQ(listed[0].last_drop, DROP_POLICY_DENIED);
	RIG_ROW(rule, .group = 3, .number = rules[3], .direction = FWD_RULE_INGRESS, .family = 4,
	        .protocol = IPPROTO_UDP, .port_min = 80, .port_max = 80);
	CHECK_EQ(sends(3, FROM_3 "udp 80 1000 | data 8"), 1);
	CHECK_EQ(sends(1, FROM_1 "udp 1000 80 | data 8"), 3);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].packets, 2);
	CHECK_EQ(listed[0].reply_packets, 2);
	CHECK_EQ(listed[0].action, FWD_RULE_ALLOW);
	CHECK(rig_ledgers_hold());
}

TEST(a_change_that_does_not_concern_a_flow_does_not_touch_it)
{
	begin();
	allow(3, FWD_RULE_INGRESS);
	CHECK_EQ(sends(1, FROM_1 "udp 1000 80 | data 8"), 3);
	uint64_t redecided = stats().redecided;
	add_rule(2, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 80, 80);
	RIG_ROW(port_identity, .port = 2, .identity = 103);
	CHECK_EQ(sends(1, FROM_1 "udp 1000 80 | data 8"), 3);
	CHECK_EQ(sends(3, FROM_3 "udp 80 1000 | data 8"), 1);
	CHECK_EQ(stats().redecided, redecided);
}

TEST(a_rule_that_is_decided_anew_is_that_of_the_first_packets_direction)
{
	begin();
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 80, 80);
	CHECK_EQ(sends(1, FROM_1 "udp 1000 80 | data 8"), 3);
	/* Concerns identity 103: its flows are looked at again, by an answer. */
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 90, 90);
	CHECK_EQ(sends(3, FROM_3 "udp 80 1000 | data 8"), 1);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].ingress_group, 3);
	CHECK_EQ(listed[0].egress_group, 1);
}

/* Who flows belong to. */

static void add_twin(void)
{
	set_policy(TWIN, false);
	rig_attach(TWIN);
	RIG_ROW(mac, .bridge = 30, .mac = {2, 0, 0, 0, 0, TWIN}, .port = TWIN);
	RIG_ROW(neighbor, .bridge = 30, .family = 4, .address = {10, 1, 0, 11}, .mac = {2, 0, 0, 0, 0, TWIN});
	RIG_ROW(source, .port = TWIN, .family = 4, .prefix_length = 32, .mac = {2, 0, 0, 0, 0, TWIN},
	        .address = {10, 1, 0, 11});
}

TEST(tenants_with_the_same_addresses_have_their_own_flows)
{
	begin();
	add_rule(2, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 80, 80);
	CHECK_EQ(sends(1, "eth m1 m2 | ip4 10.1.0.11 10.1.0.12 | udp 1000 80 | data 8"), 2);
	/* The other tenant: from .12, which is open, to .11. */
	CHECK(drops(4, DROP_POLICY_DENIED, "eth m4 m20 | ip4 10.1.0.12 10.1.0.11 | udp 80 1000 | data 8"));
	CHECK_EQ(list(), 1);
	CHECK_EQ(sends(TWIN, "eth m20 m4 | ip4 10.1.0.11 10.1.0.12 | udp 1000 80 | data 8"), 4);
	CHECK_EQ(list(), 2);
	CHECK_EQ(sends(4, "eth m4 m20 | ip4 10.1.0.12 10.1.0.11 | udp 80 1000 | data 8"), TWIN);
	CHECK_EQ(sends(2, "eth m2 m1 | ip4 10.1.0.12 10.1.0.11 | udp 80 1000 | data 8"), 1);
	for (uint32_t i = 0; i < list(); i++)
		CHECK(listed[i].packets == 1 && listed[i].reply_packets == 1);
}

/* Both send from 10.1.0.50 (a pair of allowed addresses); whoever spoke last has it. */
static void share_address(uint8_t port)
{
	RIG_ROW(neighbor, .bridge = 10, .family = 4, .address = {10, 1, 0, 50}, .mac = {2, 0, 0, 0, 0, port});
	RIG_ROW(source, .port = port, .family = 4, .prefix_length = 32, .mac = {2, 0, 0, 0, 0, port},
	        .address = {10, 1, 0, 50});
}

TEST(two_ports_of_one_network_never_share_a_flow)
{
	begin();
	share_address(2);
	share_address(1);
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 80, 80);
	CHECK_EQ(sends(1, "eth m1 gw | ip4 10.1.0.50 10.2.0.11 | udp 1000 80 | data 8"), 3);
	CHECK_EQ(list(), 1);
	forget_rules();
	allow(1, FWD_RULE_EGRESS);
	allow(3, FWD_RULE_EGRESS);
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 80, 80);
	/* The same packet from the other port, whose rules allow nothing. */
	CHECK(drops(2, DROP_POLICY_DENIED, "eth m2 gw | ip4 10.1.0.50 10.2.0.11 | udp 1000 80 | data 8"));
	CHECK_EQ(sends(3, "eth m3 gw | ip4 10.2.0.11 10.1.0.50 | udp 80 1000 | data 8"), 1);
	CHECK_EQ(list(), 1);
}

TEST(another_way_out_is_another_flow)
{
	begin();
	share_address(2);
	share_address(1);
	allow(1, FWD_RULE_INGRESS);
	CHECK_EQ(sends(3, "eth m3 gw | ip4 10.2.0.11 10.1.0.50 | udp 1000 80 | data 8"), 1);
	/* The address moves to a port that nobody may speak to. */
	share_address(2);
	CHECK(drops(3, DROP_POLICY_DENIED, "eth m3 gw | ip4 10.2.0.11 10.1.0.50 | udp 1000 80 | data 8"));
	CHECK_EQ(list(), 0);
	allow(2, FWD_RULE_INGRESS);
	CHECK_EQ(sends(3, "eth m3 gw | ip4 10.2.0.11 10.1.0.50 | udp 1000 80 | data 8"), 2);
	CHECK_EQ(sends(2, "eth m2 gw | ip4 10.1.0.50 10.2.0.11 | udp 80 1000 | data 8"), 3);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].to_port, 2);
	/* And back, told by what comes from there first. */
	allow(3, FWD_RULE_INGRESS);
	CHECK_EQ(sends(1, "eth m1 gw | ip4 10.1.0.50 10.2.0.11 | udp 80 1000 | data 8"), 3);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].from_port, 1);
	CHECK(rig_ledgers_hold());
}

TEST(in_one_burst_packets_behind_a_move_go_by_the_new_decision)
{
	begin();
	share_address(2);
	share_address(1);
	allow(1, FWD_RULE_INGRESS);
	CHECK_EQ(sends(3, "eth m3 gw | ip4 10.2.0.11 10.1.0.50 | udp 1000 80 | data 8"), 1);
	share_address(2);
	uint64_t denied = rig_drops(3, DROP_POLICY_DENIED);
	make("eth m3 gw | ip4 10.2.0.11 10.1.0.50 | udp 1000 80 | data 8");
	for (uint32_t i = 0; i < 8; i++)
		rig_send(3, packet.bytes, packet.length);
	rig_run();
	CHECK_EQ(rig_drops(3, DROP_POLICY_DENIED), denied + 8);
	CHECK_EQ(list(), 0);
}

TEST(what_comes_back_through_the_port_it_came_from_passes_without_a_flow)
{
	begin();
	share_address(1);
	allow(1, FWD_RULE_INGRESS);
	CHECK_EQ(sends(1, "eth m1 gw | ip4 10.1.0.11 10.1.0.50 | udp 1000 80 | data 8"), 1);
	CHECK_EQ(list(), 1);
	CHECK_EQ(sends(1, "eth m1 gw | ip4 10.1.0.11 10.1.0.11 | udp 80 80 | data 8"), 1);
	CHECK_EQ(list(), 1);
}

/* TCP. */

static void open_connection(void)
{
	begin();
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_TCP, 80, 80);
	sends(1, FROM_1 "tcp 1000 80 S seq 100");
	sends(3, FROM_3 "tcp 80 1000 SA seq 500 ack 101");
	sends(1, FROM_1 "tcp 1000 80 A seq 101 ack 501");
}

static uint8_t state(void)
{
	return list() == 1 ? listed[0].state : 0xff;
}

TEST(a_connection_opens_and_closes)
{
	open_connection();
	CHECK_EQ(state(), FWD_FLOW_ESTABLISHED);
	CHECK_EQ(sends(1, FROM_1 "tcp 1000 80 PA seq 101 ack 501 | data 10"), 3);
	CHECK_EQ(sends(1, FROM_1 "tcp 1000 80 FA seq 111 ack 501"), 3);
	CHECK_EQ(state(), FWD_FLOW_CLOSING);
	/* Half closed: the other side goes on. */
	CHECK_EQ(sends(3, FROM_3 "tcp 80 1000 A seq 501 ack 112 | data 100"), 1);
	CHECK_EQ(state(), FWD_FLOW_CLOSING);
	CHECK_EQ(sends(3, FROM_3 "tcp 80 1000 FA seq 601 ack 112"), 1);
	CHECK_EQ(sends(1, FROM_1 "tcp 1000 80 A seq 112 ack 602"), 3);
	CHECK_EQ(state(), FWD_FLOW_CLOSED);
	CHECK(rig_ledgers_hold());
}

TEST(a_padded_acknowledgement_has_no_data)
{
	open_connection();
	/* 54 bytes, padded to 60: 6 more would count as sent, and the reset that is expected next as another one. */
	make(FROM_3 "tcp 80 1000 A seq 501 ack 101");
	memset(packet.bytes + packet.length, 0, 60);
	deliver(3, packet.bytes, 60);
	CHECK_EQ(sends(1, FROM_1 "tcp 1000 80 A seq 101 ack 507"), 3);
	CHECK_EQ(sends(3, FROM_3 "tcp 80 1000 RA seq 501 ack 101"), 1);
	CHECK_EQ(state(), FWD_FLOW_CLOSED);
}

TEST(only_a_reset_that_is_expected_closes)
{
	open_connection();
	CHECK_EQ(sends(3, FROM_3 "tcp 80 1000 R seq 9999"), 1);
	CHECK_EQ(state(), FWD_FLOW_ESTABLISHED);
	CHECK_EQ(sends(3, FROM_3 "tcp 80 1000 R seq 501"), 1);
	CHECK_EQ(state(), FWD_FLOW_CLOSED);
}

static void gather_tcp(const struct flow_pair *pair, uint32_t number, void *context)
{
	(void)number;
	*(uint32_t *)context |= pair->count[FLOW_FORWARD].tcp;
}

TEST(what_is_too_short_for_tcp_tells_nothing)
{
	uint32_t told = 0;

	begin();
	allow(3, FWD_RULE_INGRESS);
	for (uint32_t i = 0; i < 2; i++)
		CHECK_EQ(sends(1, "eth m1 gw | ip4 10.1.0.11 10.2.0.11 proto 6 | data 8"), 3);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].packets, 2);
	flow_each(&flows, gather_tcp, &told);
	CHECK_EQ(told, 0);
}

TEST(a_syn_begins_anew_what_is_closed)
{
	open_connection();
	CHECK_EQ(sends(3, FROM_3 "tcp 80 1000 R seq 501"), 1);
	uint64_t added = stats().added;
	CHECK_EQ(sends(1, FROM_1 "tcp 1000 80 S seq 70000"), 3);
	CHECK_EQ(stats().added, added + 1);
	CHECK_EQ(state(), FWD_FLOW_OPENING);
	CHECK_EQ(listed[0].packets, 1);
	/* Judged anew: from the other side nothing begins. */
	CHECK_EQ(sends(3, FROM_3 "tcp 80 1000 RA seq 0 ack 70001"), 1);
	CHECK_EQ(state(), FWD_FLOW_CLOSED);
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "tcp 80 1000 S seq 1"));
	CHECK_EQ(list(), 0);
}

TEST(packets_behind_a_syn_in_one_burst_belong_to_the_new_flow)
{
	open_connection();
	CHECK_EQ(sends(3, FROM_3 "tcp 80 1000 R seq 501"), 1);
	make(FROM_1 "tcp 1000 80 S seq 70000");
	rig_send(1, packet.bytes, packet.length);
	make(FROM_1 "tcp 1000 80 A seq 70001 ack 1");
	rig_send(1, packet.bytes, packet.length);
	rig_run();
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].packets, 2);
}

static void pick_up(uint8_t how)
{
	rig_flows.flow_tcp_pickup = how;
	rig_flows_restart();
	begin();
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_TCP, 80, 80);
}

TEST(segments_of_unknown_connections_are_picked_up_as_the_setting_says)
{
	pick_up(FWD_TCP_PICKUP_NEVER);
	CHECK(drops(1, DROP_TCP_MID_STREAM, FROM_1 "tcp 1000 80 A seq 5 ack 6"));
	CHECK_EQ(sends(1, FROM_1 "tcp 1000 80 S seq 5"), 3);
	pick_up(FWD_TCP_PICKUP_EITHER);
	CHECK_EQ(sends(3, FROM_3 "tcp 80 1000 A seq 6 ack 5"), 1);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].egress_group, 3);
	CHECK_EQ(listed[0].ingress_group, 1);
	CHECK_EQ(sends(1, FROM_1 "tcp 1000 80 A seq 5 ack 6"), 3);
	/* Decided anew both ways, too. */
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_TCP, 90, 90);
	CHECK_EQ(sends(3, FROM_3 "tcp 80 1000 A seq 6 ack 5"), 1);
	CHECK_EQ(sends(1, FROM_1 "tcp 1000 80 A seq 5 ack 6"), 3);
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "tcp 80 1001 S seq 6"));
	pick_up(FWD_TCP_PICKUP_FORWARD);
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "tcp 80 1000 A seq 6 ack 5"));
	CHECK_EQ(sends(1, FROM_1 "tcp 1000 80 A seq 5 ack 6"), 3);
	CHECK_EQ(sends(3, FROM_3 "tcp 80 1000 A seq 6 ack 5"), 1);
}

/* ICMP. */

TEST(an_echo_is_answered_by_its_identifier)
{
	begin();
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_ICMP, 8 << 8, 8 << 8);
	add_rule(3, FWD_RULE_INGRESS, 6, IPPROTO_ICMPV6, 128 << 8, 128 << 8);
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "icmp 0 0 word 0x10001"));
	CHECK_EQ(sends(1, FROM_1 "icmp 8 0 word 0x10001"), 3);
	CHECK_EQ(sends(3, FROM_3 "icmp 0 0 word 0x10007"), 1);
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "icmp 0 0 word 0x20001"));
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "icmp 8 0 word 0x10001"));
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].src_port, 1);
	CHECK_EQ(listed[0].dst_port, 8 << 8);
	CHECK_EQ(sends(1, FROM_16 "icmp 128 0 word 0x10001"), 3);
	CHECK_EQ(sends(3, FROM_36 "icmp 129 0 word 0x10001"), 1);
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_36 "icmp 129 0 word 0x20001"));
}

TEST(an_answer_that_nobody_asked_for_opens_nothing)
{
	begin();
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_ICMP, 0, 0);
	CHECK_EQ(sends(1, FROM_1 "icmp 0 0 word 0x10001"), 3);
	CHECK_EQ(list(), 0);
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "icmp 8 0 word 0x10001"));
}

TEST(other_icmp_goes_one_way)
{
	begin();
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_ICMP, 9 << 8, 9 << 8);
	CHECK_EQ(sends(1, FROM_1 "icmp 9 0"), 3);
	CHECK_EQ(list(), 1);
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "icmp 9 0"));
	CHECK(drops(1, DROP_POLICY_DENIED, FROM_1 "icmp 8 1 word 0x10001"));
}

TEST(an_error_belongs_to_the_flow_that_it_quotes)
{
	begin();
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 80, 80);
	add_rule(3, FWD_RULE_INGRESS, 6, IPPROTO_UDP, 80, 80);
	CHECK_EQ(sends(1, FROM_1 "udp 1000 80 | data 8"), 3);
	CHECK_EQ(sends(3, FROM_3 "icmp 3 3 | ip4 10.1.0.11 10.2.0.11 | udp 1000 80 | data 8"), 1);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].reply_packets, 1);
	/* Another port that is asked cannot speak for them. */
	CHECK(drops(2, DROP_POLICY_DENIED,
	        "eth m2 m1 | ip4 10.1.0.12 10.1.0.11 | icmp 11 0 | ip4 10.1.0.11 10.2.0.11 | udp 1000 80 | data 8"));
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].reply_packets, 1);
	/* About an answer. */
	CHECK_EQ(sends(1, FROM_1 "icmp 3 3 | ip4 10.2.0.11 10.1.0.11 | udp 80 1000 | data 8"), 3);
	CHECK_EQ(list(), 1);
	CHECK_EQ(listed[0].packets, 2);
	CHECK_EQ(sends(1, FROM_16 "udp 1000 80 | data 8"), 3);
	CHECK_EQ(sends(3, FROM_36 "icmp 1 4 | ip6 2001:db8:1::b 2001:db8:2::b | udp 1000 80 | data 8"), 1);
	CHECK_EQ(sends(3, FROM_36 "icmp 2 0 word 1300 | ip6 2001:db8:1::b 2001:db8:2::b | dest | udp 1000 80 | data 8"),
	        1);
	CHECK_EQ(list(), 2);
	CHECK(rig_ledgers_hold());
}

TEST(forged_errors_are_judged_by_the_rules)
{
	begin();
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 80, 80);
	CHECK_EQ(sends(1, FROM_1 "udp 1000 80 | data 8"), 3);
	/* Other ports; another sender; a later fragment. */
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "icmp 3 3 | ip4 10.1.0.11 10.2.0.11 | udp 1001 80 | data 8"));
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "icmp 3 3 | ip4 10.1.0.12 10.2.0.11 | udp 1000 80 | data 8"));
	CHECK(drops(3, DROP_POLICY_DENIED,
	        "eth m3 gw | ip4 10.2.0.11 10.1.0.12 | icmp 3 3 | ip4 10.1.0.11 10.2.0.11 | udp 1000 80 | data 8"));
	CHECK(drops(
	        3, DROP_POLICY_DENIED, FROM_3 "icmp 3 3 | ip4 10.1.0.11 10.2.0.11 offset 80 | udp 1000 80 | data 8"));
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "icmp 5 1 | ip4 10.1.0.11 10.9.0.11 | udp 1000 80 | data 8"));
	/* Rules may allow them; no flow begins. */
	add_rule(1, FWD_RULE_INGRESS, 4, IPPROTO_ICMP, 3 << 8 | 3, 3 << 8 | 3);
	CHECK_EQ(sends(3, FROM_3 "icmp 3 3 | ip4 10.1.0.11 10.2.0.11 | udp 1001 80 | data 8"), 1);
	CHECK_EQ(list(), 1);
}

TEST(errors_that_tell_nothing_end)
{
	begin();
	add_rule(1, FWD_RULE_INGRESS, 4, IPPROTO_ICMP, 0, 65535);
	add_rule(1, FWD_RULE_INGRESS, 6, IPPROTO_ICMPV6, 0, 65535);
	CHECK(drops(3, DROP_ICMP_ERROR_INVALID, FROM_3 "icmp 3 3 | data 20"));
	CHECK(drops(3, DROP_ICMP_ERROR_INVALID, FROM_3 "icmp 3 3 | ip4 10.1.0.11 10.2.0.11 | data 7"));
	CHECK(drops(3, DROP_ICMP_ERROR_INVALID, FROM_3 "icmp 3 3"));
	CHECK(drops(3, DROP_ICMP_ERROR_INVALID,
	        FROM_3 "icmp 3 3 | ip4 10.1.0.11 10.2.0.11 | icmp 3 1 | ip4 10.2.0.11 10.1.0.11 | udp 1 2"));
	CHECK(drops(3, DROP_ICMP_ERROR_INVALID, FROM_36 "icmp 1 4 | ip6 2001:db8:1::b 2001:db8:2::b | dest | data 7"));
	CHECK(drops(
	        3, DROP_ICMP_ERROR_INVALID, FROM_36 "icmp 1 4 | ip6 2001:db8:1::b 2001:db8:2::b | icmp 2 0 | data 20"));
	CHECK(rig_ledgers_hold());
}

TEST(fragments_of_an_error_go_where_the_first_one_went)
{
	begin();
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_ICMP, 3 << 8 | 3, 3 << 8 | 3);
	/* To all, who do not want it; then to port 2 alone. */
	make("eth m1 bc | ip4 10.1.0.11 10.1.0.12 id 9 mf | icmp 3 3 | data 32");
	deliver(1, packet.bytes, packet.length);
	CHECK(drops(1, DROP_POLICY_DENIED, "eth m1 m2 | ip4 10.1.0.11 10.1.0.12 id 9 offset 40 proto 1 | data 5"));
	/* To port 3, which wants it; then to port 2. */
	CHECK_EQ(sends(1, "eth m1 gw | ip4 10.1.0.11 10.2.0.11 id 10 mf | icmp 3 3 | ip4 10.2.0.11 10.1.0.11 | "
	                  "udp 7 8 | data 4"),
	        3);
	CHECK(drops(1, DROP_POLICY_DENIED, "eth m1 m2 | ip4 10.1.0.11 10.2.0.11 id 10 mf offset 40 proto 1 | data 8"));
	CHECK_EQ(sends(1, "eth m1 gw | ip4 10.1.0.11 10.2.0.11 id 10 offset 48 proto 1 | data 5"), 3);
	CHECK(rig_ledgers_hold());
}

TEST(an_error_of_a_flow_that_is_denied_by_now_is_dropped)
{
	begin();
	add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 80, 80);
	CHECK_EQ(sends(1, FROM_1 "udp 1000 80 | data 8"), 3);
	RIG_DELETE(rule, .group = 3, .number = rules[3]);
	CHECK(drops(3, DROP_POLICY_DENIED, FROM_3 "icmp 3 3 | ip4 10.1.0.11 10.2.0.11 | udp 1000 80 | data 8"));
}

/* What is not asked, and floods. */

TEST(neighbours_and_groups_are_found_without_rules)
{
	begin();
	forget_rules();
	/* Unicast, to see whether it still lives; a report of a group. */
	CHECK_EQ(sends(1, "eth m1 m2 | ip6 2001:db8:1::b 2001:db8:1::c hops 255 | ns 2001:db8:1::c slla m1"), 2);
	CHECK_EQ(sends(1, "eth m1 m2 | arp request m1 10.1.0.11 m2 10.1.0.12"), 2);
	CHECK(hears(2, 1, "eth m1 33:33:00:00:00:16 | ip6 fe80::ff:fe00:1 ff02::16 hops 1 | icmp 143 0 | data 24"));
	CHECK(hears(2, 1, "eth m1 01:00:5e:00:00:16 | ip4 10.1.0.11 224.0.0.22 ttl 1 proto 2 | data 16"));
	CHECK_EQ(sends(1, "eth m1 m2 type 0x88cc | data 20"), 2);
	CHECK_EQ(list(), 0);
}

#define MDNS "eth m1 01:00:5e:00:00:fb | ip4 10.1.0.11 224.0.0.251 | udp 5353 5353 | data 8"

TEST(each_copy_of_a_flooded_frame_is_decided_alone)
{
	begin();
	RIG_ROW(port, .id = 21, .bridge = 10, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 21}, .binding = FWD_BINDING_NONE);
	rig_attach(21);
	/* Port 2 has no rule, port 21 is open, port 6 is a VLAN without policy. */
	uint64_t denied = rig_drops(1, DROP_POLICY_DENIED);
	sends(1, MDNS);
	CHECK_EQ(rig_drops(1, DROP_POLICY_DENIED), denied + 1);
	deliver(1, packet.bytes, packet.length);
	CHECK(rig_take(2, in) < 0);
	CHECK(rig_take(21, in) > 0);
	add_rule(2, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 5353, 5353);
	deliver(1, packet.bytes, packet.length);
	CHECK(rig_take(2, in) > 0);
	CHECK(rig_take(21, in) > 0);
	/* An open sender. */
	make("eth m21 01:00:5e:00:00:fb | ip4 10.1.0.21 224.0.0.251 | udp 5353 5354 | data 8");
	deliver(21, packet.bytes, packet.length);
	CHECK(rig_take(2, in) < 0);
	CHECK_EQ(list(), 0);
	CHECK(rig_ledgers_hold());
	RIG_DELETE(port, .id = 21);
}

TEST(a_frame_that_no_copy_of_may_leave_is_dropped_once_for_each)
{
	begin();
	set_policy(3, true);
	write_port(1, FWD_PORT_SECURITY | FWD_PORT_POLICY_REQUIRED);
	RIG_DELETE(port_identity, .port = 1);
	struct port_totals totals = rig_totals(1);
	uint64_t pending = rig_drops(1, DROP_POLICY_PENDING);
	CHECK_EQ(sends(1, MDNS), 0);
	/* To ports 2 and 6. */
	CHECK_EQ(rig_drops(1, DROP_POLICY_PENDING), pending + 2);
	CHECK_EQ(rig_totals(1).cloned, totals.cloned + 1);
	CHECK(rig_ledgers_hold());
}

/* What is told. */

static uint32_t denials(struct fwd_flow *first)
{
	struct fwd_flow told[64];
	uint32_t count = 0;

	for (int32_t bytes; (bytes = flow_events_read(false, told, sizeof(told))) > 0;) {
		if (count == 0)
			*first = told[0];
		count += (uint32_t)bytes / (uint32_t)sizeof(told[0]);
	}
	return count;
}

TEST(denials_are_told_with_flow_and_rule_and_not_too_often)
{
	struct fwd_flow flow;

	begin();
	denials(&flow);
	limit_reset(port_of(1)->slot);
	CHECK(drops(1, DROP_POLICY_DENIED, FROM_1 "udp 1000 80 | data 8"));
	CHECK_EQ(denials(&flow), 1);
	CHECK_EQ(flow.event, FWD_FLOW_EVENT_DENIED);
	CHECK_EQ(flow.from_port, 1);
	CHECK_EQ(flow.to_port, 3);
	CHECK_EQ(flow.src_port, 1000);
	CHECK_EQ(flow.dst_port, 80);
	CHECK_EQ(flow.egress_group, 1);
	CHECK_EQ(flow.ingress_group, 0);
	CHECK_EQ(flow.last_drop, DROP_POLICY_DENIED);
	CHECK_EQ(flow.action, FWD_RULE_DENY);
	CHECK_EQ(flow.src[3], 11);
	RIG_ROW(rule, .group = 3, .number = ++rules[3], .direction = FWD_RULE_INGRESS, .action = FWD_RULE_DENY,
	        .family = 4, .protocol = IPPROTO_UDP, .port_max = 65535);
	CHECK(drops(1, DROP_POLICY_DENIED, FROM_1 "udp 1000 80 | data 8"));
	CHECK_EQ(denials(&flow), 1);
	CHECK_EQ(flow.ingress_group, 3);
	CHECK_EQ(flow.ingress_number, rules[3]);
	for (uint32_t i = 0; i < 200; i++)
		CHECK(drops(1, DROP_POLICY_DENIED, FROM_1 "udp 1000 80 | data 8"));
	uint32_t told = denials(&flow);
	CHECK(told >= 40 && told < 60);
}

static bool find_rule(uint32_t group, uint32_t number, struct fwd_rule_stats *found)
{
	static struct fwd_rule_stats all[256];
	uint32_t cursor = 0;

	while (cursor != UINT32_MAX) {
		int32_t bytes = policy_rules_read(&cursor, all, sizeof(all));
		for (uint32_t i = 0; i < (uint32_t)bytes / sizeof(all[0]); i++)
			if (all[i].group == group && all[i].number == number)
				return *found = all[i], true;
	}
	return false;
}

TEST(rules_count_what_they_decide)
{
	struct fwd_rule_stats found;

	begin();
	uint32_t number = add_rule(3, FWD_RULE_INGRESS, 4, IPPROTO_UDP, 80, 80);
	uint64_t flow_count = find_rule(3, number, &found) ? found.flows : 0,
	         packets = flow_count == 0 ? 0 : found.packets;
	CHECK_EQ(sends(1, FROM_1 "udp 1000 80 | data 8"), 3);
	CHECK_EQ(sends(1, FROM_1 "udp 1001 80 | data 8"), 3);
	CHECK_EQ(sends(3, FROM_3 "udp 80 1000 | data 8"), 1);
	rig_later(8000);
	CHECK(find_rule(3, number, &found));
	CHECK_EQ(found.flows, flow_count + 2);
	CHECK_EQ(found.packets, packets + 3);
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(nothing_comes_in_without_a_rule_and_all_goes_out_with_one),
	        CASE(answers_pass_and_nothing_else_does),
	        CASE(both_directions_are_counted_in_bytes_of_ip),
	        CASE(a_padded_frame_counts_without_its_padding),
	        CASE(a_burst_of_one_new_flow_begins_one),
	        CASE(the_last_drop_of_a_flow_is_known),
	        CASE(a_port_without_identity_is_closed_and_says_so),
	        CASE(between_open_ports_nothing_is_remembered_or_judged),
	        CASE(an_open_port_speaks_with_one_that_has_policy),
	        CASE(a_rule_that_goes_stops_a_flow_both_ways_and_its_return_lets_it_go_on),
	        CASE(a_change_that_does_not_concern_a_flow_does_not_touch_it),
	        CASE(a_rule_that_is_decided_anew_is_that_of_the_first_packets_direction),
	        CASE(tenants_with_the_same_addresses_have_their_own_flows),
	        CASE(two_ports_of_one_network_never_share_a_flow),
	        CASE(another_way_out_is_another_flow),
	        CASE(in_one_burst_packets_behind_a_move_go_by_the_new_decision),
	        CASE(what_comes_back_through_the_port_it_came_from_passes_without_a_flow),
	        CASE(a_connection_opens_and_closes),
	        CASE(a_padded_acknowledgement_has_no_data),
	        CASE(only_a_reset_that_is_expected_closes),
	        CASE(what_is_too_short_for_tcp_tells_nothing),
	        CASE(a_syn_begins_anew_what_is_closed),
	        CASE(packets_behind_a_syn_in_one_burst_belong_to_the_new_flow),
	        CASE(segments_of_unknown_connections_are_picked_up_as_the_setting_says),
	        CASE(an_echo_is_answered_by_its_identifier),
	        CASE(an_answer_that_nobody_asked_for_opens_nothing),
	        CASE(other_icmp_goes_one_way),
	        CASE(an_error_belongs_to_the_flow_that_it_quotes),
	        CASE(forged_errors_are_judged_by_the_rules),
	        CASE(errors_that_tell_nothing_end),
	        CASE(fragments_of_an_error_go_where_the_first_one_went),
	        CASE(an_error_of_a_flow_that_is_denied_by_now_is_dropped),
	        CASE(neighbours_and_groups_are_found_without_rules),
	        CASE(each_copy_of_a_flooded_frame_is_decided_alone),
	        CASE(a_frame_that_no_copy_of_may_leave_is_dropped_once_for_each),
	        CASE(denials_are_told_with_flow_and_rule_and_not_too_often),
	        CASE(rules_count_what_they_decide),
	};

	rig_start();
	tenants_make();
	add_twin();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
