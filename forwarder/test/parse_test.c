/* Offsets and refusals of the parser, on frames in buffers of exactly their size: ASan sees a read past the end. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "parse.h"
#include "test.h"

static struct pkt pkt;

/* Parses hex digits (spaces ignored), followed by `zeros` zero bytes. */
static verdict_t parse_hex(const char *hex, uint32_t zeros)
{
	static uint8_t *frame;
	static struct rte_mbuf mbuf;
	uint8_t bytes[2048] = {0};
	uint32_t digits = 0;

	for (; *hex != '\0'; hex++) {
		if (*hex == ' ')
			continue;
		int value = *hex <= '9' ? *hex - '0' : *hex - 'a' + 10;
		bytes[digits / 2] = (uint8_t)(bytes[digits / 2] | value << (digits % 2 ? 0 : 4));
		digits++;
	}
	uint32_t length = digits / 2 + zeros;
	free(frame);
	frame = malloc(length);
	memcpy(frame, bytes, length);
	mbuf = (struct rte_mbuf){.buf_addr = frame, .data_len = (uint16_t)length, .pkt_len = length, .nb_segs = 1};
	return parse(&pkt, &mbuf);
}

#define ETH  "ffffffffffff 020000000001 "
#define ETH4 ETH "0800 "
/* Version|IHL, ToS, total length, id, flags|offset, TTL, protocol, checksum, addresses. */
#define IP4(first, total, fragment, protocol) first "00" total "0001" fragment "40" protocol "0000 0a000001 0a000002 "

TEST(udp_ports_are_found)
{
	CHECK_EQ(parse_hex(ETH4 IP4("45", "001c", "0000", "11") "1234 0035 0008 0000", 0), VERDICT_NEXT);
	CHECK_EQ(pkt.flags, PKT_IPV4 | PKT_L4 | PKT_GROUP);
	CHECK_EQ(pkt.l3, 14);
	CHECK_EQ(pkt.l4, 34);
	CHECK_EQ(pkt.src_l4_port, 0x1234);
	CHECK_EQ(pkt.dst_l4_port, 53);
	CHECK_EQ(ntohl(pkt.dst_be), 0x0a000002);
}

TEST(options_move_the_l4_header)
{
	CHECK_EQ(parse_hex(ETH4 IP4("46", "0020", "0000", "11") "01010101 1234 0043 0008 0000", 0), VERDICT_NEXT);
	CHECK_EQ(pkt.l4, 38);
	CHECK_EQ(pkt.dst_l4_port, 67);
}

TEST(ethernet_padding_is_no_payload)
{
	/* 4 bytes of UDP by the header's word; the zeros behind are padding. */
	CHECK_EQ(parse_hex(ETH4 IP4("45", "0018", "0000", "11") "1234 0035", 22), VERDICT_NEXT);
	CHECK_EQ(pkt.l4, 0);
	CHECK_EQ(pkt.flags & PKT_L4, 0);
}

TEST(a_later_fragment_has_no_l4_header)
{
	CHECK_EQ(parse_hex(ETH4 IP4("45", "001c", "0001", "11") "1234 0035 0008 0000", 0), VERDICT_NEXT);
	CHECK_EQ(pkt.flags & (PKT_L4 | PKT_LATER_FRAGMENT), PKT_LATER_FRAGMENT);
	CHECK_EQ(pkt.dst_l4_port, 0);
	CHECK_EQ(pkt.flags & PKT_FRAGMENT, PKT_FRAGMENT);
	/* The first one has: more fragments, offset 0. */
	CHECK_EQ(parse_hex(ETH4 IP4("45", "001c", "2000", "11") "1234 0035 0008 0000", 0), VERDICT_NEXT);
	CHECK_EQ(pkt.flags & (PKT_FRAGMENT | PKT_LATER_FRAGMENT), PKT_FRAGMENT);
	CHECK_EQ(pkt.dst_l4_port, 53);
}

