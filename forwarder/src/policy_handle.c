#include "policy_handle.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "error.h"
#include "index.h"
#include "rcu.h"
#include "stats.h"

/* This part of all places waits before one is used again, unless there is no other: the more places, the fewer bits
 * tell their uses apart. */
#define PLACES_WAIT 128u

/* What a rule counted in one thread. */
struct count {
	uint64_t flows, packets, bytes, pad;
};

static struct handle_item *entries;
static struct count *counts[STATS_THREADS];
static struct index by_key;
/* Bits of a handle that are the entry's place; those above tell its uses apart. */
static uint32_t place_bits, capacity, used;
/* Entries that were used before, longest unused first. */
static uint32_t free_first, free_last, free_count;

static void *reserve(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return at == MAP_FAILED ? NULL : at;
}

int handle_init(uint32_t rules)
{
	/* All ones is no place. */
	for (place_bits = 1; rules >= (1u << place_bits) - 1;)
		place_bits++;
	capacity = rules;
	used = free_count = 0;
	free_first = free_last = HANDLE_NONE;
	bool failed = !(entries = reserve(capacity * sizeof(*entries)));
	for (uint32_t thread = 0; thread < STATS_THREADS; thread++)
		failed |= !(counts[thread] = reserve(capacity * sizeof(struct count)));
	return failed ? -ENOMEM : 0;
}

void handle_fini(void)
{
	rcu_barrier();
	index_free(&by_key);
	if (entries)
		munmap(entries, capacity * sizeof(*entries));
	entries = NULL;
	for (uint32_t thread = 0; thread < STATS_THREADS; thread++) {
		if (counts[thread])
			munmap(counts[thread], capacity * sizeof(struct count));
		counts[thread] = NULL;
	}
}

static uint32_t hash_of(const struct fwd_rule_row *row)
{
	return index_hash(row, offsetof(struct fwd_rule_row, priority), 0);
}

static uint32_t find(const struct fwd_rule_row *row)
{
	struct index_cursor cursor = index_first(&by_key, hash_of(row));
	for (uint32_t place; (place = index_next(&cursor)) != INDEX_END;) {
		const struct fwd_rule_row *other = entries[place].row;
		if (other->group == row->group && other->number == row->number)
			return place;
	}
	return HANDLE_NONE;
}

static uint32_t take(void)
{
	uint32_t place = free_first;
	if (index_reserve(&by_key, 1) || (used == capacity && place == HANDLE_NONE))
		error_memory("handles of rules");
	if (used < capacity && free_count < capacity / PLACES_WAIT) {
		entries[used].handle = used;
		return used++;
	}
	free_first = entries[place].next;
	free_count--;
	return place;
}

uint32_t handle_add(const struct fwd_rule_row *row)
{
	uint32_t place = take();
	__atomic_store_n(&entries[place].row, row, __ATOMIC_RELEASE);
	index_insert(&by_key, hash_of(row), place);
	return entries[place].handle;
}

uint32_t handle_set(const struct fwd_rule_row *row)
{
	uint32_t place = find(row);
	__atomic_store_n(&entries[place].row, row, __ATOMIC_RELEASE);
	return entries[place].handle;
}

/* Nobody counts for it any more. */
static void release(void *unused, uint64_t place)
{
	static const struct count zero;
	/* Pages of rules that never counted anything stay unused. */
	for (uint32_t thread = 0; thread < STATS_THREADS; thread++)
		if (memcmp(&counts[thread][place], &zero, sizeof(zero)) != 0)
			counts[thread][place] = zero;
	entries[place].next = HANDLE_NONE;
	if (free_first == HANDLE_NONE)
		free_first = (uint32_t)place;
	else
		entries[free_last].next = (uint32_t)place;
	free_last = (uint32_t)place;
	free_count++;
}

void handle_remove(const struct fwd_rule_row *row)
{
	uint32_t place = find(row);
	index_remove(&by_key, hash_of(row), place);
	__atomic_store_n(&entries[place].row, NULL, __ATOMIC_RELEASE);
	__atomic_store_n(
	        &entries[place].handle, (entries[place].handle + (1u << place_bits)) & INT32_MAX, __ATOMIC_RELEASE);
	rcu_retire(release, NULL, place);
}

struct handle_item *handle_item(uint32_t handle)
{
	return &entries[handle & ((1u << place_bits) - 1)];
}

static bool stands(uint32_t handle, uint32_t *place)
{
	*place = handle & ((1u << place_bits) - 1);
	return *place < capacity && __atomic_load_n(&entries[*place].handle, __ATOMIC_ACQUIRE) == handle;
}

const struct fwd_rule_row *handle_row(uint32_t handle)
{
	uint32_t place;
	return stands(handle, &place) ? __atomic_load_n(&entries[place].row, __ATOMIC_ACQUIRE) : NULL;
}

void handle_count(uint32_t thread, uint32_t handle, uint64_t flows, uint64_t packets, uint64_t bytes)
{
	uint32_t place;
	if (!stands(handle, &place))
		return;
	struct count *count = &counts[thread][place];
	stats_add(&count->flows, flows);
	stats_add(&count->packets, packets);
	stats_add(&count->bytes, bytes);
}

static struct fwd_rule_stats sum(uint32_t place)
{
	const struct fwd_rule_row *row = entries[place].row;
	struct fwd_rule_stats stats = {.group = row->group, .number = row->number};
	for (uint32_t thread = 0; thread < STATS_THREADS; thread++) {
		const struct count *count = &counts[thread][place];
		stats.flows += __atomic_load_n(&count->flows, __ATOMIC_RELAXED);
		stats.packets += __atomic_load_n(&count->packets, __ATOMIC_RELAXED);
		stats.bytes += __atomic_load_n(&count->bytes, __ATOMIC_RELAXED);
	}
	return stats;
}

int32_t handle_rows_read(uint32_t *cursor, void *out, uint32_t length)
{
	uint32_t at = *cursor, bytes = 0;
	for (; at < used && bytes + sizeof(struct fwd_rule_stats) <= length; at++) {
		if (!entries[at].row)
			continue;
		struct fwd_rule_stats stats = sum(at);
		if (stats.flows == 0 && stats.packets == 0)
			continue;
		memcpy((uint8_t *)out + bytes, &stats, sizeof(stats));
		bytes += sizeof(stats);
	}
	*cursor = at >= used ? HANDLE_NONE : at;
	return (int32_t)bytes;
}
