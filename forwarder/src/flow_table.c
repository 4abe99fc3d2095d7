#define _GNU_SOURCE
#include "flow_table.h"

#include <errno.h>
#include <rte_pause.h>
#include <stdlib.h>
#include <sys/mman.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "flow_pairs.h"

#define WAYS 8u
/* Of a full table half the places are taken. */
#define PLACES_PER_PAIR 4u

/*
 * A cache line. A key has two buckets, the second told by the first and its tag. It stands in its first one unless that
 * was full: lookups stop there while `elsewhere` says that none of its own keys stands elsewhere.
 */
struct flow_bucket {
	/** 0: free. */
	uint16_t tags[WAYS];
	uint32_t refs[WAYS];
	uint8_t lock;
	/** Bit per place: its key belongs to the other bucket. */
	uint8_t guests;
	/** Keys that belong here and stand in their other bucket. */
	uint16_t elsewhere;
	uint8_t pad[12];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct flow_bucket) == 64, "flow_bucket");

struct place {
	uint32_t first, second;
	uint16_t tag;
};

static inline uint64_t word(const void *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof(value));
	return value;
}

static inline uint64_t hash_of(const struct flow_key *key)
{
	uint64_t ports = word(&key->src_port), hash = index_mix(index_seed ^ key->protocol, ports);

	if (key->family == 4) {
		uint32_t src, dst;
		memcpy(&src, key->src, sizeof(src));
		memcpy(&dst, key->dst, sizeof(dst));
		return index_mix(hash ^ ((uint64_t)src << 32 | dst), index_seed);
	}
	hash = index_mix(hash ^ word(key->src), word(key->src + 8) ^ index_seed);
	return index_mix(hash ^ word(key->dst), word(key->dst + 8) ^ index_seed);
}

static inline uint32_t other_bucket(const struct flow_table *table, uint32_t bucket, uint16_t tag)
{
	return (bucket ^ (tag * 0x5bd1e995u)) & table->mask;
}

static inline struct place place_of(const struct flow_table *table, uint64_t hash)
{
	uint16_t tag = (uint16_t)(hash >> 48);
	struct place place = {.first = (uint32_t)hash & table->mask, .tag = tag == 0 ? 1 : tag};

	place.second = other_bucket(table, place.first, place.tag);
	return place;
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TAGS_ONE_BY_ONE
#endif
#endif

static inline bool same_key(const struct flow_key *a, const struct flow_key *b)
{
#if defined(__AVX2__) && !defined(TAGS_ONE_BY_ONE)
	__m256i addresses = _mm256_loadu_si256((const __m256i *)a) ^ _mm256_loadu_si256((const __m256i *)b);
	__m128i rest = _mm_loadu_si128((const __m128i *)&a->src_port) ^ _mm_loadu_si128((const __m128i *)&b->src_port);
	__m256i difference = addresses | _mm256_zextsi128_si256(rest);
	return _mm256_testz_si256(difference, difference) != 0;
#else
	uint64_t difference = 0;

	for (uint32_t at = 0; at < sizeof(*a); at += 8)
		difference |= word((const uint8_t *)a + at) ^ word((const uint8_t *)b + at);
	return difference == 0;
#endif
}

static inline const struct flow_key *key_of(const struct flow_table *table, uint32_t ref)
{
	return &table->pairs[ref >> 1].half[ref & 1].key;
}

/* Bit per place with this tag. */
static inline uint32_t places_with(const struct flow_bucket *bucket, uint16_t tag)
{
#if defined(__SSE2__) && !defined(TAGS_ONE_BY_ONE)
	__m128i tags = _mm_load_si128((const __m128i *)bucket->tags);
	__m128i same = _mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag));
	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(same, _mm_setzero_si128()));
#else
	uint32_t places = 0;
	for (uint32_t i = 0; i < WAYS; i++)
		places |= (uint32_t)(__atomic_load_n(&bucket->tags[i], __ATOMIC_RELAXED) == tag) << i;
	return places;