TEST(contradicting_ipv4_headers_are_malformed)
{
	CHECK_EQ(parse_hex(ETH4 IP4("65", "001c", "0000", "11"), 8), DROP_MALFORMED);
	CHECK_EQ(parse_hex(ETH4 IP4("44", "001c", "0000", "11"), 8), DROP_MALFORMED);
	CHECK_EQ(parse_hex(ETH4 IP4("45", "0013", "0000", "11"), 8), DROP_MALFORMED);
	CHECK_EQ(parse_hex(ETH4 IP4("45", "001d", "0000", "11"), 8), DROP_MALFORMED);
	CHECK_EQ(parse_hex(ETH4 IP4("4f", "001c", "0000", "11"), 8), DROP_MALFORMED);
	CHECK_EQ(parse_hex(ETH4 "45", 0), DROP_MALFORMED);
}

TEST(frames_shorter_than_ethernet_are_malformed)
{
	CHECK_EQ(parse_hex("", 1), DROP_MALFORMED);
	CHECK_EQ(parse_hex("ffffffffffff 020000000001 08", 0), DROP_MALFORMED);
	CHECK_EQ(parse_hex(ETH "88b5", 0), VERDICT_NEXT);
	CHECK_EQ(pkt.flags, PKT_GROUP);
}

TEST(a_frame_that_was_too_long_to_receive_is_oversized)
{
	static struct rte_mbuf mbuf = {.buf_addr = &mbuf, .pkt_len = 70000, .nb_segs = 1};

	CHECK_EQ(parse(&pkt, &mbuf), DROP_OVERSIZED);
}

TEST(arp_is_found_only_for_ethernet_and_ipv4)
{
	CHECK_EQ(parse_hex(ETH "0806 0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002", 0),
	        VERDICT_NEXT);
	CHECK_EQ(pkt.flags & PKT_ARP, PKT_ARP);
	CHECK_EQ(pkt.protocol, 1);
	CHECK_EQ(ntohl(pkt.src_be), 0x0a000001);
	CHECK_EQ(parse_hex(ETH "0806 0006 0800 06 04 0001", 20), VERDICT_NEXT);
	CHECK_EQ(pkt.flags & PKT_ARP, PKT_ARP);
	CHECK_EQ(parse_hex(ETH "0806 0007 0800 06 04 0001", 20), VERDICT_NEXT);
	CHECK_EQ(pkt.flags & PKT_ARP, 0);
	CHECK_EQ(parse_hex(ETH "0806 0001 0800 08 04 0001", 20), DROP_MALFORMED);
	CHECK_EQ(parse_hex(ETH "0806 0001 0800 06 04 0001", 19), DROP_MALFORMED);
	/* Operation 257 is not a request. */
	CHECK_EQ(parse_hex(ETH "0806 0001 0800 06 04 0101", 20), VERDICT_NEXT);
	CHECK_EQ(pkt.protocol, 0);
}

TEST(ipv6_is_checked_against_its_length)
{
	CHECK_EQ(parse_hex(ETH "86dd 60000000 0008 11 40", 40), VERDICT_NEXT);
	CHECK_EQ(pkt.flags & (PKT_IPV6 | PKT_L4), PKT_IPV6 | PKT_L4);
	CHECK_EQ(pkt.l4, 54);
	CHECK_EQ(parse_hex(ETH "86dd 60000000 0009 11 40", 40), DROP_MALFORMED);
	CHECK_EQ(parse_hex(ETH "86dd 40000000 0008 11 40", 40), DROP_MALFORMED);
	CHECK_EQ(parse_hex(ETH "86dd 60000000 0000 11 40", 31), DROP_MALFORMED);
}

/* Version, payload length, next header, hop limit and two addresses of zeros. */
#define IP6(length, next)                                                                                              \
	ETH "86dd 60000000" length next "40 00000000000000000000000000000000 00000000000000000000000000000000 "

TEST(ipv6_extension_headers_are_skipped)
{
	/* Hop-by-hop (16 bytes), routing, destination options, authentication (12 bytes), UDP. */
	CHECK_EQ(parse_hex(IP6("0034", "00") "2b01 000000000000 0000000000000000 3c00 000000000000 3300 000000000000"
	                                     "1101 000000000000 00000000 1234 0035 0008 0000",
	                 0),
	        VERDICT_NEXT);
	CHECK_EQ(pkt.flags, PKT_IPV6 | PKT_L4 | PKT_GROUP | PKT_EXTENSIONS);
	CHECK_EQ(pkt.protocol, IPPROTO_UDP);
	CHECK_EQ(pkt.l4, 54 + 16 + 8 + 8 + 12);
	CHECK_EQ(pkt.dst_l4_port, 53);
	CHECK(pkt_dst6(&pkt) == pkt.data + 38);
}

