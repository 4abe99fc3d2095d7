/*
 * An index from hash to numbers (of slots): open addressing, linear probing. Several numbers may have one hash: the
 * reader compares keys.
 *
 *     for (struct index_cursor c = index_first(&index, hash); (number = index_next(&c)) != INDEX_END;) if (same key)
 * ...
 *
 * One writer (writer lock held) changes it while readers (rcu.h) search; a number that is inserted, and not removed,
 * during the search is found in any case. Growing builds a new array and retires the old one. 8 bytes an entry, filled
 * up to three quarters.
 */
#ifndef WEFT_INDEX_H
#define WEFT_INDEX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INDEX_END 0xffffffffu

struct index_array;

/* Zero it to make it empty. */
struct index {
	struct index_array *array;
	uint32_t count;  /* numbers in it */
	uint32_t filled; /* entries in use, removed ones included */
};

struct index_array {
	uint32_t mask;
	uint32_t pad;
	uint64_t entries[]; /* hash << 32 | number + 1; 0: empty; low half 0: removed */
};

struct index_cursor {
	const struct index_array *array;
	uint32_t hash;
	uint32_t at;
};

/* Random per process, so that nobody outside can choose colliding keys. */
extern uint64_t index_seed;

static inline uint64_t index_mix(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)(a ^ 0x9e3779b97f4a7c15ULL) * (b ^ 0xd6e8feb86659fd93ULL);
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Hash of a key and something beside it. bytes ≥ 1; inlined, because packets' lookups know them at compile time. */
static inline __attribute__((always_inline)) uint32_t index_hash(const void *key, uint32_t bytes, uint32_t extra)
{
	const uint8_t *at = (const uint8_t *)key;
	uint64_t hash = index_mix(index_seed ^ extra, bytes), word = 0;
	for (; bytes > 8; bytes -= 8, at += 8) {
		memcpy(&word, at, 8);
		hash = index_mix(hash ^ word, index_seed);
	}
	word = 0;
	memcpy(&word, at, bytes);
	hash = index_mix(hash ^ word, index_seed);
	return (uint32_t)(hash ^ hash >> 32);
}

/* Makes room for `more` insertions: those then cannot fail. Returns 0 or -ENOMEM. */
int index_reserve(struct index *index, uint32_t more);
/* number < INDEX_END - 1. index_reserve must have made room. */
void index_insert(struct index *index, uint32_t hash, uint32_t number);
/* In one step for readers. `old` must be there. */
void index_replace(struct index *index, uint32_t hash, uint32_t old, uint32_t number);
void index_remove(struct index *index, uint32_t hash, uint32_t number);
/* Empties it and retires its memory. */
void index_free(struct index *index);

static inline struct index_cursor index_first(const struct index *index, uint32_t hash)
{
	const struct index_array *array = __atomic_load_n(&index->array, __ATOMIC_ACQUIRE);
	return (struct index_cursor){array, hash, array ? hash & array->mask : 0};
}

/* The entry that index_next will look at. */
static inline void index_prefetch(const struct index_cursor *cursor)
{
	if (cursor->array)
		__builtin_prefetch(&cursor->array->entries[cursor->at]);
}

static inline uint32_t index_next(struct index_cursor *cursor)
{
	if (!cursor->array)
		return INDEX_END;
	for (;;) {
		uint64_t entry = __atomic_load_n(&cursor->array->entries[cursor->at], __ATOMIC_ACQUIRE);
		if (entry == 0)
			return INDEX_END;
		cursor->at = (cursor->at + 1) & cursor->array->mask;
		if (entry >> 32 == cursor->hash && (uint32_t)entry)
			return (uint32_t)entry - 1;
	}
}

#endif
