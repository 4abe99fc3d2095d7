#include "publish.h"

#include <stdbool.h>
#include <string.h>

#include "arena.h"
#include "error.h"
#include "nat.h"
#include "policy.h"
#include "rcu.h"
#include "store.h"
#include "tables_update.h"

/* Definitions first, references last. */
static const uint8_t order[] = {FWD_TABLE_VRF, FWD_TABLE_BRIDGE, FWD_TABLE_PORT, FWD_TABLE_PUNT_CLASS,
        FWD_TABLE_GATEWAY, FWD_TABLE_NAT_ADDRESS, FWD_TABLE_FLOATING_IP, FWD_TABLE_VRF_NAT, FWD_TABLE_NEXTHOP,
        FWD_TABLE_MEMBER, FWD_TABLE_MAC, FWD_TABLE_NEIGHBOR, FWD_TABLE_UPLINK_NEIGHBOR, FWD_TABLE_LEARNED_MAC,
        FWD_TABLE_LEARNED_NEIGHBOR, FWD_TABLE_ROUTE, FWD_TABLE_SERVICE, FWD_TABLE_SOURCE, FWD_TABLE_RULE,
        FWD_TABLE_IDENTITY_GROUP, FWD_TABLE_PORT_IDENTITY};
#define TABLES (sizeof(order) / sizeof(order[0]))
_Static_assert(TABLES == TABLE_LIMIT - 1, "every table is published");

static uint32_t fills[TABLE_LIMIT], frees[TABLE_LIMIT];

void publish_begin(void)
{
	memset(fills, 0, sizeof(fills));
	memset(frees, 0, sizeof(frees));
	policy_forget_plan();
	journal_begin();
}

static int32_t check_owner(uint32_t owner, uint32_t table, const struct slot *slot)
{
	if (slot->owner == owner)
		return 0;
	return error_set(FWD_ERR_OWNER, "%s: the row with this key belongs to %s", table_layouts[table].name,
	        arena_owner(slot->owner)->name);
}

/* Slots that are free but may still be visible come back after a grace period. */
static uint32_t take_slot(uint32_t table)
{
	uint32_t slot = arena_take(table);
	if (slot != SLOT_NONE)
		return slot;
	rcu_barrier();
	return arena_take(table);
}

int32_t publish_put(uint32_t owner, uint32_t table, const uint8_t *row)
{
	uint32_t old = store_find(table, owner, row), generation;
	if (old == SLOT_NONE) {
		generation = arena_next_generation();
	} else {
		const struct slot *slot = arena_slot(table, old);
		int32_t failed = check_owner(owner, table, slot);
		if (failed)
			return failed;
		if (memcmp(slot->row, row, table_layouts[table].row_bytes) == 0)
			return 0;
		generation = slot->generation;
	}
	uint32_t slot = take_slot(table);
	if (slot == SLOT_NONE) {
		return error_set(FWD_ERR_FULL, "%s: the table is full (%u rows): give more state memory",
		        table_layouts[table].name, arena_capacity(table));
	}
	int32_t failed = journal_fill(table, slot, old, owner, generation, row);
	if (failed) {
		arena_give(table, slot);
		return failed;
	}
	if (table == FWD_TABLE_IDENTITY_GROUP)
		policy_group_planned(
		        old == SLOT_NONE ? NULL : (const void *)arena_slot(table, old)->row, (const void *)row);
	fills[table]++;
	return 1;
}

int32_t publish_remove_slot(uint32_t table, uint32_t slot)
{
	if (table == FWD_TABLE_IDENTITY_GROUP)
		policy_group_planned((const void *)arena_slot(table, slot)->row, NULL);
	frees[table]++;
	return journal_free(table, slot);
}

int32_t publish_remove(uint32_t owner, uint32_t table, const uint8_t *key)
{
	uint32_t slot = store_find(table, owner, key);
	if (slot == SLOT_NONE)
		return 0;
	int32_t failed = check_owner(owner, table, arena_slot(table, slot));
	if (!failed)
		failed = publish_remove_slot(table, slot);
	return failed ? failed : 1;
}

