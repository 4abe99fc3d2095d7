#define _GNU_SOURCE
#include "flow_queue.h"

#include <errno.h>
#include <rte_pause.h>
#include <sys/mman.h>

#include "flow_own.h"
#include "flow_pairs.h"

/* In `queued` of a pair: the place in the queue, and in the low bits the thread. */
#define THREAD_BITS 4u
/* How far before its turn an entry's pair is fetched, and then its buckets. */
#define AHEAD       6u
#define AHEAD_LATER 3u

_Static_assert(STATS_THREADS <= 1u << THREAD_BITS, "a thread's number in THREAD_BITS");

struct queue {
	/* Numbers of pairs. */
	uint32_t *entries;
	uint32_t mask;
	/* Count since the start, modulo 2³². */
	uint32_t put __attribute__((aligned(64)));
	uint32_t taken __attribute__((aligned(64)));
	/* Of those who take. */
	uint32_t lock;
} __attribute__((aligned(64)));

static struct queue queues[STATS_THREADS];
static uint32_t queue_count;

static size_t entry_bytes(const struct queue *queue)
{
	return ((size_t)queue->mask + 1) * sizeof(queue->entries[0]);
}

int flow_queues_init(uint32_t capacity, uint32_t threads)
{
	uint32_t size = 64;

	while (size < capacity)
		size *= 2;
	for (queue_count = 0; queue_count < threads; queue_count++) {
		struct queue *queue = &queues[queue_count + 1];
		*queue = (struct queue){.mask = size - 1};
		/* Its pages cost memory when flows come. */
		void *at = mmap(NULL, entry_bytes(queue), PROT_READ | PROT_WRITE,
		        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (at == MAP_FAILED) {
			flow_queues_fini();
			return -ENOMEM;
		}
		queue->entries = at;
	}
	return 0;
}

void flow_queues_fini(void)
{
	for (; queue_count > 0; queue_count--)
		munmap(queues[queue_count].entries, entry_bytes(&queues[queue_count]));
}

static void lock(struct queue *queue)
{
	while (__atomic_exchange_n(&queue->lock, 1, __ATOMIC_ACQUIRE) != 0)
		rte_pause();
}

static void unlock(struct queue *queue)
{
	__atomic_store_n(&queue->lock, 0, __ATOMIC_RELEASE);
}

static uint32_t *queued_of(struct flow_pair *pair)
{
	return &pair->count[FLOW_FORWARD].queued;
}

static uint32_t place_at(uint32_t thread, uint32_t at)
{
	return at << THREAD_BITS | thread;
}

static uint32_t entry_at(const struct queue *queue, uint32_t at)
{
	return __atomic_load_n(&queue->entries[at & queue->mask], __ATOMIC_RELAXED);
}

static bool stands_at(uint32_t thread, uint32_t at, const struct flow_pair *pair)
{
	return __atomic_load_n(&pair->count[FLOW_FORWARD].queued, __ATOMIC_RELAXED) == place_at(thread, at);
}

static void fetch(uint32_t thread, uint32_t at)
{
	const struct queue *queue = &queues[thread];
	const struct flow_pair *pair = &flows.pairs[entry_at(queue, at + AHEAD)];
	const struct flow_pair *later = &flows.pairs[entry_at(queue, at + AHEAD_LATER)];

	for (uint32_t i = 0; i < 2; i++) {
		__builtin_prefetch(&pair->half[i], 1);
		__builtin_prefetch(&pair->count[i], 1);
	}
	/* Others may be filled just now. */
	if (stands_at(thread, at + AHEAD_LATER, later))
		flow_fetch(&flows, later);
}

/* The entry at the head, or FLOW_NONE. *ours: its pair still stood there, and does no more. */
static uint32_t take_head(uint32_t thread, bool *ours)
{
	struct queue *queue = &queues[thread];
	uint32_t number = FLOW_NONE, place;

	lock(queue);
	uint32_t at = __atomic_load_n(&queue->taken, __ATOMIC_RELAXED);
	uint32_t waiting = __atomic_load_n(&queue->put, __ATOMIC_ACQUIRE) - at;
	if (waiting != 0) {
		number = entry_at(queue, at);
		place = place_at(thread, at);
		*ours = __atomic_compare_exchange_n(
		        queued_of(&flows.pairs[number]), &place, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
		__atomic_store_n(&queue->taken, at + 1, __ATOMIC_RELEASE);
	}
	unlock(queue);
	if (waiting > AHEAD)
		fetch(thread, at);
	return number;
}

void flow_queue_place(uint32_t thread, struct flow_pair *pair)
{
	__atomic_store_n(queued_of(pair), place_at(thread, queues[thread].put), __ATOMIC_RELAXED);
}

void flow_queue_put(uint32_t thread, uint32_t number)
{
	struct queue *queue = &queues[thread];
	bool ours;

	/* Full of flows that opened, or are over: one that is not may lose its place, and gets another by the sweep. */
	if (queue->put - __atomic_load_n(&queue->taken, __ATOMIC_ACQUIRE) > queue->mask)
		take_head(thread, &ours);
	__atomic_store_n(&queue->entries[queue->put & queue->mask], number, __ATOMIC_RELAXED);
	__atomic_store_n(&queue->put, queue->put + 1, __ATOMIC_RELEASE);
}

void flow_queue_again(uint32_t thread, struct flow_pair *pair, uint32_t number)
{
	uint32_t nowhere = 0;

	if (__atomic_compare_exchange_n(queued_of(pair), &nowhere, place_at(thread, queues[thread].put), false,
	            __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		flow_queue_put(thread, number);
}

/* The thread in whose queue the oldest flow is at the head; 0: all are empty. */
static uint32_t oldest_queue(void)
{
	uint32_t best = 0, best_made = 0;

	for (uint32_t i = 1; i <= queue_count; i++) {
		const struct queue *queue = &queues[i];
		uint32_t at = __atomic_load_n(&queue->taken, __ATOMIC_RELAXED);
		if (__atomic_load_n(&queue->put, __ATOMIC_ACQUIRE) == at)
			continue;
		if (queue_count == 1)
			return i;
		const struct flow_pair *pair = &flows.pairs[entry_at(queue, at)];
		uint32_t made = __atomic_load_n(&pair->count[FLOW_FORWARD].made, __ATOMIC_RELAXED);
		if (best == 0 || (int32_t)(made - best_made) < 0) {
			best = i;
			best_made = made;
		}
	}
	return best;
}

uint32_t flow_queue_take(uint32_t tries)
{
	for (; tries > 0; tries--) {
		uint32_t from = oldest_queue();
		bool ours = false;
		uint32_t number = from == 0 ? FLOW_NONE : take_head(from, &ours);
		if (from == 0)
			return FLOW_NONE;
		if (ours && number != FLOW_NONE && flow_is_dispensable(&flows.pairs[number]))
			return number;
	}
	return FLOW_NONE;
}

void flow_queue_clean(uint32_t thread, uint32_t tries)
{
	const struct queue *queue = &queues[thread];
	bool ours;

	for (; tries > 0; tries--) {
		uint32_t at = __atomic_load_n(&queue->taken, __ATOMIC_RELAXED);
		if (__atomic_load_n(&queue->put, __ATOMIC_ACQUIRE) == at)
			return;
		struct flow_pair *pair = &flows.pairs[entry_at(queue, at)];
		if (stands_at(thread, at, pair) && flow_is_used(pair) && flow_is_dispensable(pair))
			return;
		take_head(thread, &ours);
	}
}
