#include "tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fib.h"
#include "nexthop.h"
#include "rcu.h"
#include "service.h"
#include "store.h"
#include "tables_update.h"

struct index store_indexes[TABLE_LIMIT];

/* Rows by id. Sparse: untouched pages cost nothing. */
static const void **views[TABLE_LIMIT];
static const uint8_t viewed[] = {FWD_TABLE_VRF, FWD_TABLE_BRIDGE, FWD_TABLE_PORT, FWD_TABLE_PUNT_CLASS};
static struct tables_listener listener;

int tables_init(void)
{
	for (uint32_t i = 0; i < sizeof(viewed); i++)
		if (!(views[viewed[i]] = calloc(FWD_ID_LIMIT, sizeof(void *))))
			return -ENOMEM;
	/* Each route and each next-hop row may use a handle of its own. */
	if (nexthop_init(arena_capacity(FWD_TABLE_ROUTE) + arena_capacity(FWD_TABLE_NEXTHOP)))
		return -ENOMEM;
	return fib_init() || service_init() ? -ENOMEM : 0;
}

void tables_fini(void)
{
	fib_fini();
	rcu_barrier();
	nexthop_fini();
	service_fini();
	for (uint32_t table = 1; table < TABLE_LIMIT; table++) {
		free(views[table]);
		views[table] = NULL;
		index_free(&store_indexes[table]);
	}
	rcu_barrier();
	listener = (struct tables_listener){0};
}

void tables_listen(struct tables_listener listeners)
{
	listener = listeners;
}

static const void *view(uint32_t table, uint32_t id)
{
	return id < FWD_ID_LIMIT ? __atomic_load_n(&views[table][id], __ATOMIC_ACQUIRE) : NULL;
}

static void view_changed(uint32_t table, const struct slot *old, const struct slot *new)
{
	uint32_t id;
	memcpy(&id, (new ? new : old)->row, sizeof(id));
	if (table == FWD_TABLE_PUNT_CLASS)
		id &= 0xffff;
	__atomic_store_n(&views[table][id], new ? new->row : NULL, __ATOMIC_RELEASE);
}

static void nexthop_changed(const struct slot *old, const struct slot *new)
{
	const struct slot *either = new ? new : old;
	const struct fwd_nexthop_row *row = (const void *)either->row;
	if (!old)
		nexthop_acquire(either->owner, row->id);
	nexthop_set(either->owner, row->id, new ? row : NULL);
	if (!new)
		nexthop_release(either->owner, row->id);
}

void tables_row_changed(uint32_t table, const struct slot *old, const struct slot *new)
{
	const void *old_row = old ? old->row : NULL, *new_row = new ? new->row : NULL;
	const struct slot *either = new ? new : old;
	if (views[table])
		view_changed(table, old, new);
	if (table == FWD_TABLE_NEXTHOP)
		nexthop_changed(old, new);
	if (table == FWD_TABLE_ROUTE)
		fib_route_changed(either->owner, old_row, new_row);
	if (table == FWD_TABLE_SERVICE)
		service_row_changed(old_row, new_row);
	if (table == FWD_TABLE_PORT && listener.port)
		listener.port(old_row, new_row, either->generation);
	if (table == FWD_TABLE_PUNT_CLASS && listener.punt_class)
		listener.punt_class(old_row, new_row);
}

const struct fwd_vrf_row *tables_vrf(uint32_t id)
{
	return view(FWD_TABLE_VRF, id);
}

const struct fwd_bridge_row *tables_bridge(uint32_t id)
{
	return view(FWD_TABLE_BRIDGE, id);
}

const struct fwd_port_row *tables_port(uint32_t id)
{
	return view(FWD_TABLE_PORT, id);
}

const struct fwd_punt_class_row *tables_punt_class(uint16_t id)
{
	return view(FWD_TABLE_PUNT_CLASS, id);
}

const struct fwd_mac_row *tables_mac(uint32_t bridge, const uint8_t *mac)
{
	struct fwd_mac_row key = {.bridge = bridge};
	memcpy(key.mac, mac, sizeof(key.mac));
	return store_row(FWD_TABLE_MAC, 0, &key);
}

const struct fwd_neighbor_row *tables_neighbor(uint32_t bridge, uint8_t family, const uint8_t *address)
{
	struct fwd_neighbor_row key = {.bridge = bridge, .family = family};
	memcpy(key.address, address, sizeof(key.address));
	return store_row(FWD_TABLE_NEIGHBOR, 0, &key);
}

const struct fwd_neighbor_row *tables_neighbor4(uint32_t bridge, uint32_t address_be)
{
	uint8_t address[16] = {0};
	memcpy(address, &address_be, sizeof(address_be));
	return tables_neighbor(bridge, 4, address);
}

uint32_t tables_route4(uint32_t vrf, uint32_t address_be)
{
	return fib_find4(vrf, address_be);
}

uint32_t tables_route6(uint32_t vrf, const uint8_t *address)
{
	return fib_find6(vrf, address);
}

void tables_route4_burst(uint32_t vrf, const uint32_t *address_be, uint32_t *handles, uint32_t count)
{
	fib_find4_burst(vrf, address_be, handles, count);
}

const struct fwd_nexthop_row *tables_nexthop(uint32_t handle)
{
	return nexthop_row(handle);
}

const struct fwd_service_row *tables_service(uint32_t vrf, uint8_t family, uint8_t protocol, uint16_t l4_port,
        const uint8_t *address, const struct fwd_punt_class_row **punt_class)
{
	const struct fwd_service_row *row = service_find(vrf, family, protocol, l4_port, address);
	if (!row)
		return NULL;
	const struct fwd_punt_class_row *found = tables_punt_class(row->punt_class);
	/* A plugin steers packets to itself only. */
	*punt_class = found && found->receiver == tables_owner(row) ? found : NULL;
	return row;
}

uint32_t tables_generation(const void *row)
{
	return arena_slot_of(row)->generation;
}

uint32_t tables_owner(const void *row)
{
	return arena_slot_of(row)->owner;
}

void tables_each_port(void (*visit)(const struct fwd_port_row *row, uint32_t generation, void *context), void *context)
{
	for (uint32_t id = 1; id < FWD_ID_LIMIT; id++) {
		const struct fwd_port_row *row = views[FWD_TABLE_PORT][id];
		if (row)
			visit(row, tables_generation(row), context);
	}
}
