/* Blocks: units in a row that belong to a port of a VM. */
#include "nat_map_own.h"
#include "port.h"

static struct nat_unit_state *state_at(uint32_t place, uint32_t unit)
{
	return &nat_states[place].units[unit];
}

static bool is_free(uint32_t place, uint32_t unit, const struct fwd_nat_address_row *row)
{
	if (__atomic_load_n(&nat_ports[place].units[unit].owner, __ATOMIC_RELAXED) != 0)
		return false;
	return (row->flags & FWD_NAT_HOST) == 0 ||
	       __atomic_load_n(&state_at(place, unit)->host_ready, __ATOMIC_RELAXED) || nat_leased(row, unit) == 0;
}

/* Whether all of a block is free, and some port of it may be given out. */
static bool is_block(uint32_t place, uint32_t first, uint32_t count, const struct fwd_nat_address_row *row)
{
	uint64_t usable = 0;

	for (uint32_t unit = first; unit < first + count; unit++) {
		if (!is_free(place, unit, row))
			return false;
		usable |= nat_leased(row, unit) & ~nat_bits(&state_at(place, unit)->host_used);
	}
	return usable != 0;
}

/* With the place's lock. */
static uint32_t find(uint32_t place, const struct fwd_nat_address_row *row)
{
	uint32_t count = row->block_size / NAT_UNIT, blocks = NAT_UNITS / count;
	uint32_t at = nat_states[place].cursor / count;

	for (uint32_t i = 0; i < blocks; i++) {
		uint32_t first = (at + i) % blocks * count;
		if (is_block(place, first, count, row))
			return first;
	}
	__atomic_store_n(&nat_states[place].full, true, __ATOMIC_RELAXED);
	return NAT_UNITS;
}

uint32_t nat_block_look(uint32_t place)
{
	struct nat_place_state *state = &nat_states[place];

	if (nat_row(place) == NULL || __atomic_load_n(&state->full, __ATOMIC_RELAXED))
		return NAT_UNITS;
	nat_lock(&state->lock);
	/* By the row of now: nobody calls a place full by the range of before. */
	const struct fwd_nat_address_row *row = nat_row(place);
	uint32_t first = row == NULL ? NAT_UNITS : find(place, row);
	nat_unlock(&state->lock);
	return first;
}

/* A unit without an owner is of no block after a crash: the owner comes last. */
static void give_units(uint32_t place, uint32_t first, const struct nat_unit *block,
        const struct fwd_nat_address_row *row, uint16_t slot)
{
	struct nat_unit *units = nat_ports[place].units;

	for (uint32_t unit = first; unit < first + block->count; unit++) {
		struct nat_unit_state *state = state_at(place, unit);
		uint64_t barred = ~nat_leased(row, unit) | nat_bits(&state->host_used);
		__atomic_store_n(&units[unit].barred, barred, __ATOMIC_RELAXED);
		__atomic_store_n(&units[unit].inside_port, block->inside_port, __ATOMIC_RELAXED);
		__atomic_store_n(&units[unit].since, block->since, __ATOMIC_RELAXED);
		__atomic_store_n(&units[unit].uplink, block->uplink, __ATOMIC_RELAXED);
		__atomic_store_n(&units[unit].first, (uint16_t)first, __ATOMIC_RELAXED);
		__atomic_store_n(&units[unit].count, block->count, __ATOMIC_RELAXED);
		for (uint32_t i = 0; i < NAT_PROTOCOLS; i++)
			__atomic_store_n(&state->used[i], barred, __ATOMIC_RELAXED);
		__atomic_store_n(&state->slot, slot, __ATOMIC_RELAXED);
		__atomic_store_n(&units[unit].owner, block->owner, __ATOMIC_RELEASE);
	}
}

uint32_t nat_block_take(struct nat_home *home, uint16_t slot, uint32_t generation)
{
	struct nat_place_state *state = &nat_states[home->place];
	const struct port *port = port_at(slot);
	struct fwd_nat_event event;
	uint32_t first = NAT_UNITS;

	if (port == NULL || port->generation != generation)
		return NAT_UNITS;
	nat_lock(&state->lock);
	const struct fwd_nat_address_row *row = nat_row(home->place);
	if (row != NULL && (first = find(home->place, row)) != NAT_UNITS) {
		struct nat_unit block = {.owner = generation,
		        .inside_port = port->id,
		        .uplink = row->port,
		        .count = row->block_size / NAT_UNIT};
		state->cursor = first + block.count;
		/* Told before it is so: no packet leaves by a block that the log does not know. */
		nat_event_block(home->place, first, &block, FWD_NAT_EVENT_ASSIGNED, &event);
		block.since = event.time_ns;
		nat_event_put(&event);
		give_units(home->place, first, &block, row, slot);
	}
	nat_unlock(&state->lock);
	if (first != NAT_UNITS)
		nat_block_link(home, first);
	return first;
}

