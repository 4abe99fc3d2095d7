/*
 * Neighbour discovery (RFC 4861) and duplicate address detection (RFC 4862 §5.4), answered here from what is known. Who
 * answers what: neighbor.h. Messages that break the rules, or claim what is not theirs, end here on every port.
 */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "guard.h"
#include "learn.h"
#include "neighbor.h"
#include "stage.h"
#include "tables.h"

#define HOP_LIMIT    255
#define TARGET_BYTES 24u
#define OPTION_BYTES 8u
/* Of an advertisement (§4.4), in its byte 4. */
#define FLAG_ROUTER    0x80
#define FLAG_SOLICITED 0x40
#define FLAG_OVERRIDE  0x20
/* Ethernet, IPv6, advertisement, target link-layer address. */
#define ADVERTISEMENT_BYTES (RTE_ETHER_HDR_LEN + 40u + TARGET_BYTES + OPTION_BYTES)

/* A message and what its checks found out. */
struct message {
	const uint8_t *icmp;
	uint32_t length;
	/** Solicitation and advertisement: the address in question. */
	const uint8_t *target;
	/** Source or target link-layer address option; NULL: none. */
	const uint8_t *link_address;
	bool unspecified_source;
};

static bool is_multicast(const uint8_t *address)
{
	return address[0] == 0xff;
}

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
static bool find_option(const struct message *message, uint32_t at, uint8_t type, const uint8_t **value)
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
static bool is_sound(const struct pkt *pkt, struct message *message)
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

/* Writes the advertisement over the solicitation (§7.2.4). */
static verdict_t advertise(struct pkt *pkt, const struct message *message, enum neighbor_answer who, const uint8_t *mac)
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
	icmp[4] = (uint8_t)(FLAG_OVERRIDE | (solicited ? FLAG_SOLICITED : 0) |
	                    (who == NEIGHBOR_GATEWAY ? FLAG_ROUTER : 0));
	memcpy(icmp + 8, target, sizeof(target));
	icmp[TARGET_BYTES] = ND_OPT_TARGET_LINKADDR;
	icmp[TARGET_BYTES + 1] = 1;
	memcpy(icmp + TARGET_BYTES + 2, answer_mac, sizeof(answer_mac));
	uint16_t checksum = rte_ipv6_udptcp_cksum(ip, icmp);
	memcpy(icmp + 2, &checksum, sizeof(checksum));
	pkt->length = ADVERTISEMENT_BYTES;
	return VERDICT_REPLY;
}

/* An address that its host made itself (RFC 4862): any link-local one, others where the subnet allows it. */
static bool may_be_taken(const struct ingress *in, const uint8_t *address)
{
	if (is_link_local(address))
		return !is_gateway_link_local(in, address);
	uint32_t handle = in->bridge->vrf == 0 ? 0 : tables_route6(in->bridge->vrf, address);
	const struct fwd_nexthop_row *nexthop = handle == 0 ? NULL : tables_nexthop(handle);
	return nexthop != NULL && nexthop->type == FWD_NEXTHOP_PORT && nexthop->bridge == in->row->bridge &&
	       (nexthop->flags & FWD_NEXTHOP_FLAG_SLAAC) != 0;
}

/* Nobody else has it: the port gets it, if it may, and the others on the bridge are asked, too (RFC 4862 §5.4.3). */
static verdict_t take(const struct pkt *pkt, const struct ingress *in, const uint8_t *address, const uint8_t *mac)
{
	bool allowed = (in->row->flags & FWD_PORT_SECURITY) == 0 || guard_allows6(in->row->id, address, mac);

	if (may_be_taken(in, address))
		learn_neighbor(in, address, mac);
	else if (!allowed)
		return DROP_SPOOFED_ADDRESS;
	return in->bridge->mode == FWD_MODE_L3 ? DROP_ND_SUPPRESSED : VERDICT_NEXT;
}

/* §7.1.1. */
static bool is_solicitation(const struct pkt *pkt, const struct message *message)
{
	if (is_multicast(message->target))
		return false;
	return !message->unspecified_source ||
	       (is_solicited_node(pkt_dst6(pkt), message->target) && message->link_address == NULL);
}

/* Who claims to be at a MAC address. The gateway's addresses are nobody else's. */
static verdict_t check_claim(
        const struct pkt *pkt, const struct ingress *in, const uint8_t *address, const uint8_t *mac)
{
	const uint8_t *source_mac = pkt->data + RTE_ETHER_ADDR_LEN;

	if (mac == NULL)
		mac = source_mac;
	if (is_gateway_mac(mac) || neighbor_is_gateway(in, 6, address))
		return DROP_INVALID_SOURCE;
	if ((in->row->flags & FWD_PORT_SECURITY) == 0 || guard_allows6(in->row->id, address, mac))
		return VERDICT_NEXT;
	if (memcmp(mac, in->row->mac, sizeof(in->row->mac)) != 0)
		return DROP_SPOOFED_MAC;
	/* A link-local address of one's own making, unless another port has it. */
	const struct fwd_learned_neighbor_row *other = tables_learned_neighbor(in->row->bridge, address);
	const struct fwd_neighbor_row *row = tables_neighbor(in->row->bridge, 6, address);
	bool free = (other == NULL || other->port == in->port->id) &&
	            (row == NULL || memcmp(row->mac, mac, sizeof(row->mac)) == 0);
	return is_link_local(address) && free ? VERDICT_NEXT : DROP_SPOOFED_ADDRESS;
}

