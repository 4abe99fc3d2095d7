#include "guard.h"

#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "rcu.h"
#include "store.h"
#include "tables.h"

struct guard **guards;
const struct guard guard_none;

static void make_mask(uint8_t *mask, uint32_t bytes, uint32_t prefix_length)
{
	for (uint32_t i = 0; i < bytes; i++, prefix_length -= prefix_length < 8 ? prefix_length : 8)
		mask[i] = prefix_length < 8 ? (uint8_t)(0xff00 >> prefix_length) : 0xff;
}

static struct guard_entry4 entry4(const struct fwd_source_row *row)
{
	struct guard_entry4 entry = {.mac = guard_mac(row->mac)};

	memcpy(&entry.address, row->address, sizeof(entry.address));
	make_mask((uint8_t *)&entry.mask, sizeof(entry.mask), row->prefix_length);
	return entry;
}

static struct guard_entry6 entry6(const struct fwd_source_row *row)
{
	struct guard_entry6 entry = {.mac = guard_mac(row->mac)};

	memcpy(entry.address, row->address, sizeof(entry.address));
	make_mask((uint8_t *)entry.mask, sizeof(entry.mask), row->prefix_length);
	return entry;
}

static size_t guard_bytes(uint32_t spans)
{
	return sizeof(struct guard) + spans * sizeof(struct guard_span);
}

/* Rows outside the first entries, by what they say besides the MAC address. */
static struct index owned;

static uint32_t slot_of(const struct fwd_source_row *row)
{
	const uint8_t *first = (const uint8_t *)arena_slot(FWD_TABLE_SOURCE, 0);
	size_t bytes = (size_t)((const uint8_t *)arena_slot(FWD_TABLE_SOURCE, 1) - first);

	return (uint32_t)((size_t)((const uint8_t *)arena_slot_of(row) - first) / bytes);
}

static uint32_t owned_hash(const struct fwd_source_row *row)
{
	struct fwd_source_row key = *row;

	memset(key.mac, 0, sizeof(key.mac));
	return index_hash(&key, sizeof(key), 0);
}

/* A copy to change, with room for one more span. */
static struct guard *edit(uint32_t port)
{
	const struct guard *old = guards[port];
	uint32_t spans = old ? old->spans : 0;
	struct guard *new = calloc(1, guard_bytes(spans + 1));

	if (!new)
		error_memory("source addresses of a port");
	if (old)
		memcpy(new, old, guard_bytes(spans));
	return new;
}

static void show(uint32_t port, struct guard *new)
{
	struct guard *old = guards[port];

	if (new->count4 + new->count6 + new->learned_count + new->spans == 0) {
		free(new);
		new = NULL;
	}
	__atomic_store_n(&guards[port], new, __ATOMIC_RELEASE);
	rcu_retire_memory(old);
}

/* One row more or less (change 1 or -1) outside the first entries. */
static void count_span(struct guard *guard, uint8_t family, uint8_t prefix_length, int change)
{
	struct guard_span *span = guard->span, *end = span + guard->spans;

	while (span < end && (span->family != family || span->prefix_length != prefix_length))
		span++;
	if (span == end) {
		*span = (struct guard_span){.family = family, .prefix_length = prefix_length};
		guard->spans++;
	}
	span->rows += (uint32_t)change;
	if (span->rows == 0)
		*span = guard->span[--guard->spans];
}

static void add_further(struct guard *guard, const struct fwd_source_row *row)
{
	count_span(guard, row->family, row->prefix_length, 1);
	if (index_reserve(&owned, 1))
		error_memory("source addresses of a port");
	index_insert(&owned, owned_hash(row), slot_of(row));
}

static void add_source(const struct fwd_source_row *row)
{
	struct guard *guard = edit(row->port);

	if (row->family == 4 && guard->count4 < GUARD_FIRST)
		guard->first4[guard->count4++] = entry4(row);
	else if (row->family == 6 && guard->count6 < GUARD_FIRST)
		guard->first6[guard->count6++] = entry6(row);
	else
		add_further(guard, row);
	show(row->port, guard);
}

static bool remove_first4(struct guard *guard, const struct fwd_source_row *row)
{
	struct guard_entry4 entry = entry4(row);

	for (uint32_t i = 0; i < guard->count4; i++) {
		if (memcmp(&guard->first4[i], &entry, sizeof(entry)) == 0) {
			guard->first4[i] = guard->first4[--guard->count4];
			return true;
		}
	}
	return false;
}

