#define _GNU_SOURCE
#include "learn.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "handover.h"
#include "learned.h"
#include "uplink.h"
#include "worker.h"

#define EVENTS 2048u
/* Of one port that wait in the ring: more would push out those of others. */
#define EVENTS_PER_PORT 256u
/* How often the thread looks; it looks through all that is known in 32 steps. */
#define POLL_MS    20
#define SWEEP_STEP (LEARNED_BUCKETS / 32)

uint64_t learn_seen[LEARN_SEEN];
uint64_t learn_tick = 1;

/* One writer, one reader: neither ever waits for the other. */
struct events {
	uint32_t taken __attribute__((aligned(64)));
	uint32_t put __attribute__((aligned(64)));
	struct learned_event slots[EVENTS] __attribute__((aligned(64)));
};

/* By packet thread. */
static struct events *rings;
/* Events that wait, by slot of the port. */
static uint16_t pending[UINT16_MAX + 1];
/* fwd-learn's own. */
static uint32_t now;

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopping;
	bool started, stop;
} self = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool put(struct events *ring, const struct learned_event *event)
{
	uint32_t at = __atomic_load_n(&ring->put, __ATOMIC_RELAXED);

	if (at - __atomic_load_n(&ring->taken, __ATOMIC_ACQUIRE) == EVENTS)
		return false;
	ring->slots[at % EVENTS] = *event;
	__atomic_store_n(&ring->put, at + 1, __ATOMIC_RELEASE);
	return true;
}

static void post(const struct ingress *in, struct learned_event *event)
{
	uint16_t *waiting = &pending[in->port->slot];

	event->port = in->port->id;
	event->generation = in->port->generation;
	event->bridge = in->row->bridge;
	event->slot = in->port->slot;
	if (__atomic_add_fetch(waiting, 1, __ATOMIC_RELAXED) > EVENTS_PER_PORT || !put(&rings[worker_self()], event))
		__atomic_sub_fetch(waiting, 1, __ATOMIC_RELAXED);
}

__attribute__((noinline, cold)) void learn_mac_event(const struct ingress *in, const uint8_t *mac)
{
	struct learned_event event = {.kind = LEARNED_MAC};

	memcpy(event.mac, mac, sizeof(event.mac));
	memcpy(event.address, mac, sizeof(event.mac));
	post(in, &event);
}

void learn_neighbor(const struct ingress *in, const uint8_t *address, const uint8_t *mac)
{
	struct learned_event event = {.kind = LEARNED_NEIGHBOR};

	memcpy(event.mac, mac, sizeof(event.mac));
	memcpy(event.address, address, sizeof(event.address));
	post(in, &event);
}

/* What waits now; what comes meanwhile waits for the next time, else a flood would keep this thread busy. */
static void drain(struct events *ring)
{
	uint32_t at = __atomic_load_n(&ring->taken, __ATOMIC_RELAXED);
	uint32_t end = __atomic_load_n(&ring->put, __ATOMIC_ACQUIRE);

	for (; at != end; at++) {
		struct learned_event event = ring->slots[at % EVENTS];
		__atomic_store_n(&ring->taken, at + 1, __ATOMIC_RELEASE);
		__atomic_sub_fetch(&pending[event.slot], 1, __ATOMIC_RELAXED);
		learned_take(&event, now);
	}
}

static void drain_all(void)
{
	for (uint32_t thread = 0; thread <= HANDOVER_THREADS; thread++)
		drain(&rings[thread]);
}

static void set_time(uint32_t seconds)
{
	if (seconds == now)
		return;
	now = seconds;
	__atomic_store_n(&learn_tick, (seconds + 1) * 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED);
}

int learn_init(void)
{
	rings = aligned_alloc(64, (HANDOVER_THREADS + 1) * sizeof(*rings));
	if (!rings || learned_init()) {
		learn_free();
		return -ENOMEM;
	}
	memset(rings, 0, (HANDOVER_THREADS + 1) * sizeof(*rings));
	memset(pending, 0, sizeof(pending));
	memset(learn_seen, 0, sizeof(learn_seen));
	now = 0;
	return 0;
}

void learn_free(void)
{
	learned_free();
	free(rings);
	rings = NULL;
}

void learn_poll_once(uint32_t seconds)
{
	set_time(seconds);
	drain_all();
	learned_sweep(LEARNED_BUCKETS, now);
}

static uint64_t ms_since(const struct timespec *start)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)((at.tv_sec - start->tv_sec) * 1000 + (at.tv_nsec - start->tv_nsec) / 1000000);
}

static void *run(void *unused)
{
	struct timespec start, until;

	(void)unused;
	clock_gettime(CLOCK_MONOTONIC, &start);
	pthread_mutex_lock(&self.lock);
	while (!self.stop) {
		pthread_mutex_unlock(&self.lock);
		uint64_t now_ms = ms_since(&start);
		set_time((uint32_t)(now_ms / 1000));
		uplink_poll(now_ms);
		drain_all();
		learned_sweep(SWEEP_STEP, now);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += POLL_MS * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_mutex_lock(&self.lock);
		if (!self.stop)
			pthread_cond_timedwait(&self.stopping, &self.lock, &until);
	}
	pthread_mutex_unlock(&self.lock);
	return NULL;
}

int learn_start(void)
{
	pthread_condattr_t attributes;
	sigset_t all, before;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&self.stopping, &attributes);
	pthread_condattr_destroy(&attributes);
	self.stop = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&self.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		return -failed;
	pthread_setname_np(self.thread, "fwd-learn");
	self.started = true;
	return 0;
}

void learn_stop(void)
{
	if (!self.started)
		return;
	pthread_mutex_lock(&self.lock);
	self.stop = true;
	pthread_cond_signal(&self.stopping);
	pthread_mutex_unlock(&self.lock);
	pthread_join(self.thread, NULL);
	pthread_cond_destroy(&self.stopping);
	self.started = false;
}
