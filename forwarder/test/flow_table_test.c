/* flow_table.c against a plain list, over restarts, full, and with four threads that add, remove and search at once. */
#include "flow_table.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "rcu.h"
#include "test.h"

#define CAPACITY 4096u

static struct flow_table table;
static struct flow_thread thread;
static void *memory;

static uint32_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 16);
}

/* Keys of flow `number` in `context`: distinct for distinct numbers and contexts; every third of IPv6. */
static void keys_of(uint32_t number, uint32_t context, struct flow_key *keys)
{
	uint32_t a = 0x0a000000u | number, b = 0x0b000000u | number / 7;
	uint32_t at = number % 3 == 0 ? 12 : 0;

	memset(keys, 0, 2 * sizeof(*keys));
	keys[0] = (struct flow_key){.src_port = (uint16_t)number,
	        .dst_port = 80,
	        .context = context,
	        .protocol = 6,
	        .family = number % 3 == 0 ? 6 : 4};
	memcpy(keys[0].src + at, &a, 4);
	memcpy(keys[0].dst + at, &b, 4);
	keys[1] = keys[0];
	memcpy(keys[1].src, keys[0].dst, 16);
	memcpy(keys[1].dst, keys[0].src, 16);
	keys[1].src_port = keys[0].dst_port;
	keys[1].dst_port = keys[0].src_port;
	keys[1].context = context + 1000;
}

static int add(struct flow_thread *who, uint32_t number, uint32_t context, uint32_t *ref)
{
	struct flow_key keys[2];
	uint32_t pair = flow_take(&table, who);

	if (pair == FLOW_NONE)
		return -ENOBUFS;
	keys_of(number, context, keys);
	for (uint32_t i = 0; i < 2; i++)
		table.pairs[pair].half[i].key = keys[i];
	int result = flow_add(&table, pair, ref);
	if (result == 0)
		*ref = pair << 1;
	else
		flow_give(&table, who, pair);
	return result;
}

static uint32_t find(uint32_t number, uint32_t context, uint32_t direction)
{
	struct flow_key keys[2];
	const struct flow_key *asked[1] = {&keys[direction]};
	uint32_t ref;

	keys_of(number, context, keys);
	flow_find(&table, asked, &ref, 1);
	return ref;
}

static bool any(struct flow_pair *pair, void *context)
{
	return true;
}

static bool even(struct flow_pair *pair, void *context)
{
	return pair->half[0].key.src_port % 2 == 0;
}

static void remove_it(struct flow_pair *pair, uint32_t number, void *context)
{
	flow_remove(&table, context, number);
}

static void remove_even(struct flow_pair *pair, uint32_t number, void *context)
{
	if (even(pair, NULL))
		flow_remove(&table, context, number);
}

static void begin(uint32_t capacity)
{
	bool fresh;

	rcu_init();
	rcu_register(0);
	memory = aligned_alloc(4096, (flow_table_bytes(capacity) + 4095) & ~4095UL);
	memset(memory, 0, flow_table_bytes(capacity));
	if (flow_table_open(&table, memory, capacity, any, NULL, &fresh) != 0 || !fresh)
		abort();
	flow_thread_init(&thread, 0, 1);
}

static void end(void)
{
	flow_table_close(&table);
	free(memory);
	rcu_unregister(0);
	rcu_fini();
}

TEST(finds_both_directions_and_no_other)
{
	uint32_t ref, other;

	begin(CAPACITY);
	CHECK_EQ(add(&thread, 7, 1, &ref), 0);
	CHECK_EQ(find(7, 1, FLOW_FORWARD), ref);
	CHECK_EQ(find(7, 1, FLOW_REVERSE), ref | FLOW_REVERSE);
	CHECK_EQ(find(7, 2, FLOW_FORWARD), FLOW_NONE);
	CHECK_EQ(find(8, 1, FLOW_FORWARD), FLOW_NONE);
	CHECK_EQ(add(&thread, 7, 1, &other), -EEXIST);
	CHECK_EQ(other, ref);
	CHECK_EQ(flow_count(&table), 1);
	CHECK(flow_remove(&table, &thread, ref >> 1));
	CHECK(!flow_remove(&table, &thread, ref >> 1));
	CHECK_EQ(find(7, 1, FLOW_FORWARD), FLOW_NONE);
	CHECK_EQ(find(7, 1, FLOW_REVERSE), FLOW_NONE);
	CHECK_EQ(flow_count(&table), 0);
	end();
}

