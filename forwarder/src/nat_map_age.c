/* Outside ports whose wait is over, and blocks that are not used any more. */
#include <rte_cycles.h>

#include "flow_own.h"
#include "nat_map_own.h"

/* Units that one call looks at, at most. */
#define CHUNK 2048u
/* A pass over all units takes this part of the reuse wait, or the longest. */
#define PASS_PART       16u
#define PASS_SECONDS    8u
#define CYCLES_TO_COUNT 65536u

static struct ager {
	/* Number of the unit that is next; TSC of the last call. */
	uint32_t next;
	uint64_t looked;
} __attribute__((aligned(64))) agers[STATS_THREADS];

/* False: it is used again, or its wait is not over. */
static bool free_entry(uint32_t number, uint32_t now)
{
	uint32_t protocol = nat_protocol_of(number);
	struct nat_entry *entry = nat_entry(number);
	uint64_t use = __atomic_load_n(&entry->use, __ATOMIC_ACQUIRE);
	uint32_t *bucket = NULL;
	bool freed;

	if ((use & NAT_USED) == 0 || nat_is_held(use) || !nat_is_over(use, now))
		return false;
	if ((use & NAT_ALONE) == 0)
		bucket = nat_bucket_enter(protocol, entry->inside);
	freed = __atomic_compare_exchange_n(
	        &entry->use, &use, use & ~(NAT_TURN - 1), false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	if (bucket != NULL) {
		if (freed)
			nat_bucket_remove(bucket, number);
		nat_bucket_leave(bucket);
	}
	return freed;
}

static bool is_waiting(uint32_t number)
{
	uint64_t use = __atomic_load_n(&nat_entry(number)->use, __ATOMIC_ACQUIRE);

	return (use & NAT_USED) != 0 && !nat_is_held(use);
}

/* Returns how many ports of a unit became free. */
static uint32_t age_ports(uint32_t place, uint32_t unit, uint32_t protocol, uint32_t now)
{
	struct nat_unit_state *state = &nat_states[place].units[unit];
	uint64_t waiting = __atomic_exchange_n(&state->waiting[protocol], 0, __ATOMIC_ACQ_REL), again = 0, freed = 0;

	for (uint64_t left = waiting; left != 0; left &= left - 1) {
		uint32_t bit = (uint32_t)__builtin_ctzll(left);
		uint32_t number = nat_number(place, protocol, unit * NAT_UNIT + bit);
		if (free_entry(number, now))
			freed |= 1ull << bit;
		else if (is_waiting(number))
			again |= 1ull << bit;
	}
	if (again != 0)
		__atomic_fetch_or(&state->waiting[protocol], again, __ATOMIC_RELAXED);
	__atomic_store_n(&state->used[protocol], nat_bits(&state->used[protocol]) & ~freed, __ATOMIC_RELAXED);
	return (uint32_t)__builtin_popcountll(freed);
}

static void age_unit(uint32_t place, uint32_t unit, uint32_t now)
{
	struct nat_unit_state *states = nat_states[place].units;
	uint16_t slot = __atomic_load_n(&states[unit].slot, __ATOMIC_RELAXED);
	struct nat_subscriber *subscriber = &nat_subscribers[slot];
	bool any = false;

	/* In the next pass. */
	if (!nat_try_lock(&subscriber->lock))
		return;
	const struct nat_unit *of = &nat_ports[place].units[unit];
	bool ours = __atomic_load_n(&of->owner, __ATOMIC_ACQUIRE) != 0 &&
	            __atomic_load_n(&states[unit].slot, __ATOMIC_RELAXED) == slot;
	for (uint32_t protocol = 0; ours && protocol < NAT_PROTOCOLS; protocol++) {
		struct nat_unit_state *block = &states[of->first];
		uint32_t freed = age_ports(place, unit, protocol, now);
		any |= freed != 0;
		block->free[protocol] += (uint16_t)freed;
		if (block->linked)
			subscriber->homes[nat_file->places[place].family == 6].free[protocol] += freed;
	}
	if (any)
		nat_block_settle(place, of->first, subscriber);
	nat_unlock(&subscriber->lock);
}

static void look(uint32_t number, uint32_t now)
{
	uint32_t place = number / NAT_UNITS, unit = number % NAT_UNITS;
	const struct nat_unit_state *state = &nat_states[place].units[unit];

	if ((nat_bits(&state->waiting[0]) | nat_bits(&state->waiting[1]) | nat_bits(&state->waiting[2])) != 0)
		age_unit(place, unit, now);
}

/* Units that are dealt out to a thread, and how many of them are due after so many cycles. */
static uint32_t due(uint64_t cycles)
{
	uint64_t units =
	        (uint64_t)__atomic_load_n(&nat_settings.used, __ATOMIC_RELAXED) * NAT_UNITS / flow_life.threads;
	uint64_t seconds = nat_settings.wait / FLOW_HZ / PASS_PART;

	seconds = seconds < 1 ? 1 : seconds > PASS_SECONDS ? PASS_SECONDS : seconds;
	uint64_t count = units * (cycles / CYCLES_TO_COUNT) / (rte_get_tsc_hz() / CYCLES_TO_COUNT * seconds);
	return count > CHUNK ? CHUNK : (uint32_t)count;
}

void nat_map_age(uint32_t thread)
{
	struct ager *ager = &agers[thread];
	uint64_t tsc = rte_rdtsc();
	uint32_t count = due(tsc - ager->looked),
	         end = __atomic_load_n(&nat_settings.used, __ATOMIC_RELAXED) * NAT_UNITS;

	if (count == 0)
		return;
	ager->looked = tsc;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = ager->next * flow_life.threads + thread - 1;
		/* The last round of units is not whole when threads do not divide them; there may be fewer than before.
		 */
		ager->next = number + flow_life.threads < end ? ager->next + 1 : 0;
		if (number < end)
			look(number, flow_now(thread));
	}
}

void nat_map_age_all(uint32_t thread)
{
	for (uint32_t number = thread - 1; number < nat_settings.used * NAT_UNITS; number += flow_life.threads)
		look(number, flow_tick());
}
