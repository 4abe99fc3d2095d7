#define _GNU_SOURCE
#include "capture_ring.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "forwarder.h"

#define CHUNK  256u
#define CHUNKS 65536u
#define BYTES  ((size_t)CHUNKS * CHUNK)
/* Of struct head's fate, besides CAPTURE_NO_REASON and drop reasons: the reader has it. */
#define TAKEN 0xfffeu

/* Of a frame's first chunk. They lie apart from frames' bytes, which could say anything. */
struct head {
	/** position << 16 | drop reason, CAPTURE_NO_REASON or TAKEN; another position: not written yet. */
	uint64_t fate;
	uint64_t tsc;
	uint64_t timestamp_ns;
	uint64_t lost;
	uint32_t length, taken;
	uint8_t direction;
};

/* Positions count chunks for ever. */
struct capture_ring {
	struct head *heads;
	uint8_t *chunks;
	uint64_t settle_tsc;
	uint64_t lost;
	uint64_t first __attribute__((aligned(64)));
	uint64_t next __attribute__((aligned(64)));
};

static void *reserve(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

struct capture_ring *capture_ring_make(void)
{
	struct capture_ring *ring = aligned_alloc(64, sizeof(*ring));

	if (ring == NULL)
		return NULL;
	/* Memory begins as zeros: no head may look written, so position 0 is never used. */
	*ring = (struct capture_ring){.first = CHUNKS, .next = CHUNKS};
	ring->settle_tsc = rte_get_tsc_hz() * CAPTURE_SETTLE_MS / 1000;
	ring->heads = reserve(CHUNKS * sizeof(struct head));
	ring->chunks = reserve(BYTES);
	if (ring->heads != NULL && ring->chunks != NULL)
		return ring;
	capture_ring_free(ring);
	return NULL;
}

void capture_ring_free(struct capture_ring *ring)
{
	if (ring == NULL)
		return;
	if (ring->heads != NULL)
		munmap(ring->heads, CHUNKS * sizeof(struct head));
	if (ring->chunks != NULL)
		munmap(ring->chunks, BYTES);
	free(ring);
}

static uint32_t chunks_for(uint32_t bytes)
{
	return bytes == 0 ? 1 : (bytes + CHUNK - 1) / CHUNK;
}

bool capture_ring_claim(struct capture_ring *ring, uint32_t bytes, uint64_t *position)
{
	uint32_t wanted = chunks_for(bytes);
	uint64_t at = __atomic_load_n(&ring->next, __ATOMIC_RELAXED);

	do {
		if (at + wanted - __atomic_load_n(&ring->first, __ATOMIC_ACQUIRE) > CHUNKS) {
			__atomic_fetch_add(&ring->lost, 1, __ATOMIC_RELAXED);
			return false;
		}
	} while (!__atomic_compare_exchange_n(&ring->next, &at, at + wanted, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	*position = at;
	return true;
}

void capture_ring_put(struct capture_ring *ring, uint64_t position, uint32_t at, const struct rte_mbuf *mbuf,
        uint32_t from, uint32_t length)
{
	while (length > 0) {
		size_t start = (position % CHUNKS * CHUNK + at) % BYTES;
		uint32_t some = (uint32_t)RTE_MIN(length, BYTES - start);
		const void *bytes = rte_pktmbuf_read(mbuf, from, some, ring->chunks + start);

		if (bytes != ring->chunks + start)
			memcpy(ring->chunks + start, bytes, some);
		at += some;
		from += some;
		length -= some;
	}
}

void capture_ring_put_bytes(
        struct capture_ring *ring, uint64_t position, uint32_t at, const void *bytes, uint32_t length)
{
	memcpy(ring->chunks + position % CHUNKS * CHUNK + at, bytes, length);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void capture_ring_publish(struct capture_ring *ring, uint64_t position, uint32_t length, uint32_t taken,
        uint8_t direction, uint16_t reason)
{
	struct head *head = &ring->heads[position % CHUNKS];

	head->tsc = rte_rdtsc();
	head->timestamp_ns = now_ns();
	head->lost = capture_ring_lost(ring);
	head->length = length;
	head->taken = taken;
	head->direction = direction;
	__atomic_store_n(&head->fate, position << 16 | reason, __ATOMIC_RELEASE);
}

void capture_ring_settle(struct capture_ring *ring, uint64_t position, uint16_t reason)
{
	uint64_t fate = position << 16 | CAPTURE_NO_REASON;

	__atomic_compare_exchange_n(&ring->heads[position % CHUNKS].fate, &fate, position << 16 | reason, false,
	        __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

/* Whether the frame at the reading end can go out now. */
static bool is_ripe(const struct capture_ring *ring, const struct head *head)
{
	uint64_t fate = __atomic_load_n(&head->fate, __ATOMIC_ACQUIRE);

	if (fate >> 16 != ring->first)
		return false;
	return (fate & 0xffff) != CAPTURE_NO_REASON || rte_rdtsc() - head->tsc > ring->settle_tsc;
}

static void get(const struct capture_ring *ring, uint8_t *out, uint32_t length)
{
	size_t start = ring->first % CHUNKS * CHUNK;
	size_t some = RTE_MIN(length, BYTES - start);

	memcpy(out, ring->chunks + start, some);
	memcpy(out + some, ring->chunks, length - some);
}

int32_t capture_ring_read(struct capture_ring *ring, void *out, uint32_t length)
{
	uint32_t at = 0;

	for (;;) {
		struct head *head = &ring->heads[ring->first % CHUNKS];
		if (!is_ripe(ring, head))
			return (int32_t)at;
		uint32_t size = (uint32_t)sizeof(struct fwd_captured) + ((head->taken + 7) & ~7u);
		if (size > length - at)
			return at == 0 ? -ENOSPC : (int32_t)at;
		uint64_t fate = __atomic_exchange_n(&head->fate, ring->first << 16 | TAKEN, __ATOMIC_ACQ_REL);
		struct fwd_captured record = {
		        .length = head->length,
		        .taken = head->taken,
		        .timestamp_ns = head->timestamp_ns,
		        .lost = head->lost,
		        .reason = (uint16_t)fate,
		        .direction = head->direction,
		};
		uint8_t *to = (uint8_t *)out + at;
		memset(to + size - 8, 0, 8);
		memcpy(to, &record, sizeof(record));
		get(ring, to + sizeof(record), head->taken);
		at += size;
		__atomic_store_n(&ring->first, ring->first + chunks_for(head->taken), __ATOMIC_RELEASE);
	}
}

uint64_t capture_ring_lost(const struct capture_ring *ring)
{
	return __atomic_load_n(&ring->lost, __ATOMIC_RELAXED);
}
