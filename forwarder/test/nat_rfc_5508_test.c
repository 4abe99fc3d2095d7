/* RFC 5508, NAT Behavioral Requirements for ICMP: REQ-n. */
#include "nat_rfc.h"

#define ECHO(identifier) "icmp 8 0 word 0x" identifier "0001 | data 20"

/* A query leaves with an identifier of the pool's, and its answer comes back with the one that was sent. */
static bool is_query_answered(uint32_t query, uint32_t answer)
{
	struct seen out = outside_send(1, FROM1(FAR) "icmp %u 0 word 0x00070001 | data 20", query);
	struct seen in = outside_send(
	        UPLINK, FROM_FAR(FAR) "icmp %u 0 word 0x%04x0001 | data 20", out.src, answer, out.src_port);

	return left_by_pool(&out) &&
	       outside_is(&in, "eth gw m1 | ip4 198.19.0.7 10.1.0.11 ttl 63 | icmp %u 0 word 0x00070001 | data 20",
	               answer);
}

TEST(rfc5508_req_1)
{
	outside_begin();
	CHECK(is_query_answered(8, 0));
	CHECK(is_query_answered(13, 14));
	/* With a floating address. */
	struct seen out = outside_send(2, FROM2(FAR) ECHO("0007"));
	CHECK(outside_is(&out, "eth m40 m99 | ip4 198.18.0.20 198.19.0.7 ttl 63 | " ECHO("0007")));
	struct seen in = outside_send(UPLINK, FROM_FAR(FAR) "icmp 0 0 word 0x00070001 | data 20", "198.18.0.20");
	CHECK(outside_is(&in, "eth gw m2 | ip4 198.19.0.7 10.1.0.12 ttl 63 | icmp 0 0 word 0x00070001 | data 20"));
}

TEST(rfc5508_req_1a)
{
	outside_begin();
	struct seen first = outside_send(1, FROM1("198.19.0.7") ECHO("0007"));
	struct seen second = outside_send(1, FROM1("198.19.0.8") ECHO("0007"));
	struct seen other = outside_send(1, FROM1("198.19.0.7") ECHO("0008"));
	CHECK(left_by_pool(&first) && same_source(&first, &second) && !same_source(&first, &other));
}

TEST(rfc5508_req_2)
{
	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) ECHO("0007"));
	rig_later(58);
	struct seen in = outside_send(UPLINK, FROM_FAR(FAR) "icmp 0 0 word 0x%04x0001", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 0));
	CHECK_EQ(in.src_port, 7);
}

/* An error of a router about a datagram of port 1 to the far host; `quoted`: what stands between addresses and ports.
 */
#define ERROR_FROM_ROUTER(type, quoted) "eth m99 m40 | ip4 198.19.9.9 %s | icmp " type " | ip4 %s 198.19.0.7 " quoted

TEST(rfc5508_req_3b)
{
	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) "udp 4000 53 | data 8");
	struct seen in = outside_send(
	        UPLINK, ERROR_FROM_ROUTER("3 1", "options 12 | udp %u 53 | data 8"), out.src, out.src, out.src_port);
	CHECK(outside_is(&in, "eth gw m1 | ip4 198.19.9.9 10.1.0.11 ttl 63 | icmp 3 1 | ip4 10.1.0.11 198.19.0.7 "
	                      "options 12 | udp 4000 53 | "
	                      "data 8"));
}

/* Padding to 128 bytes and an extension (RFC 4884, an object of MPLS labels) are no part of the datagram. */
TEST(rfc5508_req_3d)
{
#define EXTENDED                                                                                                       \
	"icmp 11 0 word 0x00200000 | quote 104 | hex 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "  \
	"00 00 "                                                                                                       \
	"00 | hex 20 00 8b c4 00 08 01 01 00 01 01 ff"
	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) "udp 4000 53 | data 76");
	outside_quote("eth m1 gw | ip4 %s 198.19.0.7 ttl 63 | udp %u 53 | data 76", out.src, out.src_port);
	struct seen in = outside_send(UPLINK, "eth m99 m40 | ip4 198.19.9.9 %s | " EXTENDED, out.src);
	outside_quote("eth m1 gw | ip4 10.1.0.11 198.19.0.7 ttl 63 | udp 4000 53 | data 76");
	CHECK(outside_is(&in, "eth gw m1 | ip4 198.19.9.9 10.1.0.11 ttl 63 | " EXTENDED));
}

/* Nobody is told about what nobody sent. */
TEST(rfc5508_req_4)
{
	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) "udp 4000 53 | data 8");
	CHECK(outside_drops(UPLINK, DROP_NAT_NO_MAPPING, ERROR_FROM_ROUTER("3 1", "| udp %u 53 | data 8"), out.src,
	        out.src, out.src_port == 65535 ? 1024 : out.src_port + 1));
}

