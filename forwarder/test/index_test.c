/* index.c against a plain list, and with a reader at work while the writer changes and grows it. */
#include "index.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "rcu.h"
#include "test.h"

#define NUMBERS 5000

static uint64_t seed = 0x9e3779b97f4a7c15ULL;

static uint32_t random32(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static bool has(const struct index *index, uint32_t hash, uint32_t number)
{
	struct index_cursor cursor = index_first(index, hash);
	for (uint32_t found; (found = index_next(&cursor)) != INDEX_END;)
		if (found == number)
			return true;
	return false;
}

/* Few hashes, so that chains are long and numbers share them; 0 and all ones among them. */
static uint32_t hash_of(uint32_t number)
{
	static const uint32_t special[] = {0, 0xffffffff, 0x80000000, 15};
	return number % 3 == 0 ? special[number / 3 % 4] + number % 40 : number * 2654435761u;
}

TEST(agrees_with_a_list)
{
	static bool there[NUMBERS];
	struct index index = {0};
	uint32_t count = 0;
	for (int step = 0; step < 60000; step++) {
		uint32_t number = random32() % NUMBERS, hash = hash_of(number);
		CHECK_EQ(has(&index, hash, number), there[number]);
		if (there[number]) {
			index_remove(&index, hash, number);
			count--;
		} else {
			CHECK_EQ(index_reserve(&index, 1), 0);
			index_insert(&index, hash, number);
			count++;
		}
		there[number] = !there[number];
		CHECK_EQ(index.count, count);
		if (step % 64 == 0)
			rcu_reclaim();
	}
	for (uint32_t number = 0; number < NUMBERS; number++)
		CHECK_EQ(has(&index, hash_of(number), number), there[number]);
	index_free(&index);
	CHECK(!has(&index, hash_of(1), 1));
}

TEST(a_replaced_number_takes_the_place_of_the_old_one)
{
	struct index index = {0};
	CHECK_EQ(index_reserve(&index, 2), 0);
	index_insert(&index, 7, 1);
	index_insert(&index, 7, 2);
	index_replace(&index, 7, 1, 3);
	CHECK(!has(&index, 7, 1) && has(&index, 7, 2) && has(&index, 7, 3));
	index_free(&index);
}

static struct index shared;
static bool stop, missed;

static void *search(void *unused)
{
	(void)unused;
	rcu_register(1);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		for (uint32_t number = 0; number < 100; number++)
			if (!has(&shared, hash_of(number), number))
				__atomic_store_n(&missed, true, __ATOMIC_RELEASE);
		rcu_quiescent(1);
	}
	rcu_unregister(1);
	return NULL;
}

TEST(a_reader_never_misses_what_stays)
{
	pthread_t reader;
	CHECK_EQ(index_reserve(&shared, 100), 0);
	for (uint32_t number = 0; number < 100; number++)
		index_insert(&shared, hash_of(number), number);
	CHECK_EQ(pthread_create(&reader, NULL, search, NULL), 0);
	for (int round = 0; round < 20; round++) {
		for (uint32_t number = 100; number < 2000; number++) {
			CHECK_EQ(index_reserve(&shared, 1), 0);
			index_insert(&shared, hash_of(number), number);
		}
		for (uint32_t number = 100; number < 2000; number++)
			index_remove(&shared, hash_of(number), number);
		rcu_reclaim();
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(reader, NULL);
	CHECK(!missed);
	index_free(&shared);
}

int main(void)
{
	static const struct test_case cases[] = {CASE(agrees_with_a_list),
	        CASE(a_replaced_number_takes_the_place_of_the_old_one), CASE(a_reader_never_misses_what_stays)};
	if (rcu_init())
		return 1;
	int failed = test_run(cases, 3);
	rcu_fini();
	return failed;
}
