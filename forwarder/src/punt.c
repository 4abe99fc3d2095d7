#define _GNU_SOURCE
#include "punt.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "dataplane.h"
#include "io.h"
#include "port.h"
#include "stats.h"
#include "worker.h"

#define FRAME_LEAST 14u

/*
 * Token bucket as a theoretical arrival time (GCRA, ITU-T I.371): one word, no refill to run, shared by threads with
 * one compare-and-swap. The word is the TSC at which the bucket is full again.
 */
typedef uint64_t bucket_t;

static bucket_t class_buckets[PUNT_CLASSES];
/* [class][slot], touched as used. */
static bucket_t *port_buckets;
static uint32_t slot_count;
static void *ring_memory;
static size_t ring_bytes;
static struct rte_ring *rings[PUNT_OWNERS];
static struct rte_ring *inject_ring;
static int wake_pipe[2] = {-1, -1};
static uint32_t armed;
static uint64_t hz;
static pthread_mutex_t inject_lock = PTHREAD_MUTEX_INITIALIZER;

static size_t port_bucket_bytes(void)
{
	return (size_t)PUNT_CLASSES * slot_count * sizeof(bucket_t);
}

static void *reserve(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

int punt_init(uint32_t slots)
{
	size_t each = (size_t)rte_ring_get_memsize(PUNT_RING);

	each = (each + 4095) & ~(size_t)4095;
	slot_count = slots;
	ring_bytes = each * PUNT_OWNERS + (size_t)rte_ring_get_memsize(INJECT_RING);
	port_buckets = reserve(port_bucket_bytes());
	ring_memory = reserve(ring_bytes);
	if (port_buckets == NULL || ring_memory == NULL)
		return -ENOMEM;
	memset(class_buckets, 0, sizeof(class_buckets));
	for (uint32_t i = 0; i < PUNT_OWNERS; i++) {
		rings[i] = (struct rte_ring *)((char *)ring_memory + each * i);
		rte_ring_init(rings[i], "punt", PUNT_RING, RING_F_SC_DEQ);
	}
	inject_ring = (struct rte_ring *)((char *)ring_memory + each * PUNT_OWNERS);
	rte_ring_init(inject_ring, "inject", INJECT_RING, RING_F_SC_DEQ);
	armed = 0;
	hz = rte_get_tsc_hz();
	return pipe2(wake_pipe, O_NONBLOCK | O_CLOEXEC) < 0 ? -errno : 0;
}

static void empty(struct rte_ring *ring)
{
	void *mbuf;

	while (rte_ring_sc_dequeue(ring, &mbuf) == 0)
		rte_pktmbuf_free(mbuf);
}

void punt_free(void)
{
	if (ring_memory != NULL) {
		for (uint32_t i = 0; i < PUNT_OWNERS; i++)
			empty(rings[i]);
		empty(inject_ring);
		munmap(ring_memory, ring_bytes);
	}
	if (port_buckets != NULL)
		munmap(port_buckets, port_bucket_bytes());
	ring_memory = NULL;
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
	for (uint32_t i = 1; i < PUNT_OWNERS; i++) {
		if (!rte_ring_empty(rings[i]))
			return true;
	}
	return false;
}

int punt_arm(void)
{
	__atomic_store_n(&armed, 1, __ATOMIC_SEQ_CST);
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

void punt_class_row_changed(const struct fwd_punt_class_row *old, const struct fwd_punt_class_row *new)
{
	uint16_t id = new != NULL ? new->id : old->id;

	if (id >= PUNT_CLASSES)
		return;
	/* New limits begin with full buckets. Only what was used is touched: the rest has no memory yet. */
	__atomic_store_n(&class_buckets[id], 0, __ATOMIC_RELAXED);
	for (uint32_t slot = 0; slot < slot_count; slot++) {
		bucket_t *bucket = &port_buckets[(size_t)id * slot_count + slot];
		if (__atomic_load_n(bucket, __ATOMIC_RELAXED) != 0)
			__atomic_store_n(bucket, 0, __ATOMIC_RELAXED);
	}
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
	struct timespec t;

	if (row->id >= PUNT_CLASSES || row->receiver == 0 || row->receiver >= PUNT_OWNERS)
		return DROP_PUNT_NOT_SERVED;
	/* Port first: one noisy port must not use up the class for the others. */
	if (!take(&port_buckets[(size_t)row->id * slot_count + origin->slot], row->port_rate, row->port_burst, now))
		return DROP_PUNT_PORT_LIMIT;
	if (!take(&class_buckets[row->id], row->rate, row->burst, now))
		return DROP_PUNT_CLASS_LIMIT;
	clock_gettime(CLOCK_REALTIME, &t);
	*meta_of(mbuf) = (struct meta){.origin = *origin,
	        .punt_class = row->id,
	        .timestamp_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec};
	return rte_ring_mp_enqueue(rings[row->receiver], mbuf) == 0 ? VERDICT_PUNT : DROP_PUNT_RING_FULL;
}

static uint32_t padded(uint32_t length)
{
	return (uint32_t)(sizeof(struct fwd_punt) + length + 7) & ~7u;
}

static void write_record(uint8_t *at, const struct rte_mbuf *mbuf)
{
	const struct meta *meta = meta_of(mbuf);
	struct fwd_punt head = {
	        .version = PUNT_VERSION,
	        .flags = meta->origin.tagged ? PUNT_FLAG_VLAN : 0,
	        .punt_class = meta->punt_class,
	        .length = mbuf->data_len,
	        .port = meta->origin.port,
	        .generation = meta->origin.generation,
	        .vrf = meta->origin.vrf,
	        .vlan = meta->origin.vlan,
	        .timestamp_ns = meta->timestamp_ns,
	};
	uint32_t used = sizeof(head) + mbuf->data_len;

	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len);
	memset(at + used, 0, padded(mbuf->data_len) - used);
}

int32_t punt_read(uint32_t owner, void *out, uint32_t length)
{
	uint32_t at = 0;

	if (owner == 0 || owner >= PUNT_OWNERS)
		return -EINVAL;
	struct rte_ring *ring = rings[owner];
	while (!rte_ring_empty(ring)) {
		void *object;

		/* Look before taking: a record that does not fit stays the first. */
		if (rte_ring_dequeue_bulk_start(ring, &object, 1, NULL) != 1)
			break;
		struct rte_mbuf *mbuf = object;
		uint32_t size = padded(mbuf->data_len);
		if (size > length - at) {
			rte_ring_dequeue_finish(ring, 0);
			return at == 0 ? -ENOSPC : (int32_t)at;
		}
		rte_ring_dequeue_finish(ring, 1);
		write_record((uint8_t *)out + at, mbuf);
		rte_pktmbuf_free(mbuf);
		at += size;
	}
	return (int32_t)at;
}

/* One counted record: queued, or dropped by name at the port it names (slot 0 when that is gone). */
static bool inject_one(const struct fwd_punt *head, const uint8_t *frame, struct port_counters *counters)
{
	struct port_report_entry port;
	enum drop_reason reason = DROP_INJECT_STALE;
	uint16_t slot = 0;

	if (port_next(head->port, &port) && port.id == head->port) {
		slot = port.slot;
		if (port.generation == head->generation)
			reason = DROP_COUNT;
	}
	struct rte_mbuf *mbuf = NULL;
	if (reason == DROP_COUNT && (head->length < FRAME_LEAST || head->length > IO_FRAME_LIMIT))
		reason = DROP_INJECT_MALFORMED;
	if (reason == DROP_COUNT && (mbuf = rte_pktmbuf_alloc(io_pool)) == NULL)
		reason = DROP_NO_MEMORY;
	if (reason == DROP_COUNT) {
		char *data = rte_pktmbuf_append(mbuf, (uint16_t)head->length);
		if (data == NULL) {
			reason = DROP_INJECT_MALFORMED;
		} else {
			memcpy(data, frame, head->length);
			mbuf->port = slot;
			meta_of(mbuf)->origin.generation = head->generation;
			if (rte_ring_mp_enqueue(inject_ring, mbuf) == 0)
				return true;
			reason = DROP_INJECT_RING_FULL;
		}
	}
	rte_pktmbuf_free(mbuf);
	counters[slot].injected++;
	stats_drop(&counters[slot], reason, head->length);
	return false;
}

int32_t punt_inject(const void *records, uint32_t length)
{
	const uint8_t *at = records;
	int32_t taken = 0;
	int32_t result = 0;

	pthread_mutex_lock(&inject_lock);
	struct port_counters *counters = stats_block(STATS_CONTROL);
	while (length > 0) {
		struct fwd_punt head;

		if (length < sizeof(head)) {
			result = -EINVAL;
			break;
		}
		memcpy(&head, at, sizeof(head));
		if (head.version != PUNT_VERSION || head.length > length - sizeof(head)) {
			result = -EINVAL;
			break;
		}
		taken += inject_one(&head, at + sizeof(head), counters);
		/* The last record's padding may be missing. */
		uint32_t size = padded(head.length);
		size = size < length ? size : length;
		at += size;
		length -= size;
	}
	pthread_mutex_unlock(&inject_lock);
	if (taken > 0)
		worker_wake();
	return result < 0 ? result : taken;
}

uint32_t punt_injected(struct rte_mbuf **mbufs, uint32_t n)
{
	return rte_ring_sc_dequeue_burst(inject_ring, (void **)mbufs, n, NULL);
}

uint32_t punt_injected_generation(const struct rte_mbuf *mbuf)
{
	return meta_of(mbuf)->origin.generation;
}

bool punt_inject_pending(void)
{
	return !rte_ring_empty(inject_ring);
}
