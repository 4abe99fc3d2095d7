#define _GNU_SOURCE
#include "punt.h"

#include <errno.h>
#include <fcntl.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "dataplane.h"
#include "handover.h"
#include "io.h"
#include "port.h"
#include "ring.h"
#include "worker.h"

/* Waiting punts hold at most this part of all buffers. */
#define POOL_SHARE 4u

/*
 * Token bucket as a theoretical arrival time (GCRA, ITU-T I.371): one word, no refill to run, shared by threads with
 * one compare-and-swap. The word is the TSC at which the bucket is full again.
 */
typedef uint64_t bucket_t;

static bucket_t class_buckets[PUNT_CLASSES];
/* [slot][class], touched as used. */
static bucket_t *port_buckets;
static uint32_t slot_count;
/* [thread][owner]: each has one writer and one reader. */
static struct ring (*rings)[PUNT_OWNERS];
static struct rte_mbuf **ring_entries;
/* Buffers that hold waiting punts, and how many may. */
static uint32_t waiting_buffers, waiting_limit;
static int wake_pipe[2] = {-1, -1};
static uint32_t armed;
static uint64_t hz;

static size_t port_bucket_bytes(void)
{
	return (size_t)PUNT_CLASSES * slot_count * sizeof(bucket_t);
}

#define RING_BYTES  ((HANDOVER_THREADS + 1) * sizeof(*rings))
#define ENTRY_BYTES ((HANDOVER_THREADS + 1) * PUNT_OWNERS * PUNT_RING * sizeof(*ring_entries))

