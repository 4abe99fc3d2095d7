/*
 * What rows of policy mean, as slowly and plainly as it can be said: the oracle of policy_test.c. Rows are kept in
 * lists; a decision looks at all of them.
 */
#ifndef POLICY_MODEL_H
#define POLICY_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "drop.h"
#include "policy.h"

#define MODEL_RULES   4096u
#define MODEL_MEMBERS 1024u
#define MODEL_PORTS   64u
#define MODEL_SOURCES 256u

struct model {
	struct fwd_rule_row rules[MODEL_RULES];
	struct fwd_identity_group_row members[MODEL_MEMBERS];
	struct fwd_source_row sources[MODEL_SOURCES];
	uint32_t rule_count, member_count, source_count;
	/** By port; 0: none. */
	uint32_t identities[MODEL_PORTS];
};

struct model_end {
	uint32_t port;
	bool required;
};

struct model_decision {
	uint8_t verdict;
	const struct fwd_rule_row *egress, *ingress;
};

static inline bool model_holds(const uint8_t *prefix, uint32_t length, const uint8_t *address)
{
	for (uint32_t bit = 0; bit < length; bit++)
		if (((prefix[bit / 8] ^ address[bit / 8]) >> (7 - bit % 8) & 1) != 0)
			return false;
	return true;
}

static inline bool model_owns(const struct model *model, uint32_t port, uint8_t family, const uint8_t *address)
{
	for (uint32_t i = 0; i < model->source_count; i++) {
		const struct fwd_source_row *row = &model->sources[i];
		if (row->port == port && row->family == family &&
		        model_holds(row->address, row->prefix_length, address))
			return true;
	}
	return false;
}

static inline const struct fwd_identity_group_row *model_member(
        const struct model *model, uint32_t identity, uint32_t group)
{
	for (uint32_t i = 0; i < model->member_count; i++)
		if (model->members[i].identity == identity && model->members[i].group == group)
			return &model->members[i];
	return NULL;
}

static inline bool model_matches(const struct model *model, const struct fwd_rule_row *rule, uint8_t direction,
        const struct policy_packet *packet, const struct model_end *remote, const uint8_t *address)
{
	if (rule->direction != direction || rule->family != packet->family)
		return false;
	if (rule->protocol != 0 && rule->protocol != packet->protocol)
		return false;
	if (packet->value < rule->port_min || packet->value > rule->port_max)
		return false;
	if (!model_holds(rule->address, rule->prefix_length, address))
		return false;
	if (rule->remote_group == 0)
		return true;
	return remote->required && model_owns(model, remote->port, packet->family, address) &&
	       model_member(model, model->identities[remote->port], rule->remote_group) != NULL;
}

/* Whether a decides before b. */
static inline bool model_before(const struct fwd_rule_row *a, const struct fwd_rule_row *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (a->action != b->action)
		return a->action == FWD_RULE_DENY;
	return a->group != b->group ? a->group < b->group : a->number < b->number;
}

static inline bool model_asks(const struct model *model, uint32_t identity, uint8_t direction,
        const struct policy_packet *packet, const struct model_end *remote, const uint8_t *address,
        const struct fwd_rule_row **decided)
{
	bool gates = false;
	for (uint32_t gate = 1; gate <= 3; gate++) {
		const struct fwd_rule_row *best = NULL;
		bool has = false;
		for (uint32_t i = 0; i < model->member_count; i++)
			has |= model->members[i].identity == identity && model->members[i].gate == gate;
		if (!has)
			continue;
		gates = true;
		for (uint32_t i = 0; i < model->rule_count; i++) {
			const struct fwd_rule_row *rule = &model->rules[i];
			const struct fwd_identity_group_row *member = model_member(model, identity, rule->group);
			if (member && member->gate == gate &&
			        model_matches(model, rule, direction, packet, remote, address) &&
			        (!best || model_before(rule, best)))
				best = rule;
		}
		*decided = best;
		if (!best || best->action == FWD_RULE_DENY)
			return false;
	}
	return gates;
}

static inline struct model_decision model_decide(const struct model *model, const struct model_end *from,
        const struct model_end *to, const struct policy_packet *packet)
{
	struct model_decision out = {VERDICT_NEXT, NULL, NULL};
	uint32_t first = model->identities[from->port], second = model->identities[to->port];
	if ((from->required && !first) || (to->required && !second))
		out.verdict = DROP_POLICY_PENDING;
	else if (from->required && !model_asks(model, first, FWD_RULE_EGRESS, packet, to, packet->dst, &out.egress))
		out.verdict = DROP_POLICY_DENIED;
	else if (to->required && !model_asks(model, second, FWD_RULE_INGRESS, packet, from, packet->src, &out.ingress))
		out.verdict = DROP_POLICY_DENIED;
	return out;
}

#endif
