/* What an uplink answers for, defends and announces: its own addresses and those that stand for others. */
#include <string.h>

#include "outside.h"
#include "port.h"
#include "rig.h"
#include "stage.h"
#include "tenants.h"
#include "test.h"
#include "uplink.h"
#include "uplink_address.h"
#include "upstream.h"

#define UPLINK OUTSIDE_UPLINK

/* Whether a request for an address is answered with the uplink's MAC address. */
static bool answers4(const char *address, const char *sender)
{
	struct seen seen =
	        outside_send(UPLINK, "eth m71 bc | arp request m71 %s 00:00:00:00:00:00 %s", sender, address);

	return seen.port == (int)UPLINK && outside_is(&seen, "eth m40 m71 | arp reply m40 %s m71 %s", address, sender);
}

static bool answers6(const char *address, const char *sender)
{
	struct seen seen = outside_send(
	        UPLINK, "eth m71 33:33:ff:00:00:01 | ip6 %s ff02::1:ff00:1 hops 255 | ns %s slla m71", sender, address);

	return seen.port == (int)UPLINK &&
	       outside_is(&seen, "eth m40 m71 | ip6 %s %s hops 255 | na %s RSO tlla m40", address, sender, address);
}

TEST(own_floating_and_shared_addresses_are_answered_for)
{
	upstream_begin();
	CHECK(answers4("198.18.0.1", "198.18.0.100"));
	CHECK(answers4("198.18.0.20", "198.18.0.100"));
	CHECK(answers4("198.18.0.10", "198.18.0.100"));
	CHECK(answers6("2001:db8:f::1", "2001:db8:f::100"));
	CHECK(answers6("2001:db8:f::20", "fe80::71"));
	CHECK(answers6("fe80::ff:fe00:28", "fe80::71"));
}

