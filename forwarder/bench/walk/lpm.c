/*
 * Longest prefix match alone: cycles per lookup in bursts of 32 over destinations in random order, prefixes inserted
 * per second, and memory. Quiet machine wanted; ratios are what counts.
 *
 *     bench-lpm [MILLION_LOOKUPS]
 */
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "lpm.h"
#include "rcu.h"

#define BURST        32u
#define DESTINATIONS (1u << 16) /* in the list that is walked again and again, for few prefixes */

static uint64_t seed = 88172645463325252ULL;

static uint32_t random32(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

/* Prefix number i of a kind: neighbours, or spread over the address space. */
struct kind {
	const char *name;
	uint8_t family, length;
	bool spread;
};

static void prefix(const struct kind *kind, uint32_t i, uint8_t *address)
{
	uint32_t bits = kind->spread ? i * 2654435761u : i, width = kind->family == 4 ? 32 : 64;
	uint64_t value = (uint64_t)bits << (kind->spread ? width - 32 : width - kind->length);
	memset(address, 0, 16);
	if (kind->family == 4) {
		uint32_t be = __builtin_bswap32((uint32_t)value + (kind->spread ? 0 : 20u << 24));
		if (kind->length < 32)
			be &= __builtin_bswap32(~0u << (32 - kind->length));
		memcpy(address, &be, 4);
	} else {
		uint64_t be = __builtin_bswap64((kind->spread ? value >> 12 : value) | 0x2001ULL << 48);
		memcpy(address, &be, 8);
		memset(address + kind->length / 8, 0, 16 - kind->length / 8);
	}
}

static uint64_t find(const struct lpm *lpm, uint8_t family, const uint8_t (*addresses)[16], const uint32_t *be)
{
	uint32_t values[BURST], sum = 0;
	const uint8_t *pointers[BURST];
	if (family == 4) {
		lpm_find4_burst(lpm, be, values, BURST);
	} else {
		for (uint32_t i = 0; i < BURST; i++)
			pointers[i] = addresses[i];
		lpm_find6_burst(lpm, pointers, values, BURST);
	}
	for (uint32_t i = 0; i < BURST; i++)
		sum += values[i] != 0;
	return sum;
}

static void run(const struct kind *kind, uint32_t count, uint64_t lookups)
{
	struct lpm lpm = {0};
	uint8_t address[16];
	struct mallinfo2 before = mallinfo2();
	struct timespec start, end;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint32_t i = 0; i < count; i++) {
		prefix(kind, i, address);
		if (lpm_insert(&lpm, kind->family, address, kind->length, i + 1))
			exit(1);
		if (i % 256 == 255)
			rcu_reclaim();
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	rcu_barrier();
	struct mallinfo2 after = mallinfo2();
	uint64_t bytes = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
	uint32_t list = count > DESTINATIONS ? count : DESTINATIONS;
	uint8_t(*addresses)[16] = malloc((size_t)list * 16);
	uint32_t *be = malloc((size_t)list * 4);
	if (!addresses || !be)
		exit(1);
	for (uint32_t i = 0; i < list; i++) {
		prefix(kind, random32() % count, addresses[i]);
		memcpy(&be[i], addresses[i], 4);
	}
	uint64_t found = 0, done = 0;
	uint64_t begin = rte_rdtsc_precise();
	for (uint32_t at = 0; done<lookups; done += BURST, at = at + 2 * BURST> list ? 0 : at + BURST)
		found += find(&lpm, kind->family, addresses + at, be + at);
	double cycles = (double)(rte_rdtsc_precise() - begin) / (double)done;
	printf("%-16s %8u prefixes  %6.1f cycles/lookup  %5.2f M inserts/s  %6.1f MiB\n", kind->name, count, cycles,
	        count / seconds / 1e6, (double)(bytes + lpm.flat_bytes) / 1048576);
	if (found != done)
		printf("%lu of %lu found\n", found, done), exit(1);
	lpm_free(&lpm);
	rcu_barrier();
	free(addresses);
	free(be);
}

int main(int count, char **arguments)
{
	static const struct kind kinds[] = {
	        {"IPv4 /24", 4, 24, false},
	        {"IPv4 /24 spread", 4, 24, true},
	        {"IPv4 /32", 4, 32, false},
	        {"IPv4 /32 spread", 4, 32, true},
	        {"IPv6 /64", 6, 64, false},
	        {"IPv6 /64 spread", 6, 64, true},
	};
	static const uint32_t counts[] = {1, 1000, 100000, 1000000};
	uint64_t lookups = (count > 1 ? strtoull(arguments[1], NULL, 10) : 4) * 1000000;
	if (rcu_init())
		return 1;
	for (uint32_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
		for (uint32_t i = 0; i < 4; i++)
			run(&kinds[kind], counts[i], lookups);
	rcu_fini();
	return 0;
}
