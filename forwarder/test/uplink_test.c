/* Gateways and neighbours behind an uplink: who is asked when, who is believed, and who is told. */
#include "uplink.h"

#include <string.h>

#include "nexthop.h"
#include "outside.h"
#include "port.h"
#include "rig.h"
#include "stage.h"
#include "tenants.h"
#include "test.h"
#include "upstream.h"

#define GATEWAY  "198.18.0.254"
#define GATEWAY6 "fe80::5b"
#define HOST     "198.18.0.100"
#define HOST6    "2001:db8:f::100"

static bool silent;

/* A frame arrives through the uplink; what it caused has happened. */
static struct seen arrive(const char *text)
{
	struct seen seen = outside_send(OUTSIDE_UPLINK, "%s", text);

	upstream_pass(20);
	return seen;
}

TEST(a_gateway_is_asked_each_second_alone_once_it_is_known)
{
	upstream_begin();
	struct upstream_host *gateway = upstream_host(GATEWAY, 91);
	upstream_gateway(1, GATEWAY);
	upstream_pass(200);
	CHECK_EQ(gateway->asked_all, 1);
	CHECK_EQ(upstream_known(GATEWAY, &silent), 91);
	CHECK(!silent);
	upstream_pass(10000);
	CHECK_EQ(gateway->asked_all, 1);
	CHECK(gateway->asked_alone >= 9 && gateway->asked_alone <= 10);
	CHECK(upstream_alive(1));
}

TEST(a_gateway_with_a_link_local_address_is_asked_from_ours)
{
	upstream_begin();
	struct upstream_host *gateway = upstream_host(GATEWAY6, 91);
	upstream_gateway(2, GATEWAY6);
	upstream_pass(200);
	CHECK_EQ(gateway->asked_all, 1);
	CHECK_EQ(upstream_known(GATEWAY6, &silent), 91);
}

TEST(three_silent_questions_make_a_gateway_dead_and_one_answer_alive)
{
	upstream_begin();
	struct upstream_host *gateway = upstream_host(GATEWAY, 91);
	upstream_gateway(1, GATEWAY);
	upstream_pass(2000);
	gateway->alive = false;
	upstream_pass(2000);
	CHECK(upstream_alive(1));
	upstream_pass(2500);
	CHECK_EQ(upstream_known(GATEWAY, &silent), 91);
	CHECK(silent && !upstream_alive(1));
	/* Perhaps another one has its address now. */
	gateway->asked_all = 0;
	upstream_pass(2000);
	CHECK_EQ(gateway->asked_all, 2);
	gateway->mac = 92;
	gateway->alive = true;
	upstream_pass(1200);
	CHECK_EQ(upstream_known(GATEWAY, &silent), 92);
	CHECK(!silent && upstream_alive(1));
}

TEST(a_gateway_that_never_answered_is_dead_after_three_questions)
{
	upstream_begin();
	upstream_gateway(1, GATEWAY);
	upstream_pass(1500);
	CHECK(upstream_alive(1));
	upstream_pass(2500);
	CHECK_EQ(upstream_known(GATEWAY, &silent), 0);
	CHECK(silent && !upstream_alive(1));
	upstream_gateway(1, NULL);
	upstream_pass(200);
	CHECK_EQ(upstream_known(GATEWAY, NULL), -1);
	CHECK(upstream_alive(1));
}

TEST(a_gateway_whose_link_comes_back_is_asked_at_once)
{
	upstream_begin();
	upstream_host(GATEWAY, 91);
	upstream_gateway(1, GATEWAY);
	upstream_pass(1000);
	port_report(port_of(OUTSIDE_UPLINK), FWD_LINK_DOWN, "no carrier");
	upstream_pass(5000);
	CHECK(!upstream_alive(1));
	port_report(port_of(OUTSIDE_UPLINK), FWD_LINK_UP, "%s", "");
	upstream_pass(200);
	CHECK(upstream_alive(1));
}

/* Which member of group 700 a flow takes, by id of the next hop. */
static uint32_t member_of(uint32_t hash)
{
	const struct fwd_nexthop_row *row = nexthop_resolve(nexthop_handle(rig_owner(), 700), hash);

	return row == NULL ? 0 : row->id;
}

static void make_group(void)
{
	static const char *const addresses[3] = {"198.18.0.251", "198.18.0.252", "198.18.0.253"};

	RIG_ROW(nexthop, .id = 700, .type = FWD_NEXTHOP_ECMP, .size = 3);
	for (uint32_t i = 0; i < 3; i++) {
		RIG_ROW(nexthop, .id = 701 + i, .type = FWD_NEXTHOP_GATEWAY, .port = OUTSIDE_UPLINK, .target = i + 1);
		RIG_ROW(member, .group = 700, .index = (uint16_t)i, .nexthop = 701 + i);
		upstream_gateway(i + 1, addresses[i]);
		upstream_host(addresses[i], (uint8_t)(81 + i));
	}
	upstream_pass(1000);
}

