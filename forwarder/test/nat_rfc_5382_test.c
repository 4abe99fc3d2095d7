/* RFC 5382, NAT Behavioral Requirements for TCP: REQ-n. */
#include "nat_rfc.h"

#define SYN "tcp 4000 80 S seq 100"

/* A connection of port 1 to the far host, as the world sees it; established. */
static struct seen connect_far(void)
{
	struct seen out = outside_send(1, FROM1(FAR) SYN);

	outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u SA seq 500 ack 101", out.src, out.src_port);
	outside_send(1, FROM1(FAR) "tcp 4000 80 A seq 101 ack 501");
	return out;
}

TEST(rfc5382_req_1)
{
	outside_begin();
	struct seen first = outside_send(1, FROM1("198.19.0.7") SYN);
	struct seen host = outside_send(1, FROM1("198.19.0.8") SYN);
	struct seen port = outside_send(1, FROM1("198.19.0.7") "tcp 4000 443 S");
	struct seen other = outside_send(1, FROM1("198.19.0.7") "tcp 4001 80 S");
	CHECK(left_by_pool(&first) && left_by_pool(&host) && left_by_pool(&port) && left_by_pool(&other));
	CHECK(same_source(&first, &host));
	CHECK(same_source(&first, &port));
	CHECK(!same_source(&first, &other));
}

/* From inside: handshake, data, one side closes, then the other. From outside: through a mapping that is there, and
 * through a floating address. */
TEST(rfc5382_req_2)
{
	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) SYN);
	struct seen in = outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u SA seq 500 ack 101", out.src, out.src_port);
	CHECK(outside_is(&in, "eth gw m1 | ip4 198.19.0.7 10.1.0.11 ttl 63 | tcp 80 4000 SA seq 500 ack 101"));
	out = outside_send(1, FROM1(FAR) "tcp 4000 80 PA seq 101 ack 501 | data 100");
	CHECK(outside_is(&out, "eth m40 m99 | ip4 %s 198.19.0.7 ttl 63 | tcp %u 80 PA seq 101 ack 501 | data 100",
	        out.src, out.src_port));
	in = outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u FA seq 501 ack 201", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
	struct seen half = outside_send(1, FROM1(FAR) "tcp 4000 80 PA seq 201 ack 502 | data 10");
	CHECK(same_source(&half, &out));
	half = outside_send(1, FROM1(FAR) "tcp 4000 80 FA seq 211 ack 502");
	CHECK(same_source(&half, &out));
	in = outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u A seq 502 ack 212", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
	/* Externally. */
	out = outside_send(1, FROM1(FAR) "tcp 4001 80 S seq 1");
	in = outside_send(UPLINK, FROM_FAR("198.19.0.9") "tcp 7000 %u S seq 900", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4001));
	struct seen answer = outside_send(1, FROM1("198.19.0.9") "tcp 4001 7000 SA seq 40 ack 901");
	CHECK(same_source(&answer, &out));
	in = outside_send(UPLINK, "eth m99 m40 | ip4 198.19.0.9 198.18.0.20 | tcp 7000 22 S seq 900");
	CHECK(arrived(&in, 2, "10.1.0.12", 22));
	answer = outside_send(2, FROM2("198.19.0.9") "tcp 22 7000 SA seq 40 ack 901");
	CHECK(answer.port == (int)UPLINK && strcmp(answer.src, "198.18.0.20") == 0 && answer.src_port == 22);
}

/* Both send SYN before either has seen the other's. */
TEST(rfc5382_req_2a)
{
	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) SYN);
	struct seen in = outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u S seq 500", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
	struct seen answer = outside_send(1, FROM1(FAR) "tcp 4000 80 SA seq 100 ack 501");
	CHECK(same_source(&answer, &out));
	in = outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u SA seq 500 ack 101", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
	answer = outside_send(1, FROM1(FAR) "tcp 4000 80 PA seq 101 ack 501 | data 5");
	CHECK(same_source(&answer, &out));
}

/* With both filters; a wish of the administrator (a). */
TEST(rfc5382_req_3)
{
	outside_begin();
	struct seen out = connect_far();
	struct seen in = outside_send(UPLINK, FROM_FAR("198.19.0.200") "tcp 7 %u S seq 1", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
	outside_pool(1024, 65535, 64, 4, FWD_NAT_DEPENDENT_FILTERING);
	CHECK(outside_drops(
	        UPLINK, DROP_NAT_NO_MAPPING, FROM_FAR("198.19.0.201") "tcp 7 %u S seq 1", out.src, out.src_port));
	in = outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u PA seq 501 ack 101 | data 3", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
}

/* Nothing answers a SYN that nobody waits for, not after 6 seconds either, nor is it kept until a SYN goes out. */
TEST(rfc5382_req_4)
{
	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) SYN);
	CHECK(outside_drops(UPLINK, DROP_NAT_NO_MAPPING, FROM_FAR(FAR) "tcp 80 %u S seq 500", out.src,
	        out.src_port == 65535 ? 1024 : out.src_port + 1));
	rig_later(3);
	outside_put(1, FROM1(FAR) "tcp 4001 80 S");
	CHECK_EQ(outside_next(1).port, 0);
	CHECK_EQ(outside_next(UPLINK).port, (int)UPLINK);
	rig_later(10);
	CHECK_EQ(outside_next(1).port, 0);
	CHECK_EQ(outside_next(UPLINK).port, 0);
}

