/* What a router says to the sender of a packet that it does not deliver (RFC 792, RFC 4443, RFC 9293). */
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <string.h>

#include "limit.h"
#include "port.h"
#include "tenants.h"
#include "test.h"

#define IP_AT     14u
#define IPV4_BODY 34u
#define IPV6_BODY 54u

static uint8_t in[2048], out[2048];

/* Delivers a frame through port 1, whose limit is reset. True: one answer came back to it, its length in *length. */
static bool answered(uint32_t bytes, uint32_t *length)
{
	uint64_t originated = rig_totals(1).originated;

	limit_reset(port_of(1)->slot);
	deliver(1, in, bytes);
	bool back = only_exit(out, length) == 1;
	return back && rig_totals(1).originated == originated + 1;
}

/* An error of this type and code, well formed, from `source` to the sender of `in`, quoting what was sent. */
static bool is_error4(uint32_t length, uint8_t type, uint8_t code, uint32_t source)
{
	const struct rte_ipv4_hdr *ip = (const void *)(out + IP_AT), *sent = (const void *)(in + IP_AT);
	uint32_t quote = length - IPV4_BODY - 8;

	return memcmp(out, in + 6, 6) == 0 && memcmp(out + 6, mac_gateway, 6) == 0 &&
	       ntohs(ip->total_length) == length - IP_AT && rte_raw_cksum(ip, 20) == 0xffff &&
	       ip->next_proto_id == IPPROTO_ICMP && ip->src_addr == htonl(source) && ip->dst_addr == sent->src_addr &&
	       out[IPV4_BODY] == type && out[IPV4_BODY + 1] == code && checksum_holds(out) &&
	       quote == (ntohs(sent->total_length) < 548u ? ntohs(sent->total_length) : 548u) &&
	       memcmp(out + IPV4_BODY + 8, in + IP_AT, quote) == 0;
}

static bool is_error6(uint32_t length, uint8_t type, uint8_t code, const uint8_t *source)
{
	const struct rte_ipv6_hdr *ip = (const void *)(out + IP_AT), *sent = (const void *)(in + IP_AT);
	uint32_t quote = length - IPV6_BODY - 8, whole = 40u + ntohs(sent->payload_len);

	return memcmp(out, in + 6, 6) == 0 && ntohs(ip->payload_len) == 8 + quote && ip->proto == IPPROTO_ICMPV6 &&
	       memcmp(ip->src_addr, source, 16) == 0 && memcmp(ip->dst_addr, sent->src_addr, 16) == 0 &&
	       out[IPV6_BODY] == type && out[IPV6_BODY + 1] == code && checksum_holds(out) &&
	       quote == (whole < 1232 ? whole : 1232) && memcmp(out + IPV6_BODY + 8, in + IP_AT, quote) == 0;
}

struct told4 {
	const char *what;
	uint32_t to;
	uint8_t ttl, type, code;
};

TEST(a_sender_is_told_why_its_packet_ended)
{
	static const struct told4 cases[] = {
	        {"time exceeded", 0x0a02000b, 1, 11, 0},
	        {"network unreachable", 0x08080808, 64, 3, 0},
	        {"host unreachable", 0x0a0200c8, 64, 3, 1},
	        {"administratively prohibited", 0xcb007101, 64, 3, 13},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t bytes = make_udp(in, mac_gateway, 1, 0x0a01000b, cases[i].to, 80, 20), length = 0;
		set_hop_limit(in, cases[i].ttl);
		if (!answered(bytes, &length) || !is_error4(length, cases[i].type, cases[i].code, 0x0a010001))
			printf("  case: %s\n", cases[i].what);
		CHECK(is_error4(length, cases[i].type, cases[i].code, 0x0a010001));
	}
}

struct told6 {
	const char *what;
	const uint8_t *to;
	uint8_t hop_limit, type, code;
};

