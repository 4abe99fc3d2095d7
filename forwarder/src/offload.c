#include "offload.h"

#include <errno.h>
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>
#include <string.h>

#include "io.h"

#define TCP_CHECKSUM offsetof(struct rte_tcp_hdr, cksum)
#define UDP_CHECKSUM offsetof(struct rte_udp_hdr, dgram_cksum)

/* One's complement sum from an offset to the frame's end (RFC 1071). DPDK 22.11's own for chains is wrong when a
 * segment before the last has an odd length. */
static uint16_t sum_chain(const struct rte_mbuf *m, uint32_t from)
{
	uint32_t sum = 0, done = 0;

	for (; m != NULL; m = m->next) {
		if (from >= m->data_len) {
			from -= m->data_len;
			continue;
		}
		uint16_t part = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const void *, from), m->data_len - from);
		sum += done & 1 ? rte_bswap16(part) : part;
		done += m->data_len - from;
		from = 0;
	}
	while (sum > UINT16_MAX)
		sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

/* The field counts with what it holds. 0 is written as its other form: in UDP 0 says that there is no checksum. */
static void sum_inet(struct rte_mbuf *m, uint32_t from, uint32_t field)
{
	uint16_t sum = (uint16_t)~sum_chain(m, from);

	sum = sum == 0 ? UINT16_MAX : sum;
	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, field), &sum, sizeof(sum));
}

/* CRC32c (RFC 9260 appendix A) bit by bit: rare, for machines are told to do it themselves. */
static uint32_t crc_byte(uint32_t crc, uint8_t byte)
{
	crc ^= byte;
	for (int bit = 0; bit < 8; bit++)
		crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	return crc;
}

/* RFC 9260 §6.8: the field counts as 0. */
static void sum_sctp(struct rte_mbuf *m, uint32_t from, uint32_t field)
{
	uint32_t crc = UINT32_MAX;

	memset(rte_pktmbuf_mtod_offset(m, uint8_t *, field), 0, sizeof(crc));
	for (const struct rte_mbuf *s = m; s != NULL; s = s->next, from = 0) {
		for (uint32_t i = from; i < s->data_len; i++)
			crc = crc_byte(crc, rte_pktmbuf_mtod(s, const uint8_t *)[i]);
	}
	crc = rte_cpu_to_le_32(~crc);
	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, field), &crc, sizeof(crc));
}

bool offload_sum(struct rte_mbuf *m, uint32_t from, uint32_t field, bool sctp)
{
	uint32_t width = sctp ? sizeof(uint32_t) : sizeof(uint16_t);

	if (field < from || field + width > m->data_len)
		return false;
	if (sctp)
		sum_sctp(m, from, field);
	else
		sum_inet(m, from, field);
	return true;
}

void offload_finish(struct rte_mbuf *m)
{
	uint64_t kind = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	uint32_t l4 = (uint32_t)(m->l2_len + m->l3_len);

	m->ol_flags &= ~OFFLOAD_FLAGS;
	if (kind == RTE_MBUF_F_TX_TCP_CKSUM)
		offload_sum(m, l4, l4 + TCP_CHECKSUM, false);
	else if (kind == RTE_MBUF_F_TX_UDP_CKSUM)
		offload_sum(m, l4, l4 + UDP_CHECKSUM, false);
}

/* Reads a chain from an offset on. */
struct cursor {
	const struct rte_mbuf *at;
	uint32_t offset;
};

/* Appends `length` bytes from the cursor to the chain `m`. False: no buffers. */
static bool append(struct rte_mbuf *m, struct cursor *from, uint32_t length)
{
	struct rte_mbuf *last = rte_pktmbuf_lastseg(m);

	while (length > 0) {
		while (from->offset == from->at->data_len) {
			from->at = from->at->next;
			from->offset = 0;
		}
		if (rte_pktmbuf_tailroom(last) == 0) {
			last->next = rte_pktmbuf_alloc(io_pool);
			if (last->next == NULL)
				return false;
			last = last->next;
			m->nb_segs++;
		}
		uint32_t some = RTE_MIN(length, from->at->data_len - from->offset);
		some = RTE_MIN(some, (uint32_t)rte_pktmbuf_tailroom(last));
		memcpy(rte_pktmbuf_mtod_offset(last, uint8_t *, last->data_len),
		        rte_pktmbuf_mtod_offset(from->at, const uint8_t *, from->offset), some);
		last->data_len += (uint16_t)some;
		m->pkt_len += some;
		from->offset += some;
		length -= some;
	}
	return true;
}

