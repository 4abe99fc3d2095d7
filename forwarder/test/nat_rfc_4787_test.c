/* RFC 4787, Network Address Translation (NAT) Behavioral Requirements for Unicast UDP: REQ-n. */
#include "nat_rfc.h"

/* An endpoint inside has one outside, whoever it speaks with. */
TEST(rfc4787_req_1)
{
	outside_begin();
	struct seen first = outside_send(1, FROM1("198.19.0.7") "udp 4000 53 | data 8");
	struct seen host = outside_send(1, FROM1("198.19.0.8") "udp 4000 53 | data 8");
	struct seen port = outside_send(1, FROM1("198.19.0.7") "udp 4000 123 | data 8");
	struct seen other = outside_send(1, FROM1("198.19.0.7") "udp 4001 53 | data 8");
	CHECK(left_by_pool(&first) && left_by_pool(&host) && left_by_pool(&port) && left_by_pool(&other));
	CHECK(same_source(&first, &host));
	CHECK(same_source(&first, &port));
	CHECK(!same_source(&first, &other));
}

/* Endpoints of one port have one address. */
TEST(rfc4787_req_2)
{
	outside_begin();
	struct seen first = outside_send(1, FROM1("198.19.0.7") "udp 4000 53");
	for (uint32_t port = 4001; port < 4200; port++) {
		struct seen more = outside_send(1, FROM1("198.19.0.7") "udp %u 53", port);
		CHECK(left_by_pool(&more));
		CHECK(strcmp(first.src, more.src) == 0);
	}
	struct seen tcp = outside_send(1, FROM1("198.19.0.7") "tcp 4000 80 S");
	CHECK(strcmp(first.src, tcp.src) == 0);
}

/* No two endpoints share an outside one, also when they have the same port and remote. */
TEST(rfc4787_req_3)
{
	outside_begin();
	struct seen seen[4] = {
	        outside_send(1, FROM1("198.19.0.7") "udp 4000 53"),
	        outside_send(TRUNK, FROM6("198.19.0.7") "udp 4000 53"),
	        outside_send(TRUNK, FROM7("198.19.0.7") "udp 4000 53"),
	        outside_send(8, FROM8("198.19.0.7") "udp 4000 53"),
	};
	for (uint32_t i = 0; i < 4; i++) {
		CHECK(left_by_pool(&seen[i]));
		for (uint32_t j = 0; j < i; j++)
			CHECK(!same_source(&seen[i], &seen[j]));
	}
	/* And answers go to who asked. */
	struct seen back = outside_send(UPLINK, FROM_FAR(FAR) "udp 53 %u", seen[3].src, seen[3].src_port);
	CHECK(arrived(&back, 8, "10.4.0.11", 4000));
	back = outside_send(UPLINK, FROM_FAR(FAR) "udp 53 %u", seen[0].src, seen[0].src_port);
	CHECK(arrived(&back, 1, "10.1.0.11", 4000));
}

TEST(rfc4787_req_5)
{
	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) "udp 4000 53");
	rig_later(121);
	struct seen back = outside_send(UPLINK, FROM_FAR(FAR) "udp 53 %u", out.src, out.src_port);
	CHECK(arrived(&back, 1, "10.1.0.11", 4000));
	/* c: five minutes by default. */
	rig_later(298);
	back = outside_send(UPLINK, FROM_FAR(FAR) "udp 53 %u", out.src, out.src_port);
	CHECK(arrived(&back, 1, "10.1.0.11", 4000));
	rig_later(303);
	CHECK(outside_drops(UPLINK, DROP_NAT_NO_MAPPING, FROM_FAR(FAR) "udp 53 %u", out.src, out.src_port));
}

TEST(rfc4787_req_6)
{
	outside_begin();
	struct seen first = outside_send(1, FROM1(FAR) "udp 4000 53");
	for (uint32_t i = 0; i < 3; i++) {
		rig_later(200);
		struct seen again = outside_send(1, FROM1(FAR) "udp 4000 53");
		CHECK(same_source(&first, &again));
	}
	rig_later(200);
	struct seen back = outside_send(UPLINK, FROM_FAR(FAR) "udp 53 %u", first.src, first.src_port);
	CHECK(arrived(&back, 1, "10.1.0.11", 4000));
}

/* Whoever knows the outside endpoint reaches the one inside; as a setting, only who was sent to. */
TEST(rfc4787_req_8)
{
	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) "udp 4000 53");
	struct seen back = outside_send(UPLINK, FROM_FAR("198.19.0.200") "udp 999 %u", out.src, out.src_port);
	CHECK(arrived(&back, 1, "10.1.0.11", 4000));
	CHECK(strcmp(back.src, "198.19.0.200") == 0 && back.src_port == 999);
	outside_pool(1024, 65535, 64, 4, FWD_NAT_DEPENDENT_FILTERING);
	CHECK(outside_drops(UPLINK, DROP_NAT_NO_MAPPING, FROM_FAR("198.19.0.201") "udp 999 %u", out.src, out.src_port));
	back = outside_send(UPLINK, FROM_FAR(FAR) "udp 53 %u", out.src, out.src_port);
	CHECK(arrived(&back, 1, "10.1.0.11", 4000));
}

