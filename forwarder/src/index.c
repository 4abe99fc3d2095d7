#include "index.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "rcu.h"

#define SMALLEST   16u
#define HUGE_BYTES (2ul << 20)

uint64_t index_seed;

__attribute__((constructor)) static void choose_seed(void)
{
	if (getrandom(&index_seed, sizeof(index_seed), GRND_NONBLOCK) != sizeof(index_seed))
		index_seed = (uintptr_t)&index_seed;
}

static void put(struct index_array *array, uint64_t entry)
{
	uint32_t at = (uint32_t)(entry >> 32) & array->mask;
	while (array->entries[at])
		at = (at + 1) & array->mask;
	__atomic_store_n(&array->entries[at], entry, __ATOMIC_RELEASE);
}

/* Zeroed. Searches go everywhere in it: huge pages spare them a TLB miss each. */
static struct index_array *make_array(size_t bytes)
{
	if (bytes < 2 * HUGE_BYTES)
		return calloc(1, bytes);
	void *array = aligned_alloc(HUGE_BYTES, (bytes + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
	if (!array)
		return NULL;
	madvise(array, bytes & ~(HUGE_BYTES - 1), MADV_HUGEPAGE);
	return memset(array, 0, bytes);
}

static int grow(struct index *index, uint32_t entries)
{
	struct index_array *old = index->array;
	struct index_array *array = make_array(sizeof(*array) + (size_t)entries * sizeof(uint64_t));
	if (!array)
		return -ENOMEM;
	array->mask = entries - 1;
	for (uint64_t i = 0; old && i <= old->mask; i++)
		if ((uint32_t)old->entries[i])
			put(array, old->entries[i]);
	__atomic_store_n(&index->array, array, __ATOMIC_RELEASE);
	index->filled = index->count;
	rcu_retire_memory(old);
	return 0;
}

int index_reserve(struct index *index, uint32_t more)
{
	uint64_t entries = index->array ? index->array->mask + 1ULL : 0;
	if (entries && (uint64_t)index->filled + more <= entries / 4 * 3)
		return 0;
	if (entries < SMALLEST)
		entries = SMALLEST;
	/* Half full at most, so that the next rebuild is as many insertions away. */
	while ((uint64_t)index->count + more > entries / 2)
		entries *= 2;
	return entries > 1ULL << 31 ? -ENOMEM : grow(index, (uint32_t)entries);
}

void index_insert(struct index *index, uint32_t hash, uint32_t number)
{
	put(index->array, (uint64_t)hash << 32 | (number + 1));
	index->count++;
	index->filled++;
}

static uint64_t *entry_of(struct index *index, uint32_t hash, uint32_t number)
{
	uint64_t wanted = (uint64_t)hash << 32 | (number + 1);
	uint32_t at = hash & index->array->mask;
	while (index->array->entries[at] != wanted)
		at = (at + 1) & index->array->mask;
	return &index->array->entries[at];
}

void index_replace(struct index *index, uint32_t hash, uint32_t old, uint32_t number)
{
	__atomic_store_n(entry_of(index, hash, old), (uint64_t)hash << 32 | (number + 1), __ATOMIC_RELEASE);
}

void index_remove(struct index *index, uint32_t hash, uint32_t number)
{
	/* Bit 63 tells a removed entry from an empty one: searches go on behind it. */
	__atomic_store_n(entry_of(index, hash, number), 1ULL << 63, __ATOMIC_RELEASE);
	index->count--;
}

void index_free(struct index *index)
{
	rcu_retire_memory(index->array);
	*index = (struct index){0};
}
