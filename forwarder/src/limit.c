#include "limit.h"

#include <rte_cycles.h>

/*
 * Theoretical arrival times (GCRA, ITU-T I.371): the TSC at which the bucket is full again; no refill to run. By slot:
 * untouched pages have no memory.
 */
static uint64_t full_at[LIMIT_KINDS][UINT16_MAX + 1];

bool limit_take(enum limit_kind kind, uint16_t slot, uint32_t rate, uint32_t burst)
{
	uint64_t *bucket = &full_at[kind][slot];
	uint64_t old = __atomic_load_n(bucket, __ATOMIC_RELAXED);
	uint64_t now = rte_rdtsc();
	uint64_t new;

	if (rate == 0)
		return false;
	uint64_t step = rte_get_tsc_hz() / rate;
	do {
		new = (old > now ? old : now) + step;
		if (new - now > step * burst)
			return false;
	} while (!__atomic_compare_exchange_n(bucket, &old, new, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

bool limit_peek(enum limit_kind kind, uint16_t slot, uint32_t rate, uint32_t burst)
{
	uint64_t full = __atomic_load_n(&full_at[kind][slot], __ATOMIC_RELAXED);
	uint64_t now = rte_rdtsc();
	uint64_t step = rate == 0 ? 0 : rte_get_tsc_hz() / rate;

	return rate != 0 && (full > now ? full - now : 0) + step <= step * burst;
}

void limit_reset(uint16_t slot)
{
	for (int kind = 0; kind < LIMIT_KINDS; kind++)
		__atomic_store_n(&full_at[kind][slot], 0, __ATOMIC_RELAXED);
}