TEST(flows_of_a_dead_gateway_move_and_the_others_stay)
{
	uint32_t before[1000], moved = 0, to[2] = {0};

	upstream_begin();
	make_group();
	for (uint32_t i = 0; i < 1000; i++)
		before[i] = member_of(i * 0x9e3779b9u);
	/* The second one: an address that nobody answers for. */
	upstream_gateway(2, "198.18.0.250");
	upstream_pass(5000);
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t now = member_of(i * 0x9e3779b9u);
		if (before[i] != 702) {
			CHECK_EQ(now, before[i]);
			continue;
		}
		CHECK(now == 701 || now == 703);
		to[now == 703]++;
		moved++;
	}
	CHECK(moved > 250 && to[0] > moved / 4 && to[1] > moved / 4);
	upstream_gateway(2, "198.18.0.252");
	upstream_pass(2000);
	for (uint32_t i = 0; i < 1000; i++)
		CHECK_EQ(member_of(i * 0x9e3779b9u), before[i]);
}

TEST(a_gateway_that_has_not_answered_yet_is_passed_over)
{
	upstream_begin();
	make_group();
	upstream_gateway(2, "198.18.0.250");
	upstream_pass(200);
	CHECK(upstream_alive(2));
	for (uint32_t i = 0; i < 100; i++)
		CHECK(member_of(i * 0x9e3779b9u) != 702);
}

TEST(when_all_gateways_are_dead_they_are_used_all_the_same)
{
	upstream_begin();
	make_group();
	uint32_t before = member_of(12345);
	port_report(port_of(OUTSIDE_UPLINK), FWD_LINK_DOWN, "no carrier");
	upstream_pass(5000);
	CHECK(!upstream_alive(1));
	CHECK_EQ(member_of(12345), before);
	port_report(port_of(OUTSIDE_UPLINK), FWD_LINK_UP, "%s", "");
}

TEST(an_arp_request_for_us_makes_its_sender_known_on_our_subnets_only)
{
	upstream_begin();
	arrive("eth m71 bc | arp request m71 198.18.0.100 00:00:00:00:00:00 198.18.0.1");
	CHECK_EQ(upstream_known(HOST, NULL), 71);
	arrive("eth m72 bc | arp request m72 203.0.113.5 00:00:00:00:00:00 198.18.0.1");
	CHECK_EQ(upstream_known("203.0.113.5", NULL), -1);
	/* No host has these. */
	arrive("eth m72 bc | arp request m72 198.18.0.255 00:00:00:00:00:00 198.18.0.1");
	CHECK_EQ(upstream_known("198.18.0.255", NULL), -1);
	/* Not for us. */
	arrive("eth m72 bc | arp request m72 198.18.0.101 00:00:00:00:00:00 198.18.0.102");
	CHECK_EQ(upstream_known("198.18.0.101", NULL), -1);
}

TEST(what_nobody_asked_for_changes_only_what_is_known)
{
	upstream_begin();
	arrive("eth m71 m40 | arp reply m71 198.18.0.100 m40 198.18.0.1");
	CHECK_EQ(upstream_known(HOST, NULL), -1);
	arrive("eth m71 bc | arp request m71 198.18.0.100 00:00:00:00:00:00 198.18.0.100");
	CHECK_EQ(upstream_known(HOST, NULL), -1);
	arrive("eth m71 bc | arp request m71 198.18.0.100 00:00:00:00:00:00 198.18.0.1");
	CHECK_EQ(upstream_known(HOST, NULL), 71);
	/* It is elsewhere now (RFC 826), and is asked itself at once. */
	struct upstream_host *host = upstream_host(HOST, 73);
	arrive("eth m73 bc | arp request m73 198.18.0.100 00:00:00:00:00:00 198.18.0.100");
	CHECK_EQ(upstream_known(HOST, NULL), 73);
	upstream_pass(200);
	CHECK_EQ(host->asked_alone, 1);
	/* Group and zero addresses are nobody's, and ours is not theirs. */
	arrive("eth m71 bc | arp request ff:ff:ff:ff:ff:ff 198.18.0.100 00:00:00:00:00:00 198.18.0.100");
	arrive("eth m71 bc | arp request 00:00:00:00:00:00 198.18.0.100 00:00:00:00:00:00 198.18.0.100");
	arrive("eth m71 bc | arp request m40 198.18.0.100 00:00:00:00:00:00 198.18.0.100");
	CHECK_EQ(upstream_known(HOST, NULL), 73);
}

