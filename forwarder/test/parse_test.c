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
	/* The first one has: more fragments, offset 0. */
	CHECK_EQ(parse_hex(ETH4 IP4("45", "001c", "2000", "11") "1234 0035 0008 0000", 0), VERDICT_NEXT);
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

TEST(arp_is_found_only_for_ethernet_and_ipv4)
{
	CHECK_EQ(parse_hex(ETH "0806 0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002", 0),
	        VERDICT_NEXT);
	CHECK_EQ(pkt.flags & PKT_ARP, PKT_ARP);
	CHECK_EQ(pkt.protocol, 1);
	CHECK_EQ(ntohl(pkt.src_be), 0x0a000001);
	CHECK_EQ(parse_hex(ETH "0806 0006 0800 06 04 0001", 20), VERDICT_NEXT);
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

TEST(a_tag_in_the_frame_is_told)
{
	CHECK_EQ(parse_hex(ETH "8100 0065 0800", 20), VERDICT_NEXT);
	CHECK_EQ(pkt.flags & PKT_TAGGED, PKT_TAGGED);
}

TEST_MAIN(CASE(udp_ports_are_found), CASE(options_move_the_l4_header), CASE(ethernet_padding_is_no_payload),
        CASE(a_later_fragment_has_no_l4_header), CASE(contradicting_ipv4_headers_are_malformed),
        CASE(frames_shorter_than_ethernet_are_malformed), CASE(arp_is_found_only_for_ethernet_and_ipv4),
        CASE(ipv6_is_checked_against_its_length), CASE(a_tag_in_the_frame_is_told))