/* Lengths, identification and checksum of the IP header, then the sum of the pseudo-header. */
static uint16_t fix_ip(struct rte_mbuf *s, uint16_t number)
{
	uint8_t *l3 = rte_pktmbuf_mtod_offset(s, uint8_t *, s->l2_len);
	uint16_t length = (uint16_t)(s->pkt_len - s->l2_len);

	if (s->ol_flags & RTE_MBUF_F_TX_IPV4) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)l3;
		ip->total_length = rte_cpu_to_be_16(length);
		ip->packet_id = rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(ip->packet_id) + number));
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
		return rte_ipv4_phdr_cksum(ip, 0);
	}
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)l3;
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(length - sizeof(*ip)));
	/* The pseudo-header knows no extension headers (RFC 8200 §8.1). */
	struct rte_ipv6_hdr pseudo = *ip;
	pseudo.payload_len = rte_cpu_to_be_16((uint16_t)(length - s->l3_len));
	pseudo.proto = (s->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM ? IPPROTO_TCP : IPPROTO_UDP;
	return rte_ipv6_phdr_cksum(&pseudo, 0);
}

/* sent: payload bytes before this segment. RFC 9293 §3.1; FIN and PSH go with the last, CWR with the first (RFC 3168
 * §6.1.2). */
static void fix_l4(struct rte_mbuf *s, uint16_t number, uint32_t sent, bool last, uint16_t pseudo)
{
	uint8_t *l4 = rte_pktmbuf_mtod_offset(s, uint8_t *, s->l2_len + s->l3_len);

	if ((s->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM) {
		struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)l4;
		tcp->sent_seq = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->sent_seq) + sent);
		if (!last)
			tcp->tcp_flags &= (uint8_t) ~(RTE_TCP_FIN_FLAG | RTE_TCP_PSH_FLAG);
		if (number > 0)
			tcp->tcp_flags &= (uint8_t)~RTE_TCP_CWR_FLAG;
		tcp->cksum = pseudo;
		return;
	}
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)l4;
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)(s->pkt_len - s->l2_len - s->l3_len));
	udp->dgram_cksum = pseudo;
}

/* One frame: the headers and `length` bytes from the cursor. NULL: no buffers. */
static struct rte_mbuf *cut(const struct rte_mbuf *m, uint32_t headers, struct cursor *payload, uint32_t length)
{
	struct rte_mbuf *s = rte_pktmbuf_alloc(io_pool);

	if (s == NULL)
		return NULL;
	struct cursor head = {.at = m};
	s->port = m->port;
	s->vlan_tci = m->vlan_tci;
	s->ol_flags = m->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL | OFFLOAD_SEGMENT);
	s->tx_offload = m->tx_offload;
	if (append(s, &head, headers) && append(s, payload, length))
		return s;
	rte_pktmbuf_free(s);
	return NULL;
}

int offload_segment(struct rte_mbuf *m, struct rte_mbuf **out, uint16_t room)
{
	uint32_t headers = (uint32_t)(m->l2_len + m->l3_len + m->l4_len);
	bool tcp = (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM;
	uint32_t l3_least =
	        m->ol_flags & RTE_MBUF_F_TX_IPV4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	uint32_t l4_least = tcp ? sizeof(struct rte_tcp_hdr) : sizeof(struct rte_udp_hdr);
	uint32_t sent = 0;
	uint16_t count = 0;

	if (m->tso_segsz == 0 || m->l3_len < l3_least || m->l4_len < l4_least || headers > m->data_len ||
	        headers >= m->pkt_len)
		return -EINVAL;
	struct cursor payload = {.at = m, .offset = headers};
	uint32_t total = m->pkt_len - headers;
	if ((total + m->tso_segsz - 1) / m->tso_segsz > room)
		return -E2BIG;
	while (sent < total) {
		uint32_t length = RTE_MIN(total - sent, (uint32_t)m->tso_segsz);
		struct rte_mbuf *s = cut(m, headers, &payload, length);
		if (s == NULL) {
			rte_pktmbuf_free_bulk(out, count);
			return -ENOMEM;
		}
		fix_l4(s, count, sent, sent + length == total, fix_ip(s, count));
		offload_finish(s);
		sent += length;
		out[count++] = s;
	}
	return count;
}
