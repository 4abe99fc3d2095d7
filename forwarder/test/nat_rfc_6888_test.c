/* RFC 6888, Common Requirements for Carrier-Grade NATs: REQ-n. A subscriber is the port of a VM. */
#include "nat_rfc.h"

#include "limit.h"
#include "nat_map.h"
#include "port.h"

/* Opens `count` endpoints of port 1 from an L4 port on; how many got out. */
static uint32_t open_many(uint32_t first, uint32_t count)
{
	uint32_t opened = 0;

	for (uint32_t port = first; port < first + count; port++) {
		struct seen out = outside_send(1, FROM1(FAR) "udp %u 53", port);
		opened += left_by_pool(&out);
	}
	return opened;
}

/* What cannot be told apart by ports as RFCs demand does not pass. */
TEST(rfc6888_req_1)
{
	outside_begin();
	CHECK(outside_drops(1, DROP_NAT_PROTOCOL, FROM1(FAR) "sctp 4000 80 | data 8"));
	CHECK(outside_drops(1, DROP_NAT_PROTOCOL, "eth m1 gw | ip4 10.1.0.11 198.19.0.7 proto 47 | data 20"));
	CHECK(outside_drops(1, DROP_NAT_PROTOCOL, "eth m1 gw | ip4 10.1.0.11 198.19.0.7 proto 33 | data 20"));
	/* One to one they do. */
	struct seen out = outside_send(2, "eth m2 gw | ip4 10.1.0.12 198.19.0.7 proto 47 | data 20");
	CHECK(outside_is(&out, "eth m40 m99 | ip4 198.18.0.20 198.19.0.7 proto 47 ttl 63 | data 20"));
	struct seen in = outside_send(UPLINK, "eth m99 m40 | ip4 198.19.0.7 198.18.0.20 proto 47 | data 20");
	CHECK(outside_is(&in, "eth gw m2 | ip4 198.19.0.7 10.1.0.12 proto 47 ttl 63 | data 20"));
}

TEST(rfc6888_req_2)
{
	outside_begin();
	struct seen first = outside_send(1, FROM1(FAR) "udp 4000 53");
	for (uint32_t port = 5000; port < 5200; port++) {
		struct seen more = outside_send(1, FROM1(FAR) "tcp %u 80 S", port);
		CHECK(left_by_pool(&more) && strcmp(first.src, more.src) == 0);
	}
	struct seen echo = outside_send(1, FROM1(FAR) "icmp 8 0 word 0x00070001");
	CHECK(left_by_pool(&echo) && strcmp(first.src, echo.src) == 0);
}

static void other_address(const uint8_t *address, bool gone)
{
	struct fwd_nat_address_row row = {.port = UPLINK,
	        .family = 4,
	        .pool = OUTSIDE_POOL,
	        .port_min = 1024,
	        .port_max = 1087,
	        .block_size = 64,
	        .port_blocks = 1};

	memcpy(row.address, address, 4);
	(gone ? rig_delete : rig_row)(FWD_TABLE_NAT_ADDRESS, &row, sizeof(row));
}

/* Three addresses far from one another, each with room for one subscriber: each subscriber gets one. */
TEST(rfc6888_req_3)
{
	static const uint8_t far[4] = {100, 99, 98, 97};

	outside_begin();
	outside_pool(1024, 1087, 64, 1, 0);
	other_address(far, false);
	struct seen seen[3] = {outside_send(1, FROM1(FAR) "udp 4000 53"), outside_send(TRUNK, FROM7(FAR) "udp 4000 53"),
	        outside_send(8, FROM8(FAR) "udp 4000 53")};
	bool found = false;
	for (uint32_t i = 0; i < 3; i++) {
		CHECK_EQ(seen[i].port, (int)UPLINK);
		CHECK(strcmp(seen[i].src, seen[(i + 1) % 3].src) != 0);
		found |= strcmp(seen[i].src, "100.99.98.97") == 0;
	}
	CHECK(found);
	other_address(far, true);
}

/* Four blocks of 64 ports, of each protocol; one who has them all takes nothing from the others. */
TEST(rfc6888_req_4)
{
	outside_begin();
	CHECK_EQ(open_many(10000, 400), 256);
	struct seen other = outside_send(TRUNK, FROM6(FAR) "udp 4000 53");
	CHECK(left_by_pool(&other));
	other = outside_send(TRUNK, FROM7(FAR) "udp 4000 53");
	CHECK(left_by_pool(&other));
	uint32_t queries = 0;
	for (uint32_t i = 0; i < 400; i++) {
		struct seen out = outside_send(1, FROM1(FAR) "icmp 8 0 word 0x%04x0001", i);
		queries += left_by_pool(&out);
	}
	CHECK(queries <= 256);
}

TEST(rfc6888_req_4a)
{
	outside_begin();
	outside_pool(1024, 65535, 128, 1, 0);
	CHECK_EQ(open_many(10000, 400), 128);
	outside_pool(1024, 65535, 128, 2, 0);
	CHECK_EQ(open_many(20000, 400), 128);
}

