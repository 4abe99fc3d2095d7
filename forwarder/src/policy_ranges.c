#include "policy_ranges.h"

#include <stdlib.h>

#include "error.h"

void *ranges_room(void *array, uint32_t *room, uint32_t count, uint32_t bytes)
{
	if (count <= *room)
		return array;
	uint32_t more = *room < 8 ? 16 : *room * 2;
	if (more < count)
		more = count;
	void *moved = realloc(array, (size_t)more * bytes);
	if (!moved)
		error_memory("rules");
	*room = more;
	return moved;
}

static void append(struct ranges_pool *pool, uint32_t from, uint32_t value)
{
	pool->entries = ranges_room(pool->entries, &pool->entry_room, pool->entry_count + 1, sizeof(uint64_t));
	pool->entries[pool->entry_count++] = (uint64_t)from << 32 | value;
}

void ranges_begin(struct ranges_pool *pool, struct ranges *ranges, uint32_t value)
{
	*ranges = (struct ranges){.entries = pool->entry_count};
	append(pool, 0, value);
}

void ranges_set(struct ranges_pool *pool, const struct ranges *ranges, uint32_t from, uint32_t value)
{
	uint64_t *last = &pool->entries[pool->entry_count - 1];
	if (*last >> 32 != from) {
		if ((uint32_t)*last != value)
			append(pool, from, value);
		return;
	}
	/* Said anew of the same key; it may now be as those before it. */
	if (pool->entry_count - 1 > ranges->entries && (uint32_t)last[-1] == value)
		pool->entry_count--;
	else
		*last = (uint64_t)from << 32 | value;
}

/* About as many chunks as entries, all equally wide. */
static void choose_chunks(struct ranges *ranges, const uint64_t *entries, uint32_t count)
{
	uint32_t span = (uint32_t)(entries[count - 1] >> 32) - (uint32_t)(entries[1] >> 32), shift = 0;
	while (span >> shift >= count)
		shift++;
	ranges->base = (uint32_t)(entries[1] >> 32);
	ranges->shift = shift & 31;
	ranges->chunks = (span >> shift) + 1;
	ranges->indexed = 1;
}

void ranges_end(struct ranges_pool *pool, struct ranges *ranges)
{
	uint32_t count = pool->entry_count - ranges->entries, place = 0;
	const uint64_t *entries = pool->entries + ranges->entries;
	ranges->chunks = count;
	if (count <= RANGES_WINDOW)
		return;
	choose_chunks(ranges, entries, count);
	ranges->starts = pool->start_count;
	pool->start_count += ranges->chunks + 1;
	pool->starts = ranges_room(pool->starts, &pool->start_room, pool->start_count, sizeof(uint32_t));
	uint32_t *starts = pool->starts + ranges->starts;
	/* Keys before the first chunk are looked up in it, those behind the last one there. */
	starts[0] = 0;
	for (uint32_t chunk = 1; chunk < ranges->chunks; chunk++) {
		uint64_t begin = ranges->base + ((uint64_t)chunk << ranges->shift);
		while (place + 1 < count && entries[place + 1] >> 32 <= begin)
			place++;
		starts[chunk] = place;
	}
	starts[ranges->chunks] = count - 1;
}
