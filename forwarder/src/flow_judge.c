#include "flow_judge.h"

#include <rte_byteorder.h>

#include "flow_fragment.h"
#include "tables.h"

/* How often a packet looks for a flow that another thread takes away again. */
#define TRIES 3u

/* Where no rule was asked. */
static const struct policy_decision no_rules = {
        .verdict = DROP_POLICY_DENIED, .egress = POLICY_NO_RULE, .ingress = POLICY_NO_RULE};

/* Asks as for the first packet of a flow; either: also as for one of the other direction. */
static void decide(const struct policy_end *ends, const struct flow_key *key, uint16_t value, bool either,
        struct policy_decision *decision)
{
	struct policy_packet packet = {
	        .family = key->family, .protocol = key->protocol, .value = value, .src = key->src, .dst = key->dst};
	struct policy_decision back;

	policy_decide(&ends[0], &ends[1], &packet, decision);
	if (likely(!either || decision->verdict != DROP_POLICY_DENIED))
		return;
	packet.src = key->dst;
	packet.dst = key->src;
	packet.value = rte_be_to_cpu_16(key->src_port);
	policy_decide(&ends[1], &ends[0], &packet, &back);
	if (back.verdict == VERDICT_NEXT)
		*decision = (struct policy_decision){
		        .verdict = VERDICT_NEXT, .egress = back.ingress, .ingress = back.egress};
}

/* As for the first packet of a flow that is known; ends: where packets of the direction of `ref` enter, and leave. */
static void decide_flow(const struct policy_end *ends, uint32_t ref, struct policy_decision *decision)
{
	const struct flow_half *first = &flow_pair(&flows, ref)->half[FLOW_FORWARD];
	struct policy_end turned[2] = {ends[1], ends[0]};
	bool either = (__atomic_load_n(&first->flags, __ATOMIC_RELAXED) & FLOW_EITHER) != 0;

	decide((ref & 1) == FLOW_FORWARD ? ends : turned, &first->key, rte_be_to_cpu_16(first->key.dst_port), either,
	        decision);
}

static void find_ends(const struct flow_question *q, struct policy_end *ends)
{
	ends[0] = (struct policy_end){.port = q->in->port->id, .policy = q->in->rules};
	ends[1] = (struct policy_end){.port = q->out->port, .policy = q->out->rules};
}

static void record_rules(const struct flow_question *q, const struct policy_decision *decision)
{
	RECORD(q->pkt, RECORD_RULE, decision->egress);
	RECORD(q->pkt, RECORD_RULE, decision->ingress);
}

void flow_ask(const struct flow_question *q, struct policy_decision *decision)
{
	struct policy_end ends[2];

	find_ends(q, ends);
	decide(ends, &q->key, q->value, (q->flags & FLOW_EITHER) != 0, decision);
	record_rules(q, decision);
}

/* TCP in the middle of its connection. False: such are not picked up. */
static bool may_pick_up(struct flow_question *q)
{
	const struct pkt *pkt = q->pkt;

	if (pkt->protocol != IPPROTO_TCP || (pkt->flags & PKT_LATER_FRAGMENT) != 0 ||
	        (flow_has_tcp(pkt) && (flow_tcp_flags(pkt) & RTE_TCP_SYN_FLAG) != 0))
		return true;
	uint8_t pickup = flow_tcp_pickup();
	if (pickup == FWD_TCP_PICKUP_EITHER)
		q->flags |= FLOW_EITHER;
	return pickup != FWD_TCP_PICKUP_NEVER;
}

/* From an address and port to themselves, through one port: both directions would be the same. */
static bool is_own_answer(const struct flow_question *q)
{
	struct flow_key back;

	if (likely(q->in->port->generation != q->out->generation))
		return false;
	flow_key_mirror(&q->key, q->out->generation, &back);
	return memcmp(&q->key, &back, sizeof(back)) == 0;
}

static verdict_t follow(struct flow_question *q, uint32_t ref);

