#include "fib.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "lpm.h"
#include "nexthop.h"
#include "rcu.h"
#include "store.h"

struct fib {
	struct lpm ipv4;
	struct lpm ipv6;
};

static struct fib **fibs; /* by VRF id */

int fib_init(void)
{
	fibs = calloc(FWD_ID_LIMIT, sizeof(*fibs));
	return fibs ? 0 : -ENOMEM;
}

void fib_fini(void)
{
	for (uint32_t vrf = 0; fibs && vrf < FWD_ID_LIMIT; vrf++) {
		if (!fibs[vrf])
			continue;
		lpm_free(&fibs[vrf]->ipv4);
		lpm_free(&fibs[vrf]->ipv6);
		rcu_retire_memory(fibs[vrf]);
	}
	rcu_retire_memory(fibs);
	fibs = NULL;
}

static struct fib *fib_of(uint32_t vrf)
{
	return vrf < FWD_ID_LIMIT ? __atomic_load_n(&fibs[vrf], __ATOMIC_ACQUIRE) : NULL;
}

static struct fib *fib_make(uint32_t vrf)
{
	if (!fibs[vrf]) {
		struct fib *fib = calloc(1, sizeof(*fib));
		if (!fib)
			error_memory("VRFs");
		__atomic_store_n(&fibs[vrf], fib, __ATOMIC_RELEASE);
	}
	return fibs[vrf];
}

static void drop_if_empty(uint32_t vrf)
{
	struct fib *fib = fibs[vrf];
	if (fib->ipv4.count || fib->ipv6.count)
		return;
	__atomic_store_n(&fibs[vrf], NULL, __ATOMIC_RELEASE);
	rcu_retire_memory(fib);
}

/* Slot of the row with the lowest source for the same prefix, or NULL. */
static const struct slot *best_route(const struct fwd_route_row *route)
{
	uint32_t prefix_bytes = table_layouts[FWD_TABLE_ROUTE].hash_bytes;
	const struct slot *best = NULL;
	struct index_cursor cursor =
	        index_first(&store_indexes[FWD_TABLE_ROUTE], store_hash(FWD_TABLE_ROUTE, 0, route));
	for (uint32_t number; (number = index_next(&cursor)) != INDEX_END;) {
		const struct slot *slot = arena_slot(FWD_TABLE_ROUTE, number);
		if (memcmp(slot->row, route, prefix_bytes))
			continue;
		const struct fwd_route_row *found = (const void *)slot->row;
		if (!best || found->source < ((const struct fwd_route_row *)best->row)->source)
			best = slot;
	}
	return best;
}

static void install_best(const struct fwd_route_row *route)
{
	const struct slot *best = best_route(route);
	struct fib *fib = fib_make(route->vrf);
	struct lpm *lpm = route->family == 4 ? &fib->ipv4 : &fib->ipv6;
	int failed;
	if (best) {
		const struct fwd_route_row *row = (const void *)best->row;
		failed = lpm_insert(
		        lpm, row->family, row->address, row->prefix_length, nexthop_handle(best->owner, row->nexthop));
	} else {
		failed = lpm_delete(lpm, route->family, route->address, route->prefix_length);
	}
	if (failed == -ENOMEM)
		error_memory("routes");
	drop_if_empty(route->vrf);
}

void fib_route_changed(uint32_t owner, const struct fwd_route_row *old, const struct fwd_route_row *new)
{
	if (new)
		nexthop_acquire(owner, new->nexthop);
	install_best(new ? new : old);
	if (old)
		nexthop_release(owner, old->nexthop);
}

uint32_t fib_find4(uint32_t vrf, uint32_t address_be)
{
	const struct fib *fib = fib_of(vrf);
	return fib ? lpm_find4(&fib->ipv4, __builtin_bswap32(address_be)) : 0;
}

uint32_t fib_find6(uint32_t vrf, const uint8_t *address)
{
	const struct fib *fib = fib_of(vrf);
	return fib ? lpm_find6(&fib->ipv6, address) : 0;
}

void fib_find4_burst(uint32_t vrf, const uint32_t *address_be, uint32_t *handles, uint32_t count)
{
	const struct fib *fib = fib_of(vrf);
	if (fib)
		lpm_find4_burst(&fib->ipv4, address_be, handles, count);
	else
		memset(handles, 0, count * sizeof(*handles));
}

void fib_find6_burst(uint32_t vrf, const uint8_t *const *addresses, uint32_t *handles, uint32_t count)
{
	const struct fib *fib = fib_of(vrf);
	if (fib)
		lpm_find6_burst(&fib->ipv6, addresses, handles, count);
	else
		memset(handles, 0, count * sizeof(*handles));
}

const struct fwd_route_row *fib_route(uint32_t vrf, uint8_t family, const uint8_t *address)
{
	struct fwd_route_row key = {.vrf = vrf, .family = family};
	uint32_t bits = family == 4 ? 32 : 128;
	memcpy(key.address, address, bits / 8);
	for (uint32_t length = bits + 1; length-- > 0;) {
		if (length < bits)
			key.address[length / 8] &= (uint8_t)(0xff00u >> length % 8);
		key.prefix_length = (uint8_t)length;
		const struct slot *best = best_route(&key);
		if (best)
			return (const struct fwd_route_row *)best->row;
	}
	return NULL;
}
