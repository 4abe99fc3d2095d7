/* A flow table over the life of processes: taken over, swept, looked through. */
#include <errno.h>
#include <stdlib.h>

#include "flow_pairs.h"

#define MAGIC        0x776f6c66746677ULL
#define VERSION      1u
#define HEADER_BYTES 4096u

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
	return pair->count[FLOW_FORWARD].state == PAIR_USED && is_key(&pair->half[0].key) &&
	       is_key(&pair->half[1].key) && memcmp(&pair->half[0].key, &pair->half[1].key, sizeof(struct flow_key)) != 0;
}

static void take_over(struct flow_table *table, bool (*valid)(const struct flow_pair *pair, void *context), void *context)
{
	uint32_t other;

	table->header->count = 0;
	for (uint32_t i = table->header->high_water; i-- > 0;) {
		struct flow_pair *pair = &table->pairs[i];
		if (is_pair(pair) && valid(pair, context) && flow_add(table, i, &other) == 0)
			continue;
		memset(pair, 0, sizeof(*pair));
		pair->count[FLOW_FORWARD].next = table->shared_free;
		table->shared_free = i;
	}
}

int flow_table_open(struct flow_table *table, void *memory, uint32_t capacity,
        bool (*valid)(const struct flow_pair *pair, void *context), void *context, bool *fresh)
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
	if (*fresh)
		*header = (struct flow_header){.version = VERSION, .capacity = capacity};
	else
		take_over(table, valid, context);
	header->magic = MAGIC;
	return 0;
}

uint32_t flow_sweep(struct flow_table *table, struct flow_thread *thread, uint32_t budget,
        bool (*over)(const struct flow_pair *pair, void *context), void *context)
{
	uint32_t end = __atomic_load_n(&table->header->high_water, __ATOMIC_RELAXED), removed = 0;

	flow_pairs_reclaim(table, thread);
	for (uint32_t i = 0; i < budget; i++, thread->cursor += thread->threads) {
		if (thread->cursor >= end) {
			thread->cursor = thread->index;
			return removed;
		}
		struct flow_pair *pair = &table->pairs[thread->cursor];
		if (__atomic_load_n(flow_state(pair), __ATOMIC_ACQUIRE) == PAIR_USED && over(pair, context))
			removed += flow_remove(table, thread, thread->cursor);
	}
	return removed;
}

void flow_each(const struct flow_table *table, void (*visit)(const struct flow_pair *pair, uint32_t number, void *context),
        void *context)
{
	uint32_t end = __atomic_load_n(&table->header->high_water, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i < end; i++)
		if (__atomic_load_n(flow_state(&table->pairs[i]), __ATOMIC_ACQUIRE) == PAIR_USED)
			visit(&table->pairs[i], i, context);
}

uint32_t flow_count(const struct flow_table *table)
{
	return __atomic_load_n(&table->header->count, __ATOMIC_RELAXED);
}
