/* Whether a flow is still translated as the rows of now say. */
#include "flow_nat.h"
#include "nat_map.h"
#include "port.h"
#include "tables.h"

/* Where packets of one direction enter. */
struct end {
	const struct port *port;
	const struct fwd_bridge_row *network;
	bool uplink;
};

static bool end_of(const struct flow_half *half, struct end *end)
{
	const struct port *port = port_at(half->slot);
	const struct fwd_port_row *row = port == NULL ? NULL : tables_port(port->id);

	if (row == NULL || port->generation != half->key.context)
		return false;
	*end = (struct end){
	        .port = port, .network = tables_bridge(row->bridge), .uplink = (row->flags & FWD_PORT_UPLINK) != 0};
	return end->network != NULL;
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, 16) == 0;
}

static bool is_held(const struct flow_key *outside, const struct flow_key *inside)
{
	struct nat_inside from = {.context = inside->context,
	        .port = inside->src_port,
	        .family = inside->family,
	        .protocol = inside->protocol};
	struct nat_outside to = {.port = outside->dst_port};

	memcpy(from.address, inside->src, sizeof(from.address));
	memcpy(to.address, outside->dst, sizeof(to.address));
	return nat_map_holds(&to, &from);
}

uint32_t flow_nat_vrf(uint32_t id)
{
	const struct fwd_port_row *row = tables_port(id);
	const struct fwd_bridge_row *network = row == NULL ? NULL : tables_bridge(row->bridge);

	return network == NULL ? 0 : network->vrf;
}

static const struct fwd_nexthop_row *way_to(uint32_t vrf, uint8_t family, const uint8_t *address)
{
	uint32_t address_be, handle;

	memcpy(&address_be, address, sizeof(address_be));
	handle = family == 4 ? tables_route4(vrf, address_be) : tables_route6(vrf, address);
	return handle == 0 ? NULL : tables_nexthop(handle);
}

bool flow_nat_leads_out(uint32_t vrf, uint32_t uplink, uint8_t family, const uint8_t *address)
{
	uint32_t outside = flow_nat_vrf(uplink);

	if (vrf == outside || outside == 0)
		return outside != 0;
	const struct fwd_nexthop_row *way = way_to(vrf, family, address);
	return way != NULL && way->type == FWD_NEXTHOP_VRF && way->target == outside;
}

bool flow_nat_leads_in(uint32_t uplink, uint8_t family, const uint8_t *address)
{
	const struct fwd_nexthop_row *way = way_to(flow_nat_vrf(uplink), family, address);

	return way != NULL && way->type == FWD_NEXTHOP_VRF;
}

/* key->dst stands for back->src, at the end `to`. */
static bool target_holds(const struct flow_pair *pair, uint32_t uplink, const struct end *to)
{
	const struct flow_key *key = &pair->half[FLOW_FORWARD].key, *back = &pair->half[FLOW_REVERSE].key;

	if (pair->half[FLOW_FORWARD].flags & FLOW_NAT_TARGET)
		return nat_address(uplink, key->family, key->dst) != NULL && is_held(key, back);
	const struct fwd_floating_ip_row *row = nat_floating(uplink, key->family, key->dst);
	return row != NULL && same(row->inside, back->src) && flow_nat_vrf(row->inside_port) == to->network->vrf;
}

/* back->dst stands for key->src, at the end `from`. */
static bool source_holds(const struct flow_pair *pair, uint32_t uplink, const struct end *from)
{
	const struct flow_key *key = &pair->half[FLOW_FORWARD].key, *back = &pair->half[FLOW_REVERSE].key;

	if (pair->half[FLOW_FORWARD].flags & FLOW_NAT_SOURCE) {
		const struct fwd_vrf_nat_row *vrf = nat_vrf(from->network->vrf);
		const struct fwd_nat_address_row *row = nat_address(uplink, back->family, back->dst);
		return vrf != NULL && row != NULL && row->pool == vrf->pool && is_held(back, key);
	}
	const struct fwd_floating_ip_row *row = nat_floating(uplink, back->family, back->dst);
	return row != NULL && same(row->inside, key->src) && row->inside_port == from->port->id;
}

bool flow_nat_holds(const struct flow_pair *pair)
{
	const struct flow_key *key = &pair->half[FLOW_FORWARD].key, *back = &pair->half[FLOW_REVERSE].key;
	struct end from, to;

	if (!end_of(&pair->half[FLOW_FORWARD], &from) || !end_of(&pair->half[FLOW_REVERSE], &to))
		return false;
	const struct fwd_vrf_nat_row *vrf = nat_vrf(from.network->vrf);
	uint32_t reached = from.uplink ? from.port->id : to.uplink ? to.port->id : vrf == NULL ? 0 : vrf->port;
	bool target = !same(key->dst, back->src), source = !same(key->src, back->dst);
	bool native = (from.network->flags & FWD_BRIDGE_UNDERLAY) != 0;

	if (target ? !target_holds(pair, reached, &to) : from.uplink && (to.network->flags & FWD_BRIDGE_UNDERLAY) == 0)
		return false;
	/* Between two VMs that see each other as they are, nothing is outside. */
	return source ? source_holds(pair, reached, &from) : from.uplink || native || (!target && !to.uplink);
}
