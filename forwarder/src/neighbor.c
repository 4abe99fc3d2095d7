#include "neighbor.h"

#include "service.h"
#include "tables.h"

bool neighbor_is_service(const struct ingress *in, uint8_t family, const uint8_t *address)
{
	return service_has_address(in->bridge->vrf, family, address) &&
	       tables_neighbor(in->row->bridge, family, address) == NULL;
}

bool neighbor_is_gateway(const struct ingress *in, uint8_t family, const uint8_t *address)
{
	if (family == 6 && is_gateway_link_local(in, address))
		return true;
	const struct fwd_neighbor_row *row = tables_neighbor(in->row->bridge, family, address);
	return row != NULL ? (row->flags & FWD_NEIGHBOR_GATEWAY) != 0
	                   : service_has_address(in->bridge->vrf, family, address);
}

/* The MAC address of a host of this bridge; NULL: not known. *own: it is the asker. */
static const uint8_t *find_host(const struct neighbor_question *q, bool *own)
{
	const struct fwd_neighbor_row *row = tables_neighbor(q->in->row->bridge, q->family, q->address);

	if (row != NULL) {
		RECORD(q->pkt, RECORD_NEIGHBOR, row);
		*own = memcmp(row->mac, q->asker, sizeof(row->mac)) == 0;
		return row->mac;
	}
	const struct fwd_learned_neighbor_row *learned =
	        q->family == 6 ? tables_learned_neighbor(q->in->row->bridge, q->address) : NULL;
	if (learned == NULL)
		return NULL;
	RECORD(q->pkt, RECORD_LEARNED_NEIGHBOR, learned);
	*own = learned->port == q->in->port->id;
	return learned->mac;
}

/* Link-local addresses of either family (RFC 3927) are on every link. */
static bool stays_on_link(const struct neighbor_question *q)
{
	return q->family == 6 ? is_link_local(q->address) : q->address[0] == 169 && q->address[1] == 254;
}

/* A route leads to the address, and to another link than the asker's. In a network that only routes, every link is. */
static bool is_routed(const struct neighbor_question *q)
{
	const struct fwd_bridge_row *bridge = q->in->bridge;
	uint32_t address_be;

	if (bridge->mode == FWD_MODE_L2 || bridge->vrf == 0 || q->probe || stays_on_link(q))
		return false;
	memcpy(&address_be, q->address, sizeof(address_be));
	uint32_t handle =
	        q->family == 6 ? tables_route6(bridge->vrf, q->address) : tables_route4(bridge->vrf, address_be);
	RECORD(q->pkt, RECORD_ROUTE, (const void *)(uintptr_t)handle);
	if (handle == 0 || bridge->mode == FWD_MODE_L3)
		return handle != 0;
	const struct fwd_nexthop_row *nexthop = tables_nexthop(handle);
	if (nexthop == NULL || nexthop->type == FWD_NEXTHOP_DROP || nexthop->type == FWD_NEXTHOP_BLACKHOLE)
		return false;
	if (nexthop->type != FWD_NEXTHOP_PORT)
		return true;
	const struct fwd_port_row *out = nexthop->bridge == 0 ? tables_port(nexthop->port) : NULL;
	return (out == NULL ? nexthop->bridge : out->bridge) != q->in->row->bridge;
}

enum neighbor_answer neighbor_ask(const struct neighbor_question *q, const uint8_t **mac)
{
	bool only_routes = q->in->bridge->mode == FWD_MODE_L3, own = false;

	*mac = gateway_mac;
	if (neighbor_is_gateway(q->in, q->family, q->address))
		return NEIGHBOR_GATEWAY;
	const uint8_t *host = find_host(q, &own);
	if (own)
		return NEIGHBOR_NONE;
	if (host != NULL && only_routes)
		return NEIGHBOR_ROUTED;
	if (host != NULL) {
		*mac = host;
		return NEIGHBOR_HOST;
	}
	if (is_routed(q))
		return NEIGHBOR_ROUTED;
	return only_routes ? NEIGHBOR_NONE : NEIGHBOR_ASK;
}