TEST(an_ipv6_sender_is_told_why_its_packet_ended)
{
	static const uint8_t nowhere[16] = {0x20, 0x01, 0x0d, 0xb9, [15] = 1};
	const struct told6 cases[] = {
	        {"hop limit exceeded", ip6(2, 11), 1, 3, 0},
	        {"no route", nowhere, 64, 1, 0},
	        {"address unreachable", ip6(2, 200), 64, 1, 3},
	        {"administratively prohibited", ip6(0xd0, 1), 64, 1, 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t bytes = make_udp6(in, mac_gateway, 1, ip6(1, 11), cases[i].to, 80, 20), length = 0;
		set_hop_limit(in, cases[i].hop_limit);
		if (!answered(bytes, &length) || !is_error6(length, cases[i].type, cases[i].code, ip6(1, 1)))
			printf("  case: %s\n", cases[i].what);
		CHECK(is_error6(length, cases[i].type, cases[i].code, ip6(1, 1)));
	}
	uint32_t bytes = make_udp6(in, mac_gateway, 1, link_local_of(1), ip6(2, 11), 80, 20), length = 0;
	CHECK(answered(bytes, &length));
	CHECK(is_error6(length, 1, 2, gateway_link_local_ip));
}

TEST(a_black_hole_is_silent)
{
	uint32_t length;

	CHECK(!answered(make_udp(in, mac_gateway, 1, 0x0a01000b, 0xc0000201, 80, 20), &length));
	CHECK(!answered(make_udp6(in, mac_gateway, 1, ip6(1, 11), ip6(0xb0, 1), 80, 20), &length));
}

TEST(the_quote_is_as_long_as_an_error_may_be)
{
	uint32_t length = 0;

	CHECK(answered(make_udp(in, mac_gateway, 1, 0x0a01000b, 0x08080808, 80, 1400), &length));
	CHECK_EQ(length, 14 + 576);
	CHECK(is_error4(length, 3, 0, 0x0a010001));
	CHECK(answered(make_udp6(in, mac_gateway, 1, ip6(1, 11), ip6(0xd0, 1), 80, 1400), &length));
	CHECK_EQ(length, 14 + 1280);
	CHECK(is_error6(length, 1, 1, ip6(1, 1)));
}

static void set_mtu(uint32_t bridge, uint32_t port, uint16_t mtu)
{
	RIG_ROW(bridge, .id = bridge, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500);
	RIG_ROW(port, .id = port, .bridge = bridge, .flags = FWD_PORT_SECURITY, .mtu = mtu,
	        .mac = {2, 0, 0, 0, 0, (uint8_t)port});
}

TEST(too_big_packets_are_told_the_mtu)
{
	uint32_t length = 0;
	uint64_t before = rig_drops(1, DROP_MTU_EXCEEDED);

	set_mtu(20, 3, 1300);
	uint32_t bytes = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, 1273);
	((struct rte_ipv4_hdr *)(in + IP_AT))->fragment_offset = htons(RTE_IPV4_HDR_DF_FLAG);
	set_hop_limit(in, 64);
	CHECK(answered(bytes, &length));
	CHECK(is_error4(length, 3, 4, 0x0a010001));
	CHECK(out[IPV4_BODY + 6] == 1300 >> 8 && out[IPV4_BODY + 7] == (1300 & 0xff));
	bytes = make_udp6(in, mac_gateway, 1, ip6(1, 11), ip6(2, 11), 80, 1253);
	CHECK(answered(bytes, &length));
	CHECK(is_error6(length, 2, 0, ip6(1, 1)));
	CHECK(out[IPV6_BODY + 6] == 1300 >> 8 && out[IPV6_BODY + 7] == (1300 & 0xff));
	CHECK_EQ(rig_drops(1, DROP_MTU_EXCEEDED), before + 2);
	/* One byte less fits. */
	deliver(1, in, make_udp6(in, mac_gateway, 1, ip6(1, 11), ip6(2, 11), 80, 1252));
	CHECK_EQ(only_exit(out, NULL), 3);
	set_mtu(20, 3, 1500);
}

TEST(what_nobody_serves_at_the_gateway_is_refused)
{
	uint32_t length = 0;

	CHECK(answered(make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a010001, 9999, 20), &length));
	CHECK(is_error4(length, 3, 3, 0x0a010001));
	CHECK(answered(make_udp6(in, mac_gateway, 1, ip6(1, 11), ip6(1, 1), 9999, 20), &length));
	CHECK(is_error6(length, 1, 4, ip6(1, 1)));
	CHECK(answered(make_udp6(in, mac_gateway, 1, link_local_of(1), gateway_link_local_ip, 9999, 20), &length));
	CHECK(is_error6(length, 1, 4, gateway_link_local_ip));
	/* The address that was asked answers, not the nearest. */
	CHECK(answered(make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a020001, 9999, 20), &length));
	CHECK(is_error4(length, 3, 3, 0x0a020001));
	/* GRE: no such protocol here. */
	uint32_t bytes = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a010001, 9999, 20);
	in[IP_AT + 9] = IPPROTO_GRE;
	set_hop_limit(in, 64);
	CHECK(answered(bytes, &length));
	CHECK(is_error4(length, 3, 2, 0x0a010001));
	bytes = make_udp6(in, mac_gateway, 1, ip6(1, 11), ip6(1, 1), 9999, 20);
	in[IP_AT + 6] = IPPROTO_GRE;
	CHECK(answered(bytes, &length));
	CHECK(is_error6(length, 4, 1, ip6(1, 1)));
	CHECK_EQ(out[IPV6_BODY + 7], 6);
}

static bool is_reset(const struct rte_tcp_hdr *tcp, uint8_t flags, uint32_t sequence, uint32_t acknowledgement)
{
	return tcp->tcp_flags == flags && ntohl(tcp->sent_seq) == sequence && ntohl(tcp->recv_ack) == acknowledgement &&
	       tcp->src_port == htons(80) && tcp->dst_port == htons(4000);
}

