#include "nat_map_plan.h"

#include <netinet/in.h>

#include "index.h"

/* Outside ports that are looked at for one to share. */
#define SHARE_TRIES 8u

/* The port of a block that is given out next; NAT_NONE: none. */
static uint32_t port_of_block(
        uint32_t place, uint32_t first, uint32_t count, uint32_t protocol, uint32_t random, bool fresh)
{
	const struct fwd_nat_address_row *row = nat_row(place);
	uint32_t from = random & (count - 1), turn = random >> 16 & (NAT_UNIT - 1);

	for (uint32_t i = 0; row != NULL && i < count; i++) {
		uint32_t unit = first + ((from + i) & (count - 1));
		const struct nat_unit_state *state = &nat_states[place].units[unit];
		uint64_t taken = nat_bits(fresh ? &state->host_used : &state->used[protocol]);
		uint64_t free = ~taken;
		if (free == 0 || (free &= nat_leased(row, unit)) == 0)
			continue;
		free = free >> turn | free << (-turn & (NAT_UNIT - 1));
		return unit * NAT_UNIT + (((uint32_t)__builtin_ctzll(free) + turn) & (NAT_UNIT - 1));
	}
	return NAT_NONE;
}

static bool plan_in_block(const struct nat_subscriber *s, const struct nat_home *home, uint32_t block,
        uint32_t protocol, struct nat_plan *plan)
{
	if (nat_states[home->place].units[block].free[protocol] == 0)
		return false;
	uint32_t count = nat_ports[home->place].units[block].count;
	plan->block = block;
	plan->port = port_of_block(home->place, block, count, protocol, s->random, false);
	return plan->port != NAT_NONE;
}

void nat_plan_port(
        const struct nat_subscriber *s, const struct nat_home *home, uint32_t protocol, struct nat_plan *plan)
{
	plan->port = NAT_NONE;
	if (home->free[protocol] == 0 || plan_in_block(s, home, home->current, protocol, plan))
		return;
	for (uint32_t block = home->first; block != NAT_UNITS; block = nat_states[home->place].units[block].next)
		if (plan_in_block(s, home, block, protocol, plan))
			return;
}

/* An outside port of one's own that others of one's endpoints use (RFC 7857 §4 is not hurt: to other remotes). */
static uint32_t find_shared(const struct nat_ask *ask, const struct nat_home *home)
{
	const struct nat_unit *units = nat_ports[home->place].units;
	uint32_t random = index_hash(ask->words, sizeof(ask->words), ask->tries), block = home->first;

	for (uint32_t skip = home->blocks == 0 ? 0 : random % home->blocks; skip > 0; skip--)
		block = nat_states[home->place].units[block].next;
	for (uint32_t i = 0; block != NAT_UNITS && i < SHARE_TRIES; i++, random = random * 0x9e3779b1u + 1) {
		uint32_t port = block * NAT_UNIT + (random >> 8) % (units[block].count * NAT_UNIT);
		uint32_t number = nat_number(home->place, ask->protocol, port);
		const struct nat_entry *entry = nat_entry(number);
		uint64_t use = __atomic_load_n(&entry->use, __ATOMIC_ACQUIRE);
		if ((use & NAT_USED) != 0 && nat_is_held(use) && (uint32_t)entry->inside[2] == ask->inside->context)
			return number;
	}
	return NAT_NONE;
}

/* Whether an entry's place still is of the pool, leases its port, and keeps endpoints' ports for all remotes. */
static bool is_of_pool(uint32_t number, const struct nat_ask *ask)
{
	const struct fwd_nat_address_row *row = nat_row(nat_place_of(number));
	uint32_t port = nat_port_of(number);

	return row != NULL && row->port == ask->uplink && row->pool == ask->pool && port >= row->port_min &&
	       port <= row->port_max && (row->flags & FWD_NAT_DEPENDENT_MAPPING) == 0;
}

/* With the bucket's lock no entry in it is given to another endpoint. The address of one IP version may look like
 * another's. */
static bool is_endpoint(uint32_t number, const struct nat_ask *ask)
{
	const struct nat_entry *entry = nat_entry(number);

	return nat_bits(&entry->inside[2]) == ask->words[2] && nat_bits(&entry->inside[0]) == ask->words[0] &&
	       nat_bits(&entry->inside[1]) == ask->words[1] && nat_protocol_of(number) == ask->protocol &&
	       nat_file->places[nat_place_of(number)].family == ask->inside->family;
}

bool nat_plan_known(const uint32_t *bucket, const struct nat_ask *ask, struct nat_plan *plan)
{
	uint32_t number = nat_bucket_next(bucket, NAT_NONE);

	while (number != NAT_NONE && !(is_endpoint(number, ask) && is_of_pool(number, ask)))
		number = nat_bucket_next(bucket, number);
	plan->number = number;
	plan->shared = false;
	plan->verdict = VERDICT_NEXT;
	return number != NAT_NONE;
}

static bool has_block(uint32_t place)
{
	return nat_block_look(place) != NAT_UNITS;
}

verdict_t nat_plan_place(const struct nat_home *home, const struct nat_ask *ask, struct nat_plan *plan)
{
	const struct fwd_nat_address_row *row = home->place == NAT_NONE ? NULL : nat_row(home->place);
	uint32_t any;

	plan->place = home->place;
	if (row != NULL && row->port == ask->uplink && row->pool == ask->pool &&
	        (home->blocks > 0 || has_block(home->place)))
		return VERDICT_NEXT;
	plan->place = nat_place_choose(ask->uplink, ask->pool, ask->inside->family,
	        index_hash(&ask->inside->context, sizeof(ask->inside->context), 0), has_block, &any);
	if (plan->place != NAT_NONE)
		return VERDICT_NEXT;
	plan->place = any;
	return any == NAT_NONE ? DROP_NOT_TRANSLATED : DROP_NAT_EXHAUSTED;
}

void nat_plan_make(
        const struct nat_subscriber *s, const struct nat_home *home, const struct nat_ask *ask, struct nat_plan *plan)
{
	const struct fwd_nat_address_row *row = nat_row(plan->place);
	bool moved = plan->place != home->place;

	plan->verdict = row == NULL ? DROP_NOT_TRANSLATED : VERDICT_NEXT;
	plan->number = NAT_NONE;
	plan->shared = false;
	plan->port = NAT_NONE;
	if (row == NULL)
		return;
	if (!moved)
		nat_plan_port(s, home, ask->protocol, plan);
	if (plan->port != NAT_NONE)
		return;
	plan->block = NAT_UNITS;
	if (moved || home->blocks < row->port_blocks) {
		uint32_t first = nat_block_look(plan->place);
		if (first != NAT_UNITS)
			plan->port = port_of_block(
			        plan->place, first, row->block_size / NAT_UNIT, ask->protocol, s->random, true);
	}
	if (plan->port != NAT_NONE)
		return;
	plan->shared = !moved && (row->flags & FWD_NAT_REUSE) != 0 && ask->inside->protocol == IPPROTO_TCP;
	plan->number = plan->shared ? find_shared(ask, home) : NAT_NONE;
	if (plan->number == NAT_NONE)
		plan->verdict = DROP_NAT_EXHAUSTED;
}