static bool remove_first6(struct guard *guard, const struct fwd_source_row *row)
{
	struct guard_entry6 entry = entry6(row);

	for (uint32_t i = 0; i < guard->count6; i++) {
		if (memcmp(&guard->first6[i], &entry, sizeof(entry)) == 0) {
			guard->first6[i] = guard->first6[--guard->count6];
			return true;
		}
	}
	return false;
}

static void remove_source(const struct fwd_source_row *row)
{
	struct guard *guard = edit(row->port);

	if (!(row->family == 4 ? remove_first4(guard, row) : remove_first6(guard, row))) {
		count_span(guard, row->family, row->prefix_length, -1);
		index_remove(&owned, owned_hash(row), slot_of(row));
	}
	show(row->port, guard);
}

void guard_source_changed(const struct fwd_source_row *old, const struct fwd_source_row *new)
{
	/* The whole row is its key: one that is there already does not change. */
	if (old && new)
		return;
	if (new)
		add_source(new);
	else
		remove_source(old);
}

/* Whether it is of the port that has the id now, and of the bridge where that port is: only such are kept. */
static bool is_of_port(const struct fwd_learned_neighbor_row *row)
{
	const struct fwd_port_row *port = tables_port(row->port);

	return port && tables_generation(port) == row->generation && port->bridge == row->bridge;
}

static void add_learned(const struct fwd_learned_neighbor_row *row)
{
	if (!is_of_port(row))
		return;
	struct guard *guard = edit(row->port);
	if (guard->learned_count < GUARD_LEARNED) {
		struct guard_learned *entry = &guard->learned[guard->learned_count++];
		memcpy(entry->address, row->address, sizeof(entry->address));
		entry->mac = guard_mac(row->mac);
	}
	show(row->port, guard);
}

static void remove_learned(const struct fwd_learned_neighbor_row *row)
{
	if (!is_of_port(row))
		return;
	struct guard *guard = edit(row->port);

	for (uint32_t i = 0; i < guard->learned_count; i++)
		if (memcmp(guard->learned[i].address, row->address, sizeof(row->address)) == 0)
			guard->learned[i] = guard->learned[--guard->learned_count];
	show(row->port, guard);
}

void guard_learned_changed(const struct fwd_learned_neighbor_row *old, const struct fwd_learned_neighbor_row *new)
{
	if (old)
		remove_learned(old);
	if (new)
		add_learned(new);
}

void guard_port_changed(const struct fwd_port_row *old, const struct fwd_port_row *new)
{
	if (!old || !guards[old->id] || (new &&new->bridge == old->bridge))
		return;
	struct guard *guard = edit(old->id);
	guard->learned_count = 0;
	show(old->id, guard);
}

static void adopt_source(const void *row, void *unused)
{
	add_source(row);
}

static void adopt_learned(const void *row, void *unused)
{
	add_learned(row);
}

int guard_init(void)
{
	guards = calloc(FWD_ID_LIMIT, sizeof(struct guard *));
	if (!guards)
		return -ENOMEM;
	tables_each_row(FWD_TABLE_SOURCE, adopt_source, NULL);
	tables_each_row(FWD_TABLE_LEARNED_NEIGHBOR, adopt_learned, NULL);
	return 0;
}

void guard_fini(void)
{
	for (uint32_t port = 0; guards && port < FWD_ID_LIMIT; port++)
		free(guards[port]);
	free(guards);
	guards = NULL;
	index_free(&owned);
}

/* Exact prefix, exact MAC address, by the index of all rows. */
static bool search_span(const struct guard_span *span, struct fwd_source_row *key)
{
	uint8_t mask[16] = {0}, whole[16];

	make_mask(mask, sizeof(mask), span->prefix_length);
	memcpy(whole, key->address, sizeof(whole));
	for (uint32_t i = 0; i < sizeof(mask); i++)
		key->address[i] &= mask[i];
	key->prefix_length = span->prefix_length;
	bool found = store_row(FWD_TABLE_SOURCE, 0, key) != NULL;
	memcpy(key->address, whole, sizeof(whole));
	return found;
}