TEST(encryption_and_nothing_end_the_search)
{
	CHECK_EQ(parse_hex(IP6("0010", "3c") "3200 000000000000 0000000000000000", 0), VERDICT_NEXT);
	CHECK_EQ(pkt.protocol, IPPROTO_ESP);
	CHECK_EQ(pkt.l4, 0);
	CHECK_EQ(parse_hex(IP6("0008", "3b") "3a00 000000000000", 0), VERDICT_NEXT);
	CHECK_EQ(pkt.protocol, IPPROTO_NONE);
	CHECK_EQ(pkt.flags & (PKT_L4 | PKT_EXTENSIONS), 0);
}

TEST(extension_headers_that_contradict_themselves_end_the_packet)
{
	/* Behind the datagram, cut short, hop-by-hop not first, none at all behind a jumbogram's length of 0. */
	CHECK_EQ(parse_hex(IP6("0010", "3c") "1101 000000000000 00000000", 4), VERDICT_NEXT);
	CHECK_EQ(parse_hex(IP6("0010", "3c") "1102 000000000000 00000000", 4), DROP_EXTENSION_HEADERS);
	CHECK_EQ(parse_hex(IP6("0004", "3c") "11000000", 20), DROP_EXTENSION_HEADERS);
	CHECK_EQ(parse_hex(IP6("0018", "3c") "0000 000000000000 1100 000000000000 1234 0035 0008 0000", 0),
	        DROP_EXTENSION_HEADERS);
	CHECK_EQ(parse_hex(IP6("0000", "00") "3b00 c20400010000", 0), DROP_EXTENSION_HEADERS);
}

TEST(the_search_through_extension_headers_is_bounded)
{
	char hex[1024] = IP6("0050", "3c");

	for (int i = 0; i < 8; i++)
		strcat(hex, i < 7 ? "3c00 000000000000 " : "1100 000000000000 ");
	CHECK_EQ(parse_hex(hex, 16), VERDICT_NEXT);
	CHECK_EQ(pkt.flags & PKT_L4, PKT_L4);
	memcpy(strrchr(hex, '1') - 1, "3c", 2);
	CHECK_EQ(parse_hex(hex, 16), DROP_EXTENSION_HEADERS);
	/* 512 bytes of one header are enough; 520 are not. */
	CHECK_EQ(parse_hex(IP6("0208", "3c") "113f", 518), VERDICT_NEXT);
	CHECK_EQ(pkt.l4, 54 + 512);
	CHECK_EQ(parse_hex(IP6("0210", "3c") "1140", 526), DROP_EXTENSION_HEADERS);
}

TEST(ipv6_fragments_are_told)
{
	CHECK_EQ(parse_hex(IP6("0010", "2c") "1100 0001 00000007 1234 0035 0008 0000", 0), VERDICT_NEXT);
	CHECK_EQ(pkt.flags & (PKT_FRAGMENT | PKT_LATER_FRAGMENT | PKT_L4), PKT_FRAGMENT | PKT_L4);
	CHECK_EQ(pkt.dst_l4_port, 53);
	CHECK_EQ(parse_hex(IP6("0010", "2c") "1100 0008 00000007 1234 0035 0008 0000", 0), VERDICT_NEXT);
	CHECK_EQ(pkt.flags & (PKT_FRAGMENT | PKT_LATER_FRAGMENT | PKT_L4), PKT_FRAGMENT | PKT_LATER_FRAGMENT);
	CHECK_EQ(pkt.protocol, IPPROTO_UDP);
	CHECK_EQ(pkt.l4, 0);
	/* What follows in a later fragment is data, whatever it looks like. */
	CHECK_EQ(parse_hex(IP6("0010", "2c") "3c00 0008 00000007 11ff 0000 0000 0000", 0), VERDICT_NEXT);
	/* Atomic (RFC 6946). */
	CHECK_EQ(parse_hex(IP6("0010", "2c") "1100 0000 00000007 1234 0035 0008 0000", 0), VERDICT_NEXT);
	CHECK_EQ(pkt.flags & (PKT_FRAGMENT | PKT_LATER_FRAGMENT | PKT_L4), PKT_FRAGMENT | PKT_L4);
}

