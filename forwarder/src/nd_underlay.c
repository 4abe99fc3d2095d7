/*
 * Neighbour discovery behind an uplink: what is ours is answered for, and what others say of themselves is told to
 * fwd-learn. Nobody there is our router by his own word: advertisements and redirects of routers are ignored.
 */
#include <netinet/icmp6.h>
#include <rte_ether.h>

#include "nd_message.h"
#include "uplink.h"

/* Not seen because somebody mirrors frames: for us, or for many. */
static bool is_for_us(const struct pkt *pkt, const struct ingress *in)
{
	return (pkt->flags & PKT_GROUP) != 0 || memcmp(pkt->data, in->mac, RTE_ETHER_ADDR_LEN) == 0;
}

/* Somebody else speaks in the name of an address of ours. */
static verdict_t conflict(const struct ingress *in, const uint8_t *address, const uint8_t *mac)
{
	uplink_learn(in, 6, address, mac, UPLINK_CONFLICT);
	return DROP_ND_SUPPRESSED;
}

static verdict_t solicitation(struct pkt *pkt, const struct ingress *in, const struct nd_message *message)
{
	const uint8_t *source = pkt_src6(pkt);

	if (!nd_is_solicitation(pkt, message))
		return DROP_ND_INVALID;
	if (!uplink_owns(in, 6, message->target))
		return DROP_ND_SUPPRESSED;
	if (uplink_is_host(in->row->id, 6, message->target))
		return DROP_LEFT_TO_HOST;
	if (!message->unspecified_source && uplink_owns(in, 6, source))
		return conflict(in, source, pkt->data + RTE_ETHER_ADDR_LEN);
	if (!message->unspecified_source && message->link_address != NULL)
		uplink_learn(in, 6, source, message->link_address, UPLINK_REQUEST);
	return nd_advertise(pkt, message, in->mac, true);
}

/* §7.2.5. Without the option it says only that what is known still holds. */
static verdict_t advertisement(const struct pkt *pkt, const struct ingress *in, const struct nd_message *message)
{
	bool solicited = (message->icmp[4] & ND_SOLICITED) != 0, override = (message->icmp[4] & ND_OVERRIDE) != 0;
	const uint8_t *known = uplink_look(in->row->id, 6, message->target);
	const uint8_t *mac = message->link_address != NULL ? message->link_address : known;

	if (nd_is_multicast(message->target) || (solicited && nd_is_multicast(pkt_dst6(pkt))))
		return DROP_ND_INVALID;
	if (uplink_owns(in, 6, message->target))
		return conflict(in, message->target, mac != NULL ? mac : pkt->data + RTE_ETHER_ADDR_LEN);
	if (mac == NULL)
		return DROP_ND_SUPPRESSED;
	bool other = known != NULL && memcmp(known, mac, RTE_ETHER_ADDR_LEN) != 0;
	enum uplink_word word = other && !override          ? UPLINK_HINT
	                        : solicited                 ? UPLINK_ANSWER
	                        : override || known == NULL ? UPLINK_ANNOUNCE
	                                                    : UPLINK_HINT;
	uplink_learn(in, 6, message->target, mac, word);
	return DROP_NEIGHBOR_TOLD;
}

verdict_t uplink_nd(struct pkt *pkt, const struct ingress *in)
{
	struct nd_message message;

	if (!nd_is_message(pkt))
		return VERDICT_NEXT;
	if (!nd_read(pkt, &message))
		return DROP_ND_INVALID;
	if (!is_for_us(pkt, in))
		return DROP_ND_SUPPRESSED;
	if (pkt->dst_l4_port == ND_NEIGHBOR_SOLICIT)
		return solicitation(pkt, in, &message);
	return pkt->dst_l4_port == ND_NEIGHBOR_ADVERT ? advertisement(pkt, in, &message) : DROP_ND_SUPPRESSED;
}
