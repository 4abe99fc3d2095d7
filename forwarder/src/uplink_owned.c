#include "uplink_owned.h"

#include <stdlib.h>
#include <string.h>

#include "nat.h"
#include "rows.h"
#include "tables.h"
#include "uplink.h"

struct collection {
	struct uplink_elements *out;
	/** The uplink whose addresses are visited. */
	uint32_t uplink;
	/** Of the uplinks, in their order. */
	const struct uplink_chain *chains;
	uint32_t *vrfs;
	uint32_t count;
	/** Next hops that lead to another VRF. */
	uint32_t *nexthops;
	uint32_t nexthop_count, nexthop_room;
	bool underlay;
};

void uplink_elements_add(struct uplink_elements *elements, const struct uplink_element *element)
{
	if (elements->count == elements->room) {
		uint32_t room = elements->room == 0 ? 64 : elements->room * 2;
		struct uplink_element *grown = realloc(elements->at, room * sizeof(*grown));
		if (grown == NULL) {
			elements->short_of_memory = true;
			return;
		}
		elements->at = grown;
		elements->room = room;
	}
	elements->at[elements->count++] = *element;
}

static void visit_owned(uint8_t family, const uint8_t *address, void *context)
{
	const struct collection *collection = context;
	struct uplink_element element = {
	        .uplink = collection->uplink, .kind = UPLINK_ELEMENT_ADDRESS, .family = family};

	if (uplink_is_host(collection->uplink, family, address))
		return;
	memcpy(element.address, address, sizeof(element.address));
	uplink_elements_add(collection->out, &element);
}

static void visit_bridge(const void *row, void *context)
{
	struct collection *collection = context;

	if (((const struct fwd_bridge_row *)row)->flags & FWD_BRIDGE_UNDERLAY)
		collection->underlay = true;
}

static void visit_nexthop(const void *row, void *context)
{
	const struct fwd_nexthop_row *nexthop = row;
	struct collection *collection = context;

	if (nexthop->type != FWD_NEXTHOP_VRF)
		return;
	if (collection->nexthop_count == collection->nexthop_room) {
		uint32_t room = collection->nexthop_room == 0 ? 64 : collection->nexthop_room * 2;
		uint32_t *grown = realloc(collection->nexthops, room * sizeof(*grown));
		if (grown == NULL) {
			collection->out->short_of_memory = true;
			return;
		}
		collection->nexthops = grown;
		collection->nexthop_room = room;
	}
	collection->nexthops[collection->nexthop_count++] = nexthop->id;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void visit_route(const void *row, void *context)
{
	const struct fwd_route_row *route = row;
	const struct collection *collection = context;
	struct uplink_element element = {
	        .kind = UPLINK_ELEMENT_PREFIX, .family = route->family, .first = route->prefix_length};

	for (uint32_t i = 0; i < collection->count; i++) {
		if (route->vrf != collection->vrfs[i] || route->prefix_length == 0 ||
		        bsearch(&route->nexthop, collection->nexthops, collection->nexthop_count,
		                sizeof(route->nexthop), compare) == NULL)
			continue;
		element.uplink = collection->chains[i].uplink;
		memcpy(element.address, route->address, sizeof(element.address));
		uplink_elements_add(collection->out, &element);
	}
}

static uint32_t vrf_of(uint32_t uplink)
{
	const struct fwd_port_row *port = tables_port(uplink);
	const struct fwd_bridge_row *bridge = port == NULL ? NULL : tables_bridge(port->bridge);

	return bridge == NULL ? 0 : bridge->vrf;
}

/* Routes are many, and looked at only when some network is routed natively. */
static void collect_subnets(struct collection *collection)
{
	tables_each_row(FWD_TABLE_BRIDGE, visit_bridge, collection);
	if (!collection->underlay)
		return;
	for (uint32_t i = 0; i < collection->count; i++)
		collection->vrfs[i] = vrf_of(collection->chains[i].uplink);
	tables_each_row(FWD_TABLE_NEXTHOP, visit_nexthop, collection);
	if (collection->nexthop_count == 0)
		return;
	qsort(collection->nexthops, collection->nexthop_count, sizeof(collection->nexthops[0]), compare);
	tables_each_row(FWD_TABLE_ROUTE, visit_route, collection);
}

void uplink_owned_collect(const struct uplink_chain *chains, uint32_t count, struct uplink_elements *out)
{
	struct collection collection = {
	        .out = out, .chains = chains, .count = count, .vrfs = calloc(count + 1, sizeof(uint32_t))};

	if (collection.vrfs == NULL) {
		out->short_of_memory = true;
		return;
	}
	rows_lock();
	for (uint32_t i = 0; i < count; i++) {
		collection.uplink = chains[i].uplink;
		nat_each_owned(chains[i].uplink, visit_owned, &collection);
	}
	collect_subnets(&collection);
	rows_unlock();
	free(collection.nexthops);
	free(collection.vrfs);
}