/* No flow has it. */
static verdict_t begin(struct flow_question *q)
{
	struct policy_decision decision;
	uint32_t ref;
	bool other;

	q->pkt->flow = FLOW_NONE;
	q->flags = 0;
	if (!may_pick_up(q))
		return DROP_TCP_MID_STREAM;
	flow_ask(q, &decision);
	if (decision.verdict != VERDICT_NEXT) {
		flow_refused(q, FLOW_NONE, &decision);
		return decision.verdict;
	}
	if ((q->kind != FLOW_KIND_PAIR && q->kind != FLOW_KIND_ONE_WAY) || is_own_answer(q)) {
		flow_count_alone(q, &decision);
		return VERDICT_NEXT;
	}
	verdict_t verdict = flow_make(q, &decision, &ref, &other);
	q->pkt->flow = ref;
	return unlikely(other) ? follow(q, ref) : verdict;
}

/* What was decided for the packets of one direction. */
static verdict_t recorded(const struct flow_half *half)
{
	return (__atomic_load_n(&half->flags, __ATOMIC_RELAXED) & FLOW_DENIED) != 0 ? DROP_POLICY_DENIED : VERDICT_NEXT;
}

/* Rules changed since it was decided. */
static verdict_t decide_anew(struct flow_question *q, uint32_t ref, struct policy_decision *decision)
{
	struct policy_end ends[2];

	find_ends(q, ends);
	decide_flow(ends, ref, decision);
	record_rules(q, decision);
	if (decision->verdict != DROP_POLICY_PENDING)
		flow_keep(q, ref, decision);
	return decision->verdict;
}

/* A flow that was found, but perhaps must not be followed. */
static verdict_t follow(struct flow_question *q, uint32_t ref)
{
	struct policy_decision decision = no_rules;
	struct flow_pair *pair = flow_pair(&flows, ref);
	struct flow_half *half = &pair->half[ref & 1];
	struct pkt *pkt = q->pkt;
	verdict_t verdict;

	if (half->way_out != q->out->generation || (flow_has_tcp(pkt) && flow_begins_anew(pkt, pair))) {
		flow_leave(q->in, ref);
		/* Whoever put another flow there meanwhile waits for no packet of this one. */
		return q->tries++ < TRIES ? begin(q) : VERDICT_NEXT;
	}
	pkt->flow = ref;
	if (__atomic_load_n(&half->stamps, __ATOMIC_RELAXED) != q->out->stamps)
		verdict = decide_anew(q, ref, &decision);
	else
		verdict = recorded(half);
	if (verdict != VERDICT_NEXT) {
		flow_refused(q, ref, &decision);
		return verdict;
	}
	RECORD(pkt, RECORD_FLOW, ref);
	if (flow_has_tcp(pkt))
		flow_track(pkt, pair, ref & 1);
	flow_count_packet(pkt, q->in, &pair->count[ref & 1]);
	return VERDICT_NEXT;
}

/* What holds for a flow that an error quotes, whose packets of the direction of `ref` enter where the error leaves. A
 * router between the two may have made it, at a port that is not asked; one that is speaks for its own flows only, or
 * what its rules forbid would pass in errors. False: not so, or the other end is gone. */
static bool decide_quoted(const struct flow_question *q, uint32_t ref, struct policy_decision *decision)
{
	const struct flow_pair *pair = flow_pair(&flows, ref);
	const struct flow_half *half = &pair->half[ref & 1];
	const struct port *peer = port_at(pair->half[!(ref & 1)].slot);
	const struct fwd_port_row *row = peer == NULL ? NULL : tables_port(peer->id);

	if (row == NULL || peer->generation != half->way_out)
		return false;
	if (q->in->rules->stamp != POLICY_OPEN && q->in->port->generation != half->way_out)
		return false;
	struct policy_end ends[2] = {{.port = q->out->port, .policy = q->out->rules},
	        {.port = peer->id, .policy = policy_of(q->in->policy, row)}};
	if (__atomic_load_n(&half->stamps, __ATOMIC_RELAXED) == flow_stamps(ends[0].policy, ends[1].policy))
		decision->verdict = recorded(half);
	else
		decide_flow(ends, ref, decision);
	return true;
}

