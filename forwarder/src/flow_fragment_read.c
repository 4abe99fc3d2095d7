#include "flow_fragment_read.h"

#include <netinet/in.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <string.h>

#define PROTO_DCCP    33
#define PROTO_SCTP    132
#define PROTO_UDPLITE 136

static bool read_ipv4(const struct pkt *pkt, struct fragment *out)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(pkt->data + pkt->l3);
	uint32_t place = rte_be_to_cpu_16(ip->fragment_offset), header = rte_ipv4_hdr_len(ip);

	memcpy(out->key.src, &ip->src_addr, sizeof(ip->src_addr));
	memcpy(out->key.dst, &ip->dst_addr, sizeof(ip->dst_addr));
	out->key.id = ip->packet_id;
	out->key.protocol = ip->next_proto_id;
	out->offset = (place & RTE_IPV4_HDR_OFFSET_MASK) * FRAGMENT_UNIT;
	out->length = rte_be_to_cpu_16(ip->total_length) - header;
	out->last = (place & RTE_IPV4_HDR_MF_FLAG) == 0;
	out->room = RTE_MIN(out->length, (uint32_t)pkt->length - pkt->l3 - header);
	return true;
}

/* Length of an extension header that others may stand behind; 0: it is none. */
static uint32_t extension_bytes(uint8_t type, const uint8_t *header)
{
	switch (type) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return (header[1] + 1u) * 8;
	case IPPROTO_AH:
		return (header[1] + 2u) * 4;
	default:
		return type == IPPROTO_FRAGMENT ? 8 : 0;
	}
}

static void read_fragment_header(const struct pkt *pkt, uint32_t at, uint32_t end, struct fragment *out)
{
	uint16_t place_be;

	memcpy(&place_be, pkt->data + at + 2, sizeof(place_be));
	memcpy(&out->key.id, pkt->data + at + 4, sizeof(out->key.id));
	uint32_t place = rte_be_to_cpu_16(place_be);
	out->offset = place & ~7u;
	out->last = (place & 1) == 0;
	out->length = end - (at + 8);
}

/* False: two fragment headers, or a header that ends behind the packet, which parse() lets nobody pass with. */
static bool read_ipv6(const struct pkt *pkt, struct fragment *out)
{
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(pkt->data + pkt->l3);
	uint32_t at = pkt->l3 + sizeof(*ip), end = at + rte_be_to_cpu_16(ip->payload_len);
	uint32_t stop = RTE_MIN(end, (uint32_t)pkt->length), bytes;
	uint8_t type = ip->proto;
	bool found = false;

	memcpy(out->key.src, ip->src_addr, sizeof(ip->src_addr));
	memcpy(out->key.dst, ip->dst_addr, sizeof(ip->dst_addr));
	while (at + 8 <= stop && (bytes = extension_bytes(type, pkt->data + at)) != 0) {
		if (type == IPPROTO_FRAGMENT) {
			if (found)
				return false;
			found = true;
			read_fragment_header(pkt, at, end, out);
			/* What lies behind it is payload. */
			if (out->offset != 0)
				return true;
		}
		type = pkt->data[at];
		at += bytes;
	}
	out->room = at > stop ? 0 : stop - at;
	return found;
}

/* How much of its header a first fragment must have: ports, and what decides beside them (RFC 1858 §3.2.2). */
static uint32_t least_header(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return 20;
	case PROTO_SCTP:
	case PROTO_DCCP:
		return 12;
	case IPPROTO_UDP:
	case PROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 8;
	default:
		return 0;
	}
}

bool fragment_is_sound(const struct pkt *pkt, const struct fragment *fragment)
{
	if (fragment->length == 0 || (!fragment->last && fragment->length % FRAGMENT_UNIT != 0) ||
	        fragment->offset + fragment->length > UINT16_MAX)
		return false;
	if (fragment->offset == 0)
		return fragment->room >= least_header(pkt->protocol);
	/* RFC 3128: it would write over the header of the first. */
	return fragment->offset >= least_header(fragment->key.protocol);
}

bool fragment_read(const struct pkt *pkt, const struct ingress *in, struct fragment *out)
{
	*out = (struct fragment){.key.context = in->port->generation};
	out->key.family = (pkt->flags & PKT_IPV4) != 0 ? 4 : 6;
	return out->key.family == 4 ? read_ipv4(pkt, out) : read_ipv6(pkt, out);
}