/* Addresses and ports of the quote, and its checksums. */
TEST(rfc5508_req_4a)
{
	outside_begin();
	struct seen udp = outside_send(1, FROM1(FAR) "udp 4000 53 | data 8");
	struct seen in =
	        outside_send(UPLINK, ERROR_FROM_ROUTER("3 3", "| udp %u 53 | data 8"), udp.src, udp.src, udp.src_port);
	CHECK(outside_is(&in, "eth gw m1 | ip4 198.19.9.9 10.1.0.11 ttl 63 | icmp 3 3 | ip4 10.1.0.11 198.19.0.7 | udp "
	                      "4000 53 | data 8"));
	struct seen echo = outside_send(1, FROM1(FAR) ECHO("0007"));
	in = outside_send(UPLINK, ERROR_FROM_ROUTER("11 0", "| icmp 8 0 word 0x%04x0001 | data 20"), echo.src, echo.src,
	        echo.src_port);
	CHECK(outside_is(&in,
	        "eth gw m1 | ip4 198.19.9.9 10.1.0.11 ttl 63 | icmp 11 0 | ip4 10.1.0.11 198.19.0.7 | " ECHO("0007")));
	/* Only what must be quoted: eight bytes behind the header. */
	struct seen tcp = outside_send(1, FROM1(FAR) "tcp 4000 80 S seq 100");
	outside_quote("eth m1 gw | ip4 %s 198.19.0.7 | tcp %u 80 S seq 100", tcp.src, tcp.src_port);
	in = outside_send(UPLINK, "eth m99 m40 | ip4 198.19.9.9 %s | icmp 3 1 | quote 28", tcp.src);
	outside_quote("eth m1 gw | ip4 10.1.0.11 198.19.0.7 | tcp 4000 80 S seq 100");
	CHECK(outside_is(&in, "eth gw m1 | ip4 198.19.9.9 10.1.0.11 ttl 63 | icmp 3 1 | quote 28"));
}

TEST(rfc5508_req_4b)
{
	static const uint8_t messages[][2] = {{3, 0}, {3, 4}, {3, 13}, {11, 0}, {11, 1}, {12, 0}};

	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) "udp 4000 53 | data 8");
	for (uint32_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct seen in = outside_send(UPLINK,
		        "eth m99 m40 | ip4 198.19.9.9 %s | icmp %u %u word 1300 | ip4 %s 198.19.0.7 | udp %u 53 | data "
		        "8",
		        out.src, messages[i][0], messages[i][1], out.src, out.src_port);
		CHECK_EQ(in.port, 1);
		CHECK_EQ(in.dst_port, messages[i][0] << 8 | messages[i][1]);
		/* The MTU, too. */
		CHECK(in.frame[40] == 1300 >> 8 && in.frame[41] == (1300 & 255));
	}
}

TEST(rfc5508_req_4c)
{
	outside_begin();
	struct seen out = outside_send(8, FROM8(FAR) "udp 4000 53 | data 8");
	struct seen in =
	        outside_send(UPLINK, ERROR_FROM_ROUTER("3 1", "| udp %u 53 | data 8"), out.src, out.src, out.src_port);
	CHECK_EQ(in.port, 8);
	CHECK(strcmp(in.dst, "10.4.0.11") == 0);
	CHECK(strcmp(in.src, "198.19.9.9") == 0);
	CHECK(memcmp(in.frame + 26 + 4, in.frame + 14 + 20 + 8 + 12, 4) == 0);
}

/* From inside nobody is told about what did not come. */
TEST(rfc5508_req_5)
{
	outside_begin();
	struct seen said = outside_send(1, FROM1(FAR) "icmp 3 3 | ip4 198.19.0.7 10.1.0.11 | udp 53 4000 | data 8");
	CHECK_EQ(said.port, 0);
}

/* What came from the far host to the mapping of port 1, or to the floating address of port 2. */
static struct seen came_to_pool(void)
{
	struct seen out = outside_send(1, FROM1(FAR) "udp 4000 53");
	struct seen in = outside_send(UPLINK, FROM_FAR(FAR) "udp 53 %u | data 8", out.src, out.src_port);

	return in.port == 1 ? out : in;
}

TEST(rfc5508_req_5a)
{
	outside_begin();
	struct seen pool = came_to_pool();
	struct seen said =
	        outside_send(1, FROM1(FAR) "icmp 3 3 | ip4 198.19.0.7 10.1.0.11 ttl 63 | udp 53 4000 | data 8");
	CHECK(outside_is(&said,
	        "eth m40 m99 | ip4 %s 198.19.0.7 ttl 63 | icmp 3 3 | ip4 198.19.0.7 %s ttl 63 | udp 53 %u | data 8",
	        pool.src, pool.src, pool.src_port));
}