TEST(refuses_a_reverse_key_that_is_taken)
{
	struct flow_key keys[2];
	uint32_t ref, other, pair;

	begin(CAPACITY);
	CHECK_EQ(add(&thread, 7, 1, &ref), 0);
	pair = flow_take(&table, &thread);
	keys_of(7, 1, keys);
	table.pairs[pair].half[1].key = keys[1];
	keys_of(8, 1, keys);
	table.pairs[pair].half[0].key = keys[0];
	CHECK_EQ(flow_add(&table, pair, &other), -EADDRINUSE);
	CHECK_EQ(other, ref | FLOW_REVERSE);
	CHECK_EQ(find(8, 1, FLOW_FORWARD), FLOW_NONE);
	end();
}

/* A pair that was removed is read until all are quiescent, and only then given out again. */
TEST(gives_no_pair_out_that_is_still_read)
{
	uint32_t ref, again;

	begin(1);
	CHECK_EQ(add(&thread, 1, 1, &ref), 0);
	CHECK(flow_remove(&table, &thread, ref >> 1));
	CHECK_EQ(flow_take(&table, &thread), FLOW_NONE);
	CHECK_EQ(table.pairs[ref >> 1].half[0].key.src_port, 1);
	rcu_quiescent(0);
	CHECK_EQ(add(&thread, 2, 1, &again), 0);
	end();
}

TEST(agrees_with_a_list)
{
	static uint32_t refs[2 * CAPACITY];
	uint64_t seed = 88172645463325252ULL;
	uint32_t count = 0;

	begin(CAPACITY);
	for (uint32_t i = 0; i < 2 * CAPACITY; i++)
		refs[i] = FLOW_NONE;
	for (uint32_t step = 0; step < 400000; step++) {
		uint32_t number = next_random(&seed) % (2 * CAPACITY);
		CHECK_EQ(find(number, 5, FLOW_FORWARD), refs[number]);
		CHECK_EQ(find(number, 5, FLOW_REVERSE), refs[number] == FLOW_NONE ? FLOW_NONE : refs[number] | 1);
		if (refs[number] != FLOW_NONE) {
			CHECK(flow_remove(&table, &thread, refs[number] >> 1));
			refs[number] = FLOW_NONE;
			count--;
		} else if (count < CAPACITY) {
			rcu_quiescent(0);
			CHECK_EQ(add(&thread, number, 5, &refs[number]), 0);
			count++;
		}
		CHECK_EQ(flow_count(&table), count);
	}
	end();
}

/* Every pair fits, again and again with other keys, though buckets overflow. */
TEST(holds_as_many_as_it_promises)
{
	uint32_t ref;

	begin(CAPACITY);
	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < CAPACITY; i++) {
			CHECK_EQ(add(&thread, round * CAPACITY + i, 5, &ref), 0);
			rcu_quiescent(0);
		}
		CHECK_EQ(flow_count(&table), CAPACITY);
		CHECK_EQ(flow_take(&table, &thread), FLOW_NONE);
		for (uint32_t i = 0; i < CAPACITY; i++)
			CHECK(find(round * CAPACITY + i, 5, FLOW_REVERSE) != FLOW_NONE);
		while (flow_count(&table) > 0)
			flow_sweep(&table, &thread, 100, remove_it, &thread);
		rcu_quiescent(0);
	}
	end();
}