static verdict_t judge_error(struct flow_question *q)
{
	struct policy_decision decision = no_rules;
	struct flow_key quoted;
	enum flow_kind kind = flow_key_quoted(q->pkt, q->out->generation, &quoted);

	if (kind == FLOW_KIND_INVALID)
		return DROP_ICMP_ERROR_INVALID;
	uint32_t ref = kind == FLOW_KIND_ERROR ? flow_find_one(&flows, &quoted) : FLOW_NONE;
	if (ref == FLOW_NONE || !decide_quoted(q, ref, &decision))
		return begin(q);
	/* It goes the other way. */
	ref ^= 1;
	q->pkt->flow = ref;
	if (decision.verdict != VERDICT_NEXT) {
		flow_refused(q, ref, &decision);
		return decision.verdict;
	}
	RECORD(q->pkt, RECORD_FLOW, ref);
	flow_count_error(q->pkt, q->in, &flow_pair(&flows, ref)->count[ref & 1]);
	return VERDICT_NEXT;
}

void flow_question_later(struct flow_question *q, const struct flow_fragment_ports *ports)
{
	uint16_t pair[2] = {ports->src, ports->dst};
	uint32_t both;

	memcpy(&both, pair, sizeof(both));
	flow_key_put(q->pkt, both, q->in->port->generation, &q->key);
	q->key.protocol = ports->protocol;
	q->kind = (enum flow_kind)ports->kind;
	q->value = ports->value;
}

void flow_question_first(struct flow_question *q, struct flow_fragment_ports *ports)
{
	q->kind = flow_key_of(q->pkt, q->in->port->generation, &q->key, &q->value);
	*ports = (struct flow_fragment_ports){.src = q->key.src_port,
	        .dst = q->key.dst_port,
	        .value = q->value,
	        .protocol = q->pkt->protocol,
	        .kind = (uint8_t)q->kind,
	        .way_out = q->out == NULL ? 0 : q->out->generation};
}

static bool is_pending(const struct flow_question *q)
{
	return q->in->rules->stamp == POLICY_PENDING || q->out->rules->stamp == POLICY_PENDING;
}

static verdict_t judge(struct flow_question *q)
{
	if (q->kind == FLOW_KIND_EXEMPT)
		return VERDICT_NEXT;
	if (is_pending(q)) {
		struct policy_decision pending = {
		        .verdict = DROP_POLICY_PENDING, .egress = POLICY_NO_RULE, .ingress = POLICY_NO_RULE};
		/* Its flow says what became of the packet, also when it comes from an open port. */
		if (flow_kind_is_found(q->kind))
			q->pkt->flow = flow_find_one(&flows, &q->key);
		flow_refused(q, FLOW_NONE, &pending);
		return DROP_POLICY_PENDING;
	}
	if (q->kind == FLOW_KIND_ERROR)
		return judge_error(q);
	uint32_t ref = flow_kind_is_found(q->kind) ? flow_find_one(&flows, &q->key) : FLOW_NONE;
	return ref == FLOW_NONE ? begin(q) : follow(q, ref);
}

/* Later ones go by what the first one told; of an ICMP error, that it passed there. */
static verdict_t judge_later(struct flow_question *q, const struct flow_fragment_ports *ports)
{
	flow_question_later(q, ports);
	if (q->kind != FLOW_KIND_ERROR)
		return judge(q);
	return ports->way_out == q->out->generation ? VERDICT_NEXT : begin(q);
}

static verdict_t judge_fragment(struct flow_question *q)
{
	struct flow_fragment_ports ports = {0};
	verdict_t verdict = flow_fragment_enter(q->pkt, q->in, flow_now(q->in->thread), &ports);

	if (verdict != VERDICT_NEXT)
		return verdict;
	if (q->pkt->flags & PKT_LATER_FRAGMENT)
		return judge_later(q, &ports);
	flow_question_first(q, &ports);
	verdict = judge(q);
	flow_fragment_decided(q->pkt, q->in, &ports, verdict);
	return verdict;
}

__attribute__((noinline)) verdict_t flow_judge(struct pkt *pkt, const struct ingress *in, const struct way_out *out)
{
	struct flow_question q = {.pkt = pkt, .in = in, .out = out};

	if ((pkt->flags & (PKT_IPV4 | PKT_IPV6)) == 0)
		return VERDICT_NEXT;
	if (unlikely((pkt->flags & PKT_FRAGMENT) != 0))
		return judge_fragment(&q);
	q.kind = flow_key_of(pkt, in->port->generation, &q.key, &q.value);
	return judge(&q);
}