#endif
}

/* The ref of the key, or FLOW_NONE. */
static inline uint32_t find_in(
        const struct flow_table *table, const struct flow_bucket *bucket, uint16_t tag, const struct flow_key *key)
{
	for (uint32_t places = places_with(bucket, tag); places != 0; places &= places - 1) {
		uint32_t ref = __atomic_load_n(&bucket->refs[__builtin_ctz(places)], __ATOMIC_ACQUIRE);
		if (ref != FLOW_NONE && same_key(key_of(table, ref), key))
			return ref;
	}
	return FLOW_NONE;
}

static inline uint32_t search(const struct flow_table *table, const struct place *place, const struct flow_key *key)
{
	const struct flow_bucket *bucket = &table->buckets[place->first];
	uint32_t ref = find_in(table, bucket, place->tag, key);

	if (ref != FLOW_NONE || __builtin_expect(__atomic_load_n(&bucket->elsewhere, __ATOMIC_ACQUIRE) == 0, 1))
		return ref;
	return find_in(table, &table->buckets[place->second], place->tag, key);
}

/* Three rounds, so that the cache misses of all keys overlap: the bucket's, the pair's, the comparison. */
void flow_find(const struct flow_table *table, const struct flow_key *const *keys, uint32_t *refs, uint32_t count)
{
	uint64_t hashes[FLOW_BURST];

	for (uint32_t i = 0; i < count; i++) {
		hashes[i] = hash_of(keys[i]);
		__builtin_prefetch(&table->buckets[place_of(table, hashes[i]).first]);
	}
	for (uint32_t i = 0; i < count; i++) {
		struct place place = place_of(table, hashes[i]);
		const struct flow_bucket *bucket = &table->buckets[place.first];
		uint32_t likely = places_with(bucket, place.tag);
		refs[i] = FLOW_NONE;
		if (__builtin_expect(likely != 0, 1)) {
			refs[i] = __atomic_load_n(&bucket->refs[__builtin_ctz(likely)], __ATOMIC_ACQUIRE);
			__builtin_prefetch(key_of(table, refs[i]));
		} else if (__atomic_load_n(&bucket->elsewhere, __ATOMIC_RELAXED) != 0) {
			__builtin_prefetch(&table->buckets[place.second]);
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		if (__builtin_expect(refs[i] != FLOW_NONE && same_key(key_of(table, refs[i]), keys[i]), 1))
			continue;
		struct place place = place_of(table, hashes[i]);
		refs[i] = search(table, &place, keys[i]);
	}
}

uint32_t flow_find_one(const struct flow_table *table, const struct flow_key *key)
{
	struct place place = place_of(table, hash_of(key));

	return search(table, &place, key);
}

static void lock(struct flow_bucket *bucket)
{
	while (__atomic_exchange_n(&bucket->lock, 1, __ATOMIC_ACQUIRE) != 0)
		while (__atomic_load_n(&bucket->lock, __ATOMIC_RELAXED) != 0)
			rte_pause();
}

static bool try_lock(struct flow_bucket *bucket)
{
	return __atomic_exchange_n(&bucket->lock, 1, __ATOMIC_ACQUIRE) == 0;
}

static void unlock(struct flow_bucket *bucket)
{
	__atomic_store_n(&bucket->lock, 0, __ATOMIC_RELEASE);
}

/* The buckets of both keys of a pair, each once, in the order in which everybody locks them. */
struct locked {
	uint32_t buckets[4];
	uint32_t count;
};

static void put_sorted(struct locked *locked, uint32_t bucket)
{
	uint32_t at = locked->count;

	while (at > 0 && locked->buckets[at - 1] > bucket)
		at--;
	if (at > 0 && locked->buckets[at - 1] == bucket)
		return;
	memmove(&locked->buckets[at + 1], &locked->buckets[at], (locked->count - at) * sizeof(uint32_t));
	locked->buckets[at] = bucket;
	locked->count++;
}

static void lock_these(struct flow_table *table, const struct locked *locked)
{
	for (uint32_t i = 0; i < locked->count; i++)
		lock(&table->buckets[locked->buckets[i]]);
}

/* Where the keys belong: enough for whatever happens there, and to know that a key stands nowhere else. */
static inline struct locked lock_firsts(struct flow_table *table, const struct place *places)
{
	uint32_t a = places[0].first, b = places[1].first;
	struct locked locked = {.buckets = {a < b ? a : b, a < b ? b : a}, .count = a == b ? 1 : 2};

	lock(&table->buckets[locked.buckets[0]]);
	if (__builtin_expect(a != b, 1))
		lock(&table->buckets[locked.buckets[1]]);
	return locked;
}

static struct locked lock_all(struct flow_table *table, const struct place *places)
{
	struct locked locked = {.count = 0};

	for (uint32_t i = 0; i < 2; i++) {
		put_sorted(&locked, places[i].first);
		put_sorted(&locked, places[i].second);
	}
	lock_these(table, &locked);
	return locked;
}

static void unlock_all(struct flow_table *table, const struct locked *locked)
{
	for (uint32_t i = 0; i < locked->count; i++)
		unlock(&table->buckets[locked->buckets[i]]);
}

static bool holds(const struct locked *locked, uint32_t bucket)
{
	for (uint32_t i = 0; i < locked->count; i++)
		if (locked->buckets[i] == bucket)
			return true;
	return false;
}

/* The rest: with the locks of the buckets held. */

static void fill(struct flow_bucket *bucket, uint32_t i, uint16_t tag, uint32_t ref, bool guest)
{
	bucket->guests = (uint8_t)((bucket->guests & ~(1u << i)) | (uint32_t)guest << i);
	__atomic_store_n(&bucket->refs[i], ref, __ATOMIC_RELEASE);
	__atomic_store_n(&bucket->tags[i], tag, __ATOMIC_RELEASE);
}

static void count_elsewhere(struct flow_bucket *bucket, int change)
{
	__atomic_store_n(&bucket->elsewhere, (uint16_t)(bucket->elsewhere + change), __ATOMIC_RELEASE);
}

static uint32_t free_place(const struct flow_bucket *bucket)
{
	uint32_t places = places_with(bucket, 0);
	return places == 0 ? WAYS : (uint32_t)__builtin_ctz(places);
}

/* Makes a place in the bucket: one of its own keys goes to its other bucket, where it is found meanwhile, too. */
static uint32_t make_place(struct flow_table *table, uint32_t number, const struct locked *locked)
{
	struct flow_bucket *bucket = &table->buckets[number];

	for (uint32_t i = 0; i < WAYS; i++) {
		uint32_t target = other_bucket(table, number, bucket->tags[i]);
		struct flow_bucket *other = &table->buckets[target];
		bool held = holds(locked, target);
		if ((bucket->guests >> i & 1) != 0 || target == number || (!held && !try_lock(other)))
			continue;
		uint32_t place = free_place(other);
		if (place < WAYS) {
			count_elsewhere(bucket, 1);
			fill(other, place, bucket->tags[i], bucket->refs[i], true);
			__atomic_store_n(&bucket->tags[i], 0, __ATOMIC_RELEASE);
		}
		if (!held)
			unlock(other);
		if (place < WAYS)
			return i;
	}
	return WAYS;
}

static bool put(struct flow_table *table, const struct place *place, uint32_t ref, const struct locked *locked)
{
	struct flow_bucket *first = &table->buckets[place->first], *second = &table->buckets[place->second];
	uint32_t i = free_place(first);

	if (i == WAYS && (i = free_place(second)) < WAYS) {
		count_elsewhere(first, 1);
		fill(second, i, place->tag, ref, true);
		return true;
	}
	if (i == WAYS)
		i = make_place(table, place->first, locked);
	if (i == WAYS)
		return false;
	fill(first, i, place->tag, ref, false);
	return true;
}

/* Where a ref stands in a bucket; WAYS: nowhere. */
static inline uint32_t place_in(const struct flow_bucket *bucket, uint16_t tag, uint32_t ref, bool guest)
{
	for (uint32_t places = places_with(bucket, tag); places != 0; places &= places - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(places);
		if (bucket->refs[i] == ref && (bucket->guests >> i & 1) == guest)
			return i;
	}
	return WAYS;
}

static bool take_out_of(struct flow_bucket *bucket, uint16_t tag, uint32_t ref, bool guest)
{
	uint32_t i = place_in(bucket, tag, ref, guest);

	if (i != WAYS)
		__atomic_store_n(&bucket->tags[i], 0, __ATOMIC_RELEASE);
	return i != WAYS;
}

static void take_out(struct flow_table *table, const struct place *place, uint32_t ref)
{
	struct flow_bucket *first = &table->buckets[place->first];

	if (!take_out_of(first, place->tag, ref, false) &&
	        take_out_of(&table->buckets[place->second], place->tag, ref, true))
		count_elsewhere(first, -1);
}

static void places_of(const struct flow_table *table, const struct flow_pair *pair, struct place *places)
{
	for (uint32_t i = 0; i < 2; i++)
		places[i] = place_of(table, hash_of(&pair->half[i].key));
}

void flow_fetch_key(const struct flow_table *table, const struct flow_key *key)
{
	__builtin_prefetch(&table->buckets[place_of(table, hash_of(key)).first], 1);
}

void flow_fetch(const struct flow_table *table, const struct flow_pair *pair)
{
	struct place places[2];

	places_of(table, pair, places);
	for (uint32_t i = 0; i < 2; i++)
		__builtin_prefetch(&table->buckets[places[i].first], 1);
}

/* Into the buckets where they belong, if there is room: two places when that is the same one. */
static inline bool put_quickly(struct flow_table *table, uint32_t number, const struct place *places)
{
	struct flow_bucket *first[2] = {&table->buckets[places[0].first], &table->buckets[places[1].first]};
	uint32_t free[2] = {places_with(first[0], 0), places_with(first[1], 0)};

	if (__builtin_expect(first[0] == first[1], 0))
		free[1] &= free[1] - 1;
	if (__builtin_expect(free[0] == 0 || free[1] == 0, 0))
		return false;
	for (uint32_t i = 0; i < 2; i++)
		fill(first[i], (uint32_t)__builtin_ctz(free[i]), places[i].tag, number << 1 | i, false);
	return true;
}

static int put_both(struct flow_table *table, uint32_t number, const struct place *places, const struct locked *locked)
{
	if (!put(table, &places[0], number << 1, locked))
		return -ENOSPC;
	if (put(table, &places[1], number << 1 | 1, locked))
		return 0;
	take_out(table, &places[0], number << 1);
	return -ENOSPC;
}

/* Last: a pair without this mark is free after a crash. Taken over, it has it already. */
static inline void mark_used(struct flow_pair *pair)
{
	uint32_t use = __atomic_load_n(flow_state(pair), __ATOMIC_RELAXED) & ~PAIR_STATES;

	__atomic_store_n(flow_state(pair), use | PAIR_USED, __ATOMIC_RELEASE);
}

/* 0, or -EEXIST or -EADDRINUSE and *other. Which keys belong to a bucket changes under its own lock only. */
static inline int find_either(
        const struct flow_table *table, const struct flow_pair *pair, const struct place *places, uint32_t *other)
{
	*other = search(table, &places[0], &pair->half[0].key);
	if (__builtin_expect(*other != FLOW_NONE, 0))
		return -EEXIST;
	*other = search(table, &places[1], &pair->half[1].key);
	return __builtin_expect(*other != FLOW_NONE, 0) ? -EADDRINUSE : 0;
}

static __attribute__((noinline)) int add_slowly(
        struct flow_table *table, uint32_t number, const struct place *places, uint32_t *other)
{
	struct locked locked = lock_all(table, places);
	int result = find_either(table, &table->pairs[number], places, other);

	if (result == 0)
		result = put_both(table, number, places, &locked);
	if (result == 0)
		mark_used(&table->pairs[number]);
	unlock_all(table, &locked);
	return result;
}

int flow_add(struct flow_table *table, uint32_t number, uint32_t *other)
{
	struct flow_pair *pair = &table->pairs[number];
	struct place places[2];

	places_of(table, pair, places);
	__builtin_prefetch(&table->buckets[places[1].first], 1);
	struct locked locked = lock_firsts(table, places);
	int result = find_either(table, pair, places, other);
	bool done = result != 0 || put_quickly(table, number, places);
	if (result == 0 && done)
		mark_used(pair);
	unlock_all(table, &locked);
	if (__builtin_expect(!done, 0))
		result = add_slowly(table, number, places, other);
	if (result == 0)
		__atomic_fetch_add(&table->header->count, 1, __ATOMIC_RELAXED);
	return result;
}

/* Both keys from where they belong; false: one stands elsewhere, and none was taken out. */
static inline bool take_out_quickly(struct flow_table *table, const struct place *places, uint32_t number)
{
	struct flow_bucket *first[2] = {&table->buckets[places[0].first], &table->buckets[places[1].first]};
	uint32_t at[2];

	for (uint32_t i = 0; i < 2; i++) {
		at[i] = place_in(first[i], places[i].tag, number << 1 | i, false);
		if (__builtin_expect(at[i] == WAYS, 0))
			return false;
	}
	for (uint32_t i = 0; i < 2; i++)
		__atomic_store_n(&first[i]->tags[at[i]], 0, __ATOMIC_RELEASE);
	return true;
}

static __attribute__((noinline)) void take_out_slowly(
        struct flow_table *table, const struct place *places, uint32_t number)
{
	struct locked locked = lock_all(table, places);

	take_out(table, &places[0], number << 1);
	take_out(table, &places[1], number << 1 | 1);
	unlock_all(table, &locked);
}

bool flow_remove(struct flow_table *table, struct flow_thread *thread, uint32_t number)
{
	struct flow_pair *pair = &table->pairs[number];
	struct place places[2];
	uint32_t used = __atomic_load_n(flow_state(pair), __ATOMIC_RELAXED),
	         leaving = (used & ~PAIR_STATES) | PAIR_LEAVING;

	if ((used & PAIR_STATES) != PAIR_USED || !__atomic_compare_exchange_n(flow_state(pair), &used, leaving, false,
	                                                 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	places_of(table, pair, places);
	struct locked locked = lock_firsts(table, places);
	bool done = take_out_quickly(table, places, number);
	unlock_all(table, &locked);
	if (__builtin_expect(!done, 0))
		take_out_slowly(table, places, number);
	flow_pair_leave(table, thread, number);
	__atomic_fetch_sub(&table->header->count, 1, __ATOMIC_RELAXED);
	return true;
}

/* Huge pages, for each new flow misses the TLB twice otherwise; as much as needs them is aligned to them. */
int flow_buckets_make(struct flow_table *table)
{
	uint32_t buckets = 1;

	while ((uint64_t)buckets * WAYS < (uint64_t)table->capacity * PLACES_PER_PAIR)
		buckets *= 2;
	table->mask = buckets - 1;
	size_t bytes = (size_t)buckets * sizeof(struct flow_bucket),
	       alignment = bytes < FLOW_HUGE_PAGE ? 4096 : FLOW_HUGE_PAGE;
	table->buckets = aligned_alloc(alignment, (bytes + alignment - 1) & ~(alignment - 1));
	if (table->buckets == NULL)
		return -ENOMEM;
	if (bytes >= FLOW_HUGE_PAGE)
		madvise(table->buckets, bytes, MADV_HUGEPAGE);
	memset(table->buckets, 0, bytes);
	return 0;
}

void flow_table_close(struct flow_table *table)
{
	free(table->buckets);
	memset(table, 0, sizeof(*table));
}
