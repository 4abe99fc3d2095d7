/* What answers at a gateway's own addresses. */
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <string.h>

#include "tenants.h"
#include "test.h"

static uint8_t in[2048], out[RIG_FRAME];

TEST(the_gateway_answers_ping)
{
	uint32_t length = make_echo(in, mac_gateway, 1, 0x0a01000b, 0x0a010001);

	deliver(1, in, length);
	CHECK_EQ(only_exit(out, NULL), 1);
	const struct rte_ipv4_hdr *ip = (void *)(out + RTE_ETHER_HDR_LEN);
	const struct rte_icmp_hdr *icmp = (void *)(ip + 1);
	CHECK_EQ(icmp->icmp_type, RTE_IP_ICMP_ECHO_REPLY);
	CHECK_EQ(rte_raw_cksum(icmp, 40), 0xffff);
	CHECK_EQ(rte_raw_cksum(ip, 20), 0xffff);
	CHECK_EQ(ntohl(ip->src_addr), 0x0a010001);
	/* The gateway of another network of the same VRF, too. */
	deliver(1, in, make_echo(in, mac_gateway, 1, 0x0a01000b, 0x0a020001));
	CHECK_EQ(only_exit(out, NULL), 1);
}

TEST(what_the_gateway_does_not_serve_has_a_name)
{
	uint64_t before = rig_drops(1, DROP_SERVICE_UNSERVED);

	deliver(1, in, make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a010001, 9999, 20));
	CHECK_EQ(rig_drops(1, DROP_SERVICE_UNSERVED), before + 1);
}

static bool is_reply6(const uint8_t *frame, uint32_t length, const uint8_t *from, const uint8_t *to)
{
	const struct rte_ipv6_hdr *ip = (const void *)(frame + RTE_ETHER_HDR_LEN);

	return memcmp(ip->src_addr, from, 16) == 0 && memcmp(ip->dst_addr, to, 16) == 0 && frame[54] == 129 &&
	       ip->hop_limits == 64 && checksum_holds(frame) &&
	       length == RTE_ETHER_HDR_LEN + sizeof(*ip) + rte_be_to_cpu_16(ip->payload_len);
}

TEST(the_gateway_answers_ping_over_ipv6)
{
	uint32_t length;

	deliver(1, in, make_echo6(in, mac_gateway, 1, ip6(1, 11), ip6(1, 1)));
	CHECK_EQ(only_exit(out, &length), 1);
	CHECK(is_reply6(out, length, ip6(1, 1), ip6(1, 11)));
	/* The gateway of another network of the same VRF, too. */
	deliver(1, in, make_echo6(in, mac_gateway, 1, ip6(1, 11), ip6(2, 1)));
	CHECK_EQ(only_exit(out, &length), 1);
	CHECK(is_reply6(out, length, ip6(2, 1), ip6(1, 11)));
}

TEST(the_link_local_gateway_needs_no_row)
{
	uint32_t length;

	deliver(1, in, make_echo6(in, mac_gateway, 1, link_local_of(1), gateway_link_local_ip));
	CHECK_EQ(only_exit(out, &length), 1);
	CHECK(is_reply6(out, length, gateway_link_local_ip, link_local_of(1)));
	deliver(8, in, make_echo6(in, mac_gateway, 8, link_local_of(8), gateway_link_local_ip));
	CHECK_EQ(only_exit(out, &length), 8);
}

TEST(a_ping_that_must_be_reassembled_is_not_answered)
{
	uint64_t before = rig_drops(1, DROP_GATEWAY_FRAGMENT);
	uint32_t length = make_echo(in, mac_gateway, 1, 0x0a01000b, 0x0a010001);
	struct rte_ipv4_hdr *ip = (void *)(in + RTE_ETHER_HDR_LEN);

	ip->fragment_offset = htons(RTE_IPV4_HDR_MF_FLAG);
	set_hop_limit(in, 64);
	deliver(1, in, length);
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_drops(1, DROP_GATEWAY_FRAGMENT), before + 1);
}

TEST(a_jumbo_ping_is_answered_whole)
{
	static uint8_t request[9014], reply[RIG_FRAME];
	uint32_t length = make_echo(request, mac_gateway, 1, 0x0a01000b, 0x0a010001), got;
	struct rte_ipv4_hdr *ip = (void *)(request + RTE_ETHER_HDR_LEN);
	struct rte_icmp_hdr *icmp = (void *)(ip + 1);

	RIG_ROW(port, .id = 1, .bridge = 10, .flags = FWD_PORT_SECURITY, .mtu = 9000, .mac = {2, 0, 0, 0, 0, 1});
	for (uint32_t i = length; i < sizeof(request); i++)
		request[i] = (uint8_t)i;
	ip->total_length = htons(9000);
	set_hop_limit(request, 64);
	icmp->icmp_cksum = 0;
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, 8980);
	deliver(1, request, sizeof(request));
	int port = only_exit(reply, &got);
	RIG_ROW(port, .id = 1, .bridge = 10, .flags = FWD_PORT_SECURITY, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 1});
	CHECK_EQ(port, 1);
	CHECK_EQ(got, sizeof(request));
	CHECK_EQ(reply[34], RTE_IP_ICMP_ECHO_REPLY);
	CHECK_EQ(rte_raw_cksum(reply + 34, 8980), 0xffff);
}

TEST(a_reply_that_nobody_asked_for_ends_here)
{
	uint64_t before = rig_drops(1, DROP_SERVICE_UNSERVED);
	uint32_t length = make_echo6(in, mac_gateway, 1, ip6(1, 11), ip6(1, 1));

	in[54] = 129;
	deliver(1, in, length);
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_drops(1, DROP_SERVICE_UNSERVED), before + 1);
}

TEST(a_ping_with_a_bad_header_is_not_answered)
{
	uint64_t malformed = rig_drops(8, DROP_MALFORMED), invalid = rig_drops(8, DROP_INVALID_ADDRESS);
	static const uint8_t unspecified[16];
	uint32_t length = make_echo(in, mac_gateway, 8, 0x0a04000b, 0x0a040001);

	in[24] ^= 1;
	deliver(8, in, length);
	CHECK_EQ(rig_drops(8, DROP_MALFORMED), malformed + 1);
	deliver(8, in, make_echo(in, mac_gateway, 8, 0xe0000001, 0x0a040001));
	deliver(8, in, make_echo6(in, mac_gateway, 8, unspecified, ip6(4, 1)));
	CHECK_EQ(rig_drops(8, DROP_INVALID_ADDRESS), invalid + 2);
	CHECK_EQ(only_exit(out, NULL), 0);
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(the_gateway_answers_ping),
	        CASE(what_the_gateway_does_not_serve_has_a_name),
	        CASE(the_gateway_answers_ping_over_ipv6),
	        CASE(the_link_local_gateway_needs_no_row),
	        CASE(a_ping_that_must_be_reassembled_is_not_answered),
	        CASE(a_jumbo_ping_is_answered_whole),
	        CASE(a_reply_that_nobody_asked_for_ends_here),
	        CASE(a_ping_with_a_bad_header_is_not_answered),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
