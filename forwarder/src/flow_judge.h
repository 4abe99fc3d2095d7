/*
 * The long way of a packet through flow.c: one that no flow is known for, or whose flow must be looked at again. Packet
 * threads, inside a read section.
 */
#ifndef WEFT_FLOW_JUDGE_H
#define WEFT_FLOW_JUDGE_H

#include "flow_act.h"
#include "flow_fragment.h"

/** See stage_flow. */
verdict_t flow_judge(struct pkt *pkt, const struct ingress *in, const struct way_out *out);

/** Asks policy about a packet and tells what it said (RECORD). */
void flow_ask(const struct flow_question *question, struct policy_decision *decision);

/** Fills in what a later fragment does not tell itself. */
void flow_question_later(struct flow_question *question, const struct flow_fragment_ports *ports);
/** Fills in a first fragment, and what it tells of the others. */
void flow_question_first(struct flow_question *question, struct flow_fragment_ports *ports);

/** Kinds that have a flow by their own key. */
static inline bool flow_kind_is_found(enum flow_kind kind)
{
	return kind == FLOW_KIND_PAIR || kind == FLOW_KIND_ONE_WAY || kind == FLOW_KIND_ANSWER;
}

#endif
