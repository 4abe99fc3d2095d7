#include "quote.h"

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <stdbool.h>

/* As many as parse.c looks through. */
#define EXTENSIONS_MOST 8

/* RFC 791 §3.1. */
static enum quote_kind find_ipv4(struct quote *quote)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)quote->ip;

	if (quote->length < sizeof(*ip) + QUOTE_LEAST)
		return QUOTE_SHORT;
	if (ip->version_ihl >> 4 != 4)
		return QUOTE_OTHER;
	uint32_t header = rte_ipv4_hdr_len(ip);
	if (header < sizeof(*ip) || header + QUOTE_LEAST > quote->length)
		return QUOTE_SHORT;
	quote->protocol = ip->next_proto_id;
	quote->l4 = quote->ip + header;
	bool later = (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK)) != 0;
	return later ? QUOTE_OTHER : QUOTE_FOUND;
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_DSTOPTS ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_AH;
}

/* RFC 8200 §4. */
static enum quote_kind find_ipv6(struct quote *quote)
{
	uint32_t at = sizeof(struct rte_ipv6_hdr);

	if (quote->length < at + QUOTE_LEAST)
		return QUOTE_SHORT;
	if (quote->ip[0] >> 4 != 6)
		return QUOTE_OTHER;
	quote->protocol = quote->ip[offsetof(struct rte_ipv6_hdr, proto)];
	for (int count = 0; is_extension(quote->protocol); count++) {
		const uint8_t *header = quote->ip + at;
		bool fragment = quote->protocol == IPPROTO_FRAGMENT;

		if (count == EXTENSIONS_MOST || at + QUOTE_LEAST > quote->length)
			return QUOTE_SHORT;
		if (fragment && (header[2] << 8 | (header[3] & 0xf8)) != 0)
			return QUOTE_OTHER;
		at += fragment ? 8u : quote->protocol == IPPROTO_AH ? (header[1] + 2u) * 4 : (header[1] + 1u) * 8;
		quote->protocol = header[0];
	}
	quote->l4 = quote->ip + at;
	return at + QUOTE_LEAST > quote->length ? QUOTE_SHORT : QUOTE_FOUND;
}

enum quote_kind quote_find(const struct pkt *pkt, struct quote *quote)
{
	const uint8_t *ip = pkt->data + pkt->l3;
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	uint32_t begin = pkt->l4 + ICMP_HEADER;
	uint32_t end =
	        pkt->l3 +
	        (ipv4 ? rte_be_to_cpu_16(((const struct rte_ipv4_hdr *)ip)->total_length)
	              : sizeof(struct rte_ipv6_hdr) + rte_be_to_cpu_16(((const struct rte_ipv6_hdr *)ip)->payload_len));

	if (end > pkt->length)
		end = pkt->length;
	*quote = (struct quote){.ip = pkt->data + begin, .length = end > begin ? end - begin : 0};
	return ipv4 ? find_ipv4(quote) : find_ipv6(quote);
}