TEST(rfc5382_req_5)
{
	outside_begin();
	struct seen out = connect_far();
	rig_later(2 * 3600 + 4 * 60 - 2);
	struct seen in =
	        outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u PA seq 501 ack 101 | data 3", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
	/* It begins. */
	out = outside_send(1, FROM1(FAR) "tcp 4001 80 S seq 100");
	rig_later(4 * 60 - 2);
	in = outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u SA seq 500 ack 101", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4001));
	/* It ends. */
	out = outside_send(1, FROM1(FAR) "tcp 4000 80 FA seq 101 ack 504");
	outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u FA seq 504 ack 102", out.src, out.src_port);
	rig_later(4 * 60 - 2);
	struct seen last = outside_send(1, FROM1(FAR) "tcp 4000 80 A seq 102 ack 505");
	CHECK(same_source(&last, &out));
}

TEST(rfc5382_req_7)
{
	outside_begin();
	struct seen seen[3] = {
	        outside_send(1, FROM1(FAR) SYN), outside_send(TRUNK, FROM7(FAR) SYN), outside_send(8, FROM8(FAR) SYN)};
	for (uint32_t i = 0; i < 3; i++) {
		CHECK(left_by_pool(&seen[i]));
		CHECK(!same_source(&seen[i], &seen[(i + 1) % 3]));
	}
	struct seen in =
	        outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u SA seq 5 ack 101", seen[2].src, seen[2].src_port);
	CHECK(arrived(&in, 8, "10.4.0.11", 4000));
}

TEST(rfc5382_req_8)
{
	outside_begin();
	struct seen other = outside_send(8, FROM8(FAR) "tcp 5000 80 S");
	struct seen hairpin =
	        outside_send(1, "eth m1 gw | ip4 10.1.0.11 %s | tcp 4000 %u S seq 100", other.src, other.src_port);
	CHECK(arrived(&hairpin, 8, "10.4.0.11", 5000));
	struct seen back = outside_send(
	        8, "eth m8 gw | ip4 10.4.0.11 %s | tcp 5000 %u SA seq 500 ack 101", hairpin.src, hairpin.src_port);
	CHECK(arrived(&back, 1, "10.1.0.11", 4000));
	CHECK(strcmp(back.src, other.src) == 0 && back.src_port == other.src_port);
	hairpin = outside_send(
	        1, "eth m1 gw | ip4 10.1.0.11 %s | tcp 4000 %u PA seq 101 ack 501 | data 9", other.src, other.src_port);
	CHECK(arrived(&hairpin, 8, "10.4.0.11", 5000));
}

TEST(rfc5382_req_8a)
{
	outside_begin();
	struct seen other = outside_send(8, FROM8(FAR) "tcp 5000 80 S");
	struct seen out = outside_send(1, FROM1(FAR) SYN);
	struct seen hairpin =
	        outside_send(1, "eth m1 gw | ip4 10.1.0.11 %s | tcp 4000 %u S", other.src, other.src_port);
	CHECK(arrived(&hairpin, 8, "10.4.0.11", 5000));
	CHECK(left_by_pool(&out));
	CHECK(same_source(&hairpin, &out));
}

TEST(rfc5382_req_9)
{
	outside_begin();
	struct seen out = outside_send(1, "eth m1 gw | ip4 10.1.0.11 198.19.0.7 df | " SYN);
	struct seen in = outside_send(UPLINK,
	        "eth m99 m40 | ip4 198.19.9.9 %s | icmp 3 1 | ip4 %s 198.19.0.7 df ttl 60 | tcp %u 80 S seq 100",
	        out.src, out.src, out.src_port);
	CHECK(outside_is(&in, "eth gw m1 | ip4 198.19.9.9 10.1.0.11 ttl 63 | icmp 3 1 | ip4 10.1.0.11 198.19.0.7 df "
	                      "ttl 60 | tcp 4000 80 S "
	                      "seq 100"));
}

TEST(rfc5382_req_10)
{
	static const uint8_t messages[][2] = {
	        {3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}, {3, 13}, {4, 0}, {11, 0}, {12, 0}};

	outside_begin();
	struct seen out = connect_far();
	for (uint32_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		outside_send(UPLINK,
		        "eth m99 m40 | ip4 198.19.0.%u %s | icmp %u %u word 576 | ip4 %s 198.19.0.7 | tcp %u 80 A seq "
		        "101",
		        1 + i, out.src, messages[i][0], messages[i][1], out.src, out.src_port);
		struct seen in = outside_send(
		        UPLINK, FROM_FAR(FAR) "tcp 80 %u PA seq 501 ack 101 | data 3", out.src, out.src_port);
		CHECK(arrived(&in, 1, "10.1.0.11", 4000));
	}
	rig_later(3600);
	struct seen in =
	        outside_send(UPLINK, FROM_FAR(FAR) "tcp 80 %u PA seq 504 ack 101 | data 3", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 4000));
	struct seen again = outside_send(1, FROM1("198.19.0.8") SYN);
	CHECK(same_source(&out, &again));
}

NAT_RFC_MAIN(CASE(rfc5382_req_1), CASE(rfc5382_req_2), CASE(rfc5382_req_2a), CASE(rfc5382_req_3), CASE(rfc5382_req_4),
        CASE(rfc5382_req_5), CASE(rfc5382_req_7), CASE(rfc5382_req_8), CASE(rfc5382_req_8a), CASE(rfc5382_req_9),
        CASE(rfc5382_req_10))
