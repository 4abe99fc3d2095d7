/* Limits of what a port may have flooded. */
#include <rte_cycles.h>
#include <string.h>

#include "limit.h"
#include "port.h"
#include "tenants.h"
#include "test.h"

static uint8_t in[2048], out[2048];

/* Frames from port 1 that reached port 2. */
static uint32_t heard(uint32_t sent, uint32_t length)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sent; i++) {
		deliver(1, in, length);
		count += rig_take(2, out) > 0;
	}
	return count;
}

static void set_rate(uint32_t rate)
{
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500, .flood_rate = rate,
	        .flags = FWD_BRIDGE_FLOOD_UNKNOWN);
	limit_reset(port_of(1)->slot);
}

TEST(a_port_floods_no_more_than_its_network_allows)
{
	uint32_t length = make_udp(in, mac_broadcast, 1, 0x0a01000b, 0xffffffff, 5353, 20);
	uint64_t before = rig_drops(1, DROP_STORM_LIMIT);

	set_rate(1);
	uint32_t count = heard(100, length);
	/* A burst of 64 and a token for each second this took. */
	CHECK(count >= 64 && count <= 66);
	CHECK_EQ(rig_drops(1, DROP_STORM_LIMIT), before + 100 - count);
}

TEST(unknown_unicast_counts_and_unicast_does_not)
{
	set_rate(1);
	CHECK(heard(100, make_udp(in, mac_of(99), 1, 0x0a01000b, 0x0a01000c, 80, 20)) <= 66);
	CHECK_EQ(heard(100, make_udp(in, mac_of(2), 1, 0x0a01000b, 0x0a01000c, 80, 20)), 100);
}

TEST(one_port_does_not_use_up_anothers_limit)
{
	uint32_t length;

	set_rate(1);
	heard(70, make_udp(in, mac_broadcast, 1, 0x0a01000b, 0xffffffff, 5353, 20));
	length = make_udp(in, mac_broadcast, 2, 0x0a01000c, 0xffffffff, 5353, 20);
	deliver(2, in, length);
	CHECK(rig_take(1, out) > 0);
}

TEST(a_rate_of_0_is_no_limit)
{
	set_rate(0);
	CHECK_EQ(heard(200, make_udp(in, mac_broadcast, 1, 0x0a01000b, 0xffffffff, 5353, 20)), 200);
}

TEST(a_bucket_fills_again)
{
	limit_reset(7);
	for (int i = 0; i < 10; i++)
		CHECK(limit_take(LIMIT_FLOOD, 7, 20, 10));
	CHECK(!limit_take(LIMIT_FLOOD, 7, 20, 10));
	rte_delay_us_block(110000);
	CHECK(limit_take(LIMIT_FLOOD, 7, 20, 10));
	CHECK(limit_take(LIMIT_FLOOD, 7, 20, 10));
	CHECK(limit_take(LIMIT_ICMP_ERROR, 7, 1000, 10));
	CHECK(!limit_take(LIMIT_FLOOD, 8, 0, 10));
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_port_floods_no_more_than_its_network_allows),
	        CASE(unknown_unicast_counts_and_unicast_does_not),
	        CASE(one_port_does_not_use_up_anothers_limit),
	        CASE(a_rate_of_0_is_no_limit),
	        CASE(a_bucket_fills_again),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
