#include "parse.h"

#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

/* Ports of UDP and TCP, type and code of ICMP: only where the whole fixed header is there. */
static void parse_l4(struct pkt *pkt, uint16_t end)
{
	const uint8_t *at = pkt->data + pkt->l4;
	uint16_t room = end - pkt->l4;
	uint16_t need = pkt->protocol == IPPROTO_TCP ? sizeof(struct rte_tcp_hdr) : sizeof(struct rte_udp_hdr);

	if (room < need) {
		pkt->l4 = 0;
		return;
	}
	switch (pkt->protocol) {
	case IPPROTO_UDP:
	case IPPROTO_TCP:
		pkt->src_l4_port = (uint16_t)(at[0] << 8 | at[1]);
		pkt->dst_l4_port = (uint16_t)(at[2] << 8 | at[3]);
		pkt->flags |= PKT_L4;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		pkt->flags |= PKT_L4;
		break;
	default:
		pkt->l4 = 0;
	}
}

/* RFC 791 §3.1. Bytes behind total length are Ethernet padding. */
static verdict_t parse_ipv4(struct pkt *pkt)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(pkt->data + pkt->l3);
	uint16_t room = pkt->length - pkt->l3;

	if (room < sizeof(*ip) || ip->version_ihl >> 4 != 4)
		return DROP_MALFORMED;
	uint16_t header = rte_ipv4_hdr_len(ip);
	uint16_t total = rte_be_to_cpu_16(ip->total_length);
	if (header < sizeof(*ip) || total < header || total > room)
		return DROP_MALFORMED;
	pkt->flags |= PKT_IPV4;
	pkt->protocol = ip->next_proto_id;
	pkt->src_be = ip->src_addr;
	pkt->dst_be = ip->dst_addr;
	if ((ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK)) != 0) {
		pkt->flags |= PKT_LATER_FRAGMENT;
		return VERDICT_NEXT;
	}
	pkt->l4 = pkt->l3 + header;
	parse_l4(pkt, pkt->l3 + total);
	return VERDICT_NEXT;
}

/* RFC 8200 §3. A payload length of 0 is a jumbogram (RFC 2675), which we do not take. */
static verdict_t parse_ipv6(struct pkt *pkt)
{
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(pkt->data + pkt->l3);
	uint16_t room = pkt->length - pkt->l3;

	if (room < sizeof(*ip) || pkt->data[pkt->l3] >> 4 != 6)
		return DROP_MALFORMED;
	uint32_t total = sizeof(*ip) + rte_be_to_cpu_16(ip->payload_len);
	if (total > room)
		return DROP_MALFORMED;
	pkt->flags |= PKT_IPV6;
	pkt->protocol = ip->proto;
	pkt->l4 = pkt->l3 + sizeof(*ip);
	parse_l4(pkt, (uint16_t)(pkt->l3 + total));
	return VERDICT_NEXT;
}

/* RFC 826 for Ethernet and IPv4; other ARP (other hardware or protocol types) passes as non-IP. */
static verdict_t parse_arp(struct pkt *pkt)
{
	const struct rte_arp_hdr *arp = (const struct rte_arp_hdr *)(pkt->data + pkt->l3);

	if (pkt->length - pkt->l3 < (int)sizeof(*arp))
		return DROP_MALFORMED;
	if (arp->arp_hardware != rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) ||
	        arp->arp_protocol != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
		return VERDICT_NEXT;
	if (arp->arp_hlen != RTE_ETHER_ADDR_LEN || arp->arp_plen != sizeof(uint32_t))
		return DROP_MALFORMED;
	pkt->flags |= PKT_ARP;
	uint16_t operation = rte_be_to_cpu_16(arp->arp_opcode);
	pkt->protocol = operation <= UINT8_MAX ? (uint8_t)operation : 0;
	pkt->src_be = arp->arp_data.arp_sip;
	pkt->dst_be = arp->arp_data.arp_tip;
	return VERDICT_NEXT;
}

verdict_t parse(struct pkt *pkt, struct rte_mbuf *mbuf)
{
	pkt->mbuf = mbuf;
	pkt->data = rte_pktmbuf_mtod(mbuf, uint8_t *);
	pkt->length = rte_pktmbuf_data_len(mbuf);
	pkt->l4 = 0;
	pkt->src_l4_port = pkt->dst_l4_port = 0;
	pkt->flags = 0;
	pkt->protocol = 0;
	pkt->src_be = pkt->dst_be = 0;
	if (unlikely(mbuf->pkt_len != pkt->length))
		return DROP_OVERSIZED;
	if (unlikely(pkt->length < RTE_ETHER_HDR_LEN))
		return DROP_MALFORMED;

	const struct rte_ether_hdr *eth = (const struct rte_ether_hdr *)pkt->data;
	if (rte_is_multicast_ether_addr(&eth->dst_addr))
		pkt->flags |= PKT_GROUP;
	pkt->ethertype = rte_be_to_cpu_16(eth->ether_type);
	pkt->l3 = RTE_ETHER_HDR_LEN;
	switch (pkt->ethertype) {
	case RTE_ETHER_TYPE_IPV4:
		return parse_ipv4(pkt);
	case RTE_ETHER_TYPE_IPV6:
		return parse_ipv6(pkt);
	case RTE_ETHER_TYPE_ARP:
		return parse_arp(pkt);
	case RTE_ETHER_TYPE_VLAN:
	case RTE_ETHER_TYPE_QINQ:
		pkt->flags |= PKT_TAGGED;
		return VERDICT_NEXT;
	default:
		return VERDICT_NEXT;
	}
}
