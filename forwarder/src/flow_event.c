#include "flow_event.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "flow_own.h"
#include "limit.h"

/* Events that wait for each packet thread. */
#define EVENTS 4096u
/* Who follows, and does not ask for so long, loses what happens until it asks again. */
#define FOLLOW_TICKS (10 * FLOW_HZ)
/* Instead of the tick until which somebody follows. */
#define NOBODY 0u
#define LAPSED 1u

/* One writer, one reader: neither ever waits for the other. */
struct events {
	uint32_t taken __attribute__((aligned(64)));
	uint32_t put __attribute__((aligned(64)));
	uint64_t lost;
	struct fwd_flow slots[EVENTS] __attribute__((aligned(64)));
};

/* By packet thread. */
static struct events *rings;
/* Tick until which somebody follows; NOBODY; LAPSED. */
static uint32_t followed_until;

static size_t ring_bytes(void)
{
	return STATS_THREADS * sizeof(struct events);
}

int flow_event_init(void)
{
	void *at = mmap(NULL, ring_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return -ENOMEM;
	rings = at;
	followed_until = NOBODY;
	return 0;
}

void flow_event_fini(void)
{
	if (rings != NULL)
		munmap(rings, ring_bytes());
	rings = NULL;
}

bool flow_event_wanted(void)
{
	return __atomic_load_n(&followed_until, __ATOMIC_RELAXED) != NOBODY;
}

void flow_event_tick(uint32_t now)
{
	uint32_t until = __atomic_load_n(&followed_until, __ATOMIC_RELAXED);

	if (until > LAPSED && (int32_t)(now - until) > 0)
		__atomic_compare_exchange_n(&followed_until, &until, LAPSED, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void put(uint32_t thread, const struct fwd_flow *flow)
{
	struct events *ring = &rings[thread];
	uint32_t at = __atomic_load_n(&ring->put, __ATOMIC_RELAXED);

	if (at - __atomic_load_n(&ring->taken, __ATOMIC_ACQUIRE) == EVENTS) {
		stats_add(&ring->lost, 1);
		return;
	}
	ring->slots[at % EVENTS] = *flow;
	__atomic_store_n(&ring->put, at + 1, __ATOMIC_RELEASE);
}

void flow_event_pair(uint32_t thread, uint32_t pair, uint8_t event)
{
	struct flow_pair copy;
	struct fwd_flow flow;

	if (__atomic_load_n(&followed_until, __ATOMIC_RELAXED) == LAPSED) {
		stats_add(&rings[thread].lost, 1);
		return;
	}
	flow_copy(&flows.pairs[pair], &copy);
	flow_show(&copy, &flow);
	flow.event = event;
	put(thread, &flow);
}

bool flow_event_denial(uint32_t thread, uint16_t slot)
{
	if (limit_take(LIMIT_FLOW_DENIED, slot, FLOW_DENIED_RATE, FLOW_DENIED_BURST))
		return true;
	stats_add(&rings[thread].lost, 1);
	return false;
}

void flow_event_denied(uint32_t thread, struct fwd_flow *flow)
{
	flow->time_ns = flow_time();
	flow->event = FWD_FLOW_EVENT_DENIED;
	put(thread, flow);
}

static uint32_t take(struct events *ring, struct fwd_flow *out, uint32_t room)
{
	uint32_t at = __atomic_load_n(&ring->taken, __ATOMIC_RELAXED);
	uint32_t count = __atomic_load_n(&ring->put, __ATOMIC_ACQUIRE) - at;

	count = count < room ? count : room;
	for (uint32_t i = 0; i < count; i++)
		memcpy((uint8_t *)out + i * sizeof(*out), &ring->slots[(at + i) % EVENTS], sizeof(*out));
	__atomic_store_n(&ring->taken, at + count, __ATOMIC_RELEASE);
	return count;
}

int32_t flow_events_read(bool follow, void *out, uint32_t length)
{
	uint32_t room = length / sizeof(struct fwd_flow), count = 0;
	uint32_t until = flow_tick() + FOLLOW_TICKS;

	until = until <= LAPSED ? LAPSED + 1 : until;
	__atomic_store_n(&followed_until, follow ? until : NOBODY, __ATOMIC_RELAXED);
	for (uint32_t thread = 1; thread < STATS_THREADS; thread++)
		count += take(&rings[thread], (struct fwd_flow *)out + count, room - count);
	return (int32_t)(count * sizeof(struct fwd_flow));
}

uint64_t flow_events_lost(void)
{
	uint64_t lost = 0;

	for (uint32_t thread = 1; thread < STATS_THREADS; thread++)
		lost += __atomic_load_n(&rings[thread].lost, __ATOMIC_RELAXED);
	return lost;
}
