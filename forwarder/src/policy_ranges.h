/*
 * Disjoint ranges of 32-bit keys, each with a value: which range a key lies in is found in a few steps, however many
 * there are. The ranges lie in order; a table says for each of equally wide chunks of keys where to begin, and the
 * last eight candidates are compared without a branch. Only where many ranges crowd in one chunk, halving comes first.
 *
 * Many maps share one pool of entries and one of starts; a map is four words. ranges_find: any thread, of maps that do
 * not change. The rest: the writer.
 */
#ifndef WEFT_POLICY_RANGES_H
#define WEFT_POLICY_RANGES_H

#include <stdint.h>

#define RANGES_WINDOW 8u
/** Instead of a value: the key lies in no range. */
#define RANGES_NONE 0xffffffffu

struct ranges {
	/** Where the first chunk begins. */
	uint32_t base;
	/** Places of the first entry, and of the first start. */
	uint32_t entries, starts;
	/** Number of chunks, and above 26 bits how wide they are: 1 << shift. Without chunks: number of entries. */
	uint32_t chunks : 26, shift : 5, indexed : 1;
};

/** The value of the range that key lies in. entries: first key << 32 | value, with RANGES_WINDOW more behind the last.
 */
static inline uint32_t ranges_find(
        const struct ranges *ranges, const uint64_t *entries, const uint32_t *starts, uint32_t key)
{
	const uint64_t *at = entries + ranges->entries;
	uint64_t last = (uint64_t)key << 32 | 0xffffffff;
	uint32_t count = ranges->chunks, below = 0;

	if (ranges->indexed) {
		uint32_t far = key > ranges->base ? key - ranges->base : 0, chunk = far >> ranges->shift;
		const uint32_t *start = starts + ranges->starts + (chunk < count ? chunk : count - 1);
		at += start[0];
		count = start[1] - start[0] + 1;
		for (; count > RANGES_WINDOW; count -= count / 2)
			at += at[count / 2] <= last ? count / 2 : 0;
	}
	for (uint32_t i = 0; i < RANGES_WINDOW; i++)
		below += i < count && at[i] <= last;
	return (uint32_t)at[below - 1];
}

/** Something that grows; zero it to make it empty. */
struct ranges_pool {
	uint64_t *entries;
	uint32_t *starts;
	uint32_t entry_count, entry_room, start_count, start_room;
};

/** Begins a map: keys from 0 on have that value. Ends the process when there is no memory, as ranges_set and
 * ranges_end. */
void ranges_begin(struct ranges_pool *pool, struct ranges *ranges, uint32_t value);
/** Keys from `from` on have that value; from ≥ that of the call before. */
void ranges_set(struct ranges_pool *pool, const struct ranges *ranges, uint32_t from, uint32_t value);
/** The map is complete. */
void ranges_end(struct ranges_pool *pool, struct ranges *ranges);

/** array of at least `count` items of `bytes` each, moved if need be; *room: how many it has room for. Ends the process
 * when there is no memory. */
void *ranges_room(void *array, uint32_t *room, uint32_t count, uint32_t bytes);

#endif