TEST(a_flood_of_claims_changes_an_address_once_a_second)
{
	upstream_begin();
	arrive("eth m71 bc | arp request m71 198.18.0.100 00:00:00:00:00:00 198.18.0.1");
	for (uint32_t i = 0; i < 20; i++) {
		arrive("eth m72 bc | arp request m72 198.18.0.100 00:00:00:00:00:00 198.18.0.100");
		CHECK_EQ(upstream_known(HOST, NULL), 72);
		arrive("eth m73 bc | arp request m73 198.18.0.100 00:00:00:00:00:00 198.18.0.100");
		CHECK_EQ(upstream_known(HOST, NULL), 72);
	}
	upstream_pass(500);
	arrive("eth m73 bc | arp request m73 198.18.0.100 00:00:00:00:00:00 198.18.0.100");
	CHECK_EQ(upstream_known(HOST, NULL), 73);
}

TEST(an_answer_to_an_uplink_without_address_counts)
{
	upstream_begin();
	upstream_gateway(1, GATEWAY);
	for (uint32_t i = 0; i < 6; i++) {
		upstream_pass(1000);
		CHECK(outside_drops(
		        OUTSIDE_UPLINK, DROP_NEIGHBOR_TOLD, "eth m91 m40 | arp reply m91 %s m40 0.0.0.0", GATEWAY));
	}
	CHECK_EQ(upstream_known(GATEWAY, &silent), 91);
	CHECK(!silent);
}

TEST(a_flood_of_hints_does_not_silence_a_gateway)
{
	upstream_begin();
	struct upstream_host *gateway = upstream_host(GATEWAY6, 91);
	upstream_gateway(2, GATEWAY6);
	upstream_pass(200);
	/* It takes its time. */
	gateway->alive = false;
	for (uint32_t i = 0; i < 60; i++)
		arrive("eth m72 33:33:00:00:00:01 | ip6 fe80::5b ff02::1 hops 255 | na fe80::5b - tlla m72");
	CHECK_EQ(upstream_known(GATEWAY6, &silent), 91);
	CHECK(!silent);
}

TEST(a_frame_for_somebody_else_teaches_nothing)
{
	upstream_begin();
	arrive("eth m71 m72 | arp request m71 198.18.0.100 m72 198.18.0.1");
	CHECK_EQ(upstream_known(HOST, NULL), -1);
}

TEST(a_solicitation_teaches_and_an_advertisement_overrides_when_it_says_so)
{
	upstream_begin();
	struct seen seen = arrive("eth m71 33:33:ff:00:00:01 | ip6 2001:db8:f::100 ff02::1:ff00:1 hops 255 | ns "
	                          "2001:db8:f::1 slla m71");
	CHECK_EQ(seen.port, OUTSIDE_UPLINK);
	CHECK_EQ(upstream_known(HOST6, NULL), 71);
	/* Without override it is asked, no more (RFC 4861 §7.2.5). */
	struct upstream_host *host = upstream_host(HOST6, 71);
	arrive("eth m72 33:33:00:00:00:01 | ip6 2001:db8:f::100 ff02::1 hops 255 | na 2001:db8:f::100 - tlla m72");
	upstream_pass(200);
	CHECK_EQ(host->asked_alone, 1);
	CHECK_EQ(upstream_known(HOST6, NULL), 71);
	host->alive = false;
	arrive("eth m72 33:33:00:00:00:01 | ip6 2001:db8:f::100 ff02::1 hops 255 | na 2001:db8:f::100 O tlla m72");
	CHECK_EQ(upstream_known(HOST6, NULL), 72);
	/* One that nobody asked for makes no entry. */
	arrive("eth m72 33:33:00:00:00:01 | ip6 2001:db8:f::101 ff02::1 hops 255 | na 2001:db8:f::101 O tlla m72");
	CHECK_EQ(upstream_known("2001:db8:f::101", NULL), -1);
}

TEST(a_neighbour_that_answers_stays_and_one_that_does_not_goes)
{
	upstream_begin();
	struct upstream_host *host = upstream_host(HOST, 71);
	arrive("eth m71 bc | arp request m71 198.18.0.100 00:00:00:00:00:00 198.18.0.1");
	upstream_pass(120000);
	CHECK_EQ(upstream_known(HOST, NULL), 71);
	CHECK(host->asked_alone >= 4 && host->asked_alone <= 9);
	CHECK_EQ(host->asked_all, 0);
	host->alive = false;
	upstream_pass(36000);
	CHECK_EQ(upstream_known(HOST, NULL), -1);
}

