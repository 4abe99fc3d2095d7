/*
 * What packets look like after a translation: the same as if the new addresses and ports had been written at once and
 * every checksum computed from nothing (packet_layers.c). On frames in buffers of exactly their size, so that ASan sees
 * an access past the end. No rows, no flows.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <rte_mbuf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "flow_key.h"
#include "nat_rewrite.h"
#include "offload.h"
#include "packet_text.h"
#include "test.h"

#define ROUNDS 2000u

static struct packet_text packet, wanted, inner;
static uint8_t *frame;
static struct rte_mbuf mbuf;
static struct pkt pkt;
static char text[512];

__attribute__((format(printf, 2, 3))) static void make(struct packet_text *out, const char *format, ...)
{
	va_list arguments;
	char fault[128];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (packet_text_make(text, &inner, out, fault))
		return;
	printf("  %s: %s\n", text, fault);
	abort();
}

/* `packet` as it comes from a port; `cut`: bytes of it in the first segment. */
static void receive(uint32_t cut)
{
	free(frame);
	frame = malloc(cut);
	memcpy(frame, packet.bytes, cut);
	mbuf = (struct rte_mbuf){.buf_addr = frame,
	        .data_len = (uint16_t)cut,
	        .pkt_len = packet.length,
	        .nb_segs = cut == packet.length ? 1 : 2};
	if (parse(&pkt, &mbuf) != VERDICT_NEXT)
		abort();
}

static bool is_wanted(void)
{
	for (uint32_t i = 0; i < wanted.length && i < mbuf.data_len; i++) {
		if (frame[i] == wanted.bytes[i])
			continue;
		printf("  %s\n  byte %u is %02x, wanted %02x\n", text, i, frame[i], wanted.bytes[i]);
		return false;
	}
	return packet.length == wanted.length;
}

/* An end of a flow: an address as text, and a port. */
struct end {
	char address[INET6_ADDRSTRLEN];
	uint16_t port;
};

static struct end end_of(const char *address, uint16_t port)
{
	struct end end = {.port = port};

	snprintf(end.address, sizeof(end.address), "%s", address);
	return end;
}

static struct flow_key key_of(uint8_t protocol, const struct end *src, const struct end *dst)
{
	struct flow_key key = {
	        .protocol = protocol, .src_port = htons(src->port), .dst_port = htons(dst->port), .context = 9};
	uint8_t family;

	packet_text_address(src->address, key.src, &family);
	packet_text_address(dst->address, key.dst, &key.family);
	return key;
}

/* Kinds of packets, by family and protocol: what follows the addresses; %u: two ports, or an identifier in a word. */

enum ports {
	/** Source and destination. */
	PORTS,
	/** Identifier of a query, of an answer. */
	QUERY,
	ANSWER,
	/** Nothing that changes. */
	NOTHING,
};

