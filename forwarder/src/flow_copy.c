/* Copies of flooded frames: each is decided alone. */
#include "flow.h"
#include "flow_judge.h"

verdict_t flow_copies_begin(struct pkt *pkt, const struct ingress *in, struct flow_fragment_ports *ports)
{
	struct flow_question q = {.pkt = pkt, .in = in};

	if ((pkt->flags & PKT_FRAGMENT) == 0)
		return VERDICT_NEXT;
	verdict_t verdict = flow_fragment_enter(pkt, in, flow_now(in->thread), ports);
	if (verdict != VERDICT_NEXT || (pkt->flags & PKT_LATER_FRAGMENT) != 0)
		return verdict;
	flow_question_first(&q, ports);
	flow_fragment_decided(pkt, in, ports, VERDICT_NEXT);
	return VERDICT_NEXT;
}

verdict_t flow_copy_passes(
        struct pkt *pkt, const struct ingress *in, const struct way_out *out, const struct flow_fragment_ports *ports)
{
	struct flow_question q = {.pkt = pkt, .in = in, .out = out};
	struct policy_decision decision;

	if ((pkt->flags & (PKT_IPV4 | PKT_IPV6)) == 0)
		return VERDICT_NEXT;
	if (pkt->flags & PKT_LATER_FRAGMENT)
		flow_question_later(&q, ports);
	else
		q.kind = flow_key_of(pkt, in->port->generation, &q.key, &q.value);
	if (q.kind == FLOW_KIND_EXEMPT)
		return VERDICT_NEXT;
	flow_ask(&q, &decision);
	if (decision.verdict == VERDICT_NEXT)
		flow_count_alone(&q, &decision);
	else
		flow_refused(&q, FLOW_NONE, &decision);
	return decision.verdict;
}
