/* Shared addresses and blocks as people see them. */
#include "flow_own.h"
#include "nat_map_own.h"

/* Units that one call looks at. */
#define LOOK_MOST  65536u
#define CURSOR_END 0xffffffffu

static uint32_t bits(uint64_t word)
{
	return (uint32_t)__builtin_popcountll(word);
}

static void show(uint32_t place, const struct fwd_nat_address_row *row, struct fwd_nat_address_stats *out)
{
	uint32_t *used[NAT_PROTOCOLS] = {&out->tcp, &out->udp, &out->icmp};

	*out = (struct fwd_nat_address_stats){.port = row->port,
	        .pool = row->pool,
	        .version = row->family,
	        .host = (row->flags & FWD_NAT_HOST) != 0,
	        .exhausted = __atomic_load_n(&nat_states[place].exhausted, __ATOMIC_RELAXED)};
	memcpy(out->address, row->address, sizeof(out->address));
	for (uint32_t unit = 0; unit < NAT_UNITS; unit++) {
		const struct nat_unit_state *state = &nat_states[place].units[unit];
		const struct nat_unit *of = &nat_ports[place].units[unit];
		uint64_t leased = nat_leased(row, unit) & ~nat_bits(&state->host_used);
		out->ports += bits(leased);
		if (__atomic_load_n(&of->owner, __ATOMIC_ACQUIRE) == 0)
			continue;
		uint64_t barred = nat_bits(&of->barred);
		out->blocked += bits(leased & ~barred);
		for (uint32_t i = 0; i < NAT_PROTOCOLS; i++)
			*used[i] += bits(nat_bits(&state->used[i]) & ~barred);
	}
}

int32_t nat_map_stats_read(void *out, uint32_t length)
{
	uint32_t room = length / sizeof(struct fwd_nat_address_stats), count = 0;
	struct fwd_nat_address_stats stats;

	for (uint32_t place = 0; place < nat_settings.used && count < room; place++) {
		const struct fwd_nat_address_row *row = nat_row(place);
		if (row == NULL)
			continue;
		show(place, row, &stats);
		memcpy((uint8_t *)out + count++ * sizeof(stats), &stats, sizeof(stats));
	}
	return (int32_t)(count * sizeof(stats));
}

/* False: no block begins there, or it changes just now. */
static bool read_block(uint32_t place, uint32_t unit, struct nat_unit *out)
{
	const struct nat_unit *of = &nat_ports[place].units[unit];

	*out = (struct nat_unit){.owner = __atomic_load_n(&of->owner, __ATOMIC_ACQUIRE)};
	out->first = __atomic_load_n(&of->first, __ATOMIC_RELAXED);
	out->count = __atomic_load_n(&of->count, __ATOMIC_RELAXED);
	out->inside_port = __atomic_load_n(&of->inside_port, __ATOMIC_RELAXED);
	out->since = __atomic_load_n(&of->since, __ATOMIC_RELAXED);
	out->uplink = __atomic_load_n(&of->uplink, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return out->owner != 0 && out->first == unit && __atomic_load_n(&of->owner, __ATOMIC_RELAXED) == out->owner;
}

int32_t nat_map_blocks_read(uint32_t *cursor, void *out, uint32_t length)
{
	uint32_t room = length / sizeof(struct fwd_nat_event), count = 0, at = *cursor;
	uint32_t end = nat_settings.used * NAT_UNITS;
	struct fwd_nat_event event;
	struct nat_unit block;

	for (uint32_t looked = 0; at < end && looked < LOOK_MOST && count < room; at++, looked++) {
		if (nat_file->places[at / NAT_UNITS].family == 0 || !read_block(at / NAT_UNITS, at % NAT_UNITS, &block))
			continue;
		nat_event_block(at / NAT_UNITS, at % NAT_UNITS, &block, FWD_NAT_EVENT_LISTED, &event);
		memcpy((uint8_t *)out + count++ * sizeof(event), &event, sizeof(event));
	}
	*cursor = at >= end ? CURSOR_END : at;
	return (int32_t)(count * sizeof(event));
}