void nat_block_link(struct nat_home *home, uint32_t first)
{
	const struct nat_unit *unit = &nat_ports[home->place].units[first];
	struct nat_unit_state *block = state_at(home->place, first);

	for (uint32_t i = 0; i < NAT_PROTOCOLS; i++) {
		block->free[i] = 0;
		for (uint32_t at = first; at < first + unit->count; at++)
			block->free[i] +=
			        (uint16_t)__builtin_popcountll(~nat_bits(&state_at(home->place, at)->used[i]));
		home->free[i] += block->free[i];
	}
	block->linked = true;
	block->next = home->first;
	home->first = (uint16_t)first;
	home->current = (uint16_t)first;
	home->blocks++;
}

static void unlink_block(struct nat_home *home, uint32_t first)
{
	struct nat_unit_state *block = state_at(home->place, first);
	uint16_t *link = &home->first;

	while (*link != first && *link != NAT_UNITS)
		link = &state_at(home->place, *link)->next;
	if (*link == NAT_UNITS)
		return;
	*link = block->next;
	home->current = home->first;
	home->blocks--;
	for (uint32_t i = 0; i < NAT_PROTOCOLS; i++)
		home->free[i] -= block->free[i];
	block->linked = false;
}

void nat_home_reset(struct nat_home *home)
{
	*home = (struct nat_home){.place = NAT_NONE, .first = NAT_UNITS, .current = NAT_UNITS};
}

void nat_home_leave(struct nat_home *home)
{
	for (uint32_t first = home->first; first != NAT_UNITS; first = state_at(home->place, first)->next)
		state_at(home->place, first)->linked = false;
	nat_home_reset(home);
}

static bool is_leased(uint32_t place, uint32_t first, const struct fwd_nat_address_row *row)
{
	uint32_t count = nat_ports[place].units[first].count;

	return row->port_min < (first + count) * NAT_UNIT && row->port_max >= first * NAT_UNIT;
}

void nat_home_review(struct nat_home *home)
{
	const struct fwd_nat_address_row *row = home->place == NAT_NONE ? NULL : nat_row(home->place);
	uint32_t version = row == NULL ? 0 : __atomic_load_n(&nat_states[home->place].version, __ATOMIC_ACQUIRE);

	if (row == NULL || home->version == version)
		return;
	home->version = version;
	for (uint32_t first = home->first, next; first != NAT_UNITS; first = next) {
		next = state_at(home->place, first)->next;
		if (!is_leased(home->place, first, row))
			unlink_block(home, first);
	}
}

static bool is_unused(uint32_t place, uint32_t first, uint32_t count)
{
	for (uint32_t unit = first; unit < first + count; unit++)
		for (uint32_t i = 0; i < NAT_PROTOCOLS; i++)
			if (nat_bits(&state_at(place, unit)->used[i]) != nat_ports[place].units[unit].barred)
				return false;
	return true;
}

void nat_block_settle(uint32_t place, uint32_t first, struct nat_subscriber *subscriber)
{
	struct nat_place_state *state = &nat_states[place];
	struct nat_unit *units = nat_ports[place].units, block = units[first];
	struct fwd_nat_event event;

	if (!is_unused(place, first, block.count))
		return;
	if (state_at(place, first)->linked)
		unlink_block(&subscriber->homes[nat_file->places[place].family == 6], first);
	nat_event_block(place, first, &block, FWD_NAT_EVENT_RELEASED, &event);
	nat_lock(&state->lock);
	/* Told before it is so: a process that is killed in between tells it twice, never not at all. */
	nat_event_put(&event);
	for (uint32_t unit = first; unit < first + block.count; unit++) {
		for (uint32_t i = 0; i < NAT_PROTOCOLS; i++)
			__atomic_store_n(&state_at(place, unit)->used[i], 0, __ATOMIC_RELAXED);
		__atomic_store_n(&units[unit].owner, 0, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&state->full, false, __ATOMIC_RELAXED);
	nat_unlock(&state->lock);
}
