#include "flow_judge.h"

#include <rte_byteorder.h>

#include "flow_fragment.h"
#include "flow_nat.h"
#include "tables.h"

/* How often a packet looks for a flow that another thread takes away again. */
#define TRIES 3u

/* Where no rule was asked. */
static const struct policy_decision no_rules = {
        .verdict = DROP_POLICY_DENIED, .egress = POLICY_NO_RULE, .ingress = POLICY_NO_RULE};

/* What rules are asked about. */
struct asked {
	/* As packets of its direction enter, and those that come back. */
	const struct flow_key *key, *back;
	/* Of the destination where the flow begins. */
	uint16_t value;
	/* enum flow_flag. */
	uint16_t flags;
};

/* Each end is asked about the packet as its wire has it; the other end counts by its address only, for whose it is the
 * outside address does not tell. */
static void decide_translated(
        const struct policy_end *ends, const struct asked *asked, struct policy_decision *decision)
{
	const struct flow_key *key = asked->key, *back = asked->back;
	struct policy_end open = {.policy = &policy_open};
	struct policy_packet leaves = {.family = key->family,
	        .protocol = key->protocol,
	        .value = asked->value,
	        .src = key->src,
	        .dst = key->dst};
	struct policy_packet arrives = {.family = key->family,
	        .protocol = key->protocol,
	        .value = rte_be_to_cpu_16(back->src_port),
	        .src = back->dst,
	        .dst = back->src};
	struct policy_decision second;

	policy_decide(&ends[0], &open, &leaves, decision);
	if (decision->verdict != VERDICT_NEXT)
		return;
	policy_decide(&open, &ends[1], &arrives, &second);
	decision->verdict = second.verdict;
	decision->ingress = second.ingress;
}

static inline void decide_one(
        const struct policy_end *ends, const struct asked *asked, struct policy_decision *decision)
{
	const struct flow_key *key = asked->key;
	struct policy_packet packet = {.family = key->family,
	        .protocol = key->protocol,
	        .value = asked->value,
	        .src = key->src,
	        .dst = key->dst};

	if (unlikely((asked->flags & FLOW_NAT) != 0))
		decide_translated(ends, asked, decision);
	else
		policy_decide(&ends[0], &ends[1], &packet, decision);
}

/* Asks as for the first packet of a flow; with FLOW_EITHER also as for one of the other direction. */
static void decide(const struct policy_end *ends, const struct asked *asked, struct policy_decision *decision)
{
	struct policy_decision back;

	decide_one(ends, asked, decision);
	if (likely((asked->flags & FLOW_EITHER) == 0 || decision->verdict != DROP_POLICY_DENIED))
		return;
	bool translated = (asked->flags & FLOW_NAT) != 0;
	struct policy_end turned[2] = {ends[1], ends[0]};
	struct flow_key mirrored;
	flow_key_mirror(asked->key, 0, &mirrored);
	struct asked other = {.key = translated ? asked->back : &mirrored, .back = asked->key, .flags = asked->flags};
	other.value = rte_be_to_cpu_16(other.key->dst_port);
	decide_one(turned, &other, &back);
	if (back.verdict == VERDICT_NEXT)
		*decision = (struct policy_decision){
		        .verdict = VERDICT_NEXT, .egress = back.ingress, .ingress = back.egress};
}

/* As for the first packet of a flow that is known; ends: where packets of the direction of `ref` enter, and leave. */
static void decide_flow(const struct policy_end *ends, uint32_t ref, struct policy_decision *decision)
{
	const struct flow_half *half = flow_pair(&flows, ref)->half;
	struct policy_end turned[2] = {ends[1], ends[0]};
	struct asked asked = {.key = &half[FLOW_FORWARD].key,
	        .back = &half[FLOW_REVERSE].key,
	        .value = rte_be_to_cpu_16(half[FLOW_FORWARD].key.dst_port),
	        .flags = __atomic_load_n(&half[FLOW_FORWARD].flags, __ATOMIC_RELAXED)};

	decide((ref & 1) == FLOW_FORWARD ? ends : turned, &asked, decision);
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
	struct asked asked = {.key = &q->key, .back = &q->back, .value = q->value, .flags = q->flags};

	find_ends(q, ends);
	decide(ends, &asked, decision);
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
	if (likely(q->in->port->generation != q->out->generation))
		return false;
	return memcmp(&q->key, &q->back, sizeof(q->key)) == 0;
}

/* It passes, and belongs to no flow. */
static verdict_t pass_alone(const struct flow_question *q, const struct policy_decision *decision)
{
	if ((q->flags & FLOW_NAT) != 0)
		return DROP_NAT_CONFLICT;
	flow_count_alone(q, decision);
	return VERDICT_NEXT;
}

static verdict_t follow(struct flow_question *q, uint32_t ref);

/* What it becomes; where nothing is translated, itself. */
static inline verdict_t plan(struct flow_question *q)
{
	if (unlikely(q->in->uplink != 0 || q->out->uplink || (q->pkt->flags & PKT_TURNS) != 0))
		return flow_nat_plan(q);
	flow_key_mirror(&q->key, q->out->generation, &q->back);
	q->stamps = q->out->stamps;
	return VERDICT_NEXT;
}

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
	verdict_t verdict = plan(q);
	if (unlikely(verdict != VERDICT_NEXT))
		return verdict;
	flow_ask(q, &decision);
	if (decision.verdict != VERDICT_NEXT) {
		flow_refused(q, FLOW_NONE, &decision);
		return decision.verdict;
	}
	if ((q->kind != FLOW_KIND_PAIR && q->kind != FLOW_KIND_ONE_WAY) || is_own_answer(q))
		return pass_alone(q, &decision);
	verdict = flow_make(q, &decision, &ref, &other);
	q->pkt->flow = ref;
	if (unlikely(other))
		return follow(q, ref);
	if (unlikely((q->flags & FLOW_NAT) != 0 && verdict == VERDICT_NEXT))
		q->pkt->flags |= PKT_NAT;
	return verdict;
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