/* RFC 7112: what the later fragments hold could not be judged. */
TEST(a_first_fragment_holds_all_headers)
{
	CHECK_EQ(parse_hex(IP6("000c", "2c") "3a00 0001 00000007 86000000", 0), DROP_EXTENSION_HEADERS);
	CHECK_EQ(parse_hex(IP6("0010", "2c") "3c00 0001 00000007 3a01 000000000000", 0), DROP_EXTENSION_HEADERS);
	CHECK_EQ(parse_hex(IP6("0010", "2c") "0600 0001 00000007 1234 0050 00000000", 0), DROP_EXTENSION_HEADERS);
	/* A protocol without ports has none to hide. */
	CHECK_EQ(parse_hex(IP6("000c", "2c") "8400 0001 00000007 12340050", 0), VERDICT_NEXT);
}

TEST(the_type_of_icmp_is_its_port)
{
	CHECK_EQ(parse_hex(IP6("0008", "3a") "85000000 00000000", 0), VERDICT_NEXT);
	CHECK_EQ(pkt.dst_l4_port, 133);
	CHECK_EQ(parse_hex(ETH4 IP4("45", "001c", "0000", "01") "08000000 00000000", 0), VERDICT_NEXT);
	CHECK_EQ(pkt.dst_l4_port, 8);
	CHECK_EQ(pkt.src_l4_port, 0);
}

/* The given bytes are the first segment; others with `rest` bytes follow. */
static verdict_t parse_chain(const char *hex, uint32_t rest)
{
	static struct rte_mbuf chain;

	parse_hex(hex, 0);
	chain = *pkt.mbuf;
	chain.pkt_len += rest;
	chain.nb_segs = 2;
	return parse(&pkt, &chain);
}

TEST(lengths_count_over_a_chain_headers_do_not)
{
	CHECK_EQ(parse_chain(ETH4 IP4("45", "2328", "0000", "11") "1234 0035 0008 0000", 8972), VERDICT_NEXT);
	CHECK_EQ(pkt.length, 42);
	CHECK_EQ(pkt.dst_l4_port, 53);
	CHECK_EQ(parse_chain(ETH4 IP4("45", "2328", "0000", "11") "1234 0035 0008 0000", 8971), DROP_MALFORMED);
	CHECK_EQ(parse_chain(IP6("ffff", "11") "1234 0035 0008 0000", 65527), VERDICT_NEXT);
	CHECK_EQ(parse_chain(IP6("ffff", "11") "1234 0035 0008 0000", 65526), DROP_MALFORMED);
	/* A header that goes on in the second segment counts as not there. */
	CHECK_EQ(parse_chain(ETH4 IP4("45", "0200", "0000", "11") "1234 0035", 1000), VERDICT_NEXT);
	CHECK_EQ(pkt.flags & PKT_L4, 0);
	CHECK_EQ(parse_chain(ETH4 IP4("4f", "0200", "0000", "11") "1234 0035", 1000), DROP_MALFORMED);
	CHECK_EQ(parse_chain(IP6("0200", "3c") "1108 0000 0000 0000", 1000), DROP_EXTENSION_HEADERS);
}

/* Bytes that a header may well have, so that every refusal is met. */
static uint8_t likely_byte(void)
{
	static const uint8_t bytes[] = {
	        0x00, 0x01, 0x06, 0x08, 0x11, 0x14, 0x1b, 0x1c, 0x20, 0x24, 0x40, 0x45, 0x46, 0x60};

	return bytes[(uint32_t)rand() % sizeof(bytes)];
}

