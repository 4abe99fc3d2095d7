/* VMs that talk to a plugin's sockets through a service port. */
#include "service_port.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>
#include <string.h>

#include "decode.h"
#include "limit.h"
#include "tenants.h"
#include "test.h"
#include "trace.h"

/* Port 9 is the service port of the owner "test": TCP 80 and UDP 53 at 169.254.169.254 and fe80::a9fe:a9fe, anywhere.
 */
#define SERVICE  TENANTS_SERVICE
#define METADATA 0xa9fea9feu

static const uint8_t metadata6[16] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa9, 0xfe, 0xa9, 0xfe};
static const uint8_t service_mac[6] = {0x02, 0x77, 0, 0, 0, 9};
static uint8_t in[2048], out[RIG_FRAME], answer[RIG_FRAME];

static void serve(uint8_t protocol, uint16_t l4_port, uint8_t action)
{
	RIG_ROW(service, .vrf = 0xffffffff, .family = 4, .protocol = protocol, .l4_port = l4_port, .action = action,
	        .address = {169, 254, 169, 254});
	struct fwd_service_row row = {
	        .vrf = 0xffffffff, .family = 6, .protocol = protocol, .l4_port = l4_port, .action = action};
	memcpy(row.address, metadata6, sizeof(metadata6));
	rig_row(FWD_TABLE_SERVICE, &row, sizeof(row));
}

static struct rte_ipv4_hdr *ip4(uint8_t *frame)
{
	return (void *)(frame + RTE_ETHER_HDR_LEN);
}

static struct rte_ipv6_hdr *ip6_of(uint8_t *frame)
{
	return (void *)(frame + RTE_ETHER_HDR_LEN);
}

/* Asks from a port and lets the plugin answer; the port that hears it. out: what the plugin saw, answer: what is heard.
 */
static int ask(uint32_t port, uint32_t length, uint32_t *heard)
{
	uint32_t seen;

	deliver(port, in, length);
	if (only_exit(out, &seen) != (int)SERVICE)
		return 0;
	deliver(SERVICE, answer, make_answer(answer, out, seen));
	return only_exit(answer, heard);
}

TEST(two_tenants_with_one_address_are_told_apart)
{
	uint32_t identities[2], length;
	const uint32_t ports[] = {2, 4};

	for (uint32_t i = 0; i < 2; i++) {
		length = make_tcp(in, mac_gateway, (uint8_t)ports[i], 0x0a01000c, METADATA, 80, RTE_TCP_SYN_FLAG);
		CHECK_EQ(ask(ports[i], length, &length), ports[i]);
		CHECK(memcmp(out, service_mac, 6) == 0);
		CHECK_EQ(ntohl(ip4(out)->dst_addr), METADATA);
		CHECK(checksum_holds(out) && rte_raw_cksum(ip4(out), 20) == 0xffff);
		identities[i] = ntohl(ip4(out)->src_addr);
		CHECK_EQ(identities[i] >> 27, 0x1e);
		CHECK_EQ(ntohl(ip4(answer)->src_addr), METADATA);
		CHECK_EQ(ntohl(ip4(answer)->dst_addr), 0x0a01000c);
		CHECK(memcmp(answer, mac_of((uint8_t)ports[i]), 6) == 0 && memcmp(answer + 6, mac_gateway, 6) == 0);
		CHECK(checksum_holds(answer) && rte_raw_cksum(ip4(answer), 20) == 0xffff);
	}
	CHECK(identities[0] != identities[1]);
}

TEST(it_works_over_ipv6_before_there_is_a_global_address)
{
	uint32_t length = make_tcp6(in, mac_gateway, 1, link_local_of(1), metadata6, 80, RTE_TCP_SYN_FLAG);

	memcpy(in + 6, mac_of(1), 6);
	CHECK_EQ(ask(1, length, &length), 1);
	CHECK_EQ(out[RTE_ETHER_HDR_LEN + 8], 0x01);
	CHECK(memcmp(ip6_of(out)->dst_addr, metadata6, 16) == 0);
	CHECK(checksum_holds(out));
	CHECK(memcmp(ip6_of(answer)->src_addr, metadata6, 16) == 0);
	CHECK(memcmp(ip6_of(answer)->dst_addr, link_local_of(1), 16) == 0);
	CHECK(checksum_holds(answer));
}

