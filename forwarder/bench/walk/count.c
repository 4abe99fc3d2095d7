/*
 * A fixed number of packets in a fixed order through the walk, for callgrind: instructions per packet that are the
 * same on every run, as time is not. Only `count_walk` is to be counted, and not `count_sink` that it calls.
 *
 *     valgrind --tool=callgrind --instr-atstart=no --collect-atstart=no --toggle-collect=count_walk
 *             --toggle-collect='count_sink*' bench-count CASE
 *     bench-count --list | --toolchain
 *
 * instructions.ts does that. Prints one line of JSON: what was counted, and of how many packets.
 */
#include <alloca.h>
#include <gnu/libc-version.h>
#include <rte_mbuf.h>
#include <rte_version.h>
#include <stdio.h>
#include <string.h>
#include <valgrind/callgrind.h>

#include "index.h"
#include "walk_case.h"

/* Exits of a burst to 8 ports. */
#define KEPT (9 * WALK_BURST)

static const struct counted {
	const char *name, *of;
	uint32_t size, packets;
} list[] = {
        {"l3-1k", "l3", 1000, 32000},
        {"l3-128k", "l3", 128000, 128000},
        {"l3-ipv6-1k", "l3-ipv6", 1000, 32000},
        {"l3-ipv6-128k", "l3-ipv6", 128000, 128000},
        {"l2-1k", "l2", 1000, 32000},
        {"l2-128k", "l2", 128000, 128000},
        {"vlan", "vlan", 1000, 32000},
        {"arp", "arp", 1, 32000},
        {"nd", "nd", 1, 32000},
        {"flood", "flood", 1, 16000},
        {"spoofed", "spoofed", 1, 32000},
        {"flow-1k", "flow", 1000, 32000},
        {"flow-tcp-1k", "flow-tcp", 1000, 32000},
        {"new-flows", "new-flows", 1000, 32000},
        {"snat-1k", "snat", 1000, 32000},
        {"snat-new", "snat-new", 1000, 32000},
        {"fip-1k", "fip", 1000, 32000},
};
#define COUNT (sizeof(list) / sizeof(list[0]))

static struct rte_mbuf *kept[KEPT];
static uint32_t kept_count;
static uint64_t left;

/* Freeing is the device's work: it is done outside of what is counted. */
__attribute__((noipa)) static int count_sink(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	memcpy(kept + kept_count, mbufs, n * sizeof(*mbufs));
	kept_count += n;
	left += n;
	return n;
}

__attribute__((noipa)) static void count_walk(struct rte_mbuf **mbufs)
{
	walk_through(mbufs, WALK_BURST);
}

static void run(uint32_t packets)
{
	struct rte_mbuf *mbufs[WALK_BURST];

	for (uint32_t done = 0; done < packets; done += WALK_BURST) {
		walk_make(mbufs, WALK_BURST);
		count_walk(mbufs);
		rte_pktmbuf_free_bulk(kept, kept_count);
		kept_count = 0;
	}
}

static int count(const struct counted *what)
{
	const struct walk_case *which = walk_case_named(what->of);

	/* The first round fills caches of mbufs and addresses. */
	run(what->packets);
	uint64_t left_before = left, dropped_before = walk_dropped();
	CALLGRIND_START_INSTRUMENTATION;
	run(what->packets);
	CALLGRIND_STOP_INSTRUMENTATION;
	uint64_t sent = left - left_before, dropped = walk_dropped() - dropped_before;
	if (sent != (uint64_t)what->packets * which->copies || dropped != (which->copies == 0 ? what->packets : 0)) {
		fprintf(stderr, "%s: of %u packets %lu left and %lu were dropped: the tables are wrong\n", what->name,
		        what->packets, sent, dropped);
		return 2;
	}
	printf("{\"case\": \"%s\", \"title\": \"%s\", \"size\": %u, \"packets\": %u}\n", what->name, which->title,
	        what->size, what->packets);
	return 0;
}

/* Arguments, environment and paths lie above the stack: below here addresses are the same for all, modulo 64 KiB, and
 * with them what memcpy and its like do at the borders of pages. */
__attribute__((noipa)) static int count_aligned(const struct counted *what)
{
	volatile char *pad = alloca(((uintptr_t)__builtin_frame_address(0) & 0xffff) + 1);

	pad[0] = 0;
	return count(what);
}

static int usage(void)
{
	fprintf(stderr, "usage: bench-count CASE | --list | --toolchain\n");
	return 2;
}

int main(int arguments, char **argument)
{
	if (arguments != 2)
		return usage();
	if (strcmp(argument[1], "--toolchain") == 0)
		return printf("{\"gcc\": \"%s\", \"dpdk\": \"%d.%02d.%d\", \"glibc\": \"%s\", \"march\": \"%s\"}\n",
		               __VERSION__, RTE_VER_YEAR, RTE_VER_MONTH, RTE_VER_MINOR, gnu_get_libc_version(),
		               BENCH_MARCH) < 0;
	bool all = strcmp(argument[1], "--list") == 0;
	for (uint32_t i = 0; i < COUNT; i++) {
		if (all)
			puts(list[i].name);
		if (all || strcmp(argument[1], list[i].name) != 0)
			continue;
		if (!RUNNING_ON_VALGRIND)
			return fprintf(stderr, "counts nothing but under callgrind: use instructions.ts\n"), 2;
		/* It is random else, and with it where keys collide. */
		index_seed = 0x57656674;
		walk_start(walk_case_named(list[i].of), count_sink);
		walk_grow(list[i].size);
		return count_aligned(&list[i]);
	}
	return all ? 0 : usage();
}
