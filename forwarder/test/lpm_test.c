/* lpm.c and lpm_update.c against a list of prefixes that is searched one by one. */
#include "lpm.h"

#include <errno.h>
#include <string.h>

#include "lpm_flat.h"
#include "rcu.h"
#include "test.h"

#define PREFIXES 600

struct naive {
	uint8_t address[16];
	uint8_t length;
	uint32_t value; /* 0: not there */
};

static uint64_t seed = 88172645463325252ULL;

static uint32_t random32(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static void cut(uint8_t *address, uint32_t bits)
{
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t kept = bits <= 8 * i ? 0 : bits - 8 * i;
		if (kept < 8)
			address[i] &= (uint8_t)(0xff00u >> kept);
	}
}

static bool covers(const struct naive *prefix, const uint8_t *address)
{
	uint8_t copy[16];
	memcpy(copy, address, 16);
	cut(copy, prefix->length);
	return prefix->value && memcmp(copy, prefix->address, 16) == 0;
}

static uint32_t naive_find(const struct naive *list, const uint8_t *address)
{
	int longest = -1;
	uint32_t value = 0;
	for (int i = 0; i < PREFIXES; i++)
		if (covers(&list[i], address) && list[i].length > longest) {
			longest = list[i].length;
			value = list[i].value;
		}
	return value;
}

/* Close together, so that they fill pages of the direct table (lpm_flat.h). */
static void near_address(uint8_t *address)
{
	const uint8_t bytes[4] = {10, 0, (uint8_t)(random32() % 2), (uint8_t)random32()};
	memset(address, 0, 16);
	memcpy(address, bytes, 4);
}

/* Few distinct bytes, so that prefixes nest and share paths. */
static void random_address(uint8_t *address, uint8_t family)
{
	static const uint8_t bytes[] = {0, 1, 10, 0x80, 0xff, 0xfe};
	memset(address, 0, 16);
	for (int i = 0; i < (family == 4 ? 4 : 16); i++)
		address[i] = random32() % 5 ? bytes[random32() % 6] : (uint8_t)random32();
}

static uint32_t find(const struct lpm *lpm, uint8_t family, const uint8_t *address)
{
	if (family == 6)
		return lpm_find6(lpm, address);
	uint32_t be, alone, burst[3], wanted[3];
	memcpy(&be, address, 4);
	alone = lpm_find4(lpm, __builtin_bswap32(be));
	wanted[0] = wanted[2] = be;
	wanted[1] = ~be;
	lpm_find4_burst(lpm, wanted, burst, 3);
	return burst[0] == alone && burst[2] == alone && burst[1] == lpm_find4(lpm, ~__builtin_bswap32(be))
	               ? alone
	               : UINT32_MAX;
}

static int count_there(const struct naive *list)
{
	int count = 0;
	for (int i = 0; i < PREFIXES; i++)
		count += list[i].value != 0;
	return count;
}

static bool known(const struct naive *list, const uint8_t *address, uint8_t length)
{
	for (int i = 0; i < PREFIXES; i++)
		if (list[i].value && list[i].length == length && memcmp(list[i].address, address, 16) == 0)
			return true;
	return false;
}

/* Prefixes come, change and go; `near`: IPv4 ones that are close together. */
static void churn(uint8_t family, bool near)
{
	static struct naive list[PREFIXES];
	struct lpm lpm = {0};
	uint8_t address[16];
	uint32_t direct = 0;
	memset(list, 0, sizeof(list));
	for (int step = 0; step < 20000; step++) {
		struct naive *one = &list[random32() % PREFIXES];
		if (one->value) {
			if (random32() % 3 == 0) {
				one->value = step + 1;
				CHECK_EQ(lpm_insert(&lpm, family, one->address, one->length, one->value), 0);
			} else {
				CHECK_EQ(lpm_delete(&lpm, family, one->address, one->length), 0);
				CHECK_EQ(lpm_delete(&lpm, family, one->address, one->length), -ENOENT);
				one->value = 0;
			}
		} else {
			struct naive fresh = {
			        .length = (uint8_t)(random32() % (family == 4 ? 33 : 129)), .value = step + 1};
			if (near && step % 4)
				fresh.length = (uint8_t)(25 + random32() % 8);
			if (near)
				near_address(fresh.address);
			else
				random_address(fresh.address, family);
			cut(fresh.address, fresh.length);
			if (known(list, fresh.address, fresh.length))
				continue;
			*one = fresh;
			CHECK_EQ(lpm_insert(&lpm, family, one->address, one->length, one->value), 0);
		}
		for (int i = 0; i < 4; i++) {
			if (near && i < 3)
				near_address(address);
			else if (i < 2)
				random_address(address, family);
			else
				memcpy(address, list[random32() % PREFIXES].address, 16);
			CHECK_EQ(find(&lpm, family, address), naive_find(list, address));
		}
		CHECK_EQ(lpm.count, count_there(list));
		direct += lpm.flat && flat_find(lpm.flat, 10u << 24 | random32() % 512);
		rcu_reclaim();
	}
	CHECK(!near || direct > 8000);
	for (int i = 0; i < PREFIXES; i++)
		if (list[i].value)
			CHECK_EQ(lpm_delete(&lpm, family, list[i].address, list[i].length), 0);
	CHECK(lpm.root == NULL && lpm.flat == NULL);
	CHECK_EQ(lpm.count, 0);
	CHECK_EQ(lpm.flat_bytes, 0);
}