/* From 54 bytes on the usual frames are parsed by a path of their own. */
TEST(padding_changes_nothing_but_the_length)
{
	uint32_t usual = 0;

	srand(1);
	for (uint32_t round = 0; round < 200000; round++) {
		char hex[101], *at = hex;
		uint8_t frame[50] = {[12] = 0x08, [14] = 0x45, [17] = 0x24, [23] = IPPROTO_UDP};
		for (int change = rand() % 5; change > 0; change--)
			frame[(uint32_t)rand() % sizeof(frame)] = likely_byte();
		/* What would end in the padding is another packet without it. */
		frame[16] = 0;
		if (frame[17] > sizeof(frame) - 14)
			frame[17] = sizeof(frame) - 14;
		for (uint32_t i = 0; i < sizeof(frame); i++)
			at += sprintf(at, "%02x", frame[i]);
		verdict_t verdict = parse_hex(hex, 0);
		struct pkt bare = pkt;
		if (bare.ethertype != 0x0800)
			continue;
		CHECK_EQ(parse_hex(hex, 10), verdict);
		pkt.length = bare.length;
		pkt.data = bare.data;
		CHECK(memcmp(&pkt, &bare, sizeof(pkt)) == 0);
		usual += (pkt.flags & PKT_L4) != 0;
	}
	CHECK(usual > 50000);
}

/* Frames of 54 to 113 bytes around IPv4 with TCP or UDP, in one segment or with more behind it. */
TEST(the_short_way_gives_what_the_long_one_gives)
{
	uint32_t usual[2] = {0};

	srand(2);
	for (uint32_t round = 0; round < 200000; round++) {
		uint32_t length = 54 + (uint32_t)rand() % 60, rest = rand() % 4 == 0 ? (uint32_t)rand() % 200 : 0;
		uint8_t *frame = calloc(1, length);
		struct rte_mbuf mbuf = {.buf_addr = frame, .data_len = (uint16_t)length, .nb_segs = rest ? 2 : 1};
		struct pkt fast, general;

		for (uint32_t i = 34; i < length; i++)
			frame[i] = (uint8_t)rand();
		mbuf.pkt_len = length + rest;
		frame[12] = 0x08;
		frame[14] = 0x45;
		frame[17] = (uint8_t)(length + rest > 14 + 255 ? 255 : length + rest - 14 - (uint32_t)rand() % 3);
		frame[23] = rand() % 2 ? IPPROTO_TCP : IPPROTO_UDP;
		for (int change = rand() % 4; change > 0; change--)
			frame[(uint32_t)rand() % 34] = likely_byte();
		memset(&fast, 0xa5, sizeof(fast));
		memset(&general, 0xa5, sizeof(general));
		CHECK_EQ(parse(&fast, &mbuf), parse_any(&general, &mbuf));
		CHECK(memcmp(&fast, &general, offsetof(struct pkt, verdict)) == 0);
		if ((fast.flags & PKT_L4) != 0)
			usual[fast.protocol == IPPROTO_TCP]++;
		free(frame);
	}
	CHECK(usual[0] > 30000 && usual[1] > 30000);
}

TEST(a_tag_in_the_frame_is_told)
{
	CHECK_EQ(parse_hex(ETH "8100 0065 0800", 20), VERDICT_NEXT);
	CHECK_EQ(pkt.flags & PKT_TAGGED, PKT_TAGGED);
}

TEST_MAIN(CASE(udp_ports_are_found), CASE(options_move_the_l4_header), CASE(ethernet_padding_is_no_payload),
        CASE(a_later_fragment_has_no_l4_header), CASE(contradicting_ipv4_headers_are_malformed),
        CASE(frames_shorter_than_ethernet_are_malformed), CASE(a_frame_that_was_too_long_to_receive_is_oversized),
        CASE(arp_is_found_only_for_ethernet_and_ipv4), CASE(ipv6_is_checked_against_its_length),
        CASE(ipv6_extension_headers_are_skipped), CASE(encryption_and_nothing_end_the_search),
        CASE(extension_headers_that_contradict_themselves_end_the_packet),
        CASE(the_search_through_extension_headers_is_bounded), CASE(ipv6_fragments_are_told),
        CASE(a_first_fragment_holds_all_headers), CASE(the_type_of_icmp_is_its_port),
        CASE(lengths_count_over_a_chain_headers_do_not), CASE(the_short_way_gives_what_the_long_one_gives),
        CASE(a_tag_in_the_frame_is_told), CASE(padding_changes_nothing_but_the_length))
