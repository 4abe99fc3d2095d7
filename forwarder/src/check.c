#include <rte_arp.h>
#include <rte_ether.h>

#include "stage.h"
#include "tables.h"

const uint8_t gateway_mac[6] = {GATEWAY_MAC_BYTES};

/* The sender of an ARP packet may not be the gateway: neighbours would send us their traffic, or stop to. */
static verdict_t check_arp(const struct pkt *pkt, const struct ingress *in)
{
	const struct rte_arp_hdr *arp = (const struct rte_arp_hdr *)(pkt->data + pkt->l3);
	const uint8_t *sender = arp->arp_data.arp_sha.addr_bytes;

	if ((in->row->flags & FWD_PORT_SECURITY) != 0 && memcmp(sender, in->row->mac, 6) != 0)
		return DROP_SPOOFED_MAC;
	if (pkt->src_be == 0)
		return VERDICT_NEXT;
	const struct fwd_neighbor_row *neighbor = tables_neighbor4(in->row->bridge, pkt->src_be);
	if (is_gateway_mac(sender) || (neighbor != NULL && (neighbor->flags & FWD_NEIGHBOR_GATEWAY) != 0))
		return DROP_INVALID_SOURCE;
	return VERDICT_NEXT;
}

verdict_t stage_check(const struct pkt *pkt, const struct ingress *in)
{
	const struct rte_ether_hdr *eth = (const struct rte_ether_hdr *)pkt->data;

	if (pkt->flags & PKT_TAGGED)
		return DROP_VLAN_TAGGED;
	if ((in->row->flags & FWD_PORT_SECURITY) != 0 && memcmp(eth->src_addr.addr_bytes, in->row->mac, 6) != 0)
		return DROP_SPOOFED_MAC;
	if (!rte_is_valid_assigned_ether_addr(&eth->src_addr) || is_gateway_mac(eth->src_addr.addr_bytes))
		return DROP_INVALID_SOURCE;
	return (pkt->flags & PKT_ARP) != 0 ? check_arp(pkt, in) : VERDICT_NEXT;
}