TEST(nobody_else_is_answered_for)
{
	upstream_begin();
	/* A neighbour, a host inside, the address of services, another network's gateway. */
	static const char *const others[] = {"198.18.0.101", "10.1.0.12", "169.254.169.254", "10.1.0.1"};

	for (uint32_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CHECK(outside_drops(UPLINK, DROP_ARP_SUPPRESSED,
		        "eth m71 bc | arp request m71 198.18.0.100 00:00:00:00:00:00 %s", others[i]));
	static const char *const others6[] = {"2001:db8:f::101", "2001:db8:1::c", "fe80::200:5eff:fe00:100"};
	for (uint32_t i = 0; i < sizeof(others6) / sizeof(others6[0]); i++)
		CHECK(outside_drops(UPLINK, DROP_ND_SUPPRESSED,
		        "eth m71 33:33:ff:00:00:01 | ip6 fe80::71 ff02::1:ff00:1 hops 255 | ns %s slla m71",
		        others6[i]));
	/* Operations of other protocols (RFC 903). */
	CHECK(outside_drops(UPLINK, DROP_ARP_SUPPRESSED,
	        "eth m71 m72 | arp request m71 198.18.0.100 00:00:00:00:00:00 198.18.0.1"));
}

TEST(probes_for_our_addresses_are_answered)
{
	upstream_begin();
	CHECK(answers4("198.18.0.20", "0.0.0.0"));
	struct seen seen =
	        outside_send(UPLINK, "eth m71 33:33:ff:00:00:20 | ip6 :: ff02::1:ff00:20 hops 255 | ns 2001:db8:f::20");
	CHECK_EQ(seen.port, UPLINK);
	CHECK(outside_is(&seen,
	        "eth m40 33:33:00:00:00:01 | ip6 2001:db8:f::20 ff02::1 hops 255 | na 2001:db8:f::20 RO "
	        "tlla m40"));
}

TEST(messages_that_break_the_rules_end)
{
	upstream_begin();
	/* RFC 4861 §7.1.1: from behind a router; a probe with an option; one to a host. §7.1.2: solicited to many. */
	CHECK(outside_drops(UPLINK, DROP_ND_INVALID,
	        "eth m71 m40 | ip6 fe80::71 2001:db8:f::1 hops 254 | ns 2001:db8:f::1 slla m71"));
	CHECK(outside_drops(UPLINK, DROP_ND_INVALID,
	        "eth m71 33:33:ff:00:00:01 | ip6 :: ff02::1:ff00:1 hops 255 | ns 2001:db8:f::1 slla m71"));
	CHECK(outside_drops(UPLINK, DROP_ND_INVALID, "eth m71 m40 | ip6 :: 2001:db8:f::1 hops 255 | ns 2001:db8:f::1"));
	CHECK(outside_drops(UPLINK, DROP_ND_INVALID,
	        "eth m71 33:33:00:00:00:01 | ip6 fe80::71 ff02::1 hops 255 | na 2001:db8:f::100 SO tlla m71"));
}

TEST(routers_there_advertise_nothing_to_us)
{
	upstream_begin();
	CHECK(outside_drops(
	        UPLINK, DROP_ND_SUPPRESSED, "eth m71 33:33:00:00:00:01 | ip6 fe80::71 ff02::1 hops 255 | ra"));
	CHECK(outside_drops(
	        UPLINK, DROP_ND_SUPPRESSED, "eth m71 33:33:00:00:00:02 | ip6 fe80::71 ff02::2 hops 255 | rs"));
	CHECK(outside_drops(UPLINK, DROP_ND_SUPPRESSED,
	        "eth m71 m40 | ip6 fe80::71 2001:db8:f::1 hops 255 | icmp 137 0 | data 32"));
}

TEST(what_the_host_has_it_answers_itself)
{
	struct uplink_address own[2] = {{.uplink = UPLINK, .family = 4, .address = {198, 18, 0, 1}},
	        {.uplink = UPLINK, .family = 6, .address = {0x20, 1, 0x0d, 0xb8, 0, 0x0f, [15] = 1}}};

	upstream_begin();
	CHECK_EQ(uplink_address_publish(own, 2), 0);
	CHECK(outside_drops(
	        UPLINK, DROP_LEFT_TO_HOST, "eth m71 bc | arp request m71 198.18.0.100 00:00:00:00:00:00 198.18.0.1"));
	CHECK(outside_drops(UPLINK, DROP_LEFT_TO_HOST,
	        "eth m71 33:33:ff:00:00:01 | ip6 fe80::71 ff02::1:ff00:1 hops 255 | ns 2001:db8:f::1 slla m71"));
	CHECK(answers4("198.18.0.20", "198.18.0.100"));
	/* Nor is it announced, or defended. */
	port_report(port_of(UPLINK), FWD_LINK_DOWN, "no carrier");
	upstream_pass(200);
	port_report(port_of(UPLINK), FWD_LINK_UP, "%s", "");
	upstream_pass(4000);
	outside_put(UPLINK, "eth m71 bc | arp request m71 198.18.0.1 00:00:00:00:00:00 198.18.0.1");
	upstream_pass(200);
	CHECK_EQ(upstream_announced("198.18.0.1"), 0);
	CHECK_EQ(upstream_announced("198.18.0.20"), 3);
	CHECK_EQ(uplink_address_publish(NULL, 0), 0);
}

TEST(an_address_that_comes_is_announced_three_times)
{
	upstream_begin();
	upstream_pass(5000);
	upstream_announced("198.18.0.20");
	outside_floating("198.18.0.30", 2, "10.1.0.12");
	outside_floating("2001:db8:f::30", 2, "2001:db8:1::c");
	upstream_pass(200);
	CHECK_EQ(upstream_announced("198.18.0.30"), 1);
	upstream_pass(1000);
	CHECK_EQ(upstream_announced("198.18.0.30"), 1);
	upstream_pass(5000);
	CHECK_EQ(upstream_announced("198.18.0.30"), 1);
	CHECK_EQ(upstream_announced("2001:db8:f::30"), 3);
	/* Not the others, for which nothing changed. */
	CHECK_EQ(upstream_announced("198.18.0.20"), 0);
	outside_floating_gone("198.18.0.30");
	outside_floating_gone("2001:db8:f::30");
	upstream_pass(200);
	outside_floating("198.18.0.30", 2, "10.1.0.12");
	upstream_pass(200);
	outside_floating_gone("198.18.0.30");
	upstream_pass(3000);
	CHECK_EQ(upstream_announced("198.18.0.30"), 1);
}

TEST(all_are_announced_when_the_link_comes_up)
{
	upstream_begin();
	port_report(port_of(UPLINK), FWD_LINK_DOWN, "no carrier");
	upstream_pass(5000);
	static const char *const ours[] = {
	        "198.18.0.1", "198.18.0.10", "198.18.0.20", "2001:db8:f::1", "fe80::ff:fe00:28"};
	for (uint32_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		upstream_announced(ours[i]);
	port_report(port_of(UPLINK), FWD_LINK_UP, "%s", "");
	upstream_pass(5000);
	for (uint32_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		CHECK_EQ(upstream_announced(ours[i]), 3);
}

TEST(who_uses_an_address_of_ours_is_told_once_in_ten_seconds)
{
	upstream_begin();
	upstream_announced("198.18.0.20");
	for (uint32_t i = 0; i < 50; i++) {
		outside_put(UPLINK, "eth m71 bc | arp request m71 198.18.0.20 00:00:00:00:00:00 198.18.0.20");
		upstream_pass(100);
	}
	CHECK_EQ(upstream_announced("198.18.0.20"), 1);
	CHECK_EQ(upstream_known("198.18.0.20", NULL), -1);
	upstream_pass(10000);
	outside_put(UPLINK,
	        "eth m71 33:33:00:00:00:01 | ip6 2001:db8:f::20 ff02::1 hops 255 | na 2001:db8:f::20 O tlla m71");
	outside_put(UPLINK, "eth m71 bc | arp request m71 198.18.0.20 00:00:00:00:00:00 198.18.0.1");
	upstream_pass(200);
	CHECK_EQ(upstream_announced("198.18.0.20"), 1);
	CHECK_EQ(upstream_announced("2001:db8:f::20"), 1);
}

/* Binding none: an address of the uplink's own is a pool's, too. */
TEST(an_own_address_that_a_pool_shared_is_defended_after_it)
{
	upstream_begin();
	RIG_ROW(nat_address, .port = UPLINK, .pool = OUTSIDE_POOL, .family = 4, .address = {198, 18, 0, 1},
	        .port_min = 1024, .port_max = 2047, .block_size = 64, .port_blocks = 4);
	upstream_pass(5000);
	RIG_DELETE(nat_address, .port = UPLINK, .family = 4, .address = {198, 18, 0, 1});
	upstream_pass(5000);
	upstream_announced("198.18.0.1");
	outside_put(UPLINK, "eth m71 bc | arp request m71 198.18.0.1 00:00:00:00:00:00 198.18.0.1");
	upstream_pass(200);
	CHECK_EQ(upstream_announced("198.18.0.1"), 1);
}

/* The list of the uplink's addresses changes twice between two looks, and lies where it lay. */
TEST(an_own_address_that_takes_the_place_of_another_is_announced)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 40};

	upstream_begin();
	for (uint8_t i = 0; i < 8; i++) {
		char address[32];
		snprintf(address, sizeof(address), "198.18.0.%u", 50 + i);
		struct fwd_neighbor_row row = {.bridge = 100, .family = 4, .address = {198, 18, 0, (uint8_t)(50 + i)}};
		memcpy(row.mac, mac, sizeof(mac));
		row.flags = FWD_NEIGHBOR_GATEWAY;
		rig_row(FWD_TABLE_NEIGHBOR, &row, sizeof(row));
		if (i > 0)
			RIG_DELETE(neighbor, .bridge = 100, .family = 4, .address = {198, 18, 0, (uint8_t)(49 + i)});
		upstream_pass(4000);
		CHECK_EQ(upstream_announced(address), 3);
	}
	RIG_DELETE(neighbor, .bridge = 100, .family = 4, .address = {198, 18, 0, 57});
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(own_floating_and_shared_addresses_are_answered_for),
	        CASE(nobody_else_is_answered_for),
	        CASE(probes_for_our_addresses_are_answered),
	        CASE(messages_that_break_the_rules_end),
	        CASE(routers_there_advertise_nothing_to_us),
	        CASE(what_the_host_has_it_answers_itself),
	        CASE(an_address_that_comes_is_announced_three_times),
	        CASE(all_are_announced_when_the_link_comes_up),
	        CASE(who_uses_an_address_of_ours_is_told_once_in_ten_seconds),
	        CASE(an_own_address_that_a_pool_shared_is_defended_after_it),
	        CASE(an_own_address_that_takes_the_place_of_another_is_announced),
	};

	rig_start();
	tenants_make();
	outside_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
