#include "stats.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static struct port_counters *blocks[STATS_THREADS];
static uint32_t slot_count;

int stats_init(uint32_t slots)
{
	size_t size = (size_t)slots * sizeof(struct port_counters);

	slot_count = slots;
	for (uint32_t t = 0; t < STATS_THREADS; t++) {
		/* mmap, not calloc: untouched slots and threads must cost nothing */
		void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (at == MAP_FAILED) {
			stats_free();
			return -ENOMEM;
		}
		blocks[t] = at;
	}
	return 0;
}

void stats_free(void)
{
	for (uint32_t t = 0; t < STATS_THREADS; t++) {
		if (blocks[t] != NULL)
			munmap(blocks[t], (size_t)slot_count * sizeof(struct port_counters));
		blocks[t] = NULL;
	}
}

struct port_counters *stats_block(uint32_t thread)
{
	return blocks[thread];
}

void stats_reset(uint32_t slot)
{
	static const struct port_counters zero;

	/* Pages of slots that never counted anything stay unused. */
	for (uint32_t t = 0; t < STATS_THREADS; t++) {
		if (memcmp(&blocks[t][slot], &zero, sizeof(zero)) != 0)
			memset(&blocks[t][slot], 0, sizeof(zero));
	}
}

/* Counters are aligned 64-bit words with one writer: a plain relaxed load is never torn. */
static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

void stats_drops(uint32_t slot, struct drop_counter *out)
{
	memset(out, 0, DROP_COUNT * sizeof(*out));
	for (uint32_t t = 0; t < STATS_THREADS; t++) {
		const struct port_counters *c = &blocks[t][slot];
		for (uint32_t r = 0; r < DROP_COUNT; r++) {
			out[r].packets += load(&c->drops[r].packets);
			out[r].bytes += load(&c->drops[r].bytes);
		}
	}
}

void stats_sum(uint32_t slot, struct port_totals *out)
{
	memset(out, 0, sizeof(*out));
	for (uint32_t t = 0; t < STATS_THREADS; t++) {
		const struct port_counters *c = &blocks[t][slot];
		out->rx_packets += load(&c->rx_packets);
		out->rx_bytes += load(&c->rx_bytes);
		out->tx_packets += load(&c->tx_packets);
		out->tx_bytes += load(&c->tx_bytes);
		out->injected += load(&c->injected);
		out->cloned += load(&c->cloned);
		out->originated += load(&c->originated);
		out->sent += load(&c->sent);
		out->punted += load(&c->punted);
		for (uint32_t r = 0; r < DROP_COUNT; r++)
			out->dropped += load(&c->drops[r].packets);
	}
}
