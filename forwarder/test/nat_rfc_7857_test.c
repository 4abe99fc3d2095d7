/* RFC 7857, Updates to NAT Behavioral Requirements: by section. */
#include "nat_rfc.h"

/* A connection of port 1, established; as the world sees it. */
static struct seen connect_far(void)
{
	struct seen out = outside_send(1, FROM1(FAR) "tcp 4000 80 S seq 100");

	outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u SA seq 500 ack 101", out.src, out.src_port);
	outside_send(1, FROM1(FAR) "tcp 4000 80 A seq 101 ack 501");
	return out;
}

/* A reset passes, translated, whether or not it is one that ends the connection; the mapping stays for four minutes. */
TEST(rfc7857_sec_2_2)
{
	outside_begin();
	struct seen out = connect_far();
	struct seen in = outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u R seq 999", out.src, out.src_port);
	CHECK(outside_is(&in, "eth gw m1 | ip4 198.19.0.7 10.1.0.11 ttl 63 | tcp 80 4000 R seq 999"));
	/* That one was not expected: all goes on for long. */
	rig_later(3600);
	in = outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u PA seq 501 ack 101 | data 3", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
	struct seen reset = outside_send(1, FROM1(FAR) "tcp 4000 80 R seq 101");
	CHECK(outside_is(
	        &reset, "eth m40 m99 | ip4 %s 198.19.0.7 ttl 63 | tcp %u 80 R seq 101", out.src, out.src_port));
	rig_later(238);
	in = outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u A seq 504 ack 101", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
}

/* No port while the address of a subscriber has none: not one of another address. */
TEST(rfc7857_sec_4)
{
	outside_begin();
	outside_pool(1024, 1087, 64, 4, 0);
	struct seen first = outside_send(1, FROM1(FAR) "udp 10000 53");
	uint32_t opened = 1;
	for (uint32_t port = 10001; port < 10100; port++) {
		struct seen out = outside_send(1, FROM1(FAR) "udp %u 53", port);
		if (!left_by_pool(&out))
			continue;
		opened++;
		CHECK(strcmp(first.src, out.src) == 0);
	}
	CHECK_EQ(opened, 64);
}

/* TCP and UDP of one endpoint are mapped and filtered apart. */
TEST(rfc7857_sec_5)
{
	outside_begin();
	struct seen udp = outside_send(1, FROM1(FAR) "udp 4000 53");
	CHECK(left_by_pool(&udp));
	CHECK(outside_drops(UPLINK, DROP_NAT_NO_MAPPING, FROM_FAR(FAR) "tcp 53 %u S seq 1", udp.src, udp.src_port));
	struct seen tcp = outside_send(1, FROM1(FAR) "tcp 4000 53 S");
	CHECK(left_by_pool(&tcp));
	rig_later(245);
	CHECK(outside_drops(UPLINK, DROP_NAT_NO_MAPPING, FROM_FAR(FAR) "tcp 53 %u S seq 1", tcp.src, tcp.src_port));
	struct seen in = outside_send(UPLINK, FROM_FAR(FAR) "udp 53 %u", udp.src, udp.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
}

TEST(rfc7857_sec_6)
{
	outside_begin();
	struct seen tcp = outside_send(1, FROM1(FAR) "tcp 4000 80 S");
	struct seen in = outside_send(UPLINK, FROM_FAR("198.19.0.9") "tcp 9 %u S seq 1", tcp.src, tcp.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
	CHECK(outside_drops(UPLINK, DROP_NAT_NO_MAPPING, FROM_FAR("198.19.0.9") "udp 9 %u", tcp.src, tcp.src_port));
}

/* Neither parity nor neighbourhood of ports says which come next. */
TEST(rfc7857_sec_9)
{
	uint32_t steps = 0;

	outside_begin();
	struct seen last = outside_send(1, FROM1(FAR) "udp 4000 53");
	for (uint32_t port = 4001; port < 4032; port++) {
		struct seen next = outside_send(1, FROM1(FAR) "udp %u 53", port);
		steps += next.src_port == last.src_port + 1;
		last = next;
	}
	CHECK(steps < 16);
}

/* A port behind the pool pings a floating address of its own network's, and of the other tenant's. */
TEST(rfc7857_sec_12)
{
	outside_begin();
	struct seen query = outside_send(1, FROM1("198.18.0.20") "icmp 8 0 word 0x00070001 | data 20");
	CHECK(arrived(&query, 2, "10.1.0.12", 8 << 8));
	CHECK(strcmp(query.src, "198.18.0.10") == 0 || strcmp(query.src, "198.18.0.11") == 0);
	struct seen answer = outside_send(
	        2, "eth m2 gw | ip4 10.1.0.12 %s | icmp 0 0 word 0x%04x0001 | data 20", query.src, query.src_port);
	CHECK(outside_is(&answer, "eth gw m1 | ip4 198.18.0.20 10.1.0.11 ttl 63 | icmp 0 0 word 0x00070001 | data 20"));
	query = outside_send(1, FROM1("198.18.0.24") "icmp 8 0 word 0x00070001 | data 20");
	CHECK(arrived(&query, 4, "10.1.0.12", 8 << 8));
}

NAT_RFC_MAIN(CASE(rfc7857_sec_2_2), CASE(rfc7857_sec_4), CASE(rfc7857_sec_5), CASE(rfc7857_sec_6), CASE(rfc7857_sec_9),
        CASE(rfc7857_sec_12))