TEST(is_taken_over_by_the_next_process)
{
	uint32_t ref;
	bool fresh;

	begin(CAPACITY);
	for (uint32_t i = 0; i < 1000; i++)
		CHECK_EQ(add(&thread, i, 5, &ref), 0);
	CHECK(flow_remove(&table, &thread, find(500, 5, FLOW_FORWARD) >> 1));
	table.pairs[find(501, 5, FLOW_FORWARD) >> 1].half[0].key.family = 9;
	table.pairs[find(502, 5, FLOW_FORWARD) >> 1].half[1].key.pad[3] = 1;
	flow_table_close(&table);
	CHECK_EQ(flow_table_open(&table, memory, CAPACITY, even, NULL, &fresh), 0);
	CHECK(!fresh);
	flow_thread_init(&thread, 0, 1);
	CHECK_EQ(flow_count(&table), 498);
	for (uint32_t i = 0; i < 1000; i++) {
		bool there = i % 2 == 0 && i != 500 && i != 502;
		CHECK_EQ(find(i, 5, FLOW_FORWARD) != FLOW_NONE, there);
		CHECK_EQ(find(i, 5, FLOW_REVERSE) != FLOW_NONE, there);
	}
	for (uint32_t i = 0; i < CAPACITY - 498; i++)
		CHECK_EQ(add(&thread, 5000 + i, 5, &ref), 0);
	CHECK_EQ(flow_take(&table, &thread), FLOW_NONE);
	flow_table_close(&table);
	CHECK_EQ(flow_table_open(&table, memory, CAPACITY / 2, any, NULL, &fresh), 0);
	CHECK(fresh);
	CHECK_EQ(flow_count(&table), 0);
	end();
}

#define THREADS 4u
#define SHARED  600u
#define STEPS   40000u

static uint32_t wrong;

/* All four add, remove and search the same flows: whatever is found has the key that was asked for. */
static void *torture(void *argument)
{
	uint32_t id = (uint32_t)(uintptr_t)argument, ref;
	uint64_t seed = 0x9e3779b97f4a7c15ULL + id;
	struct flow_thread own;

	rcu_register(id);
	flow_thread_init(&own, id - 1, THREADS);
	for (uint32_t step = 0; step < STEPS; step++) {
		uint32_t number = next_random(&seed) % SHARED, direction = number & 1;
		struct flow_key keys[2];
		const struct flow_key *asked[1] = {&keys[direction]};
		keys_of(number, 5, keys);
		flow_find(&table, asked, &ref, 1);
		if (ref != FLOW_NONE && ((ref & 1) != direction || memcmp(&flow_pair(&table, ref)->half[direction].key,
		                                                           &keys[direction], sizeof(keys[0])) != 0))
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		uint32_t what = next_random(&seed) % 3;
		if (what == 0 && ref != FLOW_NONE)
			flow_remove(&table, &own, ref >> 1);
		else if (what == 1)
			add(&own, number, 5, &ref);
		else
			flow_sweep(&table, &own, 2, remove_even, &own);
		rcu_quiescent(id);
	}
	rcu_unregister(id);
	return NULL;
}

TEST(four_threads_at_once)
{
	pthread_t threads[THREADS];
	uint32_t left = 0;

	begin(SHARED);
	rcu_offline(0);
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, torture, (void *)(uintptr_t)(i + 1));
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	rcu_online(0);
	CHECK_EQ(wrong, 0);
	for (uint32_t number = 0; number < SHARED; number++) {
		uint32_t forward = find(number, 5, FLOW_FORWARD), reverse = find(number, 5, FLOW_REVERSE);
		CHECK_EQ(forward == FLOW_NONE, reverse == FLOW_NONE);
		CHECK(forward == FLOW_NONE || forward + 1 == reverse);
		left += forward != FLOW_NONE;
	}
	CHECK_EQ(flow_count(&table), left);
	while (flow_count(&table) > 0)
		flow_sweep(&table, &thread, 100, remove_it, &thread);
	for (uint32_t bucket = 0; bucket <= table.mask; bucket++)
		CHECK(memcmp((uint8_t *)table.buckets + bucket * 64, (uint8_t[16]){0}, 16) == 0);
	end();
}

TEST_MAIN(CASE(finds_both_directions_and_no_other), CASE(refuses_a_reverse_key_that_is_taken),
        CASE(gives_no_pair_out_that_is_still_read), CASE(agrees_with_a_list), CASE(holds_as_many_as_it_promises),
        CASE(is_taken_over_by_the_next_process), CASE(four_threads_at_once))
