#include "flow_key.h"

#include <netinet/icmp6.h>
#include <rte_byteorder.h>
#include <rte_ip.h>

#include "quote.h"

/* What an ICMP message is, by its type: `answers` is the type of the request that it answers. */
struct icmp_type {
	/** enum flow_kind; 0: ONE_WAY. */
	uint8_t kind;
	uint8_t answers;
};

static const struct icmp_type types4[256] = {
        [0] = {FLOW_KIND_ANSWER, 8},
        [8] = {FLOW_KIND_PAIR, 0},
        [13] = {FLOW_KIND_PAIR, 0},
        [14] = {FLOW_KIND_ANSWER, 13},
        [15] = {FLOW_KIND_PAIR, 0},
        [16] = {FLOW_KIND_ANSWER, 15},
        [17] = {FLOW_KIND_PAIR, 0},
        [18] = {FLOW_KIND_ANSWER, 17},
        [3 ... 5] = {FLOW_KIND_ERROR, 0},
        [11 ... 12] = {FLOW_KIND_ERROR, 0},
};

static const struct icmp_type types6[256] = {
        [ICMP6_DST_UNREACH... ICMP6_PARAM_PROB] = {FLOW_KIND_ERROR, 0},
        [ICMP6_ECHO_REQUEST] = {FLOW_KIND_PAIR, 0},
        [ICMP6_ECHO_REPLY] = {FLOW_KIND_ANSWER, ICMP6_ECHO_REQUEST},
};

/* MLD (RFC 2710, RFC 3810) and neighbour discovery (RFC 4861). */
static bool is_exempt6(uint8_t type)
{
	return (type >= 130 && type <= 137) || type == 143;
}

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_UDPLITE || protocol == IPPROTO_DCCP;
}

static bool is_icmp(uint8_t protocol, bool ipv4)
{
	return protocol == (ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/* The two ports of a key, in network order, as they lie in memory. */
static uint32_t pair_of(uint16_t src_be, uint16_t dst_be)
{
	uint16_t pair[2] = {src_be, dst_be};
	uint32_t ports;

	memcpy(&ports, pair, sizeof(ports));
	return ports;
}

/* icmp: at least 8 bytes. */
static enum flow_kind icmp_ports(const uint8_t *icmp, bool ipv4, uint32_t *ports)
{
	uint8_t type = icmp[0], code = icmp[1];
	struct icmp_type about = (ipv4 ? types4 : types6)[type];
	uint16_t identifier;

	memcpy(&identifier, icmp + 4, sizeof(identifier));
	*ports = pair_of(0, rte_cpu_to_be_16((uint16_t)(type << 8 | code)));
	if (!ipv4 && is_exempt6(type))
		return FLOW_KIND_EXEMPT;
	if (about.kind == FLOW_KIND_ERROR)
		return FLOW_KIND_ERROR;
	/* Mirrored, 0 and 0 would meet the same in the other direction. */
	if (about.kind == 0 || code != 0)
		return (type | code) == 0 ? FLOW_KIND_ALONE : FLOW_KIND_ONE_WAY;
	if (about.kind == FLOW_KIND_PAIR)
		*ports = pair_of(identifier, rte_cpu_to_be_16((uint16_t)(type << 8)));
	else
		*ports = pair_of(rte_cpu_to_be_16((uint16_t)(about.answers << 8)), identifier);
	return (enum flow_kind)about.kind;
}

enum flow_kind flow_key_of(const struct pkt *pkt, uint32_t context, struct flow_key *key, uint16_t *value)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0, whole = (pkt->flags & PKT_L4) != 0;
	enum flow_kind kind = FLOW_KIND_PAIR;
	uint32_t ports = 0;

	*value = 0;
	if ((pkt->flags & (PKT_IPV4 | PKT_IPV6)) == 0 || (ipv4 && pkt->protocol == IPPROTO_IGMP))
		return FLOW_KIND_EXEMPT;
	if (is_icmp(pkt->protocol, ipv4)) {
		const uint8_t *icmp = pkt->data + pkt->l4;
		kind = whole ? icmp_ports(icmp, ipv4, &ports) : FLOW_KIND_ALONE;
		*value = whole ? (uint16_t)(icmp[0] << 8 | icmp[1]) : 0;
	} else if (whole && has_ports(pkt->protocol)) {
		memcpy(&ports, pkt->data + pkt->l4, sizeof(ports));
		*value = pkt->dst_l4_port;
	}
	flow_key_put(pkt, ports, context, key);
	return kind;
}

enum flow_kind flow_key_icmp(const uint8_t *icmp, bool ipv4)
{
	uint32_t ports;

	return icmp_ports(icmp, ipv4, &ports);
}

enum flow_kind flow_key_quoted(const struct pkt *pkt, uint32_t context, struct flow_key *key)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	uint32_t ports = 0, bytes = ipv4 ? 4 : 16;
	struct quote quote;
	enum quote_kind found = quote_find(pkt, &quote);

	if (found != QUOTE_FOUND)
		return found == QUOTE_OTHER ? FLOW_KIND_ALONE : FLOW_KIND_INVALID;
	if (is_icmp(quote.protocol, ipv4)) {
		enum flow_kind kind = icmp_ports(quote.l4, ipv4, &ports);
		if (kind == FLOW_KIND_ERROR)
			return FLOW_KIND_INVALID;
		if (kind == FLOW_KIND_EXEMPT || kind == FLOW_KIND_ALONE)
			return FLOW_KIND_ALONE;
	} else if (has_ports(quote.protocol)) {
		memcpy(&ports, quote.l4, sizeof(ports));
	}
	const uint8_t *src =
	        quote.ip + (ipv4 ? offsetof(struct rte_ipv4_hdr, src_addr) : offsetof(struct rte_ipv6_hdr, src_addr));
	const uint8_t *destination = ipv4 ? (const uint8_t *)&pkt->dst_be : pkt_dst6(pkt);
	*key = (struct flow_key){.context = context, .protocol = quote.protocol, .family = ipv4 ? 4 : 6};
	memcpy(key->src, src, bytes);
	memcpy(key->dst, src + bytes, bytes);
	memcpy(&key->src_port, &ports, sizeof(ports));
	return memcmp(src, destination, bytes) == 0 ? FLOW_KIND_ERROR : FLOW_KIND_ALONE;
}

void flow_key_mirror(const struct flow_key *key, uint32_t context, struct flow_key *mirrored)
{
	*mirrored = *key;
	memcpy(mirrored->src, key->dst, sizeof(key->dst));
	memcpy(mirrored->dst, key->src, sizeof(key->src));
	mirrored->src_port = key->dst_port;
	mirrored->dst_port = key->src_port;
	mirrored->context = context;
}
