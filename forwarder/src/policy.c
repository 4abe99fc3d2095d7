#include "policy.h"

#include <rte_branch_prediction.h>
#include <string.h>

#include "drop.h"
#include "guard.h"
#include "nat.h"
#include "policy_handle.h"
#include "policy_state.h"

const struct policy_port policy_open = {.stamp = POLICY_OPEN}, policy_pending = {.stamp = POLICY_PENDING};

const struct policy *policy_now(void)
{
	return __atomic_load_n(&policy_current, __ATOMIC_ACQUIRE);
}

const struct policy_port *policy_of(const struct policy *policy, const struct fwd_port_row *row)
{
	if (likely((row->flags & (FWD_PORT_POLICY_REQUIRED | FWD_PORT_UPLINK)) == 0))
		return &policy_open;
	if ((row->flags & FWD_PORT_UPLINK) != 0)
		return nat_stamp(row->id);
	return policy->pages[row->id >> POLICY_PAGE_BITS]->ports[row->id & (POLICY_PAGE - 1)];
}

/* Of a flow's end that is asked. */
struct question {
	struct rule_query query;
	const struct policy_end *remote;
	const uint8_t *address;
	uint8_t family;
	/* Whether the groups of the remote are in the query, or it turned out that it has none. */
	bool remote_known;
};

static void prepare(struct question *question, const struct policy_packet *packet, const struct policy_end *remote,
        const uint8_t *address)
{
	uint32_t words[4];

	memcpy(words, address, sizeof(words));
	for (uint32_t i = 0; i < 4; i++)
		question->query.words[i] = __builtin_bswap32(words[i]);
	question->query.key = (uint32_t)packet->protocol << 16 | packet->value;
	question->query.any_protocol_key = RULES_ANY_PROTOCOL | packet->value;
	question->query.groups = NULL;
	question->query.group_count = 0;
	question->remote = remote;
	question->address = address;
	question->family = packet->family;
	question->remote_known = false;
}

/* Looked at only when a rule names one of its groups. */
static void know_remote(struct question *question)
{
	const struct policy_identity *identity = question->remote->policy->identity;

	question->remote_known = true;
	if (!guard_owns(question->remote->port, question->family, question->address))
		return;
	question->query.groups = identity->groups;
	question->query.group_count = identity->group_count;
}

static uint32_t find(const struct rule_set *set, struct question *question)
{
	const struct policy_identity *remote = question->remote->policy->identity;
	uint32_t best = rule_set_find(set, &question->query);

	if (best == 0 || !remote || (remote->group_bits & set->remote_bits) == 0)
		return best;
	if (!question->remote_known)
		know_remote(question);
	return rules_ask_groups(set, &question->query, best);
}

/* Whether one gate allows; *handle: of the rule that decided. */
static bool ask_gate(const struct policy_identity *identity, uint32_t side, uint32_t gate, struct question *question,
        uint32_t *handle)
{
	uint64_t order = UINT64_MAX;

	*handle = POLICY_NO_RULE;
	for (uint32_t i = identity->first[side][gate]; i < identity->first[side][gate + 1]; i++) {
		const struct rule_set *set = identity->sets[i];
		if (set->order >= order)
			continue;
		uint32_t rank = find(set, question);
		if (rank == RULES_NONE || rules_order(&set->rules[rank]) >= order)
			continue;
		order = rules_order(&set->rules[rank]);
		*handle = set->rules[rank].handle >> 1;
	}
	return order != UINT64_MAX && (order & 1) != 0;
}

static bool ask(const struct policy_identity *identity, uint8_t direction, struct question *question, uint32_t *handle)
{
	uint32_t side = policy_side(direction, question->family);

	for (uint32_t gate = 1; gate < POLICY_GATES; gate++)
		if ((identity->gates >> gate & 1) != 0 && !ask_gate(identity, side, gate, question, handle))
			return false;
	return identity->gates > 1;
}

void policy_decide(const struct policy_end *from, const struct policy_end *to, const struct policy_packet *packet,
        struct policy_decision *out)
{
	struct question question;

	*out = (struct policy_decision){VERDICT_NEXT, POLICY_NO_RULE, POLICY_NO_RULE};
	if (unlikely(from->policy->stamp == POLICY_PENDING || to->policy->stamp == POLICY_PENDING)) {
		out->verdict = DROP_POLICY_PENDING;
		return;
	}
	if (from->policy->identity) {
		prepare(&question, packet, to, packet->dst);
		if (!ask(from->policy->identity, FWD_RULE_EGRESS, &question, &out->egress)) {
			out->verdict = DROP_POLICY_DENIED;
			return;
		}
	}
	if (to->policy->identity) {
		prepare(&question, packet, from, packet->src);
		if (!ask(to->policy->identity, FWD_RULE_INGRESS, &question, &out->ingress))
			out->verdict = DROP_POLICY_DENIED;
	}
}

const struct fwd_rule_row *policy_rule(uint32_t handle)
{
	return handle_row(handle);
}

void policy_count(uint32_t thread, uint32_t handle, uint64_t flows, uint64_t packets, uint64_t bytes)
{
	handle_count(thread, handle, flows, packets, bytes);
}

int32_t policy_rules_read(uint32_t *cursor, void *out, uint32_t length)
{
	return handle_rows_read(cursor, out, length);
}
