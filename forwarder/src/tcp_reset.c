#include "tcp_reset.h"

#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "answer.h"

/* Bytes of the segment, header included. */
static uint32_t segment_bytes(const struct pkt *pkt)
{
	const uint8_t *ip = pkt->data + pkt->l3;
	uint32_t end = (pkt->flags & PKT_IPV4) != 0
	                       ? rte_be_to_cpu_16(((const struct rte_ipv4_hdr *)ip)->total_length)
	                       : sizeof(struct rte_ipv6_hdr) +
	                                 rte_be_to_cpu_16(((const struct rte_ipv6_hdr *)ip)->payload_len);

	return end - (uint32_t)(pkt->l4 - pkt->l3);
}

/* bytes: of the segment, header included. */
static bool checksum_holds(const struct pkt *pkt, uint32_t bytes)
{
	const void *ip = pkt->data + pkt->l3;
	uint16_t segment;

	/* DPDK's pseudo-header takes the length of all that follows the fixed header. */
	if (pkt->flags & PKT_EXTENSIONS)
		return true;
	if (rte_raw_cksum_mbuf(pkt->mbuf, pkt->l4, bytes, &segment) != 0)
		return false;
	uint32_t sum =
	        segment + (uint32_t)((pkt->flags & PKT_IPV4) ? rte_ipv4_phdr_cksum(ip, 0) : rte_ipv6_phdr_cksum(ip, 0));
	return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

struct rte_mbuf *tcp_reset_make(const struct pkt *pkt, const struct ingress *in)
{
	const struct rte_tcp_hdr *segment = (const struct rte_tcp_hdr *)(pkt->data + pkt->l4);
	uint32_t bytes = segment_bytes(pkt), header = (uint32_t)(segment->data_off >> 4) * 4;
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	const uint8_t *source = ipv4 ? (const uint8_t *)&pkt->dst_be : pkt_dst6(pkt);
	struct answer answer;

	if ((segment->tcp_flags & RTE_TCP_RST_FLAG) != 0 || header < sizeof(*segment) || header > bytes ||
	        !checksum_holds(pkt, bytes) ||
	        !answer_begin(&answer, pkt, in, source, IPPROTO_TCP, sizeof(struct rte_tcp_hdr)))
		return NULL;
	struct rte_tcp_hdr *reset = (struct rte_tcp_hdr *)answer.payload;
	*reset = (struct rte_tcp_hdr){
	        .src_port = segment->dst_port,
	        .dst_port = segment->src_port,
	        .data_off = sizeof(*reset) / 4 << 4,
	        .tcp_flags = RTE_TCP_RST_FLAG,
	};
	if (segment->tcp_flags & RTE_TCP_ACK_FLAG) {
		reset->sent_seq = segment->recv_ack;
	} else {
		/* What it brought: payload, and one each for SYN and FIN. */
		uint32_t length = bytes - header + ((segment->tcp_flags & RTE_TCP_SYN_FLAG) != 0) +
		                  ((segment->tcp_flags & RTE_TCP_FIN_FLAG) != 0);
		reset->tcp_flags |= RTE_TCP_ACK_FLAG;
		reset->recv_ack = rte_cpu_to_be_32(rte_be_to_cpu_32(segment->sent_seq) + length);
	}
	reset->cksum = ipv4 ? rte_ipv4_udptcp_cksum((const struct rte_ipv4_hdr *)answer.ip, reset)
	                    : rte_ipv6_udptcp_cksum((const struct rte_ipv6_hdr *)answer.ip, reset);
	return answer.mbuf;
}
