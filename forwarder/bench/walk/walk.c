/*
 * The walk of a packet against the bare limit, on packets in memory: frames made from templates go in, and what comes
 * out is freed. Case A swaps MAC addresses, which is what testpmd's macswap does; case B is the whole walk. A B A B
 * ..., so that a noisy machine is noisy for both; the ratio is what counts. "net" is without making and freeing the
 * frames; medians, and the best round: what a quiet machine gives. Each case has a process of its own.
 *
 *     bench-walk [--quick] [--rounds N] [--json FILE] [--only CASE]
 *
 * Ends with 0 when every case was measured.
 */
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "walk_case.h"

#define ROUNDS_LIMIT  50
#define QUICK_LARGEST 1000u

static struct {
	int rounds;
	uint64_t packets;
	bool quick;
	const char *json, *only;
} options = {.rounds = 7, .packets = 4000000};

/* One case of one size: TSC cycles per packet, by round. */
struct result {
	double hz;
	double harness[ROUNDS_LIMIT], swap[ROUNDS_LIMIT], walk[ROUNDS_LIMIT];
};

static uint64_t left;

static int consume(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	left += n;
	rte_pktmbuf_free_bulk(mbufs, n);
	return n;
}

static void nothing(uint64_t packets)
{
	struct rte_mbuf *mbufs[WALK_BURST];

	for (uint64_t done = 0; done < packets; done += WALK_BURST) {
		walk_make(mbufs, WALK_BURST);
		walk_leave(mbufs, WALK_BURST);
	}
}

static void swap(uint64_t packets)
{
	struct rte_mbuf *mbufs[WALK_BURST];

	for (uint64_t done = 0; done < packets; done += WALK_BURST) {
		walk_make(mbufs, WALK_BURST);
		for (uint32_t i = 0; i < WALK_BURST; i++) {
			struct rte_ether_hdr *eth = rte_pktmbuf_mtod(mbufs[i], struct rte_ether_hdr *);
			struct rte_ether_addr old = eth->dst_addr;
			eth->dst_addr = eth->src_addr;
			eth->src_addr = old;
		}
		walk_leave(mbufs, WALK_BURST);
	}
}

static void walk(uint64_t packets)
{
	struct rte_mbuf *mbufs[WALK_BURST];

	for (uint64_t done = 0; done < packets; done += WALK_BURST) {
		walk_make(mbufs, WALK_BURST);
		walk_through(mbufs, WALK_BURST);
	}
}

/* Whole bursts. */
static uint64_t packets_of(const struct walk_case *which)
{
	uint64_t packets = options.packets / (which->copies > 1 ? which->copies : 1);

	return (packets + WALK_BURST - 1) / WALK_BURST * WALK_BURST;
}

/* TSC cycles per packet. */
static double measure(const struct walk_case *which, void (*run)(uint64_t), uint32_t copies)
{
	uint64_t packets = packets_of(which), dropped = walk_dropped();

	left = 0;
	uint64_t begin = rte_rdtsc_precise();
	run(packets);
	uint64_t end = rte_rdtsc_precise();
	dropped = walk_dropped() - dropped;
	if (left != packets * copies || dropped != (copies == 0 ? packets : 0)) {
		fprintf(stderr, "%s: of %lu packets %lu left and %lu were dropped: the tables are wrong\n", which->name,
		        packets, left, dropped);
		exit(2);
	}
	return (double)(end - begin) / (double)packets;
}

static bool is_wanted(const struct walk_case *which, uint32_t size)
{
	return size != 0 && !(options.quick && size > QUICK_LARGEST && which->copies == 1);
}

/* A case's process: writes one struct result a size. */
static void work(const struct walk_case *which, int out)
{
	walk_start(which, consume);
	for (uint32_t i = 0; i < WALK_SIZES && is_wanted(which, which->sizes[i]); i++) {
		struct result result = {.hz = (double)rte_get_tsc_hz()};
		walk_grow(which->sizes[i]);
		/* All destinations once, at least: some begin flows. */
		uint64_t first = packets_of(which) / 10;
		walk(first > which->sizes[i] ? first : which->sizes[i]);
		for (int round = 0; round < options.rounds; round++) {
			result.harness[round] = measure(which, nothing, 1);
			result.swap[round] = measure(which, swap, 1);
			result.walk[round] = measure(which, walk, which->copies);
		}
		if (write(out, &result, sizeof(result)) != sizeof(result))
			exit(2);
	}
	exit(0);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Sorts. */
static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_size);
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static void print(const struct walk_case *which, uint32_t size, struct result result)
{
	double net[ROUNDS_LIMIT];

	for (int i = 0; i < options.rounds; i++)
		net[i] = result.walk[i] - result.harness[i];
	double middle = median(net, options.rounds), swap_cycles = median(result.swap, options.rounds);
	double cycles = median(result.walk, options.rounds);
	printf("%-8s %9u  %7.2f  %9.1f  %6.1f  %6.1f  %8.1f  %13.1f %%\n", which->name, size, result.hz / cycles / 1e6,
	        cycles * 1e9 / result.hz, cycles, middle, net[0], 100 * swap_cycles / cycles);
	fflush(stdout);
}

