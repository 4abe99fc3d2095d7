#include "flow_act.h"

#include <errno.h>

#include "flow.h"
#include "flow_event.h"
#include "flow_nat.h"

/* How often a flow is tried to be added: others give way, or outside ports are another's to the same remote. */
#define MAKE_TRIES 8u

__attribute__((noinline, cold)) void flow_dropped(const struct pkt *pkt, verdict_t reason)
{
	struct flow_count *counts = flow_pair(&flows, pkt->flow)->count;
	uint16_t *other = &counts[!(pkt->flow & 1)].last_drop;

	__atomic_store_n(&counts[pkt->flow & 1].last_drop, reason, __ATOMIC_RELAXED);
	/* The last one of both directions is told. */
	if (__atomic_load_n(other, __ATOMIC_RELAXED) != FLOW_NO_DROP)
		__atomic_store_n(other, FLOW_NO_DROP, __ATOMIC_RELAXED);
}

void flow_count_error(const struct pkt *pkt, struct flow_count *count)
{
	__atomic_fetch_add(&count->packets, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&count->bytes, flow_ip_bytes(pkt), __ATOMIC_RELAXED);
}

void flow_count_alone(const struct flow_question *q, const struct policy_decision *decision)
{
	uint32_t thread = q->in->thread, bytes = flow_ip_bytes(q->pkt);

	policy_count(thread, decision->egress, 1, 1, bytes);
	policy_count(thread, decision->ingress, 1, 1, bytes);
}

static void fill(struct flow_pair *pair, const struct flow_question *q, const struct policy_decision *decision)
{
	struct flow_half *forward = &pair->half[FLOW_FORWARD], *reverse = &pair->half[FLOW_REVERSE];

	forward->key = q->key;
	forward->stamps = q->stamps;
	forward->way_out = q->out->generation;
	forward->flags = q->flags;
	reverse->key = q->back;
	/* What both directions' have in common beside the policy of the ports is the version of NAT rows. */
	reverse->stamps = flow_stamps(q->out->rules, q->in->rules) ^ q->out->stamps ^ q->stamps;
	reverse->way_out = q->in->port->generation;
	reverse->flags = q->flags & (uint16_t) ~(FLOW_NAT_SOURCE | FLOW_NAT_TARGET);
	reverse->slot = q->out->slot;
	pair->count[FLOW_FORWARD].rule = decision->egress;
	pair->count[FLOW_REVERSE].rule = decision->ingress;
	if (flow_has_tcp(q->pkt))
		flow_track(q->pkt, pair, FLOW_FORWARD);
	flow_count_packet(q->pkt, q->in, &pair->count[FLOW_FORWARD]);
}

/* It belongs to no flow. */
static verdict_t pass_alone(const struct flow_question *q, const struct policy_decision *decision)
{
	if ((q->flags & FLOW_NAT) != 0)
		return DROP_NAT_CONFLICT;
	flow_count_alone(q, decision);
	return VERDICT_NEXT;
}

static verdict_t count_made(const struct flow_question *q, const struct policy_decision *decision)
{
	policy_count(q->in->thread, decision->egress, 1, 0, 0);
	policy_count(q->in->thread, decision->ingress, 1, 0, 0);
	return VERDICT_NEXT;
}

/* The outside ports of a pair that was begun; without them it ends. */
static __attribute__((noinline)) verdict_t take_ports(struct flow_question *q, uint32_t pair, uint32_t tries)
{
	verdict_t verdict = flow_nat_take(q, &flows.pairs[pair], tries);

	if (verdict == VERDICT_NEXT && memcmp(&q->key, &q->back, sizeof(q->key)) == 0)
		verdict = DROP_NAT_CONFLICT;
	if (verdict != VERDICT_NEXT)
		flow_cancel(q->in->thread, pair);
	return verdict;
}

/* What comes back would be of another flow, whose other end moved here; or, of a shared outside port, of one to the
 * same remote, which stays. */
static bool make_way(const struct flow_question *q, uint32_t found)
{
	const struct flow_pair *other = flow_pair(&flows, found);
	bool translated = ((q->flags | other->half[FLOW_FORWARD].flags) & FLOW_NAT) != 0;

	if (translated && flow_nat_holds(other))
		return false;
	flow_end(q->in->thread, found >> 1);
	return true;
}

