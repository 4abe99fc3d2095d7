#include "parse.h"

#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>
#include <stdbool.h>

#define EXTENSION_COUNT_MAX 8
#define EXTENSION_BYTES_MAX 512u
/* RFC 1042: hosts take it for Ethernet's. */
#define ARP_HARDWARE_IEEE802 6

static inline void set_ports(struct pkt *pkt)
{
	uint32_t ports;

	memcpy(&ports, pkt->data + pkt->l4, sizeof(ports));
	ports = rte_be_to_cpu_32(ports);
	pkt->src_l4_port = (uint16_t)(ports >> 16);
	pkt->dst_l4_port = (uint16_t)ports;
	pkt->flags |= PKT_L4;
}

/* Whether there is room for a header that begins with two ports, as those of UDP and TCP do (RFC 9260 §3.1, RFC 3828
 * §3.1, RFC 4340 §5.1). */
static bool holds_ports(uint8_t protocol, uint32_t room)
{
	switch (protocol) {
	case IPPROTO_UDPLITE:
		return room >= 8;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return room >= 12;
	default:
		return false;
	}
}

/* Ports of UDP and TCP, type of ICMP: only where the whole fixed header is there, in the datagram and in the segment.
 */
static inline void parse_l4(struct pkt *pkt, uint32_t end)
{
	const uint8_t *at = pkt->data + pkt->l4;
	uint32_t room = (end < pkt->length ? end : pkt->length) - pkt->l4;
	uint8_t protocol = pkt->protocol;

	if (likely(protocol == IPPROTO_UDP || protocol == IPPROTO_TCP) &&
	        room >= (protocol == IPPROTO_TCP ? sizeof(struct rte_tcp_hdr) : sizeof(struct rte_udp_hdr))) {
		set_ports(pkt);
	} else if ((protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) && room >= sizeof(struct rte_icmp_hdr)) {
		pkt->dst_l4_port = at[0];
		pkt->flags |= PKT_L4;
	} else if (holds_ports(protocol, room)) {
		set_ports(pkt);
	} else {
		pkt->l4 = 0;
	}
}

/* RFC 791 §3.1. Bytes behind total length are Ethernet padding. */
static inline verdict_t parse_ipv4(struct pkt *pkt)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(pkt->data + pkt->l3);
	uint32_t room = pkt->length - pkt->l3;

	/* Version 4, 5 to 15 words. */
	if (room < sizeof(*ip) || (uint8_t)(ip->version_ihl - RTE_IPV4_VHL_DEF) > 15 - RTE_IPV4_MIN_IHL)
		return DROP_MALFORMED;
	uint32_t header = rte_ipv4_hdr_len(ip), total = rte_be_to_cpu_16(ip->total_length);
	if (header > room || total < header || total > pkt->mbuf->pkt_len - pkt->l3)
		return DROP_MALFORMED;
	pkt->flags |= PKT_IPV4;
	pkt->protocol = ip->next_proto_id;
	pkt->src_be = ip->src_addr;
	pkt->dst_be = ip->dst_addr;
	if (unlikely((ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0)) {
		uint32_t offset = (rte_be_to_cpu_16(ip->fragment_offset) & RTE_IPV4_HDR_OFFSET_MASK) * 8u;
		pkt->flags |= PKT_FRAGMENT;
		/* A datagram has at most 65,535 bytes (RFC 791 §3.1). */
		if (offset + total > UINT16_MAX)
			return DROP_MALFORMED;
		if (offset != 0) {
			pkt->flags |= PKT_LATER_FRAGMENT;
			return VERDICT_NEXT;
		}
	}
	pkt->l4 = (uint16_t)(pkt->l3 + header);
	parse_l4(pkt, (uint32_t)pkt->l3 + total);
	return VERDICT_NEXT;
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_DSTOPTS ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_AH;
}

/*
 * RFC 8200 §4. Moves l4 and protocol behind the extension headers. A chain that ends behind the datagram (or behind the
 * first fragment, RFC 7112) could hide what it carries, so it is dropped, as is one that is too long to look through.
 */