TEST(a_port_behind_a_trunk_hears_its_answer_with_its_tag)
{
	uint8_t tagged[2048];
	uint32_t length = make_udp(in, mac_gateway, 6, 0x0a01000d, METADATA, 53, 20), seen;

	deliver(5, tagged, make_tagged(tagged, 101, in, length));
	CHECK_EQ(only_exit(out, &seen), SERVICE);
	deliver(SERVICE, answer, make_answer(answer, out, seen));
	CHECK_EQ(only_exit(out, &length), 5);
	CHECK_EQ(out[15], 101);
}

TEST(a_udp_packet_without_checksum_stays_without)
{
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, METADATA, 53, 20);

	CHECK_EQ(((struct rte_udp_hdr *)(in + 34))->dgram_cksum, 0);
	CHECK_EQ(ask(1, length, &length), 1);
	CHECK_EQ(((struct rte_udp_hdr *)(out + 34))->dgram_cksum, 0);
	CHECK_EQ(((struct rte_udp_hdr *)(answer + 34))->dgram_cksum, 0);
}

/* A sender that leaves the checksum to the hardware: only the pseudo-header is summed. */
static void leave_checksum(struct rte_mbuf *m)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	struct rte_tcp_hdr *tcp = (void *)(frame + 34);

	m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
	m->l2_len = RTE_ETHER_HDR_LEN;
	m->l3_len = 20;
	tcp->cksum = rte_ipv4_phdr_cksum(ip4(frame), 0);
}

TEST(a_checksum_left_to_hardware_stays_begun)
{
	uint32_t length = make_tcp(in, mac_gateway, 1, 0x0a01000b, METADATA, 80, RTE_TCP_SYN_FLAG);

	rig_received = leave_checksum;
	int heard = ask(1, length, &length);
	rig_received = NULL;
	CHECK_EQ(heard, 1);
	CHECK_EQ(((struct rte_tcp_hdr *)(out + 34))->cksum, rte_ipv4_phdr_cksum(ip4(out), 0));
	CHECK_EQ(((struct rte_tcp_hdr *)(answer + 34))->cksum, rte_ipv4_phdr_cksum(ip4(answer), 0));
}

TEST(an_answer_to_a_port_that_was_made_anew_ends_by_name)
{
	uint32_t length = make_tcp(in, mac_gateway, 2, 0x0a01000c, METADATA, 80, RTE_TCP_SYN_FLAG), seen;
	uint64_t before = rig_drops(SERVICE, DROP_SERVICE_STALE);

	deliver(2, in, length);
	CHECK_EQ(only_exit(out, &seen), SERVICE);
	make_answer(answer, out, seen);
	RIG_DELETE(port, .id = 2);
	deliver(SERVICE, answer, seen);
	CHECK_EQ(only_exit(out, NULL), 0);
	RIG_ROW(port, .id = 2, .bridge = 10, .flags = FWD_PORT_SECURITY, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 2});
	rig_attach(2);
	deliver(SERVICE, answer, seen);
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_drops(SERVICE, DROP_SERVICE_STALE), before + 2);
	CHECK_EQ(ask(2, length, &length), 2);
}

static uint64_t strays(uint32_t length)
{
	uint64_t before = rig_drops(SERVICE, DROP_SERVICE_STRAY);

	deliver(SERVICE, answer, length);
	return only_exit(out, NULL) == 0 ? rig_drops(SERVICE, DROP_SERVICE_STRAY) - before : 0;
}

/* What a kernel says of the datagram in `out`, which no socket took (RFC 1122 §3.2.2.1, RFC 4443 §3.1). */
static uint32_t make_unreachable(uint8_t *error, const uint8_t *frame, uint32_t length)
{
	bool ipv4 = frame[12] == 0x08;
	uint32_t header = ipv4 ? 20 : 40, quoted = length - RTE_ETHER_HDR_LEN, l4 = RTE_ETHER_HDR_LEN + header;
	uint8_t *icmp = error + l4;

	memcpy(error, frame, l4);
	memcpy(error, frame + 6, 6);
	memcpy(error + 6, frame, 6);
	memset(icmp, 0, 8);
	memcpy(icmp + 8, frame + RTE_ETHER_HDR_LEN, quoted);
	if (ipv4) {
		struct rte_ipv4_hdr *ip = ip4(error);
		uint32_t asker = ip->src_addr;
		ip->src_addr = ip->dst_addr;
		ip->dst_addr = asker;
		ip->next_proto_id = IPPROTO_ICMP;
		ip->total_length = htons((uint16_t)(header + 8 + quoted));
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
		icmp[0] = icmp[1] = 3;
	} else {
		struct rte_ipv6_hdr *ip = ip6_of(error);
		memcpy(ip->src_addr, ip6_of(error + 8 + header)->dst_addr, 16);
		memcpy(ip->dst_addr, ip6_of(error + 8 + header)->src_addr, 16);
		ip->proto = IPPROTO_ICMPV6;
		ip->payload_len = htons((uint16_t)(8 + quoted));
		icmp[0] = 1;
		icmp[1] = 4;
	}
	uint16_t sum = ipv4 ? (uint16_t)~rte_raw_cksum(icmp, 8 + quoted) : rte_ipv6_udptcp_cksum(ip6_of(error), icmp);
	memcpy(icmp + 2, &sum, sizeof(sum));
	return l4 + 8 + quoted;
}