/* Pages cost memory only when touched. */
static void *reserve(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

int punt_init(uint32_t slots)
{
	slot_count = slots;
	port_buckets = reserve(port_bucket_bytes());
	rings = reserve(RING_BYTES);
	ring_entries = reserve(ENTRY_BYTES);
	if (port_buckets == NULL || rings == NULL || ring_entries == NULL)
		return -ENOMEM;
	memset(class_buckets, 0, sizeof(class_buckets));
	for (uint32_t thread = 1; thread <= HANDOVER_THREADS; thread++) {
		for (uint32_t owner = 0; owner < PUNT_OWNERS; owner++)
			rings[thread][owner] = (struct ring){
			        .slots = ring_entries + (thread * PUNT_OWNERS + owner) * PUNT_RING,
			        .mask = PUNT_RING - 1,
			};
	}
	waiting_buffers = 0;
	waiting_limit = io_pool->size / POOL_SHARE;
	armed = 0;
	hz = rte_get_tsc_hz();
	return pipe2(wake_pipe, O_NONBLOCK | O_CLOEXEC) < 0 ? -errno : 0;
}

static void release(void *at, size_t size)
{
	if (at != NULL)
		munmap(at, size);
}

void punt_free(void)
{
	struct rte_mbuf *mbuf;

	for (uint32_t thread = 1; rings != NULL && thread <= HANDOVER_THREADS; thread++) {
		for (uint32_t owner = 0; owner < PUNT_OWNERS; owner++) {
			while (ring_take(&rings[thread][owner], &mbuf, 1) == 1)
				rte_pktmbuf_free(mbuf);
		}
	}
	release(rings, RING_BYTES);
	release(ring_entries, ENTRY_BYTES);
	release(port_buckets, port_bucket_bytes());
	rings = NULL;
	ring_entries = NULL;
	port_buckets = NULL;
	for (int i = 0; i < 2; i++) {
		if (wake_pipe[i] >= 0)
			close(wake_pipe[i]);
		wake_pipe[i] = -1;
	}
}

int punt_fd(void)
{
	return wake_pipe[0];
}

static bool waiting(void)
{
	return __atomic_load_n(&waiting_buffers, __ATOMIC_SEQ_CST) != 0;
}

int punt_arm(void)
{
	__atomic_store_n(&armed, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	/* A record may have come between the reader's last look and the flag. */
	if (waiting() && __atomic_exchange_n(&armed, 0, __ATOMIC_SEQ_CST) == 1)
		return 1;
	return 0;
}

void punt_flush(void)
{
	char byte = 1;

	/* The ring's store must be seen before the flag is read; see punt_arm. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&armed, __ATOMIC_RELAXED) == 0 || __atomic_exchange_n(&armed, 0, __ATOMIC_SEQ_CST) == 0)
		return;
	ssize_t ignored = write(wake_pipe[1], &byte, 1);
	(void)ignored;
}

static void reset(bucket_t *bucket)
{
	if (__atomic_load_n(bucket, __ATOMIC_RELAXED) != 0)
		__atomic_store_n(bucket, 0, __ATOMIC_RELAXED);
}

void punt_class_row_changed(const struct fwd_punt_class_row *old, const struct fwd_punt_class_row *new)
{
	uint16_t id = new != NULL ? new->id : old->id;

	if (id >= PUNT_CLASSES)
		return;
	/* New limits begin with full buckets. Only what was used is touched: the rest has no memory yet. */
	reset(&class_buckets[id]);
	for (uint32_t slot = 1; slot < slot_count; slot++) {
		if (port_at((uint16_t)slot) != NULL)
			reset(&port_buckets[(size_t)slot * PUNT_CLASSES + id]);
	}
}

void punt_reset(uint16_t slot)
{
	for (uint32_t id = 0; id < PUNT_CLASSES; id++)
		reset(&port_buckets[(size_t)slot * PUNT_CLASSES + id]);
}

/* Takes one token if there is one. rate in packets per second; burst 0 counts as 1. */
static bool take(bucket_t *bucket, uint32_t rate, uint32_t burst, uint64_t now)
{
	if (rate == 0)
		return false;
	uint64_t step = hz / rate;
	uint64_t depth = step * (burst == 0 ? 1 : burst);
	bucket_t old = __atomic_load_n(bucket, __ATOMIC_RELAXED);
	bucket_t new;

	do {
		new = (old > now ? old : now) + step;
		if (new - now > depth)
			return false;
	} while (!__atomic_compare_exchange_n(bucket, &old, new, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

/* What take would say. */
static bool has(const bucket_t *bucket, uint32_t rate, uint32_t burst, uint64_t now)
{
	uint64_t step = rate == 0 ? 0 : hz / rate;
	bucket_t full = __atomic_load_n(bucket, __ATOMIC_RELAXED);

	return rate != 0 && (full > now ? full - now : 0) + step <= step * (burst == 0 ? 1 : burst);
}

/* Lies behind the frame's mbuf in its private area; see worker.h's pool. */
struct meta {
	struct punt_origin origin;
	uint16_t punt_class;
	uint64_t timestamp_ns;
};

_Static_assert(sizeof(struct meta) <= WORKER_MBUF_PRIVATE, "mbuf private area");

static struct meta *meta_of(const struct rte_mbuf *mbuf)
{
	return rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)mbuf);
}

verdict_t punt_send(struct rte_mbuf *mbuf, const struct fwd_punt_class_row *row, const struct punt_origin *origin)
{
	uint64_t now = rte_rdtsc();
	uint32_t buffers = mbuf->nb_segs;
	struct timespec t;

	if (row->id >= PUNT_CLASSES || row->receiver == 0 || row->receiver >= PUNT_OWNERS)
		return DROP_PUNT_NOT_SERVED;
	/* Port first: one noisy port must not use up the class for the others. */
	if (!take(&port_buckets[(size_t)origin->slot * PUNT_CLASSES + row->id], row->port_rate, row->port_burst, now))
		return DROP_PUNT_PORT_LIMIT;
	if (!take(&class_buckets[row->id], row->rate, row->burst, now))
		return DROP_PUNT_CLASS_LIMIT;
	clock_gettime(CLOCK_REALTIME, &t);
	*meta_of(mbuf) = (struct meta){.origin = *origin,
	        .punt_class = row->id,
	        .timestamp_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec};
	/* Counted first: the reader, who counts down, may be faster. */
	if (__atomic_add_fetch(&waiting_buffers, buffers, __ATOMIC_SEQ_CST) <= waiting_limit &&
	        ring_put(&rings[worker_self()][row->receiver], &mbuf, 1) == 1)
		return VERDICT_PUNT;
	__atomic_sub_fetch(&waiting_buffers, buffers, __ATOMIC_RELAXED);
	return DROP_PUNT_RING_FULL;
}

verdict_t punt_peek(const struct rte_mbuf *mbuf, const struct fwd_punt_class_row *row, const struct punt_origin *origin)
{
	uint64_t now = rte_rdtsc();

	if (row->id >= PUNT_CLASSES || row->receiver == 0 || row->receiver >= PUNT_OWNERS)
		return DROP_PUNT_NOT_SERVED;
	if (!has(&port_buckets[(size_t)origin->slot * PUNT_CLASSES + row->id], row->port_rate, row->port_burst, now))
		return DROP_PUNT_PORT_LIMIT;
	if (!has(&class_buckets[row->id], row->rate, row->burst, now))
		return DROP_PUNT_CLASS_LIMIT;
	return __atomic_load_n(&waiting_buffers, __ATOMIC_RELAXED) + mbuf->nb_segs <= waiting_limit
	               ? VERDICT_PUNT
	               : DROP_PUNT_RING_FULL;
}

static void write_record(uint8_t *at, const struct rte_mbuf *mbuf)
{
	const struct meta *meta = meta_of(mbuf);
	struct fwd_punt head = {
	        .version = PUNT_VERSION,
	        .flags = meta->origin.tagged ? PUNT_FLAG_VLAN : 0,
	        .punt_class = meta->punt_class,
	        .length = mbuf->pkt_len,
	        .port = meta->origin.port,
	        .generation = meta->origin.generation,
	        .vrf = meta->origin.vrf,
	        .vlan = meta->origin.vlan,
	        .timestamp_ns = meta->timestamp_ns,
	};
	uint32_t used = sizeof(head);

	memcpy(at, &head, sizeof(head));
	for (; mbuf != NULL; used += mbuf->data_len, mbuf = mbuf->next)
		memcpy(at + used, rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len);
	memset(at + used, 0, punt_record_bytes(head.length) - used);
}

/* Moves what one packet thread has for the owner. Bytes; *full: one did not fit and stays the first. */
static uint32_t read_ring(struct ring *ring, uint8_t *out, uint32_t length, bool *full)
{
	struct rte_mbuf *mbuf;
	uint32_t at = 0;

	while ((mbuf = ring_first(ring)) != NULL) {
		uint32_t size = punt_record_bytes(mbuf->pkt_len);
		*full = size > length - at;
		if (*full)
			break;
		ring_take(ring, &mbuf, 1);
		write_record(out + at, mbuf);
		__atomic_sub_fetch(&waiting_buffers, mbuf->nb_segs, __ATOMIC_RELAXED);
		rte_pktmbuf_free(mbuf);
		at += size;
	}
	return at;
}

int32_t punt_read(uint32_t owner, void *out, uint32_t length)
{
	uint32_t at = 0;
	bool full = false;

	if (owner == 0 || owner >= PUNT_OWNERS)
		return -EINVAL;
	for (uint32_t thread = 1; thread <= HANDOVER_THREADS && !full; thread++)
		at += read_ring(&rings[thread][owner], (uint8_t *)out + at, length - at, &full);
	return full && at == 0 ? -ENOSPC : (int32_t)at;
}
