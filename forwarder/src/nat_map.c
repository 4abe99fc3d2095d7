#include "nat_map.h"

#include <netinet/in.h>
#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

#include "flow_own.h"
#include "index.h"
#include "nat_map_plan.h"
#include "port.h"

/* How often another thread may be quicker to take the last block of an address. */
#define BLOCK_TRIES 4u
/* A port is told to be exhausted once in so many ticks. */
#define TELL_TICKS (10 * FLOW_HZ)

uint32_t nat_protocol(uint8_t family, uint8_t protocol)
{
	if (protocol == IPPROTO_TCP)
		return 0;
	if (protocol == IPPROTO_UDP)
		return 1;
	return protocol == (family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) ? 2 : NAT_NONE;
}

static bool is_dependent(uint32_t place)
{
	const struct fwd_nat_address_row *row = nat_row(place);

	return row != NULL && (row->flags & FWD_NAT_DEPENDENT_MAPPING) != 0;
}

/* One flow more. flags: to be set; false: it is free, or (but for `revive`) nobody uses it any more. */
static bool hold(struct nat_entry *entry, uint64_t flags, bool revive)
{
	uint64_t use = __atomic_load_n(&entry->use, __ATOMIC_ACQUIRE), held;

	do {
		if ((use & NAT_USED) == 0 || (!revive && !nat_is_held(use)) || (use & NAT_REFS) == NAT_REFS)
			return false;
		held = (use | flags) + 1;
	} while (!__atomic_compare_exchange_n(&entry->use, &use, held, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	return true;
}

static void claim(struct nat_home *home, const struct nat_ask *ask, const struct nat_plan *plan, uint32_t *bucket)
{
	struct nat_unit_state *states = nat_states[home->place].units, *state = &states[plan->port / NAT_UNIT];
	uint32_t number = nat_number(home->place, ask->protocol, plan->port);
	struct nat_entry *entry = nat_entry(number);
	uint64_t turn = __atomic_load_n(&entry->use, __ATOMIC_RELAXED) & ~(NAT_TURN - 1);
	uint64_t bit = 1ull << plan->port % NAT_UNIT;

	__atomic_store_n(&state->used[ask->protocol], nat_bits(&state->used[ask->protocol]) | bit, __ATOMIC_RELAXED);
	states[plan->block].free[ask->protocol]--;
	home->free[ask->protocol]--;
	home->current = (uint16_t)plan->block;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (uint32_t i = 0; i < 3; i++)
		__atomic_store_n(&entry->inside[i], ask->words[i], __ATOMIC_RELAXED);
	__atomic_store_n(
	        &entry->use, (turn + NAT_TURN) | NAT_USED | (bucket == NULL ? NAT_ALONE : 0) | 1, __ATOMIC_RELEASE);
	if (bucket != NULL)
		nat_bucket_add(bucket, number);
}

/* Brings a plan about. False: another thread was quicker, so that it is to be made anew. */
static bool carry_out(struct nat_subscriber *s, struct nat_home *home, const struct nat_ask *ask, uint32_t *bucket,
        struct nat_plan *plan)
{
	if (plan->verdict != VERDICT_NEXT)
		return true;
	if (plan->number != NAT_NONE)
		return hold(nat_entry(plan->number), plan->shared ? NAT_SHARED : 0, !plan->shared);
	if (plan->place != home->place) {
		nat_home_leave(home);
		home->place = plan->place;
	}
	if (plan->block == NAT_UNITS) {
		uint32_t first = nat_block_take(home, ask->slot, s->generation);
		if (first == NAT_UNITS)
			return false;
		nat_plan_port(s, home, ask->protocol, plan);
		if (plan->port == NAT_NONE)
			nat_block_settle(home->place, first, s);
	}
	if (plan->port == NAT_NONE)
		return false;
	claim(home, ask, plan, bucket);
	s->random = s->random * 0x9e3779b1u + 0x6d2b79f5u;
	return true;
}

void nat_subscriber_enter(struct nat_subscriber *s, uint32_t generation)
{
	if (s->generation == generation)
		return;
	for (uint32_t i = 0; i < 2; i++) {
		if (s->generation != 0)
			nat_home_leave(&s->homes[i]);
		nat_home_reset(&s->homes[i]);
	}
	s->generation = generation;
	s->random = (uint32_t)index_mix(index_seed, generation);
	s->told = 0;
}

static void tell_exhausted(struct nat_subscriber *s, const struct nat_ask *ask, uint32_t place)
{
	const struct port *port = port_at(ask->slot);
	uint32_t now = flow_tick();
	struct fwd_nat_event event;

	__atomic_fetch_add(&nat_states[place].exhausted, 1, __ATOMIC_RELAXED);
	if (port == NULL || (s->told != 0 && now - s->told < TELL_TICKS))
		return;
	s->told = now == 0 ? 1 : now;
	struct nat_unit block = {.owner = s->generation, .inside_port = port->id, .uplink = ask->uplink};
	nat_event_block(place, 0, &block, FWD_NAT_EVENT_EXHAUSTED, &event);
	event.protocol = ask->inside->protocol;
	nat_event_put(&event);
}

static void tell(const struct nat_plan *plan, struct nat_outside *outside)
{
	uint32_t number = plan->number, place = number == NAT_NONE ? plan->place : nat_place_of(number);

	memcpy(outside->address, nat_file->places[place].address, sizeof(outside->address));
	outside->port = rte_cpu_to_be_16((uint16_t)(number == NAT_NONE ? plan->port : nat_port_of(number)));
}

/* Of an endpoint that has none, or needs another one: with the subscriber's and its bucket's lock. */
static __attribute__((noinline)) void take_new(
        struct nat_subscriber *s, const struct nat_ask *ask, uint32_t *bucket, struct nat_plan *plan)
{
	struct nat_home *home = &s->homes[ask->inside->family == 6];

	nat_subscriber_enter(s, ask->inside->context);
	nat_home_review(home);
	for (uint32_t i = 0; i < BLOCK_TRIES; i++) {
		plan->verdict = nat_plan_place(home, ask, plan);
		if (plan->verdict != VERDICT_NEXT)
			break;
		nat_plan_make(s, home, ask, plan);
		if (carry_out(s, home, ask, is_dependent(plan->place) ? NULL : bucket, plan))
			break;
		plan->verdict = DROP_NAT_EXHAUSTED;
	}
	if (plan->verdict == DROP_NAT_EXHAUSTED)
		tell_exhausted(s, ask, plan->place);
}

/* With the subscriber's lock. */
static void take(struct nat_subscriber *s, const struct nat_ask *ask, struct nat_plan *plan)
{
	if (unlikely(ask->tries != 0)) {
		take_new(s, ask, NULL, plan);
		return;
	}
	uint32_t *bucket = nat_bucket_enter(ask->protocol, ask->words);
	/* Also when all blocks of the port are used up. */
	if (!nat_plan_known(bucket, ask, plan) || !hold(nat_entry(plan->number), 0, true))
		take_new(s, ask, bucket, plan);
	nat_bucket_leave(bucket);
}

static bool make_ask(uint16_t slot, uint32_t uplink, uint32_t pool, const struct nat_inside *inside, uint32_t tries,
        struct nat_ask *ask)
{
	*ask = (struct nat_ask){.inside = inside,
	        .uplink = uplink,
	        .pool = pool,
	        .tries = tries,
	        .protocol = nat_protocol(inside->family, inside->protocol),
	        .slot = slot};
	nat_words(inside, ask->words);
	return ask->protocol != NAT_NONE;
}

verdict_t nat_map_take(uint16_t slot, uint32_t uplink, uint32_t pool, const struct nat_inside *inside, uint32_t tries,
        struct nat_outside *outside)
{
	struct nat_subscriber *s = &nat_subscribers[slot];
	struct nat_plan plan;
	struct nat_ask ask;

	if (!make_ask(slot, uplink, pool, inside, tries, &ask))
		return DROP_NAT_PROTOCOL;
	nat_lock(&s->lock);
	take(s, &ask, &plan);
	nat_unlock(&s->lock);
	if (plan.verdict == VERDICT_NEXT)
		tell(&plan, outside);
	return plan.verdict;
}

verdict_t nat_map_peek(
        uint16_t slot, uint32_t uplink, uint32_t pool, const struct nat_inside *inside, struct nat_outside *outside)
{
	struct nat_subscriber *real = &nat_subscribers[slot], s;
	struct nat_home *home;
	struct nat_plan plan;
	struct nat_ask ask;

	if (!make_ask(slot, uplink, pool, inside, 0, &ask))
		return DROP_NAT_PROTOCOL;
	nat_lock(&real->lock);
	s = *real;
	if (s.generation != inside->context) {
		s.generation = 0;
		nat_subscriber_enter(&s, inside->context);
	}
	home = &s.homes[inside->family == 6];
	uint32_t *bucket = nat_bucket_enter(ask.protocol, ask.words);
	bool known = nat_plan_known(bucket, &ask, &plan);
	nat_bucket_leave(bucket);
	if (!known && (plan.verdict = nat_plan_place(home, &ask, &plan)) == VERDICT_NEXT)
		nat_plan_make(&s, home, &ask, &plan);
	nat_unlock(&real->lock);
	if (plan.verdict == VERDICT_NEXT)
		tell(&plan, outside);
	return plan.verdict;
}