TEST(agrees_with_a_naive_search_for_ipv4)
{
	churn(4, false);
}
TEST(agrees_with_a_naive_search_for_ipv6)
{
	churn(6, false);
}

TEST(the_direct_table_agrees_with_a_naive_search)
{
	churn(4, true);
}

TEST(the_direct_table_shrinks_with_its_prefixes)
{
	enum { COUNT = 20000 };
	struct lpm lpm = {0};
	uint8_t address[16] = {0};
	for (uint32_t i = 0; i < COUNT; i++) {
		memcpy(address, (uint32_t[]){__builtin_bswap32(i * 0x35a00u)}, 4);
		CHECK_EQ(lpm_insert(&lpm, 4, address, 24, i + 1), 0);
	}
	CHECK(lpm.flat_bytes > flat_limit(COUNT) / 2 && lpm.flat_bytes <= flat_limit(COUNT));
	for (uint32_t i = 0; i < COUNT; i++) {
		memcpy(address, (uint32_t[]){__builtin_bswap32(i * 0x35a00u)}, 4);
		CHECK_EQ(find(&lpm, 4, address), i + 1);
		if (i % 20)
			CHECK_EQ(lpm_delete(&lpm, 4, address, 24), 0);
	}
	CHECK(lpm.flat_bytes <= 5 * flat_limit(lpm.count));
	for (uint32_t i = 0; i < COUNT; i++) {
		memcpy(address, (uint32_t[]){__builtin_bswap32(i * 0x35a00u)}, 4);
		CHECK_EQ(find(&lpm, 4, address), i % 20 ? 0 : i + 1);
	}
	lpm_free(&lpm);
	CHECK_EQ(lpm.flat_bytes, 0);
}

/* Neighbouring hosts, enough for pages. */
static int add_hosts(struct lpm *lpm, uint32_t value)
{
	uint8_t address[16] = {10};
	for (uint32_t i = 0; i < 512; i++) {
		address[2] = (uint8_t)(i >> 8);
		address[3] = (uint8_t)i;
		if (lpm_insert(lpm, 4, address, 32, value))
			return -1;
	}
	return 0;
}

TEST(a_page_is_not_used_again_while_a_reader_may_see_it)
{
	struct lpm first = {0}, second = {0};
	rcu_register(1);
	CHECK_EQ(add_hosts(&first, 7), 0);
	const uint32_t *place = flat_next(&first.flat[10 << 8], 0);
	place = flat_next(place, 9);
	CHECK(*place == (7 << 2 | FLAT_VALUE) && place != &first.flat[10 << 8]);
	lpm_free(&first);
	rcu_reclaim();
	CHECK_EQ(add_hosts(&second, 8), 0);
	CHECK(second.flat && *place == (7 << 2 | FLAT_VALUE));
	rcu_quiescent(1);
	rcu_unregister(1);
	lpm_free(&second);
	rcu_barrier();
}

TEST(an_empty_trie_finds_nothing)
{
	struct lpm lpm = {0};
	uint8_t address[16] = {1};
	CHECK_EQ(lpm_find4(&lpm, 1), 0);
	CHECK_EQ(lpm_find6(&lpm, address), 0);
	CHECK_EQ(lpm_delete(&lpm, 4, address, 8), -ENOENT);
}

TEST(a_host_route_beats_the_default_route)
{
	struct lpm lpm = {0};
	uint8_t zero[16] = {0}, host[16] = {255, 255, 255, 255};
	CHECK_EQ(lpm_insert(&lpm, 4, zero, 0, 1), 0);
	CHECK_EQ(lpm_insert(&lpm, 4, host, 32, 2), 0);
	CHECK_EQ(lpm_find4(&lpm, 0xffffffff), 2);
	CHECK_EQ(lpm_find4(&lpm, 0xfffffffe), 1);
	lpm_free(&lpm);
	CHECK_EQ(lpm_find4(&lpm, 0xffffffff), 0);
}

int main(void)
{
	static const struct test_case cases[] = {CASE(agrees_with_a_naive_search_for_ipv4),
	        CASE(agrees_with_a_naive_search_for_ipv6), CASE(the_direct_table_agrees_with_a_naive_search),
	        CASE(the_direct_table_shrinks_with_its_prefixes),
	        CASE(a_page_is_not_used_again_while_a_reader_may_see_it), CASE(an_empty_trie_finds_nothing),
	        CASE(a_host_route_beats_the_default_route)};
	if (rcu_init())
		return 1;
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rcu_fini();
	return failed;
}
