#include "flow_life.h"

#include <errno.h>
#include <string.h>

#include "error.h"
#include "flow_event.h"
#include "flow_outside.h"
#include "flow_own.h"
#include "flow_pairs.h"
#include "flow_queue.h"
#include "log.h"
#include "policy.h"
#include "port.h"

/* Pairs that a thread keeps ready when the table is full: those that go are read until the end of the round. */
#define RESERVE_MOST 1024u
/* Flows that go at once for a new one, and entries of the queue that are looked at for each. */
#define EVICT_AT_ONCE 2u
#define EVICT_TRIES   64u

struct flow_table flows;
struct flow_life flow_life;
struct flow_worker flow_workers[STATS_THREADS];
struct flow_clock flow_clocks[STATS_THREADS];
uint32_t flow_clock_ahead;

static uint32_t setting(uint32_t value, uint32_t otherwise)
{
	return value == 0 ? otherwise : value;
}

static void take_settings(const struct fwd_config *config)
{
	uint32_t transitory = setting(config->flow_tcp_transitory, 240) * FLOW_HZ;

	flow_life = (struct flow_life){
	        .times = {.tcp_established = setting(config->flow_tcp_established, 7440) * FLOW_HZ,
	                .tcp_transitory = transitory,
	                .udp = setting(config->flow_udp, 300) * FLOW_HZ,
	                .icmp = setting(config->flow_icmp, 60) * FLOW_HZ,
	                .other = setting(config->flow_other, 300) * FLOW_HZ,
	                .denied = transitory / 4},
	        .threads = config->packet_threads,
	        .tcp_pickup = config->flow_tcp_pickup,
	};
	uint32_t pairs = setting(config->flow_pairs, FLOW_PAIRS_DEFAULT);
	uint64_t limit = (uint64_t)pairs * setting(config->flow_port_percent, 25) / 100;
	uint32_t reserve = pairs / 8 / config->packet_threads;
	flow_life.capacity = pairs;
	flow_life.port_limit = limit == 0 ? 1 : (uint32_t)limit;
	flow_life.reserve = reserve > RESERVE_MOST ? RESERVE_MOST : reserve;
}

int flow_life_start(const struct fwd_config *config, uint64_t offset)
{
	take_settings(config);
	flow_workers_init();
	int result = flow_event_init();
	if (result == 0)
		result = flow_queues_init(flow_life.capacity, flow_life.threads);
	if (result == 0)
		result = flow_attach(config, offset);
	return result;
}

void flow_life_stop(void)
{
	flow_detach();
	flow_queues_fini();
	flow_event_fini();
}

uint8_t flow_tcp_pickup(void)
{
	return flow_life.tcp_pickup;
}

/* So early that what goes now can be taken when no pair is left. */
static void make_room(uint32_t thread)
{
	struct flow_worker *worker = &flow_workers[thread];

	for (uint32_t i = 0; i < EVICT_AT_ONCE && flow_short(&flows, &worker->table, flow_life.reserve); i++) {
		uint32_t number = flow_queue_take(EVICT_TRIES);
		if (number == FLOW_NONE)
			return;
		flow_finish(thread, number, FLOW_FATE_EVICTED);
	}
}

verdict_t flow_begin(uint32_t thread, uint16_t slot, uint32_t *pair)
{
	struct flow_worker *worker = &flow_workers[thread];
	const struct port *port = port_at(slot);

	if (port == NULL || !flow_charge(slot, port->generation))
		return DROP_FLOW_PORT_LIMIT;
	make_room(thread);
	*pair = flow_take(&flows, &worker->table);
	if (*pair == FLOW_NONE) {
		flow_discharge(slot, port->generation);
		return DROP_FLOW_TABLE_FULL;
	}
	struct flow_pair *new = &flows.pairs[*pair];
	uint32_t now = flow_now(thread);
	for (uint32_t i = 0; i < 2; i++) {
		new->count[i].seen = now;
		new->count[i].last_drop = FLOW_NO_DROP;
		new->count[i].rule = POLICY_NO_RULE;
	}
	__atomic_store_n(&new->count[FLOW_FORWARD].made, now, __ATOMIC_RELAXED);
	new->half[FLOW_FORWARD].slot = slot;
	/* For flow_cancel; the key will say the same. */
	new->half[FLOW_FORWARD].key.context = port->generation;
	flow_port_note(slot, port->generation, port->id);
	return VERDICT_NEXT;
}

verdict_t flow_begin_peek(uint16_t slot)
{
	const struct port *port = port_at(slot);

	if (port == NULL || !flow_charge_peek(slot, port->generation))
		return DROP_FLOW_PORT_LIMIT;
	return VERDICT_NEXT;
}