TEST(tcp_to_the_gateway_is_reset)
{
	const struct rte_tcp_hdr *tcp = (const void *)(out + IPV4_BODY), *tcp6 = (const void *)(out + IPV6_BODY);
	uint32_t length = 0;

	CHECK(answered(make_tcp(in, mac_gateway, 1, 0x0a01000b, 0x0a010001, 80, RTE_TCP_SYN_FLAG), &length));
	CHECK(is_reset(tcp, RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG, 0, 1001));
	CHECK(checksum_holds(out));
	CHECK(answered(make_tcp(in, mac_gateway, 1, 0x0a01000b, 0x0a010001, 80, RTE_TCP_ACK_FLAG), &length));
	CHECK(is_reset(tcp, RTE_TCP_RST_FLAG, 2000, 0));
	CHECK(answered(make_tcp6(in, mac_gateway, 1, ip6(1, 11), ip6(1, 1), 80, RTE_TCP_SYN_FLAG), &length));
	CHECK(is_reset(tcp6, RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG, 0, 1001));
	CHECK(checksum_holds(out));
	/* A reset is never reset, and a damaged segment was sent by nobody. */
	CHECK(!answered(make_tcp(in, mac_gateway, 1, 0x0a01000b, 0x0a010001, 80, RTE_TCP_RST_FLAG), &length));
	uint32_t bytes = make_tcp(in, mac_gateway, 1, 0x0a01000b, 0x0a010001, 80, RTE_TCP_SYN_FLAG);
	in[IPV4_BODY + 4] ^= 1;
	CHECK(!answered(bytes, &length));
}

TEST(errors_are_never_about_errors_groups_or_later_fragments)
{
	uint32_t length, bytes = make_echo(in, mac_gateway, 1, 0x0a01000b, 0x08080808);
	struct rte_ipv4_hdr *ip = (void *)(in + IP_AT);

	/* A ping may cause one, */
	CHECK(answered(bytes, &length));
	/* an error may not. */
	in[IPV4_BODY] = 3;
	CHECK(!answered(bytes, &length));
	bytes = make_echo6(in, mac_gateway, 1, ip6(1, 11), ip6(0xd0, 1));
	CHECK(answered(bytes, &length));
	in[IPV6_BODY] = 1;
	CHECK(!answered(bytes, &length));
	bytes = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x08080808, 80, 20);
	ip->fragment_offset = htons(8);
	set_hop_limit(in, 64);
	CHECK(!answered(bytes, &length));
	bytes = make_udp(in, mac_gateway, 1, 0x0a01000b, 0xefff0001, 80, 20);
	CHECK(!answered(bytes, &length));
	/* All hosts of a connected subnet; no such host is in another one. */
	CHECK(!answered(make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a0200ff, 80, 20), &length));
	CHECK(answered(make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a0200fe, 80, 20), &length));
	/* Port 8's network only routes: a frame to everyone is dropped there without a word. */
	deliver(8, in, make_udp(in, mac_broadcast, 8, 0x0a04000b, 0x08080808, 80, 20));
	CHECK_EQ(only_exit(out, NULL), 0);
}

TEST(errors_have_a_limit_per_port)
{
	uint32_t count = 0, bytes = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x08080808, 80, 20);

	limit_reset(port_of(1)->slot);
	for (int i = 0; i < 100; i++)
		rig_send(1, in, bytes);
	rig_run();
	while (rig_take(1, out) >= 0)
		count++;
	CHECK(count >= 50 && count < 60);
}

/* As from a VM that leaves checksums to its device. */
static void leave_checksum(struct rte_mbuf *mbuf)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(mbuf, struct rte_ipv4_hdr *, IP_AT);
	struct rte_tcp_hdr *tcp = (void *)(ip + 1);

	mbuf->l2_len = IP_AT;
	mbuf->l3_len = sizeof(*ip);
	mbuf->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
	tcp->cksum = rte_ipv4_phdr_cksum(ip, 0);
}

TEST(the_quote_has_its_checksum)
{
	uint32_t length = 0;

	rig_received = leave_checksum;
	bool told = answered(make_tcp(in, mac_gateway, 1, 0x0a01000b, 0x08080808, 80, RTE_TCP_SYN_FLAG), &length);
	rig_received = NULL;
	CHECK(told);
	/* is_error4 compares the quote with `in`, which has the whole checksum. */
	CHECK(is_error4(length, 3, 0, 0x0a010001));
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_sender_is_told_why_its_packet_ended),
	        CASE(an_ipv6_sender_is_told_why_its_packet_ended),
	        CASE(a_black_hole_is_silent),
	        CASE(the_quote_is_as_long_as_an_error_may_be),
	        CASE(too_big_packets_are_told_the_mtu),
	        CASE(what_nobody_serves_at_the_gateway_is_refused),
	        CASE(tcp_to_the_gateway_is_reset),
	        CASE(errors_are_never_about_errors_groups_or_later_fragments),
	        CASE(errors_have_a_limit_per_port),
	        CASE(the_quote_has_its_checksum),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