TEST(the_sender_of_a_datagram_that_nobody_took_is_told)
{
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, METADATA, 53, 20), seen;

	deliver(1, in, length);
	CHECK_EQ(only_exit(out, &seen), SERVICE);
	deliver(SERVICE, answer, make_unreachable(answer, out, seen));
	CHECK_EQ(only_exit(out, &seen), 1);
	CHECK(checksum_holds(out) && rte_raw_cksum(ip4(out), 20) == 0xffff);
	CHECK_EQ(ntohl(ip4(out)->dst_addr), 0x0a01000b);
	/* The quote is what the machine sent. */
	CHECK(memcmp(out + RTE_ETHER_HDR_LEN + 28, in + RTE_ETHER_HDR_LEN, length - RTE_ETHER_HDR_LEN) == 0);

	length = make_udp6(in, mac_gateway, 1, link_local_of(1), metadata6, 53, 20);
	memcpy(in + 6, mac_of(1), 6);
	deliver(1, in, length);
	CHECK_EQ(only_exit(out, &seen), SERVICE);
	deliver(SERVICE, answer, make_unreachable(answer, out, seen));
	CHECK_EQ(only_exit(out, &seen), 1);
	CHECK(checksum_holds(out) && memcmp(ip6_of(out)->dst_addr, link_local_of(1), 16) == 0);
	CHECK(memcmp(out + RTE_ETHER_HDR_LEN + 48, in + RTE_ETHER_HDR_LEN, length - RTE_ETHER_HDR_LEN) == 0);
}

static uint64_t strays(uint32_t length);

TEST(errors_about_anything_else_do_not_pass)
{
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, METADATA, 53, 20), seen, error;
	static uint8_t asked[RIG_FRAME];

	deliver(1, in, length);
	CHECK_EQ(only_exit(asked, &seen), SERVICE);
	/* Another code, another port, another protocol, from elsewhere, to somebody else, options, cut short. */
	static const struct {
		uint16_t at;
		uint8_t value;
	} changes[] = {{35, 1}, {65, 54}, {51, 6}, {57, 1}, {61, 1}, {42, 0x46}, {17, 40}};
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		error = make_unreachable(answer, asked, seen);
		answer[changes[i].at] = changes[i].value;
		ip4(answer)->hdr_checksum = 0;
		ip4(answer)->hdr_checksum = rte_ipv4_cksum(ip4(answer));
		CHECK_EQ(strays(error), 1);
	}
}

TEST(nor_does_one_behind_extension_headers)
{
	static const uint8_t padding[8] = {IPPROTO_ICMPV6, 0, 1, 4};
	uint32_t length = make_udp6(in, mac_gateway, 1, link_local_of(1), metadata6, 53, 20), seen, error;
	uint8_t *behind = answer + RTE_ETHER_HDR_LEN + 40;

	memcpy(in + 6, mac_of(1), 6);
	deliver(1, in, length);
	CHECK_EQ(only_exit(out, &seen), SERVICE);
	error = make_unreachable(answer, out, seen);
	memmove(behind + sizeof(padding), behind, error - RTE_ETHER_HDR_LEN - 40);
	memcpy(behind, padding, sizeof(padding));
	ip6_of(answer)->proto = IPPROTO_DSTOPTS;
	ip6_of(answer)->payload_len = htons((uint16_t)(error - RTE_ETHER_HDR_LEN - 40 + sizeof(padding)));
	CHECK_EQ(strays(error + sizeof(padding)), 1);
}

TEST(a_plugin_speaks_for_nothing_but_its_services)
{
	uint32_t length = make_tcp(in, mac_gateway, 1, 0x0a01000b, METADATA, 80, RTE_TCP_SYN_FLAG), seen;

	deliver(1, in, length);
	CHECK_EQ(only_exit(out, &seen), SERVICE);
	make_answer(answer, out, seen);
	/* Another machine's address, another port of its own, a protocol that it serves nowhere, no IP, no identity. */
	ip4(answer)->src_addr = htonl(0x0a01000c);
	CHECK_EQ(strays(seen), 1);
	make_answer(answer, out, seen);
	answer[35] = 81;
	CHECK_EQ(strays(seen), 1);
	CHECK_EQ(strays(make_echo(answer, service_mac, 9, METADATA, ntohl(ip4(out)->src_addr))), 1);
	CHECK_EQ(strays(make_arp(answer, 1, 9, METADATA, METADATA)), 1);
	make_answer(answer, out, seen);
	ip4(answer)->dst_addr = htonl(0x0a01000b);
	CHECK_EQ(strays(seen), 1);
}