TEST(rfc4787_req_9)
{
	outside_begin();
	struct seen other = outside_send(8, FROM8(FAR) "udp 5000 53");
	CHECK(left_by_pool(&other));
	struct seen hairpin =
	        outside_send(1, "eth m1 gw | ip4 10.1.0.11 %s | udp 4000 %u | data 8", other.src, other.src_port);
	CHECK(arrived(&hairpin, 8, "10.4.0.11", 5000));
	struct seen back =
	        outside_send(8, "eth m8 gw | ip4 10.4.0.11 %s | udp 5000 %u | data 8", hairpin.src, hairpin.src_port);
	CHECK(arrived(&back, 1, "10.1.0.11", 4000));
	CHECK(strcmp(back.src, other.src) == 0 && back.src_port == other.src_port);
	/* The other tenant's VM, which has the same kind of address. */
	struct seen tenant =
	        outside_send(TRUNK, "eth m7 gw vlan 102 | ip4 10.1.0.13 %s | udp 4000 %u", other.src, other.src_port);
	CHECK(arrived(&tenant, 8, "10.4.0.11", 5000));
}

/* The one behind the hairpin sees the outside endpoint of who speaks, the same that the world sees. */
TEST(rfc4787_req_9a)
{
	outside_begin();
	struct seen other = outside_send(8, FROM8(FAR) "udp 5000 53");
	struct seen out = outside_send(1, FROM1(FAR) "udp 4000 53");
	struct seen hairpin =
	        outside_send(1, "eth m1 gw | ip4 10.1.0.11 %s | udp 4000 %u | data 8", other.src, other.src_port);
	CHECK(arrived(&hairpin, 8, "10.4.0.11", 5000));
	CHECK(left_by_pool(&out));
	CHECK(same_source(&hairpin, &out));
	/* Its floating address, of a port that has one. */
	hairpin = outside_send(2, "eth m2 gw | ip4 10.1.0.12 %s | udp 4000 %u | data 8", other.src, other.src_port);
	CHECK(arrived(&hairpin, 8, "10.4.0.11", 5000));
	CHECK(strcmp(hairpin.src, "198.18.0.20") == 0 && hairpin.src_port == 4000);
}

/* Neither a conflict nor exhaustion nor a restart changes how endpoints are translated or filtered. */
TEST(rfc4787_req_11)
{
	outside_begin();
	outside_pool(1024, 1151, 64, 1, 0);
	struct seen first = outside_send(1, FROM1(FAR) "udp 4000 53");
	CHECK(left_by_pool(&first));
	for (uint32_t port = 4001; port < 4100; port++)
		outside_send(1, FROM1(FAR) "udp %u 53", port);
	CHECK(outside_send(1, FROM1(FAR) "udp 4100 53").port != (int)UPLINK);
	struct seen conflict = outside_send(TRUNK, FROM6(FAR) "udp 4000 53");
	CHECK(left_by_pool(&conflict) && !same_source(&first, &conflict));
	for (uint32_t restart = 0; restart < 2; restart++) {
		struct seen again = outside_send(1, FROM1("198.19.3.%u") "udp 4000 99", 1 + restart);
		CHECK(same_source(&first, &again));
		struct seen in = outside_send(
		        UPLINK, "eth m99 m40 | ip4 198.19.4.%u %s | udp 1 %u", 1 + restart, first.src, first.src_port);
		CHECK(arrived(&in, 1, "10.1.0.11", 4000));
		rig_flows_restart();
	}
}

TEST(rfc4787_req_12)
{
	static const uint8_t messages[][2] = {
	        {3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}, {3, 9}, {3, 13}, {4, 0}, {5, 1}, {11, 0}, {11, 1}, {12, 0}};

	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) "udp 4000 53 | data 8");
	for (uint32_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		outside_send(UPLINK,
		        "eth m99 m40 | ip4 198.19.0.%u %s | icmp %u %u word 576 | ip4 %s 198.19.0.7 | udp %u 53 | data "
		        "8",
		        1 + i, out.src, messages[i][0], messages[i][1], out.src, out.src_port);
		struct seen back = outside_send(UPLINK, FROM_FAR(FAR) "udp 53 %u", out.src, out.src_port);
		CHECK(arrived(&back, 1, "10.1.0.11", 4000));
		struct seen again = outside_send(1, FROM1(FAR) "udp 4000 53 | data 8");
		CHECK(same_source(&out, &again));
	}
}

static void small_uplink(void)
{
	RIG_ROW(bridge, .id = 100, .vrf = 100, .mode = FWD_MODE_L3, .mtu = 1000);
}

