#include "answer.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "io.h"
#include "stage.h"

/* Network control (RFC 1812 §4.3.2.5). */
#define PRECEDENCE 0xc0

static void begin_ipv4(
        struct rte_ipv4_hdr *ip, const struct pkt *pkt, const uint8_t *source, uint8_t protocol, uint16_t payload)
{
	*ip = (struct rte_ipv4_hdr){
	        .version_ihl = RTE_IPV4_VHL_DEF,
	        .type_of_service = PRECEDENCE,
	        .total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + payload)),
	        .fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
	        .time_to_live = ANSWER_HOP_LIMIT,
	        .next_proto_id = protocol,
	        .dst_addr = pkt->src_be,
	};
	memcpy(&ip->src_addr, source, sizeof(ip->src_addr));
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static void begin_ipv6(
        struct rte_ipv6_hdr *ip, const struct pkt *pkt, const uint8_t *source, uint8_t protocol, uint16_t payload)
{
	*ip = (struct rte_ipv6_hdr){
	        .vtc_flow = rte_cpu_to_be_32(6u << 28 | PRECEDENCE << 20),
	        .payload_len = rte_cpu_to_be_16(payload),
	        .proto = protocol,
	        .hop_limits = ANSWER_HOP_LIMIT,
	};
	memcpy(ip->src_addr, source, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, pkt_src6(pkt), sizeof(ip->dst_addr));
}

bool answer_begin(struct answer *answer, const struct pkt *pkt, const struct ingress *in, const uint8_t *source,
        uint8_t protocol, uint16_t payload)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	uint16_t header = ipv4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	const struct rte_ether_hdr *received = (const struct rte_ether_hdr *)pkt->data;
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(io_pool);

	if (mbuf == NULL)
		return false;
	mbuf->port = pkt->mbuf->port;
	uint8_t *frame = (uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(RTE_ETHER_HDR_LEN + header + payload));
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)frame;
	eth->dst_addr = received->src_addr;
	memcpy(eth->src_addr.addr_bytes, in->mac, RTE_ETHER_ADDR_LEN);
	eth->ether_type = received->ether_type;
	*answer = (struct answer){
	        .mbuf = mbuf, .ip = frame + RTE_ETHER_HDR_LEN, .payload = frame + RTE_ETHER_HDR_LEN + header};
	if (ipv4)
		begin_ipv4((struct rte_ipv4_hdr *)answer->ip, pkt, source, protocol, payload);
	else
		begin_ipv6((struct rte_ipv6_hdr *)answer->ip, pkt, source, protocol, payload);
	return true;
}