TEST(where_nobody_serves_the_sender_is_told)
{
	uint32_t length = make_tcp(in, mac_gateway, 1, 0x0a01000b, METADATA, 80, RTE_TCP_SYN_FLAG);

	serve(IPPROTO_TCP, 80, FWD_ACTION_REJECT);
	deliver(1, in, length);
	CHECK_EQ(only_exit(out, NULL), 1);
	CHECK((out[47] & RTE_TCP_RST_FLAG) != 0);
	serve(IPPROTO_TCP, 80, FWD_ACTION_PORT);
	RIG_DELETE(port, .id = SERVICE);
	deliver(1, in, length);
	CHECK_EQ(only_exit(out, NULL), 1);
	CHECK((out[47] & RTE_TCP_RST_FLAG) != 0);
	tenants_service_port();
	CHECK_EQ(ask(1, length, &length), 1);
}

TEST(a_port_with_many_addresses_hurts_only_itself)
{
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, METADATA, 53, 20), seen;
	static uint8_t kept[RIG_FRAME];

	deliver(1, in, length);
	CHECK_EQ(only_exit(out, &seen), SERVICE);
	make_answer(kept, out, seen);
	/* Port 8 has no security. */
	for (uint32_t i = 0; i < 1000; i++) {
		length = make_udp(in, mac_gateway, 8, 0x0a040100 + i, METADATA, 53, 20);
		CHECK_EQ(ask(8, length, &length), 8);
		CHECK_EQ(ntohl(ip4(answer)->dst_addr), 0x0a040100 + i);
	}
	deliver(SERVICE, kept, seen);
	CHECK_EQ(only_exit(answer, NULL), 1);
	CHECK(rig_ledgers_hold());
}

/* How many of these get through at once. */
static uint32_t passed(uint32_t port, uint32_t length, uint32_t count)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < count; i++) {
		deliver(port, in, length);
		seen += only_exit(out, NULL) == (int)SERVICE;
	}
	return seen;
}

/* The same of 100, each sent the moment after port 2 had used up what it may. */
static uint32_t passed_when_drained(enum limit_kind kind, uint32_t rate, uint32_t burst, uint32_t length)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < 100; i++) {
		while (limit_take(kind, port_of(2)->slot, rate, burst))
			;
		seen += passed(2, length, 1);
	}
	return seen;
}

TEST(a_port_that_floods_a_service_keeps_what_it_has_and_hurts_nobody)
{
	uint32_t length = make_tcp(in, mac_gateway, 2, 0x0a01000c, METADATA, 80, RTE_TCP_SYN_FLAG);
	uint64_t before = rig_drops(2, DROP_SERVICE_LIMIT);

	CHECK_EQ(passed(2, length, LIMIT_SERVICE_OPEN_BURST), LIMIT_SERVICE_OPEN_BURST);
	CHECK(passed_when_drained(LIMIT_SERVICE_OPEN, LIMIT_SERVICE_OPEN_RATE, LIMIT_SERVICE_OPEN_BURST, length) < 100);
	length = make_udp(in, mac_gateway, 2, 0x0a01000c, METADATA, 53, 20);
	CHECK_EQ(passed(2, length, 100), 100);
	CHECK(passed_when_drained(
	              LIMIT_SERVICE_DATAGRAM, LIMIT_SERVICE_DATAGRAM_RATE, LIMIT_SERVICE_DATAGRAM_BURST, length) < 100);
	length = make_tcp(in, mac_gateway, 2, 0x0a01000c, METADATA, 80, RTE_TCP_ACK_FLAG);
	CHECK_EQ(passed(2, length, 100), 100);
	CHECK(passed_when_drained(LIMIT_SERVICE, LIMIT_SERVICE_RATE, LIMIT_SERVICE_BURST, length) < 100);
	CHECK(rig_drops(2, DROP_SERVICE_LIMIT) > before + 1);
	length = make_tcp(in, mac_gateway, 4, 0x0a01000c, METADATA, 80, RTE_TCP_SYN_FLAG);
	CHECK_EQ(passed(4, length, 100), 100);
	CHECK(rig_ledgers_hold());
}