TEST(rfc4787_req_13)
{
	outside_begin();
	small_uplink();
	struct seen told = outside_send(1, "eth m1 gw | ip4 10.1.0.11 198.19.0.7 df | udp 4000 53 | data 1200");
	CHECK(told.port == 1);
	CHECK(outside_is(
	        &told, "eth gw m1 | ip4 10.1.0.1 10.1.0.11 tos 0xc0 df id 0 | icmp 3 4 word 1000 | quote 548"));
	struct seen fits = outside_send(1, "eth m1 gw | ip4 10.1.0.11 198.19.0.7 df | udp 4000 53 | data 900");
	CHECK(left_by_pool(&fits));
}

TEST(rfc4787_req_13a)
{
	outside_begin();
	small_uplink();
	struct seen whole = outside_send(1, FROM1(FAR) "udp 4000 53 | data 8");
	outside_put(1, FROM1(FAR) "udp 4000 53 | data 1200");
	struct seen first = outside_next(UPLINK), second = outside_next(UPLINK);
	CHECK(first.port == (int)UPLINK && second.port == (int)UPLINK);
	CHECK(same_source(&whole, &first));
	CHECK(strcmp(first.src, second.src) == 0);
	/* In order: the first has offset 0 and more to come, the second none. */
	CHECK(first.frame[20] == 0x20 && first.frame[21] == 0);
	CHECK((second.frame[20] & 0x20) == 0 && second.frame[21] == 976 / 8);
}

#define FRAGMENT_FIRST "udp 53 %u | data 72"

TEST(rfc4787_req_14)
{
	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) "udp 4000 53");
	/* In order. */
	struct seen in = outside_send(
	        UPLINK, "eth m99 m40 | ip4 198.19.0.7 %s id 5 mf | " FRAGMENT_FIRST, out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
	in = outside_send(UPLINK, "eth m99 m40 | ip4 198.19.0.7 %s id 5 offset 80 proto 17 | data 40", out.src);
	CHECK(outside_is(&in, "eth gw m1 | ip4 198.19.0.7 10.1.0.11 id 5 offset 80 proto 17 ttl 63 | data 40"));
	/* Out of order: the later one waits for the first. */
	in = outside_send(UPLINK, "eth m99 m40 | ip4 198.19.0.7 %s id 6 offset 80 proto 17 | data 40", out.src);
	CHECK_EQ(in.port, 0);
	outside_put(UPLINK, "eth m99 m40 | ip4 198.19.0.7 %s id 6 mf | " FRAGMENT_FIRST, out.src, out.src_port);
	struct seen first = outside_next(1), later = outside_next(1);
	CHECK(arrived(&first, 1, "10.1.0.11", 4000));
	CHECK(outside_is(&later, "eth gw m1 | ip4 198.19.0.7 10.1.0.11 id 6 offset 80 proto 17 ttl 63 | data 40"));
	/* On the way out. */
	CHECK_EQ(outside_send(1, "eth m1 gw | ip4 10.1.0.11 198.19.0.7 id 7 offset 80 proto 17 | data 40").port, 0);
	outside_put(1, "eth m1 gw | ip4 10.1.0.11 198.19.0.7 id 7 mf | udp 4000 53 | data 72");
	first = outside_next(UPLINK);
	later = outside_next(UPLINK);
	CHECK(same_source(&first, &out));
	CHECK(outside_is(&later, "eth m40 m99 | ip4 %s 198.19.0.7 id 7 offset 80 proto 17 ttl 63 | data 40", out.src));
	CHECK(rig_ledgers_hold());
}

TEST(rfc4787_req_14a)
{
	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) "udp 4000 53");
	for (uint32_t i = 0; i < 3000; i++)
		outside_put(UPLINK, "eth m99 m40 | ip4 198.19.%u.%u %s id %u offset 80 proto 17 | data 40", i >> 8,
		        i & 255, out.src, i);
	struct seen in = outside_send(UPLINK, FROM_FAR(FAR) "udp 53 %u", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
	in = outside_send(
	        UPLINK, "eth m99 m40 | ip4 198.19.0.7 %s id 9999 mf | " FRAGMENT_FIRST, out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
	in = outside_send(UPLINK, "eth m99 m40 | ip4 198.19.0.7 %s id 9999 offset 80 proto 17 | data 40", out.src);
	CHECK_EQ(in.port, 1);
	rig_later(5);
	CHECK(rig_ledgers_hold());
}

NAT_RFC_MAIN(CASE(rfc4787_req_1), CASE(rfc4787_req_2), CASE(rfc4787_req_3), CASE(rfc4787_req_5), CASE(rfc4787_req_6),
        CASE(rfc4787_req_8), CASE(rfc4787_req_9), CASE(rfc4787_req_9a), CASE(rfc4787_req_11), CASE(rfc4787_req_12),
        CASE(rfc4787_req_13), CASE(rfc4787_req_13a), CASE(rfc4787_req_14), CASE(rfc4787_req_14a))
