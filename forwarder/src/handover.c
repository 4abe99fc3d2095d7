#include "handover.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"

#define DRAIN_LOOK_US 20
#define ENTRIES       ((size_t)(HANDOVER_THREADS + 1) * HANDOVER_THREADS * HANDOVER_RING + HANDOVER_THREADS * HANDOVER_INJECT)

/* [from][to]; those of thread 0 and from a thread to itself stay empty. */
static struct ring rings[HANDOVER_THREADS + 1][HANDOVER_THREADS + 1];
static struct rte_mbuf **entries;
static uint32_t thread_count;

int handover_init(uint32_t threads)
{
	void *at = mmap(NULL, ENTRIES * sizeof(*entries), PROT_READ | PROT_WRITE,
	        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return -ENOMEM;
	entries = at;
	thread_count = threads;
	memset(rings, 0, sizeof(rings));
	struct rte_mbuf **next = entries;
	for (uint32_t from = 0; from <= threads; from++) {
		uint32_t room = from == HANDOVER_CONTROL ? HANDOVER_INJECT : HANDOVER_RING;
		for (uint32_t to = 1; to <= threads; to++, next += room)
			rings[from][to] = (struct ring){.slots = next, .mask = room - 1};
	}
	return 0;
}

void handover_free(void)
{
	struct rte_mbuf *mbuf;

	for (uint32_t from = 0; from <= thread_count; from++) {
		for (uint32_t to = 1; to <= thread_count; to++) {
			while (ring_take(&rings[from][to], &mbuf, 1) == 1)
				rte_pktmbuf_free(mbuf);
		}
	}
	if (entries != NULL)
		munmap(entries, ENTRIES * sizeof(*entries));
	entries = NULL;
	thread_count = 0;
}

uint32_t handover_put(uint32_t from, uint32_t to, struct rte_mbuf *const *mbufs, uint32_t n)
{
	return ring_put(&rings[from][to], mbufs, n);
}

uint32_t handover_take(uint32_t from, uint32_t to, struct rte_mbuf **mbufs, uint32_t n)
{
	return ring_take(&rings[from][to], mbufs, n);
}

bool handover_pending(uint32_t to)
{
	for (uint32_t from = 0; from <= thread_count; from++) {
		if (ring_count(&rings[from][to]) != 0)
			return true;
	}
	return false;
}

void handover_drain(void)
{
	for (uint32_t from = 0; from <= thread_count; from++) {
		for (uint32_t to = 1; to <= thread_count; to++) {
			const struct ring *ring = &rings[from][to];
			uint32_t until = __atomic_load_n(&ring->put, __ATOMIC_ACQUIRE);
			while ((int32_t)(__atomic_load_n(&ring->taken, __ATOMIC_ACQUIRE) - until) < 0)
				usleep(DRAIN_LOOK_US);
		}
	}
}
