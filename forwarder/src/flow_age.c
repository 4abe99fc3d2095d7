/* The time of flows, and how long they live. */
#include <netinet/in.h>
#include <rte_cycles.h>
#include <time.h>

#include "flow_event.h"
#include "flow_own.h"
#include "flow_pairs.h"
#include "flow_queue.h"
#include "nat_map_own.h"
#include "policy.h"
#include "port.h"
#include "tables.h"

/* How often a busy thread looks at flows and clock. */
#define SLICES_PER_SECOND 2000u
/* Pairs that are looked at in one call, at most: what a packet may have to wait for. */
#define CHUNK 2048u
/* Part of the cycles that looking may take. */
#define COST_PART 64u
/* Entries of the queue that are looked at in each call. */
#define CLEAN_TRIES   64u
#define NS_PER_SECOND 1000000000ull

uint32_t flow_tick(void)
{
	struct timespec now;

	/* A few ms coarse, and cheap. */
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	uint64_t ticks = (uint64_t)now.tv_sec * FLOW_HZ + (uint64_t)now.tv_nsec * FLOW_HZ / NS_PER_SECOND;
	return (uint32_t)ticks + __atomic_load_n(&flow_clock_ahead, __ATOMIC_RELAXED);
}

static bool is_tcp(const struct flow_pair *pair)
{
	return pair->half[FLOW_FORWARD].key.protocol == IPPROTO_TCP;
}

/* What the port in a slot is asked now; NULL: the port is gone. */
static const struct policy_port *rules_of(uint16_t slot, uint32_t generation)
{
	const struct port *port = port_at(slot);
	const struct fwd_port_row *row = port == NULL || port->generation != generation ? NULL : tables_port(port->id);

	return row == NULL ? NULL : policy_of(policy_now(), row);
}

/* Each direction is decided for itself when a packet comes: a denial by rules of before says nothing any more. */
static bool is_denied_half(const struct flow_half *half, const struct flow_half *other)
{
	if ((__atomic_load_n(&half->flags, __ATOMIC_RELAXED) & FLOW_DENIED) == 0)
		return false;
	const struct policy_port *from = rules_of(half->slot, half->key.context);
	const struct policy_port *to = rules_of(other->slot, other->key.context);
	return from != NULL && to != NULL &&
	       __atomic_load_n(&half->stamps, __ATOMIC_RELAXED) == ((uint64_t)to->stamp << 32 | from->stamp);
}

bool flow_is_denied(const struct flow_pair *pair)
{
	return is_denied_half(&pair->half[0], &pair->half[1]) || is_denied_half(&pair->half[1], &pair->half[0]);
}

static bool is_answered(const struct flow_pair *pair)
{
	return __atomic_load_n(&pair->count[FLOW_REVERSE].packets, __ATOMIC_RELAXED) != 0;
}

uint8_t flow_phase(const struct flow_pair *pair)
{
	static const uint8_t phases[] = {
	        [FLOW_TCP_OPENING] = FWD_FLOW_OPENING,
	        [FLOW_TCP_ESTABLISHED] = FWD_FLOW_ESTABLISHED,
	        [FLOW_TCP_CLOSING] = FWD_FLOW_CLOSING,
	        [FLOW_TCP_CLOSED] = FWD_FLOW_CLOSED,
	};

	if (is_tcp(pair))
		return phases[flow_tcp_phase(pair)];
	return is_answered(pair) ? FWD_FLOW_ESTABLISHED : FWD_FLOW_OPENING;
}

bool flow_is_dispensable(const struct flow_pair *pair)
{
	uint8_t phase = flow_phase(pair);

	return phase == FWD_FLOW_OPENING || phase == FWD_FLOW_CLOSED || flow_is_denied(pair);
}

/* How long it may be silent. */
static uint32_t time_of(const struct flow_pair *pair)
{
	const struct flow_times *times = &flow_life.times;
	uint32_t time = times->other;

	switch (pair->half[FLOW_FORWARD].key.protocol) {
	case IPPROTO_TCP:
		time = flow_tcp_phase(pair) == FLOW_TCP_ESTABLISHED ? times->tcp_established : times->tcp_transitory;
		break;
	case IPPROTO_UDP:
		time = times->udp;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		time = times->icmp;
		break;
	}
	return time > times->denied && flow_is_denied(pair) ? times->denied : time;
}

/* 0 when a packet of the round that is just beginning elsewhere was newer. */
static uint32_t ticks_since(uint32_t tick, uint32_t now)
{
	int32_t ticks = (int32_t)(now - tick);

	return ticks < 0 ? 0 : (uint32_t)ticks;
}

static bool is_over(const struct flow_pair *pair, uint32_t now)
{
	uint32_t forward = ticks_since(__atomic_load_n(&pair->count[FLOW_FORWARD].seen, __ATOMIC_RELAXED), now);
	uint32_t reverse = ticks_since(__atomic_load_n(&pair->count[FLOW_REVERSE].seen, __ATOMIC_RELAXED), now);

	/* One tick more for those that RFC 4787 §4.3 and RFC 5508 §3.2 give a shortest time: ticks are rounded down. */
	uint32_t more = (__atomic_load_n(&pair->half[FLOW_FORWARD].flags, __ATOMIC_RELAXED) & FLOW_NAT) != 0;
	return (forward < reverse ? forward : reverse) >= time_of(pair) + more;
}

