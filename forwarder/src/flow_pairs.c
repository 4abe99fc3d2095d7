/* Pairs that are free: each thread has a few, the rest are in common or were never used. */
#include "flow_pairs.h"

#include <rte_pause.h>

#include "rcu.h"

/* How many a thread takes from, or gives to, the common store at a time. */
#define BATCH     32u
#define FREE_MOST 256u

static uint32_t *next_of(struct flow_table *table, uint32_t pair)
{
	return &table->pairs[pair].count[FLOW_FORWARD].next;
}

static void push(struct flow_table *table, struct flow_thread *thread, uint32_t pair)
{
	*next_of(table, pair) = thread->free;
	thread->free = pair;
	thread->free_count++;
}

static uint32_t pop(struct flow_table *table, struct flow_thread *thread)
{
	uint32_t pair = thread->free;

	thread->free = *next_of(table, pair);
	thread->free_count--;
	return pair;
}

static void lock_shared(struct flow_table *table)
{
	while (__atomic_exchange_n(&table->shared_lock, 1, __ATOMIC_ACQUIRE) != 0)
		rte_pause();
}

static void unlock_shared(struct flow_table *table)
{
	__atomic_store_n(&table->shared_lock, 0, __ATOMIC_RELEASE);
}

/* So that no thread keeps what another one needs. */
static void share(struct flow_table *table, struct flow_thread *thread)
{
	lock_shared(table);
	for (uint32_t i = 0; i < FREE_MOST / 2; i++) {
		uint32_t pair = pop(table, thread);
		*next_of(table, pair) = table->shared_free;
		__atomic_store_n(&table->shared_free, pair, __ATOMIC_RELAXED);
	}
	unlock_shared(table);
}

void flow_pair_free(struct flow_table *table, struct flow_thread *thread, uint32_t pair)
{
	struct flow_pair *freed = &table->pairs[pair];
	struct flow_count *forward = &freed->count[FLOW_FORWARD];
	uint32_t use = (__atomic_load_n(&forward->state, __ATOMIC_RELAXED) & ~PAIR_STATES) + PAIR_USE;

	/* All but what others look at. */
	memset(freed, 0, offsetof(struct flow_pair, count[FLOW_FORWARD].state));
	memset(&freed->count[FLOW_REVERSE], 0, sizeof(freed->count[FLOW_REVERSE]));
	forward->token = 0;
	__atomic_store_n(&forward->made, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&forward->queued, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&forward->state, use | PAIR_FREE, __ATOMIC_RELEASE);
	push(table, thread, pair);
	if (thread->free_count >= FREE_MOST)
		share(table, thread);
}

void flow_pair_leave(struct flow_table *table, struct flow_thread *thread, uint32_t pair)
{
	/* Before the token: who finds it by a queue from now on may not read it. */
	__atomic_store_n(&table->pairs[pair].count[FLOW_FORWARD].queued, 0, __ATOMIC_RELEASE);
	*next_of(table, pair) = FLOW_NONE;
	table->pairs[pair].count[FLOW_FORWARD].token = rcu_token();
	if (thread->limbo_last == FLOW_NONE)
		thread->limbo_first = pair;
	else
		*next_of(table, thread->limbo_last) = pair;
	thread->limbo_last = pair;
	thread->limbo_count++;
}

void flow_pairs_reclaim(struct flow_table *table, struct flow_thread *thread)
{
	if (thread->limbo_first == FLOW_NONE)
		return;
	uint64_t passed = rcu_passed();
	for (uint32_t i = 0; i < BATCH && thread->limbo_first != FLOW_NONE; i++) {
		uint32_t pair = thread->limbo_first;
		if (table->pairs[pair].count[FLOW_FORWARD].token > passed)
			return;
		thread->limbo_first = *next_of(table, pair);
		if (thread->limbo_first == FLOW_NONE)
			thread->limbo_last = FLOW_NONE;
		thread->limbo_count--;
		flow_pair_free(table, thread, pair);
	}
}

bool flow_short(const struct flow_table *table, const struct flow_thread *thread, uint32_t reserve)
{
	return thread->free_count + thread->limbo_count < reserve &&
	       __atomic_load_n(&table->shared_free, __ATOMIC_RELAXED) == FLOW_NONE &&
	       __atomic_load_n(&table->header->high_water, __ATOMIC_RELAXED) == table->capacity;
}

static void take_shared(struct flow_table *table, struct flow_thread *thread)
{
	lock_shared(table);
	for (uint32_t i = 0; i < BATCH && table->shared_free != FLOW_NONE; i++) {
		uint32_t pair = table->shared_free;
		__atomic_store_n(&table->shared_free, *next_of(table, pair), __ATOMIC_RELAXED);
		push(table, thread, pair);
	}
	unlock_shared(table);
}

static void take_unused(struct flow_table *table, struct flow_thread *thread)
{
	uint32_t *high_water = &table->header->high_water, from = __atomic_load_n(high_water, __ATOMIC_RELAXED), count;

	do {
		count = table->capacity - from < BATCH ? table->capacity - from : BATCH;
		if (count == 0)
			return;
	} while (!__atomic_compare_exchange_n(
	        high_water, &from, from + count, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	for (uint32_t i = count; i > 0; i--)
		push(table, thread, from + i - 1);
}

/* The one that will be taken after this. */
static void fetch(const struct flow_pair *pair)
{
	for (uint32_t i = 0; i < 2; i++) {
		__builtin_prefetch(&pair->half[i], 1);
		__builtin_prefetch(&pair->count[i], 1);
	}
}

uint32_t flow_take(struct flow_table *table, struct flow_thread *thread)
{
	if (thread->free_count == 0)
		flow_pairs_reclaim(table, thread);
	if (thread->free_count == 0)
		take_shared(table, thread);
	if (thread->free_count == 0)
		take_unused(table, thread);
	if (thread->free_count == 0)
		return FLOW_NONE;
	uint32_t pair = pop(table, thread);
	*next_of(table, pair) = 0;
	if (thread->free != FLOW_NONE)
		fetch(&table->pairs[thread->free]);
	return pair;
}

/* When there was room for its first key only, others may have found it by that for a moment. */
void flow_give(struct flow_table *table, struct flow_thread *thread, uint32_t pair)
{
	flow_pair_leave(table, thread, pair);
}

void flow_thread_init(struct flow_thread *thread, uint32_t index, uint32_t threads)
{
	*thread = (struct flow_thread){.free = FLOW_NONE,
	        .limbo_first = FLOW_NONE,
	        .limbo_last = FLOW_NONE,
	        .cursor = index * FLOW_BLOCK,
	        .index = index,
	        .threads = threads};
}
