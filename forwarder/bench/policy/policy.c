/*
 * Classifiers side by side: cycles per decision of one rule set, for rules of several shapes and headers that match,
 * that do not, and that cost most. Quiet machine wanted; ratios are what counts.
 *
 *     bench-policy [SHAPE]
 *
 * Random headers: every field of one rule, or of different ones. Costly ones: of the random ones and of edges of rules,
 * each measured alone, the slowest hundredth in random order. Cold: random ones that match, with 1 MiB of other memory
 * read before each, which empties a first-level and a second-level cache.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "classifier.h"

#define HEADERS 16384u
#define COSTLY  (HEADERS / 100)
#define ROUNDS  5u
/* Rounds of a classifier that takes ages end here. */
#define CYCLES_LIMIT 400000000ull

static uint64_t seed;

static uint32_t any(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static void set_address(struct fwd_rule_row *row, uint32_t address, uint8_t length)
{
	address = __builtin_bswap32(address & rule_mask(length));
	memcpy(row->address, &address, sizeof(address));
	row->prefix_length = length;
}

static struct fwd_rule_row tcp(uint32_t first, uint32_t last)
{
	return (struct fwd_rule_row){
	        .group = 1, .family = 4, .protocol = 6, .port_min = (uint16_t)first, .port_max = (uint16_t)last};
}

static struct fwd_rule_row networks(uint32_t i)
{
	struct fwd_rule_row row = tcp(443, 443);
	set_address(&row, i * 2654435761u, (uint8_t)(24 + i % 9));
	return row;
}

static struct fwd_rule_row ports(uint32_t i)
{
	return tcp(i * 40503 & 0xffff, i * 40503 & 0xffff);
}

static struct fwd_rule_row spans(uint32_t i)
{
	uint32_t first = any() & 0xffff, last = first + (any() & 0x3ff);
	struct fwd_rule_row row = tcp(first, last > 65535 ? 65535 : last);
	row.protocol = i % 2 ? 6 : 17;
	return row;
}

/* Chains of prefixes, each longer by one bit. */
static struct fwd_rule_row nested(uint32_t i)
{
	struct fwd_rule_row row = tcp(i % 25 * 100, i % 25 * 100 + 50);
	set_address(&row, i / 25 * 2654435761u, (uint8_t)(8 + i % 25));
	return row;
}

static struct fwd_rule_row mixed(uint32_t i)
{
	struct fwd_rule_row row = i % 4 == 0 ? ports(i) : i % 4 == 1 ? spans(i) : i % 4 == 2 ? networks(i) : nested(i);
	if (i % 8 == 1)
		set_address(&row, 10u << 24 | any(), (uint8_t)(16 + any() % 17));
	return row;
}

static const struct shape {
	const char *name;
	struct fwd_rule_row (*rule)(uint32_t i);
} shapes[] = {{"networks", networks}, {"ports", ports}, {"ranges", spans}, {"nested", nested}, {"mixed", mixed}};

static struct fwd_rule_row rules[10000];
static struct rule_query headers[HEADERS], costly[COSTLY];
static volatile uint32_t sink;
static uint8_t other[1 << 20];

static struct rule_query header_of(const struct fwd_rule_row *address, const struct fwd_rule_row *value, bool edge)
{
	uint32_t span = value->port_max - value->port_min + 1u,
	         word = rule_address(address) | (any() & ~rule_mask(address->prefix_length)),
	         number = edge ? (any() & 1 ? value->port_max + 1u : value->port_min - 1u) & 0xffff
	                       : value->port_min + any() % span;
	uint32_t key = (uint32_t)value->protocol << 16 | number;
	return (struct rule_query){.key = key, .any_protocol_key = RULES_ANY_PROTOCOL | number, .words = {word}};
}

enum kind { HIT, MISS, EITHER };

/* Headers of that kind, by what the slow classifier says. */
static uint32_t make_headers(enum kind kind, uint32_t count, const void *linear)
{
	uint32_t made = 0;
	for (uint32_t tries = 0; made < HEADERS && tries < 40 * HEADERS; tries++) {
		const struct fwd_rule_row *a = &rules[any() % count], *b = kind == HIT ? a : &rules[any() % count];
		struct rule_query header = header_of(a, b, kind != HIT && any() & 1);
		if (kind == MISS && any() & 1)
			header.words[0] = any();
		bool hit = kind != EITHER && classify_linear.find(linear, &header) != RULES_NONE;
		if (kind == EITHER || hit == (kind == HIT))
			headers[made++] = header;
	}
	return made;
}

static double measure(
        const struct classifier *classifier, const void *made, const struct rule_query *of, uint32_t count)
{
	double best = 1e12;
	uint64_t all = rte_rdtsc();
	for (uint32_t round = 0; round < ROUNDS && rte_rdtsc() - all < CYCLES_LIMIT; round++) {
		uint32_t repeat = count < 1000 ? 100 : 1, sum = 0;
		uint64_t start = rte_rdtsc();
		for (uint32_t r = 0; r < repeat; r++)
			for (uint32_t i = 0; i < count; i++)
				sum += classifier->find(made, &of[i]);
		double cycles = (double)(rte_rdtsc() - start) / count / repeat;
		sink = sum;
		best = cycles < best ? cycles : best;
	}
	return best;
}

static uint64_t timed(const struct classifier *classifier, const void *made, const struct rule_query *of)
{
	uint64_t start = rte_rdtsc_precise();
	sink = classifier->find(made, of);
	return rte_rdtsc_precise() - start;
}

static uint64_t nothing(void)
{
	uint64_t start = rte_rdtsc_precise();
	return rte_rdtsc_precise() - start;
}

static double measure_cold(const struct classifier *classifier, const void *made)
{
	uint64_t sum = 0, count = HEADERS / 16;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t bytes = 0;
		for (uint32_t at = 0; at < sizeof(other); at += 64)
			bytes += other[at];
		sink = bytes;
		uint64_t cycles = timed(classifier, made, &headers[i]), empty = nothing();
		sum += cycles > empty ? cycles - empty : 0;
	}
	return (double)sum / (double)count;
}

