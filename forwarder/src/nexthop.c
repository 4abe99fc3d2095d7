#include "nexthop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "index.h"
#include "rcu.h"
#include "uplink_rows.h"

/* How often a flow whose place is a hole draws another before it takes the next one. */
#define DRAWS 8u

/* Handles of the places of a group; 0: a hole. Never changed while it is visible. */
struct group {
	uint32_t size; /* one more than the last place with a row */
	uint32_t handles[];
};

struct reference {
	const struct fwd_nexthop_row *row; /* read by packet threads */
	const struct group *group;         /* the same; NULL: no members */
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
	for (uint32_t handle = 1; references && handle <= reference_high; handle++)
		free((void *)references[handle].group);
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

/* A copy with one place changed, without holes at its end; NULL: nothing is left. */
static struct group *group_with(const struct group *old, uint32_t place, uint32_t handle)
{
	uint32_t handles[GROUP_LIMIT] = {0}, size = old ? old->size : 0;
	if (old)
		memcpy(handles, old->handles, size * sizeof(handles[0]));
	handles[place] = handle;
	if (place >= size)
		size = place + 1;
	while (size && !handles[size - 1])
		size--;
	if (!size)
		return NULL;
	struct group *group = malloc(sizeof(*group) + size * sizeof(handles[0]));
	if (!group)
		error_memory("ECMP groups");
	group->size = size;
	memcpy(group->handles, handles, size * sizeof(handles[0]));
	return group;
}

void nexthop_member_changed(uint32_t owner, const struct fwd_member_row *old, const struct fwd_member_row *new)
{
	const struct fwd_member_row *either = new ? new : old;
	/* A member keeps its group's handle and its next hop's in use. */
	uint32_t handle = new ? nexthop_acquire(owner, new->nexthop) : 0;
	if (!old)
		nexthop_acquire(owner, either->group);
	struct reference *reference = &references[nexthop_handle(owner, either->group)];
	const struct group *before = reference->group;
	__atomic_store_n(&reference->group, group_with(before, either->index, handle), __ATOMIC_RELEASE);
	rcu_retire_memory((void *)before);
	if (old)
		nexthop_release(owner, old->nexthop);
	if (!new)
		nexthop_release(owner, either->group);
}

const struct fwd_nexthop_row *nexthop_row(uint32_t handle)
{
	return __atomic_load_n(&references[handle].row, __ATOMIC_ACQUIRE);
}

/* The next hop in a place, or NULL if that is a hole. */
static const struct fwd_nexthop_row *place_row(const struct group *group, uint32_t place)
{
	uint32_t handle = place < group->size ? group->handles[place] : 0;
	const struct fwd_nexthop_row *row = handle ? nexthop_row(handle) : NULL;
	return row && row->type != FWD_NEXTHOP_ECMP ? row : NULL;
}

/* unheard: also gateways that do not answer. */
static const struct fwd_nexthop_row *choose(const struct group *group, uint32_t size, uint32_t hash, bool unheard)
{
	uint32_t place = 0;
	for (uint32_t draw = 0; draw < DRAWS; draw++) {
		place = (uint32_t)((uint64_t)hash * size >> 32);
		const struct fwd_nexthop_row *row = place_row(group, place);
		if (row && (unheard || uplink_nexthop_heard(row)))
			return row;
		hash = (hash ^ hash >> 15) * 0x2c1b3c6du + 0x9e3779b9u;
		hash ^= hash >> 13;
	}
	for (uint32_t i = 0; i < size; i++) {
		const struct fwd_nexthop_row *row = place_row(group, (place + i) % size);
		if (row && (unheard || uplink_nexthop_heard(row)))
			return row;
	}
	return NULL;
}

const struct fwd_nexthop_row *nexthop_resolve(uint32_t handle, uint32_t hash)
{
	const struct fwd_nexthop_row *row = nexthop_row(handle);
	if (!row || row->type != FWD_NEXTHOP_ECMP)
		return row;
	const struct group *group = __atomic_load_n(&references[handle].group, __ATOMIC_ACQUIRE);
	if (!group)
		return NULL;
	const struct fwd_nexthop_row *member = choose(group, row->size, hash, false);
	/* None answers: perhaps they forward all the same (RFC 4861 §6.3.6). */
	return __builtin_expect(!member, 0) ? choose(group, row->size, hash, true) : member;
}

uint32_t nexthop_flow_hash(const void *addresses, uint32_t bytes, uint8_t protocol, uint32_t ports)
{
	uint64_t hash = (uint64_t)ports << 8 | protocol;
	for (const uint8_t *at = addresses; bytes; at += 8, bytes -= 8) {
		uint64_t word;
		memcpy(&word, at, 8);
		__uint128_t product = (__uint128_t)(hash ^ word ^ 0x9e3779b97f4a7c15ULL) * 0xd6e8feb86659fd93ULL;
		hash = (uint64_t)product ^ (uint64_t)(product >> 64);
	}
	__uint128_t product = (__uint128_t)(hash ^ 0x9e3779b97f4a7c15ULL) * 0xa0761d6478bd642fULL;
	return (uint32_t)((uint64_t)product ^ (uint64_t)(product >> 64));
}
