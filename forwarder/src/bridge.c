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

static bool is_gateway(const struct pkt *pkt, const struct fwd_neighbor_row *row)
{
	if (row == NULL || (row->flags & FWD_NEIGHBOR_GATEWAY) == 0)
		return false;
	RECORD(pkt, RECORD_NEIGHBOR, row);
	return true;
}

/* What goes to the gateway of this very network is answered whatever its VRF's routes say. Only pings are looked for;
 * the rest finds the gateway behind its connected route, which costs other packets nothing. */
static verdict_t to_router4(struct pkt *pkt, const struct ingress *in)
{
	verdict_t verdict = stage_route_check4(pkt);

	if (verdict == VERDICT_ROUTE && pkt->protocol == IPPROTO_ICMP &&
	        is_gateway(pkt, tables_neighbor4(in->row->bridge, pkt->dst_be)))
		return icmp_gateway(pkt, in);
	return verdict;
}

/* The same, and whatever goes to the link-local gateway, which no route leads to. */
static verdict_t to_router6(struct pkt *pkt, const struct ingress *in)
{
	static const uint8_t unspecified[16];
	const uint8_t *source = pkt_src6(pkt), *destination = pkt_dst6(pkt);
	bool link_local = unlikely(is_gateway_link_local(in, destination));

	if (!link_local &&
	        (pkt->protocol != IPPROTO_ICMPV6 || !is_gateway(pkt, tables_neighbor(in->row->bridge, 6, destination))))
		return stage_route_check6(pkt);
	if (source[0] == 0xff || memcmp(source, unspecified, sizeof(unspecified)) == 0)
		return DROP_INVALID_ADDRESS;
	return icmp_gateway(pkt, in);
}

/* To the gateway's MAC, or any unicast of a network that only routes. */
static verdict_t to_router(struct pkt *pkt, const struct ingress *in)
{
	if (likely(pkt->flags & PKT_IPV4))
		return to_router4(pkt, in);
	return (pkt->flags & PKT_IPV6) != 0 ? to_router6(pkt, in) : DROP_NOT_IP;
}

/* What policy says of a frame to a port, when one of the two has it. */
static __attribute__((noinline)) verdict_t ask(
        struct pkt *pkt, const struct ingress *in, const struct port *out, const struct fwd_port_row *row)
{
	struct way_out way = stage_way_out(in, out, row);
	verdict_t verdict = stage_flow(pkt, in, &way);

	return verdict == VERDICT_NEXT ? VERDICT_SEND : verdict;
}

verdict_t stage_mac(struct pkt *pkt, const struct ingress *in)
{
	const struct fwd_mac_row *row = pkt->mac;
	const struct fwd_learned_mac_row *learned = row == NULL ? tables_learned_mac(in->row->bridge, pkt->data) : NULL;

	if (row == NULL && learned == NULL)
		return (in->bridge->flags & FWD_BRIDGE_FLOOD_UNKNOWN) != 0 ? VERDICT_FLOOD : DROP_UNKNOWN_MAC;
	RECORD(pkt, row != NULL ? RECORD_MAC : RECORD_LEARNED_MAC, row != NULL ? (const void *)row : learned);
	uint32_t id = row != NULL ? row->port : learned->port;
	const struct port *out = port_of(id);
	const struct fwd_port_row *out_row = tables_port(id);
	/* A MAC row that names a port of another network must not join the two. */
	if (out == NULL || out_row == NULL || out_row->bridge != in->row->bridge)
		return DROP_UNRESOLVED;
	if (out == in->port)
		return DROP_SAME_PORT;
	pkt->out = out->slot;
	return likely(!stage_may_ask(in, out_row)) ? VERDICT_SEND : ask(pkt, in, out, out_row);
}

verdict_t stage_bridge(struct pkt *pkt, const struct ingress *in)
{
	uint8_t mode = in->bridge->mode;

	if (pkt->flags & PKT_GROUP) {
		if (mode == FWD_MODE_L3)
			return (pkt->flags & (PKT_IPV4 | PKT_IPV6)) != 0 ? DROP_NOT_BRIDGED : DROP_NOT_IP;
		return is_reserved_multicast(pkt->data) ? DROP_RESERVED_MULTICAST : VERDICT_FLOOD;
	}
	return likely(mode != FWD_MODE_L2) ? to_router(pkt, in) : DROP_NOT_ROUTED;
}
