#include <netinet/in.h>
#include <rte_ether.h>

#include "stage.h"
#include "tables.h"

/* Bridge protocols' own group addresses (IEEE 802.1Q §8.6.3): never past a bridge. */
static bool is_reserved_multicast(const uint8_t *mac)
{
	static const uint8_t prefix[5] = {0x01, 0x80, 0xc2, 0x00, 0x00};

	return memcmp(mac, prefix, sizeof(prefix)) == 0 && mac[5] <= 0x0f;
}

/* To the gateway's MAC, or any unicast of a network that only routes. */
static verdict_t to_router(struct pkt *pkt, const struct ingress *in)
{
	if (pkt->flags & PKT_IPV6)
		return DROP_IPV6_UNSUPPORTED;
	if ((pkt->flags & PKT_IPV4) == 0)
		return DROP_NOT_IP;
	if (pkt->protocol == IPPROTO_ICMP) {
		const struct fwd_neighbor_row *own = tables_neighbor4(in->row->bridge, pkt->dst_be);
		if (own != NULL && (own->flags & FWD_NEIGHBOR_GATEWAY) != 0)
			return icmp_gateway(pkt);
	}
	return stage_route_check(pkt);
}

static verdict_t to_mac(struct pkt *pkt, const struct ingress *in)
{
	const struct fwd_mac_row *row = tables_mac(in->row->bridge, pkt->data);

	if (row == NULL)
		return (in->bridge->flags & FWD_BRIDGE_FLOOD_UNKNOWN) != 0 ? VERDICT_FLOOD : DROP_UNKNOWN_MAC;
	const struct port *out = port_of(row->port);
	const struct fwd_port_row *out_row = tables_port(row->port);
	/* A MAC row that names a port of another network must not join the two. */
	if (out == NULL || out_row == NULL || out_row->bridge != in->row->bridge)
		return DROP_UNRESOLVED;
	if (out == in->port)
		return DROP_SAME_PORT;
	pkt->out = out->slot;
	return VERDICT_SEND;
}

verdict_t stage_bridge(struct pkt *pkt, const struct ingress *in)
{
	uint8_t mode = in->bridge->mode;

	if (pkt->flags & PKT_GROUP) {
		if (mode == FWD_MODE_L3)
			return (pkt->flags & (PKT_IPV4 | PKT_IPV6)) != 0 ? DROP_NOT_BRIDGED : DROP_NOT_IP;
		return is_reserved_multicast(pkt->data) ? DROP_RESERVED_MULTICAST : VERDICT_FLOOD;
	}
	if (is_gateway_mac(pkt->data))
		return mode == FWD_MODE_L2 ? DROP_NOT_ROUTED : to_router(pkt, in);
	return mode == FWD_MODE_L3 ? to_router(pkt, in) : to_mac(pkt, in);
}