static const struct kind {
	uint8_t family, protocol;
	enum ports ports;
	const char *format;
} kinds[] = {
        {4, IPPROTO_TCP, PORTS, "ip4 %s %s | tcp %u %u PA seq 77 ack 99 | data 101"},
        {4, IPPROTO_TCP, PORTS, "ip4 %s %s options 12 | tcp %u %u S"},
        {4, IPPROTO_TCP, PORTS, "ip4 %s %s id 4 mf | tcp %u %u A | data 44"},
        {4, IPPROTO_UDP, PORTS, "ip4 %s %s | udp %u %u | data 33"},
        {4, IPPROTO_UDP, PORTS, "ip4 %s %s | udp %u %u nosum | data 33"},
        {4, IPPROTO_ICMP, QUERY, "ip4 %s %s | icmp 8 0 word 0x%04x0007 | data 9"},
        {4, IPPROTO_ICMP, ANSWER, "ip4 %s %s | icmp 0 0 word 0x%04x0007 | data 9"},
        {4, IPPROTO_ICMP, QUERY, "ip4 %s %s | icmp 13 0 word 0x%04x0007 | data 12"},
        {4, IPPROTO_ICMP, NOTHING, "ip4 %s %s | icmp 9 0 word 7 | data 12"},
        {4, IPPROTO_ICMP, NOTHING, "ip4 %s %s | icmp 8 3 word 0x12340001 | data 12"},
        {4, IPPROTO_SCTP, NOTHING, "ip4 %s %s | sctp 7 8 | data 12"},
        {4, 47, NOTHING, "ip4 %s %s proto 47 | data 30"},
        {4, IPPROTO_UDP, NOTHING, "ip4 %s %s id 4 offset 64 proto 17 | data 30"},
        {6, IPPROTO_TCP, PORTS, "ip6 %s %s | tcp %u %u PA seq 77 ack 99 | data 101"},
        {6, IPPROTO_UDP, PORTS, "ip6 %s %s | hop | dest | udp %u %u | data 33"},
        {6, IPPROTO_UDP, PORTS, "ip6 %s %s | udp %u %u nosum | data 33"},
        {6, IPPROTO_UDP, PORTS, "ip6 %s %s | frag id 3 mf | udp %u %u | data 32"},
        {6, IPPROTO_UDP, NOTHING, "ip6 %s %s next 44 | frag id 3 offset 40 | data 32"},
        {6, IPPROTO_ICMPV6, QUERY, "ip6 %s %s | icmp 128 0 word 0x%04x0007 | data 9"},
        {6, IPPROTO_ICMPV6, ANSWER, "ip6 %s %s | icmp 129 0 word 0x%04x0007 | data 9"},
        {6, IPPROTO_ICMPV6, NOTHING, "ip6 %s %s | icmp 200 0 word 7 | data 9"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* A packet of a kind from one end to another. */
static void make_kind(struct packet_text *out, const struct kind *kind, const struct end *src, const struct end *dst)
{
	char body[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(body, sizeof(body), kind->format, src->address, dst->address,
	        kind->ports == ANSWER ? dst->port : src->port, dst->port);
#pragma GCC diagnostic pop
	make(out, "eth m1 gw | %s", body);
}

/* The answers to packets of a kind with these ends. */
static struct flow_key back_of(const struct kind *kind, const struct end *src, const struct end *dst)
{
	return key_of(kind->protocol, dst, src);
}

static void random_address(uint8_t family, char *out)
{
	uint8_t bytes[16];

	for (uint32_t i = 0; i < sizeof(bytes); i++)
		/* Ends of ranges come often: carries. */
		bytes[i] = (uint8_t)(random() % 3 != 0 ? random() : random() % 2 != 0 ? 255 : 0);
	inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes, out, INET6_ADDRSTRLEN);
}

static struct end random_end(uint8_t family)
{
	struct end end = {.port = (uint16_t)(random() % 4 != 0 ? random() : random() % 2 != 0 ? 0 : 65535)};

	random_address(family, end.address);
	return end;
}

TEST(any_packet_has_right_checksums_behind)
{
	srandom(7);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const struct kind *kind = &kinds[round % KINDS];
		struct end src = random_end(kind->family), dst = random_end(kind->family);
		struct end new_src = random_end(kind->family), new_dst = random_end(kind->family);
		make_kind(&packet, kind, &src, &dst);
		make_kind(&wanted, kind, &new_src, &new_dst);
		receive(packet.length);
		struct flow_key back = back_of(kind, &new_src, &new_dst);
		nat_rewrite(&pkt, &back);
		CHECK(is_wanted());
	}
}

TEST(a_translation_to_the_same_changes_nothing)
{
	srandom(8);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const struct kind *kind = &kinds[round % KINDS];
		struct end src = random_end(kind->family), dst = random_end(kind->family);
		make_kind(&packet, kind, &src, &dst);
		make_kind(&wanted, kind, &src, &dst);
		receive(packet.length);
		struct flow_key back = back_of(kind, &src, &dst);
		nat_rewrite(&pkt, &back);
		CHECK(is_wanted());
	}
}

TEST(headers_of_a_chain_are_in_its_first_segment)
{
	struct end dst = end_of("203.0.113.7", 80), outside = end_of("192.0.2.5", 1024);

	make(&packet, "eth m1 gw | ip4 10.1.0.11 203.0.113.7 | tcp 4000 80 A | data 1000");
	make(&wanted, "eth m1 gw | ip4 192.0.2.5 203.0.113.7 | tcp 1024 80 A | data 1000");
	receive(54);
	struct flow_key back = key_of(IPPROTO_TCP, &dst, &outside);
	nat_rewrite(&pkt, &back);
	CHECK(is_wanted());
}