verdict_t flow_make(struct flow_question *q, const struct policy_decision *decision, uint32_t *ref, bool *other)
{
	uint32_t thread = q->in->thread, pair, found, ports = 0;

	*ref = FLOW_NONE;
	*other = false;
	for (uint32_t tries = 0; tries < MAKE_TRIES; tries++) {
		verdict_t verdict = flow_begin(thread, q->in->port->slot, &pair);
		if (unlikely((q->flags & (FLOW_NAT_SOURCE | FLOW_NAT_TARGET)) != 0) && verdict == VERDICT_NEXT)
			verdict = take_ports(q, pair, ports);
		if (verdict != VERDICT_NEXT)
			return verdict;
		fill(&flows.pairs[pair], q, decision);
		int result = flow_insert(thread, pair, &found);
		if (result == 0) {
			*ref = pair << 1 | FLOW_FORWARD;
			return count_made(q, decision);
		}
		if (result == -ENOSPC)
			return DROP_FLOW_TABLE_FULL;
		if (result == -EEXIST) {
			*ref = found;
			*other = true;
			return VERDICT_NEXT;
		}
		if (make_way(q, found))
			continue;
		if ((q->flags & FLOW_NAT_SOURCE) == 0)
			break;
		ports++;
	}
	return pass_alone(q, decision);
}

void flow_leave(const struct ingress *in, uint32_t ref)
{
	/* Packets of this burst may still name it. */
	__atomic_store_n(&flow_pair(&flows, ref)->half[ref & 1].stamps, FLOW_STALE, __ATOMIC_RELAXED);
	flow_end(in->thread, ref >> 1);
}

void flow_keep(const struct flow_question *q, uint32_t ref, const struct policy_decision *decision)
{
	struct flow_half *half = &flow_pair(&flows, ref)->half[ref & 1];
	uint16_t denied = decision->verdict == VERDICT_NEXT ? 0 : FLOW_DENIED;
	uint32_t thread = q->in->thread;

	__atomic_store_n(&half->flags, (uint16_t)((half->flags & ~FLOW_DENIED) | denied), __ATOMIC_RELAXED);
	__atomic_store_n(&half->stamps, q->stamps, __ATOMIC_RELAXED);
	flow_rules_set(thread, ref >> 1, decision->egress, decision->ingress);
	flow_redecided(thread);
	if (denied == 0)
		count_made(q, decision);
}

static void count_denied(uint32_t thread, uint32_t handle)
{
	const struct fwd_rule_row *row = policy_rule(handle);

	if (row != NULL && row->action == FWD_RULE_DENY)
		policy_count(thread, handle, 1, 0, 0);
}

static void tell_rule(uint32_t handle, uint32_t *group, uint32_t *number)
{
	const struct fwd_rule_row *row = policy_rule(handle);

	*group = row == NULL ? 0 : row->group;
	*number = row == NULL ? 0 : row->number;
}

void flow_describe(const struct flow_question *q, const struct policy_decision *decision, struct fwd_flow *out)
{
	*out = (struct fwd_flow){.from_port = q->in->port->id,
	        .from_generation = q->in->port->generation,
	        .to_port = q->out->port,
	        .to_generation = q->out->generation,
	        .src_port = rte_be_to_cpu_16(q->key.src_port),
	        .dst_port = rte_be_to_cpu_16(q->key.dst_port),
	        .last_drop = decision->verdict == VERDICT_NEXT ? FLOW_NO_DROP : decision->verdict,
	        .action = decision->verdict == VERDICT_NEXT ? FWD_RULE_ALLOW : FWD_RULE_DENY,
	        .protocol = q->key.protocol,
	        .version = q->key.family};
	memcpy(out->src, q->key.src, sizeof(out->src));
	memcpy(out->dst, q->key.dst, sizeof(out->dst));
	if ((q->flags & FLOW_NAT) != 0) {
		out->translated = 1;
		out->nat_src_port = rte_be_to_cpu_16(q->back.dst_port);
		out->nat_dst_port = rte_be_to_cpu_16(q->back.src_port);
		memcpy(out->nat_src, q->back.dst, sizeof(out->nat_src));
		memcpy(out->nat_dst, q->back.src, sizeof(out->nat_dst));
	}
	tell_rule(decision->egress, &out->egress_group, &out->egress_number);
	tell_rule(decision->ingress, &out->ingress_group, &out->ingress_number);
}

void flow_refused(const struct flow_question *q, uint32_t ref, const struct policy_decision *decision)
{
	uint32_t thread = q->in->thread;
	struct fwd_flow told;

	count_denied(thread, decision->egress);
	count_denied(thread, decision->ingress);
	if (!flow_event_denial(thread, q->in->port->slot))
		return;
	if (ref == FLOW_NONE || !flow_tell(ref >> 1, &told))
		flow_describe(q, decision, &told);
	told.last_drop = decision->verdict;
	flow_event_denied(thread, &told);
}
