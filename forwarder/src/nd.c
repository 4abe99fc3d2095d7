/*
 * Neighbour discovery (RFC 4861) and duplicate address detection (RFC 4862 §5.4), answered here from what is known. Who
 * answers what: neighbor.h. Messages that break the rules, or claim what is not theirs, end here on every port.
 */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_ether.h>

#include "guard.h"
#include "learn.h"
#include "nd_message.h"
#include "neighbor.h"
#include "stage.h"
#include "tables.h"

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

static verdict_t solicitation(struct pkt *pkt, const struct ingress *in, const struct nd_message *message)
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
		return asks_host ? VERDICT_NEXT : nd_advertise(pkt, message, mac, answer == NEIGHBOR_GATEWAY);
	case NEIGHBOR_GATEWAY:
	case NEIGHBOR_ROUTED:
		return nd_advertise(pkt, message, mac, answer == NEIGHBOR_GATEWAY);
	case NEIGHBOR_ASK:
		return question.probe ? take(pkt, in, message->target, asker) : VERDICT_NEXT;
	default:
		if (question.probe)
			note_use(in, message->target, asker);
		return DROP_ND_SUPPRESSED;
	}
}

/* §7.1.2, §7.2.6. */
static verdict_t advertisement(const struct pkt *pkt, const struct ingress *in, const struct nd_message *message)
{
	bool solicited = (message->icmp[4] & ND_SOLICITED) != 0;

	if (nd_is_multicast(message->target) || (solicited && nd_is_multicast(pkt_dst6(pkt))))
		return DROP_ND_INVALID;
	verdict_t verdict = check_claim(pkt, in, message->target, message->link_address);
	if (verdict != VERDICT_NEXT)
		return verdict;
	/* To the gateway, or where nobody hears others: nobody here asked. */
	bool unheard = in->bridge->mode == FWD_MODE_L3 || is_gateway_mac(pkt->data);
	return unheard ? DROP_ND_SUPPRESSED : VERDICT_NEXT;
}

/* No plugin took it. The gateway is the only router of its networks; on others every host might be one. */
static verdict_t router_solicitation(const struct pkt *pkt, const struct ingress *in, const struct nd_message *message)
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
	struct nd_message message;

	if (!nd_is_message(pkt))
		return VERDICT_NEXT;
	if (!nd_read(pkt, &message))
		return DROP_ND_INVALID;
	switch (pkt->dst_l4_port) {
	case ND_NEIGHBOR_SOLICIT:
		return nd_is_solicitation(pkt, &message) ? solicitation(pkt, in, &message) : DROP_ND_INVALID;
	case ND_NEIGHBOR_ADVERT:
		return advertisement(pkt, in, &message);
	case ND_ROUTER_SOLICIT:
		return router_solicitation(pkt, in, &message);
	default:
		return router_message(pkt, in);
	}
}