static bool is_there(uint16_t slot, uint32_t generation)
{
	const struct port *port = port_at(slot);

	return port != NULL && port->generation == generation;
}

static bool has_lost_port(const struct flow_pair *pair)
{
	for (uint32_t i = 0; i < 2; i++)
		if (!is_there(pair->half[i].slot, pair->half[i].key.context))
			return true;
	return false;
}

static void look(struct flow_pair *pair, uint32_t number, void *context)
{
	uint32_t thread = *(const uint32_t *)context;
	struct flow_worker *worker = &flow_workers[thread];

	if (is_over(pair, flow_now(thread)) || (worker->ports_went && has_lost_port(pair))) {
		flow_finish(thread, number, FLOW_FATE_EXPIRED);
		return;
	}
	flow_settle(thread, pair);
	if (__atomic_load_n(&pair->count[FLOW_FORWARD].queued, __ATOMIC_RELAXED) == 0 && flow_is_dispensable(pair))
		flow_queue_again(thread, pair, number);
}

/* Ports that went during a pass are looked for until the end of the next one. */
static void begin_pass(struct flow_worker *worker)
{
	uint64_t changes = port_changes();

	worker->ports_went = changes != worker->changes;
	worker->changes = changes;
}

static void sweep(uint32_t thread, uint32_t budget)
{
	struct flow_worker *worker = &flow_workers[thread];

	if (flow_sweep(&flows, &worker->table, budget, look, &thread))
		begin_pass(worker);
	flow_queue_clean(thread, CLEAN_TRIES);
}

/* Pairs that this thread looks after. */
static uint32_t share_of(void)
{
	return __atomic_load_n(&flows.header->high_water, __ATOMIC_RELAXED) / flow_life.threads + 1;
}

/* Pairs to be looked at after so many cycles. */
static uint32_t due(uint64_t cycles)
{
	uint64_t pairs = cycles * share_of() / (rte_get_tsc_hz() * FLOW_PASS_SECONDS);

	return pairs > CHUNK ? CHUNK : (uint32_t)pairs;
}

static void age(uint32_t thread, struct flow_worker *worker, uint64_t tsc)
{
	uint64_t passed = tsc - worker->looked, allowed = passed / COST_PART;
	uint32_t pairs = due(passed);

	if (pairs == 0)
		return;
	worker->looked = tsc;
	worker->debt = worker->debt > allowed ? worker->debt - allowed : 0;
	if (worker->debt > 0)
		return;
	sweep(thread, pairs);
	worker->debt = rte_rdtsc() - tsc;
}

void flow_age(uint32_t thread)
{
	struct flow_worker *worker = &flow_workers[thread];
	uint64_t tsc = rte_rdtsc();
	uint32_t ahead = __atomic_load_n(&flow_clock_ahead, __ATOMIC_RELAXED);

	if (tsc - worker->ticked < rte_get_tsc_hz() / SLICES_PER_SECOND && ahead == worker->ahead)
		return;
	worker->ticked = tsc;
	worker->ahead = ahead;
	flow_clocks[thread].now = flow_tick();
	flow_event_tick(flow_clocks[thread].now);
	age(thread, worker, tsc);
	nat_map_age(thread);
}

uint32_t flow_age_wait(uint32_t thread)
{
	uint64_t share = share_of(), chunk = share < CHUNK ? share : CHUNK;

	if (flow_count(&flows) == 0)
		return UINT32_MAX;
	uint64_t wait = chunk * FLOW_PASS_SECONDS * 1000 / share;
	uint64_t debt = flow_workers[thread].debt * COST_PART * 1000 / rte_get_tsc_hz();
	return (uint32_t)(wait > debt ? wait : debt) + 1;
}

void flow_age_share(uint32_t thread)
{
	struct flow_worker *worker = &flow_workers[thread];

	flow_clocks[thread].now = flow_tick();
	worker->table.cursor = worker->table.index * FLOW_BLOCK;
	begin_pass(worker);
	worker->ports_went = true;
	while (!flow_sweep(&flows, &worker->table, CHUNK, look, &thread))
		;
	nat_map_age_all(thread);
}

void flow_age_all(void)
{
	for (uint32_t thread = 1; thread <= flow_life.threads; thread++)
		flow_age_share(thread);
}

void flow_workers_init(void)
{
	for (uint32_t thread = 1; thread <= flow_life.threads; thread++) {
		struct flow_worker *worker = &flow_workers[thread];
		*worker = (struct flow_worker){.looked = rte_rdtsc(), .changes = port_changes()};
		flow_thread_init(&worker->table, thread - 1, flow_life.threads);
		flow_clocks[thread].now = flow_tick();
	}
}
