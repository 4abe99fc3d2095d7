#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#include "answer.h"
#include "checksum.h"
#include "neighbor.h"
#include "stage.h"

static void turn_ipv4(struct pkt *pkt)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(pkt->data + pkt->l3);

	ip->src_addr = pkt->dst_be;
	ip->dst_addr = pkt->src_be;
	ip->time_to_live = ANSWER_HOP_LIMIT;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, rte_ipv4_hdr_len(ip));
}

static void turn_ipv6(struct pkt *pkt)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(pkt->data + pkt->l3);
	uint8_t asked[16];

	memcpy(asked, pkt_dst6(pkt), sizeof(asked));
	memcpy(ip->dst_addr, pkt_src6(pkt), sizeof(asked));
	memcpy(ip->src_addr, asked, sizeof(asked));
	ip->hop_limits = ANSWER_HOP_LIMIT;
}

verdict_t icmp_gateway(struct pkt *pkt, const struct ingress *in)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)pkt->data;
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	uint8_t request = ipv4 ? RTE_IP_ICMP_ECHO_REQUEST : ICMP6_ECHO_REQUEST;
	uint8_t reply = ipv4 ? RTE_IP_ICMP_ECHO_REPLY : ICMP6_ECHO_REPLY;
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)(pkt->data + pkt->l4);

	if ((pkt->flags & PKT_FRAGMENT) != 0)
		return DROP_GATEWAY_FRAGMENT;
	if (pkt->protocol != (ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) || (pkt->flags & PKT_L4) == 0 ||
	        icmp->icmp_type != request || icmp->icmp_code != 0)
		return DROP_SERVICE_UNSERVED;
	const uint8_t before[2] = {request, 0}, after[2] = {reply, 0};
	icmp->icmp_type = reply;
	icmp->icmp_cksum = checksum_after(icmp->icmp_cksum, checksum_difference(before, after, sizeof(after)));
	if (ipv4)
		turn_ipv4(pkt);
	else
		turn_ipv6(pkt);
	eth->dst_addr = eth->src_addr;
	memcpy(eth->src_addr.addr_bytes, in->mac, RTE_ETHER_ADDR_LEN);
	return VERDICT_REPLY;
}

/* Nobody can be answered who is many, nobody, or the host itself (RFC 1122 §3.2.1.3, RFC 4291 §2.5). */
static bool may_be_answered(const struct pkt *pkt)
{
	static const uint8_t none[15];
	uint8_t first = *(const uint8_t *)&pkt->src_be;

	if ((pkt->flags & PKT_IPV4) != 0)
		return first != 0 && first != 127 && first < 224;
	return pkt_src6(pkt)[0] != 0xff && memcmp(pkt_src6(pkt), none, sizeof(none)) != 0;
}

static bool is_for_service(const struct pkt *pkt, const struct ingress *in)
{
	uint8_t address[16] = {0};

	if ((pkt->flags & PKT_IPV4) != 0)
		memcpy(address, &pkt->dst_be, sizeof(pkt->dst_be));
	else if ((pkt->flags & PKT_IPV6) != 0)
		memcpy(address, pkt_dst6(pkt), sizeof(address));
	else
		return false;
	return neighbor_is_service(in, (pkt->flags & PKT_IPV4) != 0 ? 4 : 6, address);
}

verdict_t icmp_unrouted(struct pkt *pkt, const struct ingress *in, verdict_t refused)
{
	if (stage_is_uplink(in) || !is_for_service(pkt, in) || !may_be_answered(pkt))
		return refused;
	/* What is not routed was not looked at so far. */
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(pkt->data + pkt->l3);
	if ((pkt->flags & PKT_IPV4) != 0 && rte_raw_cksum(ip, rte_ipv4_hdr_len(ip)) != 0xffff)
		return DROP_MALFORMED;
	return icmp_gateway(pkt, in);
}
