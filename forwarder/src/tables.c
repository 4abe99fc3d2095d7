#include "tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fib.h"
#include "gateways.h"
#include "nat.h"
#include "nexthop.h"
#include "policy.h"
#include "rcu.h"
#include "service.h"
#include "store.h"
#include "tables_update.h"

#define BURST 32u

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
	/* Each route and each next-hop row may use a handle of its own, each member one for its group, too. */
	uint64_t handles = (uint64_t)arena_capacity(FWD_TABLE_ROUTE) + arena_capacity(FWD_TABLE_NEXTHOP) +
	                   2ULL * arena_capacity(FWD_TABLE_MEMBER);
	if (handles > UINT32_MAX - 1 || nexthop_init((uint32_t)handles))
		return -ENOMEM;
	return fib_init() || service_init() || gateways_init() || policy_init() || nat_init() ? -ENOMEM : 0;
}

void tables_fini(void)
{
	fib_fini();
	gateways_fini();
	policy_fini();
	nat_fini();
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

static void policy_changed(uint32_t table, const void *old, const void *new)
{
	if (table == FWD_TABLE_RULE)
		policy_rule_changed(old, new);
	if (table == FWD_TABLE_IDENTITY_GROUP)
		policy_group_changed(old, new);
	if (table == FWD_TABLE_PORT_IDENTITY)
		policy_identity_changed(old, new);
}

static void nat_changed(uint32_t table, const void *old, const void *new)
{
	if (table == FWD_TABLE_FLOATING_IP)
		nat_floating_changed(old, new);
	if (table == FWD_TABLE_NAT_ADDRESS)
		nat_address_changed(old, new);
	if (table == FWD_TABLE_VRF_NAT)
		nat_vrf_changed(old, new);
}

static void tell(uint32_t table, const void *old, const void *new, uint32_t generation)
{
	if (table == FWD_TABLE_PORT && listener.port)
		listener.port(old, new, generation);
	if (table == FWD_TABLE_PUNT_CLASS && listener.punt_class)
		listener.punt_class(old, new);
	if (table == FWD_TABLE_SOURCE && listener.source)
		listener.source(old, new);
	if (table == FWD_TABLE_LEARNED_NEIGHBOR && listener.learned_neighbor)
		listener.learned_neighbor(old, new);
	if (table == FWD_TABLE_NAT_ADDRESS && listener.nat_address)
		listener.nat_address(old, new);
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
	if (table == FWD_TABLE_PORT)
		service_port_changed(old_row, new_row);
	if (table == FWD_TABLE_MEMBER)
		nexthop_member_changed(either->owner, old_row, new_row);
	if (table == FWD_TABLE_NEIGHBOR)
		gateways_neighbor_changed(old_row, new_row);
	policy_changed(table, old_row, new_row);
	nat_changed(table, old_row, new_row);
	tell(table, old_row, new_row, either->generation);
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

/* Keys of packets are put together in registers: the hash loads whole words, which narrower stores before it stall. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the words of keys");

static inline struct fwd_mac_row mac_key(uint32_t bridge, const uint8_t *mac)
{
	struct fwd_mac_row key;
	uint32_t first;
	uint16_t rest;
	memcpy(&first, mac, sizeof(first));
	memcpy(&rest, mac + sizeof(first), sizeof(rest));
	uint64_t words[2] = {(uint64_t)first << 32 | bridge, rest};
	memcpy(&key, words, sizeof(key));
	return key;
}

const struct fwd_mac_row *tables_mac(uint32_t bridge, const uint8_t *mac)
{
	struct fwd_mac_row key = mac_key(bridge, mac);
	return store_row(FWD_TABLE_MAC, 0, &key);
}

void tables_mac_burst(uint32_t bridge, const uint8_t *const *macs, const struct fwd_mac_row **rows, uint32_t count)
{
	struct fwd_mac_row keys[BURST];
	struct index_cursor cursors[BURST];
	for (uint32_t i = 0; i < count; i++) {
		keys[i] = mac_key(bridge, macs[i]);
		cursors[i] = index_first(&store_indexes[FWD_TABLE_MAC], store_hash(FWD_TABLE_MAC, 0, &keys[i]));
		index_prefetch(&cursors[i]);
	}
	for (uint32_t i = 0; i < count; i++) {
		struct index_cursor cursor = cursors[i];
		uint32_t number = index_next(&cursor);
		if (number != INDEX_END)
			__builtin_prefetch(arena_slot(FWD_TABLE_MAC, number));
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = store_continue(FWD_TABLE_MAC, 0, &keys[i], cursors[i]);
		rows[i] = slot == SLOT_NONE ? NULL : (const void *)arena_slot(FWD_TABLE_MAC, slot)->row;
	}
}

const struct fwd_neighbor_row *tables_neighbor(uint32_t bridge, uint8_t family, const uint8_t *address)
{
	struct fwd_neighbor_row key = {.bridge = bridge, .family = family};
	memcpy(key.address, address, sizeof(key.address));
	return store_row(FWD_TABLE_NEIGHBOR, 0, &key);
}

const struct fwd_neighbor_row *tables_neighbor4(uint32_t bridge, uint32_t address_be)
{
	struct fwd_neighbor_row key;
	uint64_t words[sizeof(key) / 8] = {(uint64_t)4 << 32 | bridge, address_be};
	memcpy(&key, words, sizeof(key));
	return store_row(FWD_TABLE_NEIGHBOR, 0, &key);
}

/* Another port may have got the id since. */
static bool port_lives(uint32_t id, uint32_t generation)
{
	const struct fwd_port_row *port = tables_port(id);
	return port && tables_generation(port) == generation;
}

const struct fwd_learned_mac_row *tables_learned_mac(uint32_t bridge, const uint8_t *mac)
{
	struct fwd_learned_mac_row key = {.bridge = bridge};
	memcpy(key.mac, mac, sizeof(key.mac));
	const struct fwd_learned_mac_row *row = store_row(FWD_TABLE_LEARNED_MAC, OWNER_INTERNAL, &key);
	return row && port_lives(row->port, row->generation) ? row : NULL;
}

const struct fwd_learned_neighbor_row *tables_learned_neighbor(uint32_t bridge, const uint8_t *address)
{
	struct fwd_learned_neighbor_row key = {.bridge = bridge, .family = 6};
	memcpy(key.address, address, sizeof(key.address));
	const struct fwd_learned_neighbor_row *row = store_row(FWD_TABLE_LEARNED_NEIGHBOR, OWNER_INTERNAL, &key);
	return row && port_lives(row->port, row->generation) ? row : NULL;
}

const struct gateways *tables_gateways(uint32_t bridge)
{
	return gateways_of(bridge);
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

void tables_route6_burst(uint32_t vrf, const uint8_t *const *addresses, uint32_t *handles, uint32_t count)
{
	fib_find6_burst(vrf, addresses, handles, count);
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

void tables_each_row(uint32_t table, void (*visit)(const void *row, void *context), void *context)
{
	for (uint32_t i = 0; i < arena_high_water(table); i++) {
		const struct slot *slot = arena_slot(table, i);
		if (slot->state == SLOT_USED)
			visit(slot->row, context);
	}
}
