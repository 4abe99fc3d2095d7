/* Addresses that ports share: where their mappings lie, and which pool they are part of. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "index.h"
#include "log.h"
#include "nat_map_own.h"
#include "rcu.h"
#include "tables.h"

/* By pool, in order; never changes while it is seen. */
struct pools {
	uint32_t count;
	struct member {
		uint32_t uplink, pool;
		uint8_t family;
		uint16_t place;
	} members[];
};

static struct index by_address;
static struct pools *pools;

static uint32_t address_hash(uint8_t family, const uint8_t *address)
{
	return index_hash(address, 16, family);
}

static bool is_at(uint32_t place, uint8_t family, const uint8_t *address)
{
	const struct nat_place *at = &nat_file->places[place];

	return at->family == family && memcmp(at->address, address, sizeof(at->address)) == 0;
}

uint32_t nat_place_find(uint8_t family, const uint8_t *address)
{
	struct index_cursor cursor = index_first(&by_address, address_hash(family, address));
	uint32_t place;

	while ((place = index_next(&cursor)) != INDEX_END)
		if (is_at(place, family, address))
			return place;
	return NAT_NONE;
}

void nat_place_adopt(uint32_t place)
{
	const struct nat_place *at = &nat_file->places[place];

	if (index_reserve(&by_address, 1))
		error_memory("shared addresses");
	index_insert(&by_address, address_hash(at->family, at->address), place);
}

static int member_order(const struct member *a, uint32_t uplink, uint32_t pool, uint8_t family)
{
	if (a->uplink != uplink)
		return a->uplink < uplink ? -1 : 1;
	if (a->pool != pool)
		return a->pool < pool ? -1 : 1;
	return (int)a->family - (int)family;
}

static int by_pool(const void *a, const void *b)
{
	const struct member *to = b;

	return member_order(a, to->uplink, to->pool, to->family);
}

static void make_pools(void)
{
	struct pools *made = malloc(sizeof(*made) + nat_settings.places * sizeof(made->members[0])), *old = pools;

	if (made == NULL)
		error_memory("shared addresses");
	made->count = 0;
	for (uint32_t place = 0; place < nat_settings.used; place++) {
		const struct fwd_nat_address_row *row = nat_states[place].row;
		if (row != NULL)
			made->members[made->count++] = (struct member){.uplink = row->port,
			        .pool = row->pool,
			        .family = row->family,
			        .place = (uint16_t)place};
	}
	qsort(made->members, made->count, sizeof(made->members[0]), by_pool);
	__atomic_store_n(&pools, made, __ATOMIC_RELEASE);
	rcu_retire_memory(old);
}

static uint32_t first_of(const struct pools *all, uint32_t uplink, uint32_t pool, uint8_t family)
{
	uint32_t from = 0, to = all->count;

	while (from < to) {
		uint32_t middle = (from + to) / 2;
		if (member_order(&all->members[middle], uplink, pool, family) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

uint32_t nat_place_choose(
        uint32_t uplink, uint32_t pool, uint8_t family, uint32_t from, bool (*fits)(uint32_t place), uint32_t *any)
{
	const struct pools *all = __atomic_load_n(&pools, __ATOMIC_ACQUIRE);
	uint32_t first = first_of(all, uplink, pool, family), count = 0;

	*any = NAT_NONE;
	while (first + count < all->count && member_order(&all->members[first + count], uplink, pool, family) == 0)
		count++;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t place = all->members[first + (from + i) % count].place;
		if (i == 0)
			*any = place;
		if (fits(place))
			return place;
	}
	return NAT_NONE;
}

static bool is_drained(uint32_t place)
{
	for (uint32_t unit = 0; unit < NAT_UNITS; unit++)
		if (__atomic_load_n(&nat_ports[place].units[unit].owner, __ATOMIC_ACQUIRE) != 0)
			return false;
	return true;
}

/* A place whose address is gone, and its last mapping, too. */
static uint32_t take_drained(void)
{
	/* Who saw the rows of before is done. */
	rcu_synchronize();
	for (uint32_t place = 0; place < nat_settings.places; place++) {
		struct nat_place *at = &nat_file->places[place];
		if (at->family == 0 || nat_states[place].row != NULL || !is_drained(place))
			continue;
		index_remove(&by_address, address_hash(at->family, at->address), place);
		/* And who found it by the address of before. */
		rcu_synchronize();
		at->family = 0;
		return place;
	}
	return NAT_NONE;
}

static uint32_t take_place(const struct fwd_nat_address_row *row)
{
	uint32_t place = 0;

	while (place < nat_settings.places && nat_file->places[place].family != 0)
		place++;
	if (place == nat_settings.places)
		place = take_drained();
	if (place == NAT_NONE) {
		log_line("nat: more than %u shared addresses: one is not used; raise nat_addresses",
		        nat_settings.places);
		return NAT_NONE;
	}
	memcpy(nat_file->places[place].address, row->address, sizeof(row->address));
	__atomic_store_n(&nat_file->places[place].family, row->family, __ATOMIC_RELEASE);
	nat_place_adopt(place);
	if (place >= nat_settings.used)
		__atomic_store_n(&nat_settings.used, place + 1, __ATOMIC_RELEASE);
	return place;
}

static void show(uint32_t place, const struct fwd_nat_address_row *row)
{
	struct nat_place_state *state = &nat_states[place];

	/* Who looks for a block just now does so by the row of before, and may call the place full. */
	nat_lock(&state->lock);
	__atomic_store_n(&state->row, row, __ATOMIC_RELEASE);
	__atomic_store_n(&state->version, state->version + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&state->full, false, __ATOMIC_RELAXED);
	nat_unlock(&state->lock);
}

static void came(const struct fwd_nat_address_row *row)
{
	uint32_t place = nat_place_find(row->family, row->address);

	if (place == NAT_NONE && (place = take_place(row)) == NAT_NONE)
		return;
	if (nat_states[place].row == NULL)
		show(place, row);
	else
		log_line("nat: an address is shared behind the uplinks %u and %u: it is not used behind %u",
		        nat_states[place].row->port, row->port, row->port);
}

/* A row that had no effect because of one that is gone. */
static void come_again(const void *row, void *context)
{
	const struct fwd_nat_address_row *other = row;
	uint32_t place = nat_place_find(other->family, other->address);

	if (place == NAT_NONE ? nat_settings.places > 0 : nat_states[place].row == NULL)
		came(other);
}

void nat_map_address_changed(const struct fwd_nat_address_row *old, const struct fwd_nat_address_row *new)
{
	if (nat_file == NULL)
		return;
	uint32_t place = old == NULL ? NAT_NONE : nat_place_find(old->family, old->address);
	bool counted = place != NAT_NONE && nat_states[place].row == old;
	if (counted)
		show(place, new);
	else if (old == NULL)
		came(new);
	if (counted && new == NULL)
		tables_each_row(FWD_TABLE_NAT_ADDRESS, come_again, NULL);
	make_pools();
}

static void adopt_row(const void *row, void *context)
{
	came(row);
}

void nat_places_init(void)
{
	tables_each_row(FWD_TABLE_NAT_ADDRESS, adopt_row, NULL);
	make_pools();
}

void nat_places_fini(void)
{
	free(pools);
	pools = NULL;
	index_free(&by_address);
}