/* What is routed elsewhere, and what a network that is routed natively sends, keeps its addresses. */
TEST(rfc6888_req_6)
{
	outside_begin();
	RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 24, .address = {198, 19, 5}, .source = 10,
	        .nexthop = 108);
	struct seen out = outside_send(1, FROM1("198.19.5.5") "udp 4000 53 | data 8");
	CHECK(outside_is(&out, "eth gw m8 | ip4 10.1.0.11 198.19.5.5 ttl 63 | udp 4000 53 | data 8"));
	RIG_DELETE(route, .vrf = 1, .family = 4, .prefix_length = 24, .address = {198, 19, 5}, .source = 10);
	RIG_ROW(bridge, .id = 40, .vrf = 1, .mode = FWD_MODE_L3, .mtu = 1500, .flags = FWD_BRIDGE_UNDERLAY);
	out = outside_send(8, FROM8(FAR) "udp 4000 53 | data 8");
	CHECK(outside_is(&out, "eth m40 m99 | ip4 10.4.0.11 198.19.0.7 ttl 63 | udp 4000 53 | data 8"));
}

TEST(rfc6888_req_7)
{
	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) "udp 4000 53");
	struct seen in = outside_send(UPLINK, FROM_FAR("198.19.7.7") "udp 9 %u", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
}

/* How long an outside port waits before another endpoint may have it: 120 s, or as set. */
static bool waits(uint32_t wait)
{
	rig_flows.nat_reuse_wait = wait == 120 ? 0 : wait;
	rig_flows_restart();
	outside_begin();
	outside_pool(1024, 1087, 64, 1, 0);
	if (open_many(10000, 64) != 64 || open_many(20000, 64) != 0)
		return false;
	/* All flows end: 300 s, or little more. */
	rig_later(302);
	bool kept = open_many(20000, 64) == 0;
	rig_later(wait - 10);
	kept = kept && open_many(20000, 64) == 0;
	rig_later(20);
	return kept && open_many(20000, 64) == 64;
}

TEST(rfc6888_req_8)
{
	bool by_default = waits(120), set = waits(40);

	rig_flows.nat_reuse_wait = 0;
	rig_flows_restart();
	CHECK(by_default);
	CHECK(set);
}

/* The packet that finds no port is dropped, and its sender told (b). */
TEST(rfc6888_req_11a)
{
	outside_begin();
	outside_pool(1024, 1087, 64, 1, 0);
	CHECK_EQ(open_many(10000, 64), 64);
	/* Cases before this one were told of, too. */
	limit_reset(port_of(1)->slot);
	uint64_t before = rig_drops(1, DROP_NAT_EXHAUSTED);
	struct seen told = outside_send(1, FROM1(FAR) "udp 20000 53 | data 8");
	CHECK_EQ(rig_drops(1, DROP_NAT_EXHAUSTED), before + 1);
	CHECK(outside_is(&told, "eth gw m1 | ip4 10.1.0.1 10.1.0.11 tos 0xc0 df id 0 | icmp 3 1 | quote 548"));
	/* c: the alarm is made of this event. */
	struct fwd_nat_event events[512];
	int32_t bytes = nat_map_events_read(0, events, sizeof(events));
	bool found = false;
	for (int32_t i = 0; i < bytes / (int32_t)sizeof(events[0]); i++)
		found |= events[i].event == FWD_NAT_EVENT_EXHAUSTED && events[i].inside_port == 1;
	CHECK(found);
}

TEST(rfc6888_req_11d)
{
	struct seen seen[64];

	outside_begin();
	outside_pool(1024, 1087, 64, 1, 0);
	for (uint32_t i = 0; i < 64; i++)
		seen[i] = outside_send(1, FROM1(FAR) "udp %u 53", 10000 + i);
	CHECK_EQ(open_many(20000, 64), 0);
	for (uint32_t i = 0; i < 64; i++) {
		struct seen in = outside_send(UPLINK, FROM_FAR(FAR) "udp 53 %u", seen[i].src, seen[i].src_port);
		CHECK(arrived(&in, 1, "10.1.0.11", (uint16_t)(10000 + i)));
	}
}

/* What is told for the log: who had which ports, and no destination, once for each block. */
TEST(rfc6888_req_12)
{
	static struct fwd_nat_event events[512];

	outside_begin();
	int32_t bytes = nat_map_events_read(0, events, sizeof(events));
	uint64_t last = bytes > 0 ? events[bytes / (int32_t)sizeof(events[0]) - 1].sequence : 0;
	for (int32_t more; (more = nat_map_events_read(last, events, sizeof(events))) > 0;)
		last = events[more / (int32_t)sizeof(events[0]) - 1].sequence;
	CHECK_EQ(open_many(10000, 64), 64);
	bytes = nat_map_events_read(last, events, sizeof(events));
	CHECK_EQ(bytes, sizeof(events[0]));
	CHECK_EQ(events[0].event, FWD_NAT_EVENT_ASSIGNED);
	CHECK_EQ(events[0].inside_port, 1);
	CHECK_EQ(events[0].last - events[0].first, 63);
	CHECK(events[0].time_ns != 0);
	/* The record has no place for a destination. */
	CHECK_EQ(sizeof(events[0]), 56);
}

NAT_RFC_MAIN(CASE(rfc6888_req_1), CASE(rfc6888_req_2), CASE(rfc6888_req_3), CASE(rfc6888_req_4), CASE(rfc6888_req_4a),
        CASE(rfc6888_req_6), CASE(rfc6888_req_7), CASE(rfc6888_req_8), CASE(rfc6888_req_11a), CASE(rfc6888_req_11d),
        CASE(rfc6888_req_12))