/* A learned address that is used stays longer than one that is not. */
static void note_use(const struct ingress *in, const uint8_t *address, const uint8_t *mac)
{
	const struct fwd_learned_neighbor_row *row = tables_learned_neighbor(in->row->bridge, address);

	if (row != NULL && row->port == in->port->id)
		learn_neighbor(in, address, mac);
}

static verdict_t solicitation(struct pkt *pkt, const struct ingress *in, const struct message *message)
{
	const uint8_t *asker = pkt->data + RTE_ETHER_ADDR_LEN, *mac;
	struct neighbor_question question = {
	        .pkt = pkt,
	        .in = in,
	        .address = message->target,
	        .asker = asker,
	        .family = 6,
	        .probe = message->unspecified_source,
	};

	if (!question.probe) {
		verdict_t verdict = check_claim(pkt, in, pkt_src6(pkt), message->link_address);
		if (verdict != VERDICT_NEXT)
			return verdict;
		note_use(in, pkt_src6(pkt), asker);
	}
	enum neighbor_answer answer = neighbor_ask(&question, &mac);
	bool asks_host = (pkt->flags & PKT_GROUP) == 0 && memcmp(pkt->data, mac, RTE_ETHER_ADDR_LEN) == 0;
	/* Which host is a router only the host knows, and routers are known by their link-local addresses. */
	if (is_link_local(message->target) && !question.probe && (answer == NEIGHBOR_HOST || answer == NEIGHBOR_ROUTED))
		return in->bridge->mode == FWD_MODE_L3 ? DROP_ND_SUPPRESSED : VERDICT_NEXT;
	switch (answer) {
	case NEIGHBOR_HOST:
		/* Whether a neighbour is still reachable it knows best itself (§7.3.1). */
		return asks_host ? VERDICT_NEXT : advertise(pkt, message, answer, mac);
	case NEIGHBOR_GATEWAY:
	case NEIGHBOR_ROUTED:
		return advertise(pkt, message, answer, mac);
	case NEIGHBOR_ASK:
		return question.probe ? take(pkt, in, message->target, asker) : VERDICT_NEXT;
	default:
		if (question.probe)
			note_use(in, message->target, asker);
		return DROP_ND_SUPPRESSED;
	}
}

/* §7.1.2, §7.2.6. */
static verdict_t advertisement(const struct pkt *pkt, const struct ingress *in, const struct message *message)
{
	bool solicited = (message->icmp[4] & FLAG_SOLICITED) != 0;

	if (is_multicast(message->target) || (solicited && is_multicast(pkt_dst6(pkt))))
		return DROP_ND_INVALID;
	verdict_t verdict = check_claim(pkt, in, message->target, message->link_address);
	if (verdict != VERDICT_NEXT)
		return verdict;
	/* To the gateway, or where nobody hears others: nobody here asked. */
	bool unheard = in->bridge->mode == FWD_MODE_L3 || is_gateway_mac(pkt->data);
	return unheard ? DROP_ND_SUPPRESSED : VERDICT_NEXT;
}

/* No plugin took it. The gateway is the only router of its networks; on others every host might be one. */
static verdict_t router_solicitation(const struct pkt *pkt, const struct ingress *in, const struct message *message)
{
	if (message->unspecified_source && message->link_address != NULL)
		return DROP_ND_INVALID;
	verdict_t verdict =
	        message->unspecified_source ? VERDICT_NEXT : check_claim(pkt, in, pkt_src6(pkt), message->link_address);
	bool routes = in->bridge->vrf != 0 && in->bridge->mode != FWD_MODE_L2;
	return verdict == VERDICT_NEXT && routes ? DROP_ND_SUPPRESSED : verdict;
}

/* Advertisements and redirects (RFC 6105); from a link-local address (RFC 4861 §6.1.2, §8.1). */
static verdict_t router_message(const struct pkt *pkt, const struct ingress *in)
{
	if (in->row->flags & FWD_PORT_SECURITY)
		return DROP_ROUTER_GUARD;
	if (!is_link_local(pkt_src6(pkt)))
		return DROP_ND_INVALID;
	return in->bridge->mode == FWD_MODE_L3 ? DROP_ND_SUPPRESSED : VERDICT_NEXT;
}

verdict_t stage_nd(struct pkt *pkt, const struct ingress *in)
{
	static const uint8_t unspecified[16];
	struct message message = {0};
	bool is_icmp6 = (pkt->flags & (PKT_IPV6 | PKT_L4)) == (PKT_IPV6 | PKT_L4) && pkt->protocol == IPPROTO_ICMPV6;

	if (!is_icmp6 || pkt->dst_l4_port < ND_ROUTER_SOLICIT || pkt->dst_l4_port > ND_REDIRECT)
		return VERDICT_NEXT;
	if (!is_sound(pkt, &message))
		return DROP_ND_INVALID;
	message.unspecified_source = memcmp(pkt_src6(pkt), unspecified, sizeof(unspecified)) == 0;
	message.target = message.icmp + 8;
	switch (pkt->dst_l4_port) {
	case ND_NEIGHBOR_SOLICIT:
		return is_solicitation(pkt, &message) ? solicitation(pkt, in, &message) : DROP_ND_INVALID;
	case ND_NEIGHBOR_ADVERT:
		return advertisement(pkt, in, &message);
	case ND_ROUTER_SOLICIT:
		return router_solicitation(pkt, in, &message);
	default:
		return router_message(pkt, in);
	}
}
