/*
 * What comes in through an uplink, before its flow is known: the outside world is not a VM. Its sources are not tied to
 * the port, no service of the appliance is there for it, and nothing is learned from it but who answers for an address
 * (uplink.h).
 */
#include <rte_ether.h>

#include "stage.h"
#include "tables.h"
#include "uplink.h"

/* Link-local addresses are never routed: pings to ours are answered, all else is the host's, or nobody's. */
static verdict_t on_link(struct pkt *pkt, const struct ingress *in)
{
	static const uint8_t unspecified[16];
	const uint8_t *source = pkt_src6(pkt), *destination = pkt_dst6(pkt);

	if (source[0] == 0xff || memcmp(source, unspecified, sizeof(unspecified)) == 0)
		return DROP_INVALID_SOURCE;
	if (uplink_is_host(in->port->id, 6, destination))
		return DROP_LEFT_TO_HOST;
	const struct fwd_neighbor_row *row = tables_neighbor(in->row->bridge, 6, destination);
	bool own = row != NULL && (row->flags & FWD_NEIGHBOR_GATEWAY) != 0;
	return own || is_gateway_link_local(in, destination) ? icmp_gateway(pkt, in) : DROP_INVALID_ADDRESS;
}

static verdict_t check_source(const struct pkt *pkt, const struct ingress *in)
{
	const struct rte_ether_hdr *eth = (const struct rte_ether_hdr *)pkt->data;

	if (!rte_is_valid_assigned_ether_addr(&eth->src_addr))
		return DROP_INVALID_SOURCE;
	return memcmp(eth->src_addr.addr_bytes, in->mac, RTE_ETHER_ADDR_LEN) == 0 ? DROP_SPOOFED_MAC : VERDICT_NEXT;
}

verdict_t stage_underlay(struct pkt *pkt, const struct ingress *in)
{
	verdict_t verdict = check_source(pkt, in);

	if (verdict != VERDICT_NEXT)
		return verdict;
	if (pkt->flags & PKT_TAGGED)
		return DROP_VLAN_TAGGED;
	if (pkt->flags & PKT_ARP)
		return uplink_arp(pkt, in);
	if ((pkt->flags & (PKT_IPV4 | PKT_IPV6)) == 0)
		return DROP_NOT_IP;
	if ((pkt->flags & PKT_IPV6) != 0 && (verdict = uplink_nd(pkt, in)) != VERDICT_NEXT)
		return verdict;
	if (pkt->flags & PKT_GROUP)
		return DROP_NOT_BRIDGED;
	/* A switch floods what it does not know, and a packet socket hears it. */
	if (memcmp(pkt->data, in->mac, RTE_ETHER_ADDR_LEN) != 0)
		return DROP_UNKNOWN_MAC;
	if ((pkt->flags & PKT_IPV6) != 0 && (is_link_local(pkt_src6(pkt)) || is_link_local(pkt_dst6(pkt))))
		return on_link(pkt, in);
	return stage_route_check(pkt);
}