TEST(a_flood_of_strangers_fills_half_of_the_room)
{
	upstream_begin();
	/* A connected subnet with more hosts than that. */
	RIG_ROW(route, .vrf = 100, .family = 4, .prefix_length = 16, .address = {198, 20}, .source = 10,
	        .nexthop = 402);
	for (uint32_t i = 256; i < 2048; i++) {
		char text[128];
		snprintf(text, sizeof(text), "eth m71 bc | arp request m71 198.20.%u.%u 00:00:00:00:00:00 198.18.0.1",
		        i / 256, i % 256);
		outside_put(OUTSIDE_UPLINK, "%s", text);
		if (i % 16 == 0)
			upstream_pass(20);
	}
	CHECK(upstream_count() <= UPLINK_NEIGHBORS / 2);
	CHECK(upstream_count() > UPLINK_NEIGHBORS / 4);
	/* In spite of it a gateway comes to be known. */
	upstream_host(GATEWAY, 91);
	upstream_gateway(1, GATEWAY);
	upstream_pass(200);
	CHECK_EQ(upstream_known(GATEWAY, NULL), 91);
	RIG_DELETE(route, .vrf = 100, .family = 4, .prefix_length = 16, .address = {198, 20}, .source = 10);
}

TEST(a_flood_of_false_answers_does_not_hide_a_gateway)
{
	upstream_begin();
	upstream_host(GATEWAY, 91);
	upstream_gateway(1, GATEWAY);
	for (uint32_t turn = 0; turn < 300; turn++) {
		for (uint32_t i = 0; i < 64; i++)
			outside_put(OUTSIDE_UPLINK, "eth m71 m40 | arp reply m71 198.18.0.%u m40 198.18.0.1",
			        100 + (turn + i) % 100);
		upstream_pass(20);
	}
	CHECK_EQ(upstream_known(GATEWAY, &silent), 91);
	CHECK(!silent);
	CHECK_EQ(upstream_count(), 1);
}

TEST(rows_of_an_earlier_forwarder_are_used_at_once_and_asked)
{
	upstream_begin();
	struct upstream_host *gateway = upstream_host(GATEWAY, 91);
	upstream_gateway(1, GATEWAY);
	upstream_gateway(2, "198.18.0.253");
	upstream_pass(6000);
	uplink_stop();
	CHECK_EQ(uplink_start(port_slot_limit() + 1, rig_threads), 0);
	uint8_t address[16] = {198, 18, 0, 254};
	const uint8_t *mac = uplink_find(OUTSIDE_UPLINK, 4, address);
	CHECK(mac != NULL && mac[5] == 91);
	CHECK(upstream_alive(1) && !upstream_alive(2));
	gateway->asked_alone = 0;
	upstream_pass(100);
	CHECK_EQ(gateway->asked_alone, 1);
	CHECK(!upstream_alive(2));
}

TEST(rows_of_a_port_that_is_gone_go)
{
	upstream_begin();
	upstream_host(GATEWAY, 91);
	upstream_gateway(1, GATEWAY);
	upstream_pass(500);
	CHECK_EQ(upstream_count(), 1);
	outside_clear();
	upstream_pass(200);
	CHECK_EQ(upstream_count(), 0);
	outside_make();
	upstream_pass(200);
	CHECK_EQ(upstream_known(GATEWAY, NULL), 91);
}

static void start(void)
{
	rig_start();
	tenants_make();
	outside_make();
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_gateway_is_asked_each_second_alone_once_it_is_known),
	        CASE(a_gateway_with_a_link_local_address_is_asked_from_ours),
	        CASE(three_silent_questions_make_a_gateway_dead_and_one_answer_alive),
	        CASE(a_gateway_that_never_answered_is_dead_after_three_questions),
	        CASE(a_gateway_whose_link_comes_back_is_asked_at_once),
	        CASE(flows_of_a_dead_gateway_move_and_the_others_stay),
	        CASE(a_gateway_that_has_not_answered_yet_is_passed_over),
	        CASE(when_all_gateways_are_dead_they_are_used_all_the_same),
	        CASE(an_arp_request_for_us_makes_its_sender_known_on_our_subnets_only),
	        CASE(what_nobody_asked_for_changes_only_what_is_known),
	        CASE(a_flood_of_claims_changes_an_address_once_a_second),
	        CASE(an_answer_to_an_uplink_without_address_counts),
	        CASE(a_flood_of_hints_does_not_silence_a_gateway),
	        CASE(a_frame_for_somebody_else_teaches_nothing),
	        CASE(a_solicitation_teaches_and_an_advertisement_overrides_when_it_says_so),
	        CASE(a_neighbour_that_answers_stays_and_one_that_does_not_goes),
	        CASE(a_flood_of_strangers_fills_half_of_the_room),
	        CASE(a_flood_of_false_answers_does_not_hide_a_gateway),
	        CASE(rows_of_an_earlier_forwarder_are_used_at_once_and_asked),
	        CASE(rows_of_a_port_that_is_gone_go),
	};

	start();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