TEST(a_long_answer_is_cut_for_a_network_with_a_small_mtu)
{
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, METADATA, 53, 1300), seen, frames = 0;

	deliver(1, in, length);
	CHECK_EQ(only_exit(out, &seen), SERVICE);
	make_answer(answer, out, seen);
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1000);
	deliver(SERVICE, answer, seen);
	for (; rig_has(1); frames++) {
		rig_take(1, out);
		CHECK_EQ(ntohl(ip4(out)->dst_addr), 0x0a01000b);
		CHECK_EQ(rte_raw_cksum(ip4(out), 20), 0xffff);
	}
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500);
	CHECK_EQ(frames, 2);
}

TEST(a_trace_tells_both_ways_and_remembers_nothing)
{
	static uint8_t records[1 << 16];
	uint32_t length = make_udp(in, mac_gateway, 3, 0x0a02000b, METADATA, 53, 20), seen;
	int32_t bytes = trace_run(3, in, length, records, sizeof(records)), sent = 0;
	struct fwd_step step;

	for (int32_t at = 0; at < bytes; at += (int32_t)(sizeof(step) + ((step.length + 7) & ~7u))) {
		memcpy(&step, records + at, sizeof(step));
		if (step.kind == FWD_STEP_SENT && step.port == SERVICE)
			sent++;
		if (step.kind == FWD_STEP_SENT)
			make_answer(answer, records + at + sizeof(step), step.length);
	}
	CHECK_EQ(sent, 1);
	uint64_t before = rig_drops(SERVICE, DROP_SERVICE_STALE);
	deliver(SERVICE, answer, length);
	CHECK_EQ(rig_drops(SERVICE, DROP_SERVICE_STALE), before + 1);
	deliver(3, in, length);
	CHECK_EQ(only_exit(out, &seen), SERVICE);
	deliver(SERVICE, answer, length);
	CHECK_EQ(only_exit(out, NULL), 3);
}

static bool row_fits(struct fwd_port_row row)
{
	return decode_row_valid(FWD_TABLE_PORT, (const uint8_t *)&row);
}

TEST(rows_that_contradict_themselves_are_refused)
{
	struct fwd_port_row row = {.id = 99, .flags = FWD_PORT_SERVICE, .parent = 3};
	struct fwd_service_row service = {.family = 4, .protocol = IPPROTO_ICMP, .action = FWD_ACTION_PORT};

	CHECK(row_fits(row));
	row.parent = 0;
	CHECK(!row_fits(row));
	row.parent = 3;
	row.bridge = 10;
	CHECK(!row_fits(row));
	row.bridge = 0;
	row.flags |= FWD_PORT_SECURITY;
	CHECK(!row_fits(row));
	row.flags = FWD_PORT_SERVICE;
	row.binding = FWD_BINDING_TAP;
	CHECK(!row_fits(row));
	CHECK(!decode_row_valid(FWD_TABLE_SERVICE, (const uint8_t *)&service));
	service.protocol = IPPROTO_UDP;
	CHECK(decode_row_valid(FWD_TABLE_SERVICE, (const uint8_t *)&service));
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(two_tenants_with_one_address_are_told_apart),
	        CASE(it_works_over_ipv6_before_there_is_a_global_address),
	        CASE(a_port_behind_a_trunk_hears_its_answer_with_its_tag),
	        CASE(a_udp_packet_without_checksum_stays_without),
	        CASE(a_checksum_left_to_hardware_stays_begun),
	        CASE(an_answer_to_a_port_that_was_made_anew_ends_by_name),
	        CASE(the_sender_of_a_datagram_that_nobody_took_is_told),
	        CASE(errors_about_anything_else_do_not_pass),
	        CASE(nor_does_one_behind_extension_headers),
	        CASE(a_plugin_speaks_for_nothing_but_its_services),
	        CASE(where_nobody_serves_the_sender_is_told),
	        CASE(a_port_with_many_addresses_hurts_only_itself),
	        CASE(a_port_that_floods_a_service_keeps_what_it_has_and_hurts_nobody),
	        CASE(a_long_answer_is_cut_for_a_network_with_a_small_mtu),
	        CASE(a_trace_tells_both_ways_and_remembers_nothing),
	        CASE(rows_that_contradict_themselves_are_refused),
	};

	rig_start();
	tenants_make();
	tenants_service_port();
	serve(IPPROTO_TCP, 80, FWD_ACTION_PORT);
	serve(IPPROTO_UDP, 53, FWD_ACTION_PORT);
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
