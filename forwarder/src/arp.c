/*
 * ARP (RFC 826), answered here from the neighbor rows of the bridge, so that requests need not be flooded and no VM
 * learns a wrong address. The three answers of the matrix: the real MAC of a host on the bridge, the gateway's MAC for
 * what is routed, none.
 */
#include <rte_arp.h>
#include <rte_ether.h>

#include "stage.h"
#include "tables.h"

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
	const uint8_t *asker = packet->arp_data.arp_sha.addr_bytes;
	bool only_routes = in->bridge->mode == FWD_MODE_L3;

	/* An announcement (RFC 5227 §3): for the neighbours' caches, nobody is asked. */
	if (pkt->src_be == pkt->dst_be)
		return only_routes ? DROP_ARP_SUPPRESSED : VERDICT_FLOOD;
	const struct fwd_neighbor_row *neighbor = tables_neighbor4(in->row->bridge, pkt->dst_be);
	if (neighbor != NULL) {
		/* A probe for the asker's own address must stay unanswered, else it believes in a conflict (RFC 5227
		 * §2.1.1). */
		if (memcmp(neighbor->mac, asker, 6) == 0)
			return DROP_ARP_SUPPRESSED;
		bool gateway = only_routes || (neighbor->flags & FWD_NEIGHBOR_GATEWAY) != 0;
		return answer(pkt, gateway ? gateway_mac : neighbor->mac);
	}
	if (!only_routes)
		return VERDICT_FLOOD;
	if (in->bridge->vrf != 0 && pkt->src_be != 0 && tables_route4(in->bridge->vrf, pkt->dst_be) != 0)
		return answer(pkt, gateway_mac);
	return DROP_ARP_SUPPRESSED;
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