static __attribute__((noinline, cold)) verdict_t skip_extensions(struct pkt *pkt, uint32_t end)
{
	uint32_t at = pkt->l4, stop = at + EXTENSION_BYTES_MAX;

	if (end > pkt->length)
		end = pkt->length;
	pkt->flags |= PKT_EXTENSIONS;
	for (int count = 0; is_extension(pkt->protocol); count++) {
		const uint8_t *header = pkt->data + at;

		/* Hop-by-hop options stand first or not at all (§4.1). */
		if (count == EXTENSION_COUNT_MAX || at + 8 > end || (pkt->protocol == IPPROTO_HOPOPTS && count > 0))
			return DROP_EXTENSION_HEADERS;
		uint32_t bytes = pkt->protocol == IPPROTO_FRAGMENT ? 8
		                 : pkt->protocol == IPPROTO_AH     ? (header[1] + 2u) * 4
		                                                   : (header[1] + 1u) * 8;
		bool later = pkt->protocol == IPPROTO_FRAGMENT && (header[2] << 8 | (header[3] & 0xf8)) != 0;

		if (pkt->protocol == IPPROTO_FRAGMENT)
			pkt->flags |= PKT_FRAGMENT;
		at += bytes;
		if (at > end || at > stop)
			return DROP_EXTENSION_HEADERS;
		pkt->protocol = header[0];
		if (later) {
			pkt->flags |= PKT_LATER_FRAGMENT;
			pkt->l4 = 0;
			return VERDICT_NEXT;
		}
	}
	pkt->l4 = (uint16_t)at;
	return VERDICT_NEXT;
}

static __attribute__((noinline, cold)) verdict_t parse_extended(struct pkt *pkt, uint32_t end)
{
	verdict_t verdict = skip_extensions(pkt, end);
	uint8_t protocol = pkt->protocol;

	if (verdict != VERDICT_NEXT || pkt->l4 == 0)
		return verdict;
	parse_l4(pkt, end);
	bool hidden = (pkt->flags & (PKT_FRAGMENT | PKT_L4)) == PKT_FRAGMENT &&
	              (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_ICMPV6);
	return hidden ? DROP_EXTENSION_HEADERS : VERDICT_NEXT;
}

/* RFC 8200 §3. A payload length of 0 is no jumbogram (RFC 2675) here: nothing follows the header. */
static inline verdict_t parse_ipv6(struct pkt *pkt)
{
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(pkt->data + pkt->l3);
	uint32_t room = pkt->length - pkt->l3;

	if (room < sizeof(*ip) || pkt->data[pkt->l3] >> 4 != 6)
		return DROP_MALFORMED;
	uint32_t total = sizeof(*ip) + rte_be_to_cpu_16(ip->payload_len);
	if (total > pkt->mbuf->pkt_len - pkt->l3)
		return DROP_MALFORMED;
	pkt->flags |= PKT_IPV6;
	pkt->protocol = ip->proto;
	pkt->l4 = pkt->l3 + sizeof(*ip);
	if (unlikely(is_extension(ip->proto)))
		return parse_extended(pkt, pkt->l3 + total);
	parse_l4(pkt, pkt->l3 + total);
	return VERDICT_NEXT;
}