void publish_abort(void)
{
	for (const struct change *change = NULL; (change = journal_next(change));)
		if (change->kind == CHANGE_FILL)
			arena_give(change->table, change->slot);
	journal_end();
}

static void give_slot(void *table, uint64_t slot)
{
	arena_give((uint32_t)(uintptr_t)table, (uint32_t)slot);
}

static void retire_slot(uint32_t table, uint32_t slot)
{
	rcu_retire(give_slot, (void *)(uintptr_t)table, slot);
}

static void show_fill(const struct change *change)
{
	uint32_t table = change->table;
	struct index *index = &store_indexes[table];
	const struct slot *new = arena_slot(table, change->slot);
	uint32_t hash = store_hash(table, new->owner, new->row);
	if (change->replaces == SLOT_NONE) {
		index_insert(index, hash, change->slot);
		tables_row_changed(table, NULL, new);
		return;
	}
	index_replace(index, hash, change->replaces, change->slot);
	tables_row_changed(table, arena_slot(table, change->replaces), new);
	retire_slot(table, change->replaces);
}

static void show_free(const struct change *change)
{
	uint32_t table = change->table;
	const struct slot *old = arena_slot(table, change->slot);
	index_remove(&store_indexes[table], store_hash(table, old->owner, old->row), change->slot);
	tables_row_changed(table, old, NULL);
	retire_slot(table, change->slot);
}

static void show(uint32_t table, uint8_t kind, void (*one)(const struct change *change))
{
	for (const struct change *change = NULL; (change = journal_next(change));)
		if (change->table == table && change->kind == kind)
			one(change);
}

static uint64_t routing_changes;

uint64_t publish_routing_changes(void)
{
	return __atomic_load_n(&routing_changes, __ATOMIC_RELAXED);
}

/* Before they are shown, under the writer lock: who sees the count and takes the lock sees them, too. */
static void count_routing(void)
{
	static const uint8_t tables[] = {FWD_TABLE_PORT, FWD_TABLE_BRIDGE, FWD_TABLE_NEXTHOP, FWD_TABLE_ROUTE};

	for (uint32_t i = 0; i < sizeof(tables); i++) {
		if (fills[tables[i]] != 0 || frees[tables[i]] != 0)
			__atomic_fetch_add(&routing_changes, 1, __ATOMIC_RELAXED);
	}
}

int32_t publish_commit(void)
{
	int32_t refused = policy_check_plan();
	if (refused) {
		publish_abort();
		return refused;
	}
	for (uint32_t table = 1; table < TABLE_LIMIT; table++)
		if (fills[table] && index_reserve(&store_indexes[table], fills[table])) {
			publish_abort();
			return error_set(
			        FWD_ERR_MEMORY, "no memory for %u rows of %s", fills[table], table_layouts[table].name);
		}
	count_routing();
	journal_publish();
	for (uint32_t i = 0; i < TABLES; i++)
		if (fills[order[i]])
			show(order[i], CHANGE_FILL, show_fill);
	for (uint32_t i = TABLES; i-- > 0;)
		if (frees[order[i]])
			show(order[i], CHANGE_FREE, show_free);
	policy_publish();
	nat_publish();
	journal_end();
	rcu_reclaim();
	return 0;
}

int32_t publish_found(uint32_t table, uint32_t number)
{
	const struct slot *slot = arena_slot(table, number);
	if (store_find(table, slot->owner, slot->row) != SLOT_NONE)
		return 1;
	if (index_reserve(&store_indexes[table], 1))
		return error_set(FWD_ERR_MEMORY, "no memory for the rows found");
	index_insert(&store_indexes[table], store_hash(table, slot->owner, slot->row), number);
	tables_row_changed(table, NULL, slot);
	return 0;
}