TEST(rfc5508_req_5b)
{
	static const uint8_t messages[][2] = {{3, 3}, {3, 2}, {3, 10}, {12, 0}, {11, 1}};

	outside_begin();
	came_to_pool();
	for (uint32_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct seen said = outside_send(1,
		        FROM1(FAR) "icmp %u %u | ip4 198.19.0.7 10.1.0.11 ttl 63 | udp 53 4000 | data 8",
		        messages[i][0], messages[i][1]);
		CHECK_EQ(said.port, (int)UPLINK);
		CHECK_EQ(said.dst_port, messages[i][0] << 8 | messages[i][1]);
	}
}

/* The sender's own floating address; that of the flow when it has none, also of a router inside. */
TEST(rfc5508_req_5c)
{
	outside_begin();
	struct seen in = outside_send(UPLINK, FROM_FAR(FAR) "udp 53 22 | data 8", "198.18.0.20");
	CHECK(arrived(&in, 2, "10.1.0.12", 22));
	struct seen said =
	        outside_send(2, FROM2(FAR) "icmp 3 3 | ip4 198.19.0.7 10.1.0.12 ttl 63 | udp 53 22 | data 8");
	CHECK(outside_is(&said, "eth m40 m99 | ip4 198.18.0.20 198.19.0.7 ttl 63 | icmp 3 3 | ip4 198.19.0.7 "
	                        "198.18.0.20 ttl 63 | udp 53 22 | "
	                        "data 8"));
	struct seen pool = came_to_pool();
	said = outside_send(1, FROM1(FAR) "icmp 3 3 | ip4 198.19.0.7 10.1.0.11 ttl 63 | udp 53 4000 | data 8");
	CHECK(said.port == (int)UPLINK && strcmp(said.src, pool.src) == 0);
	/* Port 8 is a router: 10.9.0.5, which .29 stands for, lies behind it; its own address is .28, or the pool's. */
	RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 16, .address = {10, 9}, .source = 10, .nexthop = 108);
	outside_floating("198.18.0.29", 8, "10.9.0.5");
	for (uint32_t own = 0; own < 2; own++) {
		in = outside_send(UPLINK, FROM_FAR(FAR) "udp 53 %u | data 8", "198.18.0.29", 22 + own);
		CHECK(arrived(&in, 8, "10.9.0.5", (uint16_t)(22 + own)));
		said = outside_send(
		        8, FROM8(FAR) "icmp 11 0 | ip4 198.19.0.7 10.9.0.5 ttl 1 | udp 53 %u | data 8", 22 + own);
		CHECK(outside_is(&said,
		        "eth m40 m99 | ip4 %s 198.19.0.7 ttl 63 | icmp 11 0 | ip4 198.19.0.7 198.18.0.29 ttl 1 | udp "
		        "53 %u | data 8",
		        own == 0 ? "198.18.0.29" : "198.18.0.28", 22 + own));
		outside_floating("198.18.0.28", 8, "10.4.0.11");
	}
	outside_floating_gone("198.18.0.28");
	outside_floating_gone("198.18.0.29");
	RIG_DELETE(route, .vrf = 1, .family = 4, .prefix_length = 16, .address = {10, 9}, .source = 10);
}

/* An error neither ends a query nor lets it live longer. */
TEST(rfc5508_req_6)
{
	outside_begin();
	struct seen out = outside_send(1, FROM1(FAR) ECHO("0007"));
	rig_later(30);
	struct seen in = outside_send(UPLINK, ERROR_FROM_ROUTER("11 0", "| icmp 8 0 word 0x%04x0001 | data 20"),
	        out.src, out.src, out.src_port);
	CHECK_EQ(in.port, 1);
	rig_later(25);
	in = outside_send(UPLINK, ERROR_FROM_ROUTER("11 0", "| icmp 8 0 word 0x%04x0001 | data 20"), out.src, out.src,
	        out.src_port);
	CHECK_EQ(in.port, 1);
	rig_later(20);
	CHECK(outside_drops(
	        UPLINK, DROP_NAT_NO_MAPPING, FROM_FAR(FAR) "icmp 0 0 word 0x%04x0001", out.src, out.src_port));
	/* It is still there right behind an error. */
	out = outside_send(1, FROM1(FAR) ECHO("0009"));
	outside_send(UPLINK, ERROR_FROM_ROUTER("3 1", "| icmp 8 0 word 0x%04x0001 | data 20"), out.src, out.src,
	        out.src_port);
	in = outside_send(UPLINK, FROM_FAR(FAR) "icmp 0 0 word 0x%04x0001", out.src, out.src_port);
	CHECK(arrived(&in, 1, "10.1.0.11", 0));
}

