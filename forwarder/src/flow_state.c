/* A flow table over the life of processes: taken over, swept, looked through. */
#include <errno.h>
#include <stdlib.h>

#include "flow_pairs.h"

#define MAGIC        0x776f6c66746677ULL
#define VERSION      2u
#define HEADER_BYTES 4096u
/* Pairs that are fetched beforehand. */
#define AHEAD 6u

size_t flow_table_bytes(uint32_t capacity)
{
	return HEADER_BYTES + (size_t)capacity * sizeof(struct flow_pair);
}

static bool is_zero(const uint8_t *bytes, uint32_t count)
{
	uint8_t any = 0;

	for (uint32_t i = 0; i < count; i++)
		any |= bytes[i];
	return any == 0;
}

/* What find and add rely on, whatever was in the memory. */
static bool is_key(const struct flow_key *key)
{
	if (!is_zero(key->pad, sizeof(key->pad)))
		return false;
	if (key->family == 4)
		return is_zero(key->src + 4, 12) && is_zero(key->dst + 4, 12);
	return key->family == 6;
}

static bool is_pair(const struct flow_pair *pair)
{
	return flow_is_used(pair) && is_key(&pair->half[0].key) && is_key(&pair->half[1].key) &&
	       memcmp(&pair->half[0].key, &pair->half[1].key, sizeof(struct flow_key)) != 0;
}

static void take_over(struct flow_table *table, bool (*valid)(struct flow_pair *pair, void *context), void *context)
{
	uint32_t other;

	table->header->count = 0;
	for (uint32_t i = table->header->high_water; i-- > 0;) {
		struct flow_pair *pair = &table->pairs[i];
		if (i >= AHEAD)
			flow_fetch(table, pair - AHEAD);
		if (is_pair(pair) && valid(pair, context) && flow_add(table, i, &other) == 0)
			continue;
		memset(pair, 0, sizeof(*pair));
		pair->count[FLOW_FORWARD].next = table->shared_free;
		table->shared_free = i;
	}
}

/* Pairs are zero when they are taken for the first time; these may have been of a table of another capacity. */
static void clear(struct flow_table *table, uint32_t capacity)
{
	const struct flow_header *header = table->header;
	bool known = header->magic == MAGIC && header->version == VERSION;
	uint32_t used = header->magic == 0 ? 0 : known && header->high_water < capacity ? header->high_water : capacity;

	memset(table->pairs, 0, (size_t)used * sizeof(*table->pairs));
}

int flow_table_open(struct flow_table *table, void *memory, uint32_t capacity,
        bool (*valid)(struct flow_pair *pair, void *context), void *context, bool *fresh)
{
	struct flow_header *header = memory;

	*table = (struct flow_table){.header = header,
	        .pairs = (struct flow_pair *)((uint8_t *)memory + HEADER_BYTES),
	        .capacity = capacity,
	        .shared_free = FLOW_NONE};
	if (flow_buckets_make(table) != 0)
		return -ENOMEM;
	*fresh = header->magic != MAGIC || header->version != VERSION || header->capacity != capacity ||
	         header->high_water > capacity;
	if (*fresh) {
		clear(table, capacity);
		*header = (struct flow_header){.version = VERSION, .capacity = capacity};
	} else {
		take_over(table, valid, context);
	}
	header->magic = MAGIC;
	return 0;
}

/* Pairs are dealt out to threads in blocks, which are pages. */
static uint32_t next_in_share(const struct flow_thread *thread, uint32_t number)
{
	return number % FLOW_BLOCK == FLOW_BLOCK - 1 ? number + 1 + FLOW_BLOCK * (thread->threads - 1) : number + 1;
}

bool flow_sweep(struct flow_table *table, struct flow_thread *thread, uint32_t budget,
        void (*look)(struct flow_pair *pair, uint32_t number, void *context), void *context)
{
	uint32_t end = __atomic_load_n(&table->header->high_water, __ATOMIC_RELAXED);

	flow_pairs_reclaim(table, thread);
	for (uint32_t i = 0; i < budget; i++) {
		uint32_t number = thread->cursor;
		if (number >= end) {
			thread->cursor = thread->index * FLOW_BLOCK;
			return true;
		}
		struct flow_pair *pair = &table->pairs[number], *ahead = pair + AHEAD;
		__builtin_prefetch(&ahead->count[0]);
		__builtin_prefetch(&ahead->count[1]);
		thread->cursor = next_in_share(thread, number);
		if (flow_is_used(pair))
			look(pair, number, context);
	}
	return false;
}

void flow_each(const struct flow_table *table,
        void (*visit)(const struct flow_pair *pair, uint32_t number, void *context), void *context)
{
	uint32_t end = __atomic_load_n(&table->header->high_water, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i < end; i++)
		if (flow_is_used(&table->pairs[i]))
			visit(&table->pairs[i], i, context);
}

uint32_t flow_count(const struct flow_table *table)
{
	return __atomic_load_n(&table->header->count, __ATOMIC_RELAXED);
}
