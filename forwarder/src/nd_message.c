#include "nd_message.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <string.h>

#define HOP_LIMIT    255
#define TARGET_BYTES 24u
#define OPTION_BYTES 8u
/* Ethernet, IPv6, advertisement, target link-layer address. */
#define ADVERTISEMENT_BYTES (RTE_ETHER_HDR_LEN + 40u + TARGET_BYTES + OPTION_BYTES)

/* ff02::1:ff00:0/104 and the last 24 bits of the target (RFC 4291 §2.7.1). */
static bool is_solicited_node(const uint8_t *address, const uint8_t *target)
{
	static const uint8_t prefix[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff};

	return memcmp(address, prefix, sizeof(prefix)) == 0 && memcmp(address + 13, target + 13, 3) == 0;
}

static uint32_t fixed_bytes(uint8_t type)
{
	switch (type) {
	case ND_ROUTER_SOLICIT:
		return 8;
	case ND_ROUTER_ADVERT:
		return 16;
	case ND_REDIRECT:
		return 40;
	default:
		return TARGET_BYTES;
	}
}

/* Options are type, length in 8 bytes, value (RFC 4861 §4.6). False: one of length 0, one that ends behind the packet,
 * or a second one of this type: some hosts take the first, others the last. */
static bool find_option(const struct nd_message *message, uint32_t at, uint8_t type, const uint8_t **value)
{
	*value = NULL;
	while (at < message->length) {
		uint32_t left = message->length - at;
		uint32_t bytes = left < 2 ? 0 : message->icmp[at + 1] * 8u;

		if (bytes == 0 || bytes > left || (message->icmp[at] == type && *value != NULL))
			return false;
		if (message->icmp[at] == type)
			*value = message->icmp + at + 2;
		at += bytes;
	}
	return true;
}

/* What every message must keep to (RFC 4861 §6.1, §7.1, §8.1; fragments: RFC 6980 §5). */
static bool is_sound(const struct pkt *pkt, struct nd_message *message)
{
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(pkt->data + pkt->l3);
	uint32_t end = pkt->l3 + sizeof(*ip) + rte_be_to_cpu_16(ip->payload_len);
	uint8_t type = pkt->data[pkt->l4];

	if (ip->hop_limits != HOP_LIMIT || (pkt->flags & PKT_FRAGMENT) != 0 || pkt->mbuf->nb_segs != 1 ||
	        end > pkt->length)
		return false;
	message->icmp = pkt->data + pkt->l4;
	message->length = end - pkt->l4;
	if (message->icmp[1] != 0 || message->length < fixed_bytes(type))
		return false;
	/* The pseudo-header names the protocol, not the first extension header (RFC 8200 §8.1). */
	struct rte_ipv6_hdr pseudo = *ip;
	pseudo.proto = IPPROTO_ICMPV6;
	pseudo.payload_len = rte_cpu_to_be_16((uint16_t)message->length);
	uint32_t sum = rte_ipv6_phdr_cksum(&pseudo, 0) + rte_raw_cksum(message->icmp, message->length);
	if ((uint16_t)(sum + (sum >> 16)) != 0xffff)
		return false;
	bool about_target = type == ND_NEIGHBOR_ADVERT || type == ND_REDIRECT;
	return find_option(message, fixed_bytes(type), about_target ? ND_OPT_TARGET_LINKADDR : ND_OPT_SOURCE_LINKADDR,
	        &message->link_address);
}

verdict_t nd_advertise(struct pkt *pkt, const struct nd_message *message, const uint8_t *mac, bool router)
{
	static const uint8_t all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
	static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
	bool solicited = !message->unspecified_source;
	uint8_t answer_mac[6], target[16], asker[16];
	int missing = (int)ADVERTISEMENT_BYTES - pkt->length;

	/* `mac` and the message may lie in what is overwritten. */
	memcpy(answer_mac, mac, sizeof(answer_mac));
	memcpy(target, message->target, sizeof(target));
	memcpy(asker, pkt_src6(pkt), sizeof(asker));
	if (missing > 0 && rte_pktmbuf_append(pkt->mbuf, (uint16_t)missing) == NULL)
		return DROP_NO_MEMORY;
	if (missing < 0)
		rte_pktmbuf_trim(pkt->mbuf, (uint16_t)-missing);
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)pkt->data;
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(eth + 1);
	uint8_t *icmp = (uint8_t *)(ip + 1);
	memcpy(&eth->dst_addr, solicited ? eth->src_addr.addr_bytes : all_nodes_mac, RTE_ETHER_ADDR_LEN);
	memcpy(&eth->src_addr, answer_mac, RTE_ETHER_ADDR_LEN);
	*ip = (struct rte_ipv6_hdr){
	        .vtc_flow = rte_cpu_to_be_32(6u << 28),
	        .payload_len = rte_cpu_to_be_16(TARGET_BYTES + OPTION_BYTES),
	        .proto = IPPROTO_ICMPV6,
	        .hop_limits = HOP_LIMIT,
	};
	memcpy(ip->src_addr, target, sizeof(target));
	memcpy(ip->dst_addr, solicited ? asker : all_nodes, sizeof(asker));
	memset(icmp, 0, TARGET_BYTES);
	icmp[0] = ND_NEIGHBOR_ADVERT;
	icmp[4] = (uint8_t)(ND_OVERRIDE | (solicited ? ND_SOLICITED : 0) | (router ? ND_ROUTER : 0));
	memcpy(icmp + 8, target, sizeof(target));
	icmp[TARGET_BYTES] = ND_OPT_TARGET_LINKADDR;
	icmp[TARGET_BYTES + 1] = 1;
	memcpy(icmp + TARGET_BYTES + 2, answer_mac, sizeof(answer_mac));
	uint16_t checksum = rte_ipv6_udptcp_cksum(ip, icmp);
	memcpy(icmp + 2, &checksum, sizeof(checksum));
	pkt->length = ADVERTISEMENT_BYTES;
	return VERDICT_REPLY;
}

bool nd_is_solicitation(const struct pkt *pkt, const struct nd_message *message)
{
	if (nd_is_multicast(message->target))
		return false;
	return !message->unspecified_source ||
	       (is_solicited_node(pkt_dst6(pkt), message->target) && message->link_address == NULL);
}

bool nd_read(const struct pkt *pkt, struct nd_message *message)
{
	static const uint8_t unspecified[16];

	*message = (struct nd_message){0};
	if (!is_sound(pkt, message))
		return false;
	message->unspecified_source = memcmp(pkt_src6(pkt), unspecified, sizeof(unspecified)) == 0;
	message->target = message->icmp + 8;
	return true;
}