static void json_values(FILE *out, const struct walk_case *which, uint32_t i, const char *contestant,
        const double *cycles, const double *harness)
{
	static const char *separator = "[\n";

	fprintf(out, "%s{\"group\": \"walk\", \"case\": \"%s\", \"title\": \"%s\", ", separator, which->name,
	        which->title);
	separator = ",\n";
	if (which->sizes[1] != 0)
		fprintf(out, "\"variant\": \"%u%s\", ",
		        which->sizes[i] % 1000 == 0 ? which->sizes[i] / 1000 : which->sizes[i],
		        which->sizes[i] % 1000 == 0 ? " k" : "");
	fprintf(out, "\"size\": %u, \"contestant\": \"%s\", \"unit\": \"net cycles\", \"better\": \"less\", ",
	        which->sizes[i], contestant);
	fprintf(out, "\"values\": [");
	for (int round = 0; round < options.rounds; round++)
		fprintf(out, "%s%.2f", round == 0 ? "" : ", ", cycles[round] - harness[round]);
	fprintf(out, "]}");
}

/* False: not all sizes were measured. */
static bool run_case(const struct walk_case *which, FILE *json)
{
	struct result result;
	int pipe_ends[2], status = -1;
	uint32_t i = 0;

	if (pipe(pipe_ends) != 0)
		return perror("pipe"), false;
	fprintf(stderr, "%s: %s\n", which->name, which->title);
	/* What is not written yet the child would write again. */
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		close(pipe_ends[0]);
		work(which, pipe_ends[1]);
	}
	close(pipe_ends[1]);
	/* Shorter than PIPE_BUF: never in parts. */
	for (; read(pipe_ends[0], &result, sizeof(result)) == sizeof(result); i++) {
		print(which, which->sizes[i], result);
		if (json == NULL)
			continue;
		json_values(json, which, i, "macswap", result.swap, result.harness);
		json_values(json, which, i, "weft", result.walk, result.harness);
	}
	close(pipe_ends[0]);
	if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
		return true;
	fprintf(stderr, "%s: its process ended before everything was measured (wait status %d)\n", which->name, status);
	return false;
}

static _Noreturn void usage(void)
{
	fprintf(stderr,
	        "usage: bench-walk [--quick] [--rounds 1-%d] [--json FILE] [--only CASE]\ncases:", ROUNDS_LIMIT);
	for (uint32_t i = 0; i < walk_case_count; i++)
		fprintf(stderr, " %s", walk_cases[i].name);
	fprintf(stderr, "\n");
	exit(2);
}

static void read_options(int count, char **arguments)
{
	for (int i = 1; i < count; i++) {
		const char *name = arguments[i];
		if (strcmp(name, "--quick") == 0) {
			options.quick = true;
			options.rounds = 3;
			options.packets = 1000000;
			continue;
		}
		const char *value = ++i < count ? arguments[i] : NULL;
		if (value == NULL)
			usage();
		else if (strcmp(name, "--json") == 0)
			options.json = value;
		else if (strcmp(name, "--only") == 0 && walk_case_named(value) != NULL)
			options.only = value;
		else if (strcmp(name, "--rounds") != 0 || (options.rounds = atoi(value)) < 1 ||
		         options.rounds > ROUNDS_LIMIT)
			usage();
	}
}

int main(int count, char **arguments)
{
	bool whole = true;

	read_options(count, arguments);
	FILE *json = options.json == NULL ? NULL : fopen(options.json, "w");
	if (options.json != NULL && json == NULL)
		return perror(options.json), 2;
	printf("case     destinations  Mpps  ns/packet  cycles     net  best net  macswap's speed\n");
	fflush(stdout);
	for (uint32_t i = 0; i < walk_case_count; i++)
		if (options.only == NULL || strcmp(options.only, walk_cases[i].name) == 0)
			whole &= run_case(&walk_cases[i], json);
	if (json != NULL && (fprintf(json, "\n]\n") < 0 || fclose(json) != 0))
		return perror(options.json), 2;
	return whole ? 0 : 1;
}