/* Queries between floating addresses, one of them the other tenant's; errors between any two. */
TEST(rfc5508_req_7)
{
	outside_begin();
	struct seen query = outside_send(4, FROM4("198.18.0.20") ECHO("0007"));
	CHECK(outside_is(&query, "eth gw m2 | ip4 198.18.0.24 10.1.0.12 ttl 63 | " ECHO("0007")));
	struct seen answer = outside_send(2, FROM2("198.18.0.24") "icmp 0 0 word 0x00070001 | data 20");
	CHECK(outside_is(&answer, "eth gw m4 | ip4 198.18.0.20 10.1.0.12 ttl 63 | icmp 0 0 word 0x00070001 | data 20"));
	struct seen other = outside_send(8, FROM8(FAR) "udp 5000 53");
	struct seen hairpin =
	        outside_send(1, "eth m1 gw | ip4 10.1.0.11 %s | udp 4000 %u | data 8", other.src, other.src_port);
	CHECK(arrived(&hairpin, 8, "10.4.0.11", 5000));
	struct seen error = outside_send(8,
	        "eth m8 gw | ip4 10.4.0.11 %s | icmp 3 3 | ip4 %s 10.4.0.11 ttl 63 | udp %u 5000 | data 8", hairpin.src,
	        hairpin.src, hairpin.src_port);
	CHECK(outside_is(&error,
	        "eth gw m1 | ip4 %s 10.1.0.11 ttl 63 | icmp 3 3 | ip4 10.1.0.11 %s ttl 63 | udp 4000 %u | data 8",
	        other.src, other.src, other.src_port));
}

/* The destination of a hairpinned error is the source of what it quotes. */
TEST(rfc5508_req_7a)
{
	outside_begin();
	struct seen hairpin = outside_send(4, FROM4("198.18.0.20") "udp 4000 53 | data 8");
	CHECK(arrived(&hairpin, 2, "10.1.0.12", 53));
	struct seen error = outside_send(
	        2, FROM2("198.18.0.24") "icmp 3 3 | ip4 198.18.0.24 10.1.0.12 ttl 63 | udp 4000 53 | data 8");
	CHECK(outside_is(&error, "eth gw m4 | ip4 198.18.0.20 10.1.0.12 ttl 63 | icmp 3 3 | ip4 10.1.0.12 198.18.0.20 "
	                         "ttl 63 | udp 4000 53 | "
	                         "data 8"));
}

/* Unreachable, time exceeded and echo are its own, too, on both sides. */
TEST(rfc5508_req_10a)
{
	outside_begin();
	struct seen told = outside_send(1, "eth m1 gw | ip4 10.1.0.11 198.19.0.7 ttl 1 | udp 4000 53 | data 8");
	CHECK(outside_is(&told, "eth gw m1 | ip4 10.1.0.1 10.1.0.11 tos 0xc0 df id 0 | icmp 11 0 | quote 548"));
	told = outside_send(UPLINK, "eth m99 m40 | ip4 198.19.0.7 198.18.0.20 ttl 1 | udp 53 22 | data 8");
	CHECK(outside_is(&told, "eth m40 m99 | ip4 198.18.0.1 198.19.0.7 tos 0xc0 df id 0 | icmp 11 0 | quote 548"));
	told = outside_send(1, FROM1("203.0.113.9") "udp 4000 53 | data 8");
	CHECK(outside_is(&told, "eth gw m1 | ip4 10.1.0.1 10.1.0.11 tos 0xc0 df id 0 | icmp 3 13 | quote 548"));
	struct seen answer = outside_send(UPLINK, FROM_FAR("198.18.0.254") ECHO("0007"), "198.18.0.1");
	CHECK(answer.port == (int)UPLINK && strcmp(answer.src, "198.18.0.1") == 0 && answer.dst_port == 0);
	answer = outside_send(1, FROM1("10.1.0.1") ECHO("0007"));
	CHECK(answer.port == 1 && answer.dst_port == 0);
}

NAT_RFC_MAIN(CASE(rfc5508_req_1), CASE(rfc5508_req_1a), CASE(rfc5508_req_2), CASE(rfc5508_req_3b), CASE(rfc5508_req_3d),
        CASE(rfc5508_req_4), CASE(rfc5508_req_4a), CASE(rfc5508_req_4b), CASE(rfc5508_req_4c), CASE(rfc5508_req_5),
        CASE(rfc5508_req_5a), CASE(rfc5508_req_5b), CASE(rfc5508_req_5c), CASE(rfc5508_req_6), CASE(rfc5508_req_7),
        CASE(rfc5508_req_7a), CASE(rfc5508_req_10a))
