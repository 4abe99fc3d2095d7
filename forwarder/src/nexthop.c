#include "nexthop.h"

#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "index.h"
#include "rcu.h"

struct reference {
	const struct fwd_nexthop_row *row; /* read by packet threads */
	uint32_t owner;
	uint32_t id;
	uint32_t users;
	uint32_t next_free;
};

static struct reference *references; /* [0] is never used */
static uint32_t reference_limit, reference_high, first_free;
static struct index by_key;

int nexthop_init(uint32_t limit)
{
	references = calloc((size_t)limit + 1, sizeof(*references));
	if (!references)
		return -ENOMEM;
	reference_limit = limit;
	reference_high = first_free = 0;
	return 0;
}

void nexthop_fini(void)
{
	free(references);
	references = NULL;
	index_free(&by_key);
}

static uint32_t key_hash(uint32_t owner, uint32_t id)
{
	return index_hash(&id, sizeof(id), owner);
}

uint32_t nexthop_handle(uint32_t owner, uint32_t id)
{
	struct index_cursor cursor = index_first(&by_key, key_hash(owner, id));
	for (uint32_t handle; (handle = index_next(&cursor)) != INDEX_END;)
		if (references[handle].owner == owner && references[handle].id == id)
			return handle;
	return 0;
}

static uint32_t take(void)
{
	/* Handles of the last batches may still wait for readers. */
	if (!first_free && reference_high == reference_limit)
		rcu_barrier();
	uint32_t handle = first_free;
	if (handle) {
		first_free = references[handle].next_free;
		return handle;
	}
	if (reference_high == reference_limit)
		error_memory("next hops");
	return ++reference_high;
}

static void give(void *unused, uint64_t handle)
{
	(void)unused;
	references[handle].next_free = first_free;
	first_free = (uint32_t)handle;
}

uint32_t nexthop_acquire(uint32_t owner, uint32_t id)
{
	uint32_t handle = nexthop_handle(owner, id);
	if (!handle) {
		handle = take();
		references[handle] = (struct reference){.owner = owner, .id = id};
		if (index_reserve(&by_key, 1))
			error_memory("next hops");
		index_insert(&by_key, key_hash(owner, id), handle);
	}
	references[handle].users++;
	return handle;
}

void nexthop_release(uint32_t owner, uint32_t id)
{
	uint32_t handle = nexthop_handle(owner, id);
	if (--references[handle].users)
		return;
	index_remove(&by_key, key_hash(owner, id), handle);
	rcu_retire(give, NULL, handle);
}

void nexthop_set(uint32_t owner, uint32_t id, const struct fwd_nexthop_row *row)
{
	__atomic_store_n(&references[nexthop_handle(owner, id)].row, row, __ATOMIC_RELEASE);
}

const struct fwd_nexthop_row *nexthop_row(uint32_t handle)
{
	return __atomic_load_n(&references[handle].row, __ATOMIC_ACQUIRE);
}