/* What hardware, or the next kernel, makes of a checksum that is left to it. */
static uint16_t finished(uint32_t l4, uint32_t field)
{
	uint32_t sum = 0;

	for (uint32_t i = l4; i < packet.length; i++)
		sum += (i - l4) % 2 == 0 ? (uint32_t)frame[i] << 8 : frame[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	frame[field] = (uint8_t)(sum >> 8);
	frame[field + 1] = (uint8_t)sum;
	return (uint16_t)sum;
}

/* The field as a sender leaves it: the sum of the pseudo header (offload.h). */
static void leave_to_hardware(uint32_t field, bool tcp)
{
	uint32_t bytes = (pkt.flags & PKT_IPV4) != 0 ? 8 : 32, sum = packet.length - pkt.l4 + pkt.protocol;
	const uint8_t *addresses = frame + pkt.l3 + (bytes == 8 ? 12 : 8);

	for (uint32_t i = 0; i < bytes; i += 2)
		sum += (uint32_t)addresses[i] << 8 | addresses[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	frame[field] = (uint8_t)(sum >> 8);
	frame[field + 1] = (uint8_t)sum;
	mbuf.ol_flags = tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
}

TEST(a_checksum_left_to_hardware_comes_out_right)
{
	static const char *const formats[] = {"ip4 %s %s | tcp %u %u PA | data 101", "ip4 %s %s | udp %u %u | data 7",
	        "ip6 %s %s | tcp %u %u PA | data 101", "ip6 %s %s | dest | udp %u %u | data 7"};

	srandom(9);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t which = round % 4;
		bool tcp = which % 2 == 0;
		struct kind kind = {.family = which < 2 ? 4 : 6,
		        .protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP,
		        .format = formats[which]};
		struct end src = random_end(kind.family), dst = random_end(kind.family);
		struct end new_src = random_end(kind.family), new_dst = random_end(kind.family);
		make_kind(&packet, &kind, &src, &dst);
		make_kind(&wanted, &kind, &new_src, &new_dst);
		receive(packet.length);
		uint32_t field = pkt.l4 + (tcp ? 16u : 6u);
		leave_to_hardware(field, tcp);
		struct flow_key back = back_of(&kind, &new_src, &new_dst);
		nat_rewrite(&pkt, &back);
		/* UDP: both forms of zero are right. */
		if (finished(pkt.l4, field) == 0 && !tcp)
			frame[field] = frame[field + 1] = 0xff;
		CHECK(is_wanted());
	}
}

TEST(a_wrong_checksum_stays_wrong)
{
	struct end dst = end_of("203.0.113.7", 80), outside = end_of("192.0.2.5", 1024);

	make(&packet, "eth m1 gw | ip4 10.1.0.11 203.0.113.7 | udp 4000 80 | data 10");
	make(&wanted, "eth m1 gw | ip4 192.0.2.5 203.0.113.7 | udp 1024 80 | data 10");
	packet.bytes[50] ^= 0x10;
	wanted.bytes[50] ^= 0x10;
	receive(packet.length);
	struct flow_key back = key_of(IPPROTO_UDP, &dst, &outside);
	nat_rewrite(&pkt, &back);
	CHECK(is_wanted());
}

TEST(a_udp_checksum_that_comes_out_as_zero_is_sent_as_ones)
{
	struct end dst = end_of("203.0.113.7", 80), outside = end_of("192.0.2.5", 0);
	uint32_t zeros = 0;

	for (uint32_t port = 0; port < 65536; port++) {
		outside.port = (uint16_t)port;
		make(&packet, "eth m1 gw | ip4 10.1.0.11 203.0.113.7 | udp 4000 80");
		receive(packet.length);
		struct flow_key back = key_of(IPPROTO_UDP, &dst, &outside);
		nat_rewrite(&pkt, &back);
		zeros += frame[40] == 0xff && frame[41] == 0xff;
		CHECK(frame[40] != 0 || frame[41] != 0);
	}
	CHECK_EQ(zeros, 1);
}

/* Errors. Inside 10.1.0.11 or 2001:db8:1::b is 192.0.2.5 or 2001:db8:f::5 outside; the other end is 203.0.113.7 or
 * 2001:db8:e::7; a router is 198.51.100.1 or 2001:db8:d::1. */

static const char *const names[2][4] = {
        {"10.1.0.11", "192.0.2.5", "203.0.113.7", "198.51.100.1"},
        {"2001:db8:1::b", "2001:db8:f::5", "2001:db8:e::7", "2001:db8:d::1"},
};

static const struct kind quoted[] = {
        {4, IPPROTO_TCP, PORTS, "ip4 %s %s | tcp %u %u PA seq 77 ack 99 | data 101"},
        {4, IPPROTO_UDP, PORTS, "ip4 %s %s options 8 | udp %u %u | data 33"},
        {4, IPPROTO_UDP, PORTS, "ip4 %s %s | udp %u %u nosum | data 33"},
        {4, IPPROTO_ICMP, QUERY, "ip4 %s %s | icmp 8 0 word 0x%04x0007 | data 9"},
        {6, IPPROTO_TCP, PORTS, "ip6 %s %s | tcp %u %u PA seq 77 ack 99 | data 101"},
        {6, IPPROTO_UDP, PORTS, "ip6 %s %s | dest | frag id 7 | udp %u %u | data 33"},
        {6, IPPROTO_ICMPV6, QUERY, "ip6 %s %s | icmp 128 0 word 0x%04x0007 | data 9"},
};
#define QUOTED (sizeof(quoted) / sizeof(quoted[0]))

/* The keys of a flow from inside: as its packets come, and as answers do. */
static void keys_of(const struct kind *kind, struct flow_key *forward, struct flow_key *reverse)
{
	const char *const *name = names[kind->family == 6];
	struct end inside = end_of(name[0], 4000), outside = end_of(name[1], 1024), other = end_of(name[2], 80);

	if (kind->ports == QUERY)
		other.port = kind->family == 4 ? 8 << 8 : 128 << 8;
	*forward = key_of(kind->protocol, &inside, &other);
	*reverse = key_of(kind->protocol, &other, &outside);
}

static void make_inner(const struct kind *kind, const char *src, uint16_t src_port, const char *dst, uint16_t dst_port)
{
	struct end from = end_of(src, src_port), to = end_of(dst, dst_port);

	make_kind(&inner, kind, &from, &to);
}

/* An error from a router outside about a packet that left, cut after `bytes`: as it comes, and as it is to become. */
static void make_error(const struct kind *kind, uint32_t bytes, const char *behind)
{
	const char *const *name = names[kind->family == 6];
	uint32_t type = kind->family == 4 ? 3 : 1, code = kind->family == 4 ? 4 : 0;
	unsigned int word = behind[0] == '\0' ? 600 : kind->family == 4 ? 0x00200258 : 0x10000000;

	make_inner(kind, name[1], 1024, name[2], 80);
	make(&packet, "eth m9 gw | ip%u %s %s | icmp %u %u word %u | quote %u %s", kind->family, name[3], name[1], type,
	        code, word, bytes, behind);
	make_inner(kind, name[0], 4000, name[2], 80);
	make(&wanted, "eth m9 gw | ip%u %s %s | icmp %u %u word %u | quote %u %s", kind->family, name[3], name[0], type,
	        code, word, bytes, behind);
}

TEST(an_error_from_outside_quotes_what_the_sender_sent_however_short)
{
	for (uint32_t i = 0; i < QUOTED; i++) {
		struct flow_key forward, reverse, key;
		uint32_t least = 0;

		keys_of(&quoted[i], &forward, &reverse);
		for (uint32_t bytes = 0; bytes < 200; bytes++) {
			make_error(&quoted[i], bytes, "");
			receive(packet.length);
			if (flow_key_quoted(&pkt, 9, &key) != FLOW_KIND_ERROR)
				continue;
			least = least == 0 ? bytes : least;
			/* One byte of a checksum alone cannot follow. */
			if (quoted[i].protocol == IPPROTO_TCP && bytes == (quoted[i].family == 4 ? 37 : 57))
				continue;
			nat_rewrite_error(&pkt, &forward, &reverse, NULL);
			CHECK(is_wanted());
		}
		CHECK(least != 0 && least <= 72);
	}
}

TEST(of_a_quote_that_is_too_short_nothing_changes)
{
	struct flow_key forward, reverse;

	keys_of(&quoted[0], &forward, &reverse);
	for (uint32_t bytes = 0; bytes < 28; bytes++) {
		make_error(&quoted[0], bytes, "");
		wanted = packet;
		receive(packet.length);
		nat_rewrite_error(&pkt, &forward, &reverse, NULL);
		CHECK(is_wanted());
	}
}

/* RFC 4884 §4.1: the datagram padded to 128 bytes, then an extension with a checksum of its own (§7). */
TEST(extensions_of_an_error_and_the_padding_before_them_stay)
{
	static const struct kind small[] = {
	        {4, IPPROTO_TCP, PORTS, "ip4 %s %s | tcp %u %u PA seq 77 ack 99"},
	        {6, IPPROTO_TCP, PORTS, "ip6 %s %s | tcp %u %u PA seq 77 ack 99"},
	};

	for (uint32_t i = 0; i < 2; i++) {
		uint32_t there = i == 0 ? 40 : 60;
		struct flow_key forward, reverse;
		char behind[512] = "| hex";

		for (uint32_t pad = there; pad < 128; pad++)
			strcat(behind, " 00");
		strcat(behind, " 20 00 8b c4 00 08 01 01 00 01 01 ff");
		keys_of(&small[i], &forward, &reverse);
		make_error(&small[i], there, behind);
		receive(packet.length);
		nat_rewrite_error(&pkt, &forward, &reverse, NULL);
		CHECK(is_wanted());
	}
}

TEST(zeros_behind_the_end_of_a_quoted_datagram_are_no_checksum)
{
	struct flow_key forward, reverse;

	/* 28 bytes, says its header: 8 of them are of the fragment's TCP header. */
	keys_of(&quoted[0], &forward, &reverse);
	make(&inner, "eth m1 gw | ip4 192.0.2.5 203.0.113.7 id 3 mf proto 6 | hex 04 00 00 50 00 00 00 4d");
	make(&packet, "eth m9 gw | ip4 198.51.100.1 192.0.2.5 | icmp 11 1 word 0 | quote 28 | hex 00 00 00 00 00 00 00 "
	              "00 00 00 00 00");
	make(&inner, "eth m1 gw | ip4 10.1.0.11 203.0.113.7 id 3 mf proto 6 | hex 0f a0 00 50 00 00 00 4d");
	make(&wanted, "eth m9 gw | ip4 198.51.100.1 10.1.0.11 | icmp 11 1 word 0 | quote 28 | hex 00 00 00 00 00 00 00 "
	              "00 00 00 00 00");
	receive(packet.length);
	nat_rewrite_error(&pkt, &forward, &reverse, NULL);
	CHECK(is_wanted());
}

TEST(an_error_from_inside_quotes_what_came_and_comes_from_the_outside_address)
{
	for (uint32_t i = 0; i < QUOTED; i++) {
		const char *const *name = names[quoted[i].family == 6];
		struct flow_key forward, reverse;

		/* The far end's packets: queries of theirs never pass a shared address. */
		if (quoted[i].ports == QUERY)
			continue;
		keys_of(&quoted[i], &forward, &reverse);
		for (uint32_t router = 0; router < 2; router++) {
			const char *from = router ? (quoted[i].family == 4 ? "10.1.0.99" : "2001:db8:1::99") : name[0];
			unsigned int type = quoted[i].family == 4 ? 3 : 1;
			make_inner(&quoted[i], name[2], 80, name[0], 4000);
			make(&packet, "eth m1 gw | ip%u %s %s | icmp %u 3 | quote 100", quoted[i].family, from, name[2],
			        type);
			make_inner(&quoted[i], name[2], 80, name[1], 1024);
			make(&wanted, "eth m1 gw | ip%u %s %s | icmp %u 3 | quote 100", quoted[i].family, name[1],
			        name[2], type);
			receive(packet.length);
			nat_rewrite_error(&pkt, &reverse, &forward, NULL);
			CHECK(is_wanted());
		}
	}
}

TEST(an_error_about_an_answer_to_a_query)
{
	struct end inside = end_of("10.1.0.11", 7), outside = end_of("192.0.2.5", 1024),
	           type = end_of("203.0.113.7", 8 << 8);
	struct flow_key forward = key_of(IPPROTO_ICMP, &inside, &type), reverse = key_of(IPPROTO_ICMP, &type, &outside);

	make(&packet, "eth m1 gw | ip4 10.1.0.11 203.0.113.7 | icmp 3 3 | ip4 203.0.113.7 10.1.0.11 | icmp 0 0 word "
	              "0x00070001");
	make(&wanted, "eth m1 gw | ip4 192.0.2.5 203.0.113.7 | icmp 3 3 | ip4 203.0.113.7 192.0.2.5 | icmp 0 0 word "
	              "0x04000001");
	receive(packet.length);
	nat_rewrite_error(&pkt, &reverse, &forward, NULL);
	CHECK(is_wanted());
}

TEST_MAIN(CASE(any_packet_has_right_checksums_behind), CASE(a_translation_to_the_same_changes_nothing),
        CASE(headers_of_a_chain_are_in_its_first_segment), CASE(a_checksum_left_to_hardware_comes_out_right),
        CASE(a_wrong_checksum_stays_wrong), CASE(a_udp_checksum_that_comes_out_as_zero_is_sent_as_ones),
        CASE(an_error_from_outside_quotes_what_the_sender_sent_however_short),
        CASE(of_a_quote_that_is_too_short_nothing_changes),
        CASE(extensions_of_an_error_and_the_padding_before_them_stay),
        CASE(zeros_behind_the_end_of_a_quoted_datagram_are_no_checksum),
        CASE(an_error_from_inside_quotes_what_came_and_comes_from_the_outside_address),
        CASE(an_error_about_an_answer_to_a_query))
