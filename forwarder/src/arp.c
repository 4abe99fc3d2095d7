/*
 * ARP (RFC 826), answered here from what is known, so that requests need not be flooded and no VM learns a wrong
 * address. Who answers what: neighbor.h. Behind an uplink, what is ours is answered for, and what others say of
 * themselves is told to fwd-learn.
 */
#include <rte_arp.h>
#include <rte_ether.h>

#include "neighbor.h"
#include "stage.h"
#include "uplink.h"

/* Turns the request round in place: `mac` has the target's address. */
static verdict_t answer(struct pkt *pkt, const uint8_t *mac)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)pkt->data;
	struct rte_arp_hdr *packet = (struct rte_arp_hdr *)(pkt->data + pkt->l3);
	struct rte_arp_ipv4 *body = &packet->arp_data;

	packet->arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REPLY);
	body->arp_tha = body->arp_sha;
	body->arp_tip = pkt->src_be;
	memcpy(body->arp_sha.addr_bytes, mac, RTE_ETHER_ADDR_LEN);
	body->arp_sip = pkt->dst_be;
	eth->dst_addr = body->arp_tha;
	memcpy(eth->src_addr.addr_bytes, mac, RTE_ETHER_ADDR_LEN);
	return VERDICT_REPLY;
}

static verdict_t request(struct pkt *pkt, const struct ingress *in)
{
	const struct rte_arp_hdr *packet = (const struct rte_arp_hdr *)(pkt->data + pkt->l3);
	uint8_t address[16] = {0};
	const uint8_t *mac;
	struct neighbor_question question = {
	        .pkt = pkt,
	        .in = in,
	        .address = address,
	        .asker = packet->arp_data.arp_sha.addr_bytes,
	        .family = 4,
	        .probe = pkt->src_be == 0,
	};

	/* An announcement (RFC 5227 §3) is for the neighbours' caches: nobody is asked. */
	if (pkt->src_be == pkt->dst_be)
		return in->bridge->mode == FWD_MODE_L3 ? DROP_ARP_SUPPRESSED : VERDICT_NEXT;
	memcpy(address, &pkt->dst_be, sizeof(pkt->dst_be));
	switch (neighbor_ask(&question, &mac)) {
	case NEIGHBOR_HOST:
		/* A unicast request asks whether the host still lives (RFC 1122 §2.3.2.1): it knows best. */
		if (memcmp(pkt->data, mac, RTE_ETHER_ADDR_LEN) == 0)
			return VERDICT_NEXT;
		return answer(pkt, mac);
	case NEIGHBOR_GATEWAY:
	case NEIGHBOR_ROUTED:
		return answer(pkt, mac);
	case NEIGHBOR_ASK:
		return VERDICT_NEXT;
	default:
		/* An answer to a probe for one's own address would be taken for a conflict (RFC 5227 §2.1.1). */
		return DROP_ARP_SUPPRESSED;
	}
}

/* How a request or a reply from behind an uplink names its sender (RFC 826: the others' caches learn it). */
static enum uplink_word word_of(const struct ingress *in, const uint8_t *sender, bool answers, bool asks)
{
	if (uplink_owns(in, 4, sender))
		return UPLINK_CONFLICT;
	return answers ? UPLINK_ANSWER : asks ? UPLINK_REQUEST : UPLINK_ANNOUNCE;
}

verdict_t uplink_arp(struct pkt *pkt, const struct ingress *in)
{
	const struct rte_arp_hdr *packet = (const struct rte_arp_hdr *)(pkt->data + pkt->l3);
	bool group = (pkt->flags & PKT_GROUP) != 0, reply = pkt->protocol == RTE_ARP_OP_REPLY;
	uint8_t sender[16] = {0}, target[16] = {0};

	/* A frame for somebody else is seen where somebody mirrors frames. */
	if ((!group && memcmp(pkt->data, in->mac, RTE_ETHER_ADDR_LEN) != 0) ||
	        (pkt->protocol != RTE_ARP_OP_REQUEST && !reply))
		return DROP_ARP_SUPPRESSED;
	if ((packet->arp_data.arp_sha.addr_bytes[0] & 1) != 0)
		return DROP_INVALID_SOURCE;
	memcpy(sender, &pkt->src_be, sizeof(pkt->src_be));
	memcpy(target, &pkt->dst_be, sizeof(pkt->dst_be));
	bool host = uplink_is_host(in->row->id, 4, target), ours = host || uplink_owns(in, 4, target);
	/* Without an address of its own an uplink asks from 0.0.0.0. */
	bool answers = reply && (ours || pkt->dst_be == 0) && !group;
	bool asks = !reply && ours && !host && pkt->src_be != pkt->dst_be;
	enum uplink_word word = word_of(in, sender, answers, asks);
	if (pkt->src_be != 0)
		uplink_learn(in, 4, sender, packet->arp_data.arp_sha.addr_bytes, word);
	if (word == UPLINK_ANSWER)
		return DROP_NEIGHBOR_TOLD;
	if (host)
		return DROP_LEFT_TO_HOST;
	return asks && word != UPLINK_CONFLICT ? answer(pkt, in->mac) : DROP_ARP_SUPPRESSED;
}

verdict_t stage_arp(struct pkt *pkt, const struct ingress *in)
{
	if ((pkt->flags & PKT_ARP) == 0)
		return VERDICT_NEXT;
	if (pkt->protocol == RTE_ARP_OP_REQUEST)
		return request(pkt, in);
	/* A reply to the gateway: nobody here asked. */
	if (in->bridge->mode == FWD_MODE_L3 || is_gateway_mac(pkt->data))
		return DROP_ARP_SUPPRESSED;
	return VERDICT_NEXT;
}