/* Another flow than the one that was found: it leaves elsewhere, begins anew, or is not translated so any more. */
static bool is_another(const struct flow_question *q, const struct flow_pair *pair, const struct flow_half *half)
{
	if (half->way_out != q->out->generation || (flow_has_tcp(q->pkt) && flow_begins_anew(q->pkt, pair)))
		return true;
	bool concerns_rows = (half->flags & FLOW_NAT) != 0 || q->out->uplink || stage_is_uplink(q->in);
	return unlikely(concerns_rows) && __atomic_load_n(&half->stamps, __ATOMIC_RELAXED) != q->stamps &&
	       !flow_nat_holds(pair);
}

static verdict_t begin_anew(struct flow_question *q, uint32_t ref)
{
	flow_leave(q->in, ref);
	/* Whoever put another flow there meanwhile waits for no packet of this one. */
	if (q->tries++ >= TRIES)
		return flow_nat_is_due(q) ? DROP_NAT_CONFLICT : VERDICT_NEXT;
	verdict_t verdict = flow_nat_aim_anew(q);
	return verdict == VERDICT_NEXT ? begin(q) : verdict;
}

/* A flow that was found, but perhaps must not be followed. */
static verdict_t follow(struct flow_question *q, uint32_t ref)
{
	struct policy_decision decision = no_rules;
	struct flow_pair *pair = flow_pair(&flows, ref);
	struct flow_half *half = &pair->half[ref & 1];
	struct pkt *pkt = q->pkt;
	bool translated = (__atomic_load_n(&half->flags, __ATOMIC_RELAXED) & FLOW_NAT) != 0;
	verdict_t verdict;

	q->stamps = unlikely(translated) ? flow_nat_stamps(q->in, q->out) : q->out->stamps;
	if (is_another(q, pair, half))
		return begin_anew(q, ref);
	pkt->flow = ref;
	if (__atomic_load_n(&half->stamps, __ATOMIC_RELAXED) != q->stamps)
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
	if (unlikely(translated))
		pkt->flags |= PKT_NAT;
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
	if (q->in->rules->identity != NULL && q->in->port->generation != half->way_out)
		return false;
	struct policy_end ends[2] = {{.port = q->out->port, .policy = q->out->rules},
	        {.port = peer->id, .policy = policy_of(q->in->policy, row)}};
	if (__atomic_load_n(&half->stamps, __ATOMIC_RELAXED) == flow_stamps(ends[0].policy, ends[1].policy))
		decision->verdict = recorded(half);
	else
		decide_flow(ends, ref, decision);
	return true;
}

/* The flow, and direction, of the packet that an error quotes. */
static uint32_t find_quoted(const struct flow_question *q, const struct flow_key *quoted)
{
	if (unlikely(q->in->uplink != 0 || q->out->uplink)) {
		uint32_t ref = flow_nat_quoted(q->pkt, q->in);
		if (ref != FLOW_NONE)
			return flow_pair(&flows, ref)->half[ref & 1].key.context == q->out->generation ? ref
			                                                                               : FLOW_NONE;
	}
	return flow_find_one(&flows, quoted);
}

static verdict_t judge_error(struct flow_question *q)
{
	struct policy_decision decision = no_rules;
	struct flow_key quoted;
	enum flow_kind kind = flow_key_quoted(q->pkt, q->out->generation, &quoted);

	if (kind == FLOW_KIND_INVALID)
		return DROP_ICMP_ERROR_INVALID;
	uint32_t ref = kind == FLOW_KIND_ERROR ? find_quoted(q, &quoted) : FLOW_NONE;
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
	flow_count_error(q->pkt, &flow_pair(&flows, ref)->count[ref & 1]);
	if (unlikely((flow_pair(&flows, ref)->half[ref & 1].flags & FLOW_NAT) != 0))
		q->pkt->flags |= PKT_NAT_ERROR;
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
		return flow_nat_is_due(q) ? DROP_NAT_PROTOCOL : VERDICT_NEXT;
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
	if (flow_nat_is_due(q))
		return DROP_NAT_PROTOCOL;
	return ports->way_out == q->out->generation ? VERDICT_NEXT : begin(q);
}

static verdict_t judge_fragment(struct flow_question *q)
{
	struct flow_fragment_ports ports = {0};
	const struct nat_target *target = q->pkt->target;

	if (target != NULL && target->entered) {
		ports = target->ports;
	} else {
		verdict_t entered = flow_fragment_enter(q->pkt, q->in, flow_now(q->in->thread), &ports);
		if (entered != VERDICT_NEXT)
			return entered;
	}
	if (q->pkt->flags & PKT_LATER_FRAGMENT)
		return judge_later(q, &ports);
	flow_question_first(q, &ports);
	verdict_t verdict = judge(q);
	flow_fragment_decided(q->pkt, q->in, &ports, verdict);
	return verdict;
}

__attribute__((noinline)) verdict_t flow_judge(struct pkt *pkt, const struct ingress *in, const struct way_out *out)
{
	struct flow_question q;

	/* The rest is written when it is known. */
	q.pkt = pkt;
	q.in = in;
	q.out = out;
	q.flags = 0;
	q.tries = 0;
	if ((pkt->flags & (PKT_IPV4 | PKT_IPV6)) == 0)
		return VERDICT_NEXT;
	if (unlikely((pkt->flags & PKT_FRAGMENT) != 0))
		return judge_fragment(&q);
	q.kind = flow_key_of(pkt, in->port->generation, &q.key, &q.value);
	return judge(&q);
}
