#include "fragment.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <string.h>

#include "io.h"

#define COPIED_FLAG  0x80u
#define HEADER_LIMIT 60u

/* The datagram that is cut, and the two headers its pieces have: the first one's with all options. */
struct cut {
	const struct rte_mbuf *frame;
	uint16_t l3;
	uint16_t header;
	uint16_t later_header;
	uint32_t payload;
	uint8_t later[HEADER_LIMIT];
};

/* Only options with the copied flag are in every fragment (RFC 791 §3.1). The length with padding. */
static uint16_t copy_options(const uint8_t *ip, uint16_t header, uint8_t *out)
{
	uint16_t used = sizeof(struct rte_ipv4_hdr);

	memcpy(out, ip, used);
	for (uint16_t at = used; at < header && ip[at] != IPOPT_EOL;) {
		uint16_t length = ip[at] == IPOPT_NOP ? 1 : at + 1 < header ? ip[at + 1] : 0;
		/* Nothing behind an option without an end can be told apart. */
		if (length == 0 || at + length > header || (ip[at] != IPOPT_NOP && length < 2))
			break;
		if (ip[at] != IPOPT_NOP && (ip[at] & COPIED_FLAG) != 0) {
			memcpy(out + used, ip + at, length);
			used += length;
		}
		at += length;
	}
	while (used % 4 != 0)
		out[used++] = IPOPT_EOL;
	out[0] = (uint8_t)(4 << 4 | used / 4);
	return used;
}

/* A frame with `length` bytes of payload from `offset` on. */
static struct rte_mbuf *make_piece(const struct cut *cut, uint32_t offset, uint32_t length)
{
	const uint8_t *frame = rte_pktmbuf_mtod(cut->frame, const uint8_t *);
	uint16_t header = offset == 0 ? cut->header : cut->later_header;
	struct rte_mbuf *piece =
	        rte_pktmbuf_copy(cut->frame, io_pool, (uint32_t)cut->l3 + cut->header + offset, length);
	uint8_t *data = piece == NULL ? NULL : (uint8_t *)rte_pktmbuf_prepend(piece, cut->l3 + header);

	if (data == NULL) {
		rte_pktmbuf_free(piece);
		return NULL;
	}
	piece->port = cut->frame->port;
	memcpy(data, frame, cut->l3);
	memcpy(data + cut->l3, offset == 0 ? frame + cut->l3 : cut->later, header);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(data + cut->l3);
	uint16_t place = rte_be_to_cpu_16(ip->fragment_offset);
	uint16_t more = offset + length < cut->payload ? RTE_IPV4_HDR_MF_FLAG : place & RTE_IPV4_HDR_MF_FLAG;
	ip->fragment_offset = rte_cpu_to_be_16((uint16_t)((place & RTE_IPV4_HDR_OFFSET_MASK) + offset / 8) | more);
	ip->total_length = rte_cpu_to_be_16((uint16_t)(header + length));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, header);
	return piece;
}

uint32_t fragment_ipv4(const struct rte_mbuf *frame, uint16_t l3, uint16_t mtu, struct rte_mbuf **pieces)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(frame, const struct rte_ipv4_hdr *, l3);
	struct cut cut = {.frame = frame, .l3 = l3, .header = rte_ipv4_hdr_len(ip)};
	uint32_t count = 0, offset = 0;

	cut.payload = (uint32_t)rte_be_to_cpu_16(ip->total_length) - cut.header;
	cut.later_header = copy_options((const uint8_t *)ip, cut.header, cut.later);
	while (offset < cut.payload) {
		uint16_t header = offset == 0 ? cut.header : cut.later_header;
		uint32_t room = mtu > header ? (mtu - header) & ~7u : 0;
		uint32_t left = cut.payload - offset;
		uint32_t length = left + header <= mtu ? left : room;

		if (length == 0 || count == FRAGMENT_LIMIT ||
		        (pieces[count] = make_piece(&cut, offset, length)) == NULL) {
			rte_pktmbuf_free_bulk(pieces, count);
			return 0;
		}
		count++;
		offset += length;
	}
	return count;
}
