#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#include "stage.h"

#define REPLY_TTL 64

/* Whole, unfragmented echo request: part of one could not be answered. */
static bool is_echo_request(const struct pkt *pkt)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(pkt->data + pkt->l3);
	const struct rte_icmp_hdr *icmp = (const struct rte_icmp_hdr *)(pkt->data + pkt->l4);

	return (pkt->flags & PKT_L4) != 0 && pkt->protocol == IPPROTO_ICMP &&
	       (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) == 0 &&
	       icmp->icmp_type == RTE_IP_ICMP_ECHO_REQUEST && icmp->icmp_code == 0;
}

verdict_t icmp_gateway(struct pkt *pkt)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)pkt->data;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(pkt->data + pkt->l3);

	if (!is_echo_request(pkt))
		return DROP_SERVICE_UNSERVED;
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)(pkt->data + pkt->l4);
	icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	/* RFC 1624: the word type|code went from 0x0800 to 0, so the one's complement sum of the rest lost 0x0800. */
	uint32_t sum = rte_be_to_cpu_16(icmp->icmp_cksum) + (RTE_IP_ICMP_ECHO_REQUEST << 8);
	icmp->icmp_cksum = rte_cpu_to_be_16((uint16_t)(sum + (sum >> 16)));
	ip->src_addr = pkt->dst_be;
	ip->dst_addr = pkt->src_be;
	ip->time_to_live = REPLY_TTL;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, rte_ipv4_hdr_len(ip));
	eth->dst_addr = eth->src_addr;
	memcpy(eth->src_addr.addr_bytes, gateway_mac, sizeof(gateway_mac));
	return VERDICT_REPLY;
}
