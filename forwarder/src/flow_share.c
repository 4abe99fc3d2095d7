#include <string.h>

#include "flow_own.h"

/* Generation of the port << 32 | its flows, by slot: untouched pages have no memory. */
static uint64_t charged[UINT16_MAX + 1];
/* Generation << 32 | id. */
static uint64_t ids[UINT16_MAX + 1];

static uint32_t flows_of(uint64_t word, uint32_t generation)
{
	return word >> 32 == generation ? (uint32_t)word : 0;
}

bool flow_charge(uint16_t slot, uint32_t generation)
{
	uint64_t old = __atomic_load_n(&charged[slot], __ATOMIC_RELAXED), new;

	do {
		uint32_t count = flows_of(old, generation);
		if (count >= flow_life.port_limit)
			return false;
		new = (uint64_t)generation << 32 | (count + 1);
	} while (!__atomic_compare_exchange_n(&charged[slot], &old, new, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

bool flow_charge_peek(uint16_t slot, uint32_t generation)
{
	return flows_of(__atomic_load_n(&charged[slot], __ATOMIC_RELAXED), generation) < flow_life.port_limit;
}

void flow_discharge(uint16_t slot, uint32_t generation)
{
	uint64_t old = __atomic_load_n(&charged[slot], __ATOMIC_RELAXED);

	while (flows_of(old, generation) != 0 &&
	        !__atomic_compare_exchange_n(&charged[slot], &old, old - 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void flow_port_note(uint16_t slot, uint32_t generation, uint32_t id)
{
	uint64_t word = (uint64_t)generation << 32 | id;

	if (__atomic_load_n(&ids[slot], __ATOMIC_RELAXED) != word)
		__atomic_store_n(&ids[slot], word, __ATOMIC_RELAXED);
}

uint32_t flow_port_id(uint16_t slot, uint32_t generation)
{
	uint64_t word = __atomic_load_n(&ids[slot], __ATOMIC_RELAXED);

	return word >> 32 == generation ? (uint32_t)word : 0;
}

void flow_shares_reset(void)
{
	memset(charged, 0, sizeof(charged));
	memset(ids, 0, sizeof(ids));
}