void flow_cancel(uint32_t thread, uint32_t pair)
{
	const struct flow_half *half = &flows.pairs[pair].half[FLOW_FORWARD];

	flow_outside_release(&flows.pairs[pair]);
	flow_discharge(half->slot, half->key.context);
	flow_give(&flows, &flow_workers[thread].table, pair);
}

int flow_insert(uint32_t thread, uint32_t pair, uint32_t *other)
{
	struct flow_pair *new = &flows.pairs[pair];
	const struct port *port = port_at(new->half[FLOW_REVERSE].slot);

	if (port != NULL)
		flow_port_note(port->slot, port->generation, port->id);
	flow_queue_place(thread, new);
	int result = flow_add(&flows, pair, other);
	if (result != 0) {
		flow_cancel(thread, pair);
		return result;
	}
	flow_queue_put(thread, pair);
	stats_add(&flow_workers[thread].added, 1);
	if (flow_event_wanted())
		flow_event_pair(thread, pair, FWD_FLOW_EVENT_BEGAN);
	return 0;
}

void flow_settle(uint32_t thread, struct flow_pair *pair)
{
	struct flow_count *forward = &pair->count[FLOW_FORWARD], *reverse = &pair->count[FLOW_REVERSE];
	uint64_t packets = __atomic_load_n(&forward->packets, __ATOMIC_RELAXED) +
	                   __atomic_load_n(&reverse->packets, __ATOMIC_RELAXED);
	if (packets == __atomic_load_n(&reverse->told_packets, __ATOMIC_RELAXED))
		return;
	uint64_t bytes =
	        __atomic_load_n(&forward->bytes, __ATOMIC_RELAXED) + __atomic_load_n(&reverse->bytes, __ATOMIC_RELAXED);
	/* Modulo 2⁶⁴: when two threads tell at once, one of them may tell of fewer than none, and the sum is right. */
	packets -= __atomic_exchange_n(&reverse->told_packets, packets, __ATOMIC_RELAXED);
	bytes -= __atomic_exchange_n(&reverse->told_bytes, bytes, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t rule = __atomic_load_n(&pair->count[i].rule, __ATOMIC_RELAXED);
		if (rule != POLICY_NO_RULE)
			policy_count(thread, rule, 0, packets, bytes);
	}
}

void flow_rules_set(uint32_t thread, uint32_t pair, uint32_t forward, uint32_t reverse)
{
	struct flow_pair *changed = &flows.pairs[pair];

	flow_settle(thread, changed);
	__atomic_store_n(&changed->count[FLOW_FORWARD].rule, forward, __ATOMIC_RELAXED);
	__atomic_store_n(&changed->count[FLOW_REVERSE].rule, reverse, __ATOMIC_RELAXED);
}

void flow_redecided(uint32_t thread)
{
	stats_add(&flow_workers[thread].redecided, 1);
}

bool flow_finish(uint32_t thread, uint32_t pair, enum flow_fate fate)
{
	struct flow_worker *worker = &flow_workers[thread];
	struct flow_pair *gone = &flows.pairs[pair];

	if (!flow_remove(&flows, &worker->table, pair))
		return false;
	flow_settle(thread, gone);
	flow_outside_release(gone);
	flow_discharge(gone->half[FLOW_FORWARD].slot, gone->half[FLOW_FORWARD].key.context);
	if (fate == FLOW_FATE_EXPIRED)
		stats_add(&worker->expired, 1);
	else if (fate == FLOW_FATE_EVICTED)
		stats_add(&worker->evicted, 1);
	if (flow_event_wanted())
		flow_event_pair(thread, pair, FWD_FLOW_EVENT_ENDED);
	return true;
}

void flow_end(uint32_t thread, uint32_t pair)
{
	flow_finish(thread, pair, FLOW_FATE_ENDED);
}

void flow_life_stats(struct fwd_flow_stats *out)
{
	*out = (struct fwd_flow_stats){.capacity = flow_life.capacity,
	        .used = flow_count(&flows),
	        .kept = flow_life.kept,
	        .events_lost = flow_events_lost()};
	for (uint32_t i = 1; i <= flow_life.threads; i++) {
		const struct flow_worker *worker = &flow_workers[i];
		out->added += __atomic_load_n(&worker->added, __ATOMIC_RELAXED);
		out->expired += __atomic_load_n(&worker->expired, __ATOMIC_RELAXED);
		out->evicted += __atomic_load_n(&worker->evicted, __ATOMIC_RELAXED);
		out->redecided += __atomic_load_n(&worker->redecided, __ATOMIC_RELAXED);
	}
}