struct cost {
	uint64_t cycles;
	uint32_t header;
};

static int by_cost(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;
	return (y->cycles > x->cycles) - (y->cycles < x->cycles);
}

static void choose_costly(const struct classifier *classifier, const void *made)
{
	static struct cost costs[HEADERS];
	for (uint32_t i = 0; i < HEADERS; i++) {
		costs[i] = (struct cost){UINT64_MAX, i};
		for (uint32_t repeat = 0; repeat < 8; repeat++) {
			uint64_t cycles = timed(classifier, made, &headers[i]);
			costs[i].cycles = cycles < costs[i].cycles ? cycles : costs[i].cycles;
		}
	}
	qsort(costs, HEADERS, sizeof(costs[0]), by_cost);
	for (uint32_t i = 0; i < COSTLY; i++)
		costly[i] = headers[costs[i].header];
}

static void agree(const struct classifier *classifier, const void *made, const void *linear, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (classifier->find(made, &headers[i]) != classify_linear.find(linear, &headers[i]))
			printf("%s answers otherwise than rule by rule\n", classifier->name), exit(1);
}

static void compare(const struct classifier *classifier, uint32_t count, const void *linear)
{
	size_t bytes;
	uint64_t start = rte_rdtsc();
	void *made = classifier->make(rules, count, &bytes);
	double kilo_cycles = (double)(rte_rdtsc() - start) / 1e3;
	seed = 7;
	uint32_t hits = make_headers(HIT, count, linear);
	agree(classifier, made, linear, hits);
	double hit = measure(classifier, made, headers, hits), cold = measure_cold(classifier, made);
	uint32_t misses = make_headers(MISS, count, linear);
	agree(classifier, made, linear, misses);
	double miss = measure(classifier, made, headers, misses);
	make_headers(EITHER, count, linear);
	double random = measure(classifier, made, headers, HEADERS);
	choose_costly(classifier, made);
	printf("  %-12s %9.0f %9.0f %9.0f %9.0f %9.0f %10.0f %11.0f\n", classifier->name, hit, miss, cold, random,
	        measure(classifier, made, costly, COSTLY), (double)bytes / 1024, kilo_cycles);
	classifier->drop(made);
}

static void run(const struct shape *shape)
{
	static const struct classifier *const all[] = {
	        &classify_linear, &classify_vectors, &classify_tuples, &classify_ours};
	for (uint32_t count = 10; count <= 10000; count *= 10) {
		size_t bytes;
		seed = 88172645463325252ull;
		for (uint32_t i = 0; i < count; i++) {
			rules[i] = shape->rule(i);
			rules[i].number = i;
		}
		void *linear = classify_linear.make(rules, count, &bytes);
		printf("%s, %u rules%*s hit      miss      cold    random    costly        KiB  make, kcyc\n",
		        shape->name, count, (int)(11 - strlen(shape->name)), "");
		for (uint32_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			compare(all[i], count, linear);
		classify_linear.drop(linear);
	}
}

int main(int argc, char **argv)
{
	memset(other, 1, sizeof(other));
	for (uint32_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (argc < 2 || strcmp(argv[1], shapes[i].name) == 0)
			run(&shapes[i]);
	return 0;
}