/* RFC 826 for Ethernet and IPv4; other ARP (other hardware or protocol types) passes as non-IP. */
static verdict_t parse_arp(struct pkt *pkt)
{
	const struct rte_arp_hdr *arp = (const struct rte_arp_hdr *)(pkt->data + pkt->l3);

	if (pkt->length - pkt->l3 < (int)sizeof(*arp))
		return DROP_MALFORMED;
	bool ethernet = arp->arp_hardware == rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) ||
	                arp->arp_hardware == rte_cpu_to_be_16(ARP_HARDWARE_IEEE802);
	if (!ethernet || arp->arp_protocol != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
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

__attribute__((noinline)) verdict_t parse_any(struct pkt *pkt, struct rte_mbuf *mbuf)
{
	*pkt = (struct pkt){.mbuf = mbuf,
	        .data = rte_pktmbuf_mtod(mbuf, uint8_t *),
	        .length = rte_pktmbuf_data_len(mbuf),
	        .flow = FLOW_UNASKED};
	if (unlikely(pkt->length < RTE_ETHER_HDR_LEN))
		/* receiver.h: what could not be received whole says its length, and has no bytes. */
		return mbuf->nb_segs == 1 && mbuf->pkt_len > pkt->length ? DROP_OVERSIZED : DROP_MALFORMED;

	const struct rte_ether_hdr *eth = (const struct rte_ether_hdr *)pkt->data;
	pkt->flags = rte_is_multicast_ether_addr(&eth->dst_addr) ? PKT_GROUP : 0;
	pkt->ethertype = rte_be_to_cpu_16(eth->ether_type);
	pkt->l3 = RTE_ETHER_HDR_LEN;
	if (likely(pkt->ethertype == RTE_ETHER_TYPE_IPV4))
		return parse_ipv4(pkt);
	switch (pkt->ethertype) {
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

/* Ethertype, version and header length of IPv4 without options, as the 32-bit word at byte 12 holds them. */
#define USUAL_MASK rte_cpu_to_be_32(0xffffff00)
#define USUAL_WORD rte_cpu_to_be_32((uint32_t)RTE_ETHER_TYPE_IPV4 << 16 | (uint32_t)RTE_IPV4_VHL_DEF << 8)

/* The frames that most are: IPv4 without options, no fragment, with a whole header of TCP or UDP. True: pkt is filled
 * as parse_any would. */
static inline bool parse_usual(struct pkt *pkt, struct rte_mbuf *mbuf)
{
	const uint8_t *data = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(data + RTE_ETHER_HDR_LEN);
	uint32_t length = rte_pktmbuf_data_len(mbuf), word, ports;

	if (length < RTE_ETHER_HDR_LEN + sizeof(*ip) + sizeof(struct rte_tcp_hdr))
		return false;
	memcpy(&word, data + RTE_ETHER_HDR_LEN - sizeof(uint16_t), sizeof(word));
	memcpy(&ports, ip + 1, sizeof(ports));
	uint8_t protocol = ip->next_proto_id;
	uint32_t total = __builtin_bswap16(ip->total_length);
	uint32_t least =
	        sizeof(*ip) + (protocol == IPPROTO_TCP ? sizeof(struct rte_tcp_hdr) : sizeof(struct rte_udp_hdr));
	if ((word & USUAL_MASK) != USUAL_WORD || total < least || total > mbuf->pkt_len - RTE_ETHER_HDR_LEN ||
	        (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0 ||
	        (protocol != IPPROTO_UDP && protocol != IPPROTO_TCP))
		return false;
	ports = rte_be_to_cpu_32(ports);
	*pkt = (struct pkt){.mbuf = mbuf,
	        .data = rte_pktmbuf_mtod(mbuf, uint8_t *),
	        .length = (uint16_t)length,
	        .l3 = RTE_ETHER_HDR_LEN,
	        .l4 = RTE_ETHER_HDR_LEN + sizeof(*ip),
	        .ethertype = RTE_ETHER_TYPE_IPV4,
	        .src_l4_port = (uint16_t)(ports >> 16),
	        .dst_l4_port = (uint16_t)ports,
	        .flags = PKT_IPV4 | PKT_L4 | ((data[0] & RTE_ETHER_GROUP_ADDR) != 0 ? PKT_GROUP : 0),
	        .protocol = protocol,
	        .src_be = ip->src_addr,
	        .dst_be = ip->dst_addr,
	        .flow = FLOW_UNASKED};
	return true;
}

/* Inline: the walk's loop is its only caller. */
inline verdict_t parse(struct pkt *pkt, struct rte_mbuf *mbuf)
{
	return likely(parse_usual(pkt, mbuf)) ? VERDICT_NEXT : parse_any(pkt, mbuf);
}