static bool search_first4(const struct guard *guard, uint32_t address, uint64_t mac)
{
	for (uint32_t i = 0; i < guard->count4; i++) {
		const struct guard_entry4 *entry = &guard->first4[i];
		if ((((address ^ entry->address) & entry->mask) | (mac ^ entry->mac)) == 0)
			return true;
	}
	return false;
}

static bool search_first6(const struct guard *guard, const uint64_t *address, uint64_t mac)
{
	for (uint32_t i = 0; i < guard->count6; i++) {
		const struct guard_entry6 *entry = &guard->first6[i];
		if ((((address[0] ^ entry->address[0]) & entry->mask[0]) |
		            ((address[1] ^ entry->address[1]) & entry->mask[1]) | (mac ^ entry->mac)) == 0)
			return true;
	}
	for (uint32_t i = 0; i < guard->learned_count; i++) {
		const struct guard_learned *entry = &guard->learned[i];
		if (((address[0] ^ entry->address[0]) | (address[1] ^ entry->address[1]) | (mac ^ entry->mac)) == 0)
			return true;
	}
	return false;
}

bool guard_search(uint32_t port, uint8_t family, const void *address, uint64_t mac)
{
	const struct guard *guard = __atomic_load_n(&guards[port], __ATOMIC_ACQUIRE);
	struct fwd_source_row key = {.port = port, .family = family};
	uint64_t words[2] = {0};

	if (!guard)
		return false;
	memcpy(words, address, family == 4 ? 4 : 16);
	if (family == 4 ? search_first4(guard, (uint32_t)words[0], mac) : search_first6(guard, words, mac))
		return true;
	memcpy(key.address, words, sizeof(words));
	memcpy(key.mac, &mac, sizeof(key.mac));
	for (uint32_t i = 0; i < guard->spans; i++)
		if (guard->span[i].family == family && search_span(&guard->span[i], &key))
			return true;
	return false;
}

static bool owns4(const struct guard *guard, uint32_t address)
{
	for (uint32_t i = 0; i < guard->count4; i++)
		if (((address ^ guard->first4[i].address) & guard->first4[i].mask) == 0)
			return true;
	return false;
}

static bool owns6(const struct guard *guard, const uint64_t *address)
{
	for (uint32_t i = 0; i < guard->count6; i++) {
		const struct guard_entry6 *entry = &guard->first6[i];
		if ((((address[0] ^ entry->address[0]) & entry->mask[0]) |
		            ((address[1] ^ entry->address[1]) & entry->mask[1])) == 0)
			return true;
	}
	for (uint32_t i = 0; i < guard->learned_count; i++) {
		const struct guard_learned *entry = &guard->learned[i];
		if (((address[0] ^ entry->address[0]) | (address[1] ^ entry->address[1])) == 0)
			return true;
	}
	return false;
}

/* One of the rows of a prefix length that are not among the first entries. */
static bool owns_further(const struct guard_span *span, uint32_t port, const uint8_t *address)
{
	struct fwd_source_row key = {.port = port, .family = span->family, .prefix_length = span->prefix_length};
	uint8_t mask[16] = {0};

	make_mask(mask, sizeof(mask), span->prefix_length);
	for (uint32_t i = 0; i < sizeof(mask); i++)
		key.address[i] = address[i] & mask[i];
	struct index_cursor cursor = index_first(&owned, owned_hash(&key));
	for (uint32_t number; (number = index_next(&cursor)) != INDEX_END;) {
		const struct fwd_source_row *row = (const void *)arena_slot(FWD_TABLE_SOURCE, number)->row;
		if (row->port == port && row->family == key.family && row->prefix_length == key.prefix_length &&
		        memcmp(row->address, key.address, sizeof(key.address)) == 0)
			return true;
	}
	return false;
}

bool guard_owns(uint32_t port, uint8_t family, const uint8_t *address)
{
	const struct guard *guard = guard_of(port);
	uint64_t words[2];

	memcpy(words, address, sizeof(words));
	if (family == 4 ? owns4(guard, (uint32_t)words[0]) : owns6(guard, words))
		return true;
	for (uint32_t i = 0; i < guard->spans; i++)
		if (guard->span[i].family == family && owns_further(&guard->span[i], port, address))
			return true;
	return false;
}
