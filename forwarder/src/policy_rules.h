/*
 * A rule set: the rules of one group for one direction and one IP version, compiled. One piece of memory that never
 * changes.
 *
 *   nodes    one for each distinct remote: a prefix, or a group. A node of a prefix leads to the next shorter one that
 *            holds it, up to the node of any address. One rule lies in its node; of several, a map from protocol and
 *            port to the best rule follows the node.
 *   prefixes from addresses to the node of the longest prefix: maps of 32 bits each, as deep as prefixes are long
 *   remotes  a hash table from groups to nodes
 *   rules    in order of rank: the lower, the sooner a rule decides (priority, deny before allow, number)
 *
 * rule_set_find: any thread. rule_set_make: the writer.
 */
#ifndef WEFT_POLICY_RULES_H
#define WEFT_POLICY_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder.h"
#include "index.h"
#include "policy_ranges.h"

/** Instead of a node or a rank. */
#define RULES_NONE RANGES_NONE
/** In a map of addresses: the value is the node where the map of the next 32 bits lies. */
#define RULES_DEEPER 0x80000000u

/** Keys of rules: protocol << 16 | value; those of any protocol but not any value lie behind them all. */
#define RULES_ANY_PROTOCOL (256u << 16)

struct rule_node {
	/** All keys of its rules lie between them, also included. Of one rule: they are the rule's. */
	uint32_t low : 31, several : 1, high;
	/** The best rank in it. */
	uint32_t best;
	uint32_t parent;
};

union rule_slot {
	struct rule_node node;
	struct ranges map;
};

struct rule_verdict {
	uint32_t priority;
	/** handle << 1 | 1 if it allows. */
	uint32_t handle;
};

struct rule_remote {
	/** 0: free. */
	uint32_t group, node;
};

struct rule_set {
	/** Of each remote group one bit, see rules_bit. */
	uint64_t remote_bits;
	/** See rules_order; of the first rule. */
	uint64_t order;
	const union rule_slot *slots;
	const uint64_t *entries;
	const uint32_t *starts;
	const struct rule_verdict *rules;
	const struct rule_remote *remotes;
	uint32_t remote_mask;
	/** Node of any address, or RULES_NONE; slot of the map of prefixes, or RULES_NONE: there are none. */
	uint32_t any, prefixes;
	uint32_t rule_count;
};

/** Who is at the other end, and with what. */
struct rule_query {
	uint32_t key, any_protocol_key;
	/** Of the remote, host order, from the first bits on. */
	uint32_t words[4];
	/** Groups that the remote belongs to; none when it does not own the address. */
	const uint32_t *groups;
	uint32_t group_count;
};

static inline uint32_t rules_group_hash(uint32_t group)
{
	return (uint32_t)(index_mix(index_seed, group) >> 32);
}

static inline uint64_t rules_bit(uint32_t group)
{
	return 1ull << (rules_group_hash(group) >> 26);
}

/** What decides first, of several groups: the lower one. */
static inline uint64_t rules_order(const struct rule_verdict *rule)
{
	return (uint64_t)rule->priority << 1 | (rule->handle & 1);
}

/** The better of `best` and what a node says. */
static inline uint32_t rules_ask_node(
        const struct rule_set *set, const struct rule_node *node, const struct rule_query *query, uint32_t best)
{
	uint32_t width = node->high - node->low;

	if (node->best >= best || (query->key - node->low > width && query->any_protocol_key - node->low > width))
		return best;
	if (!node->several)
		return node->best;
	const struct ranges *map = &((const union rule_slot *)node)[1].map;
	uint32_t found = ranges_find(map, set->entries, set->starts, query->key);
	best = found < best ? found : best;
	if (node->high < RULES_ANY_PROTOCOL)
		return best;
	found = ranges_find(map, set->entries, set->starts, query->any_protocol_key);
	return found < best ? found : best;
}

/** The node of the longest prefix that holds the address. */
static inline uint32_t rules_prefix(const struct rule_set *set, const struct rule_query *query)
{
	uint32_t at = set->prefixes;

	if (at == RULES_NONE)
		return set->any;
	for (uint32_t word = 0;; word++) {
		at = ranges_find(&set->slots[at].map, set->entries, set->starts, query->words[word]);
		if (at == RULES_NONE || (at & RULES_DEEPER) == 0)
			return at;
		at &= ~RULES_DEEPER;
	}
}

/** Rules that name a group of the remote. */
static inline uint32_t rules_ask_groups(const struct rule_set *set, const struct rule_query *query, uint32_t best)
{
	for (uint32_t i = 0; i < query->group_count; i++) {
		uint32_t group = query->groups[i], at = rules_group_hash(group);
		if ((set->remote_bits >> (at >> 26) & 1) == 0)
			continue;
		while (set->remotes[at &= set->remote_mask].group != group && set->remotes[at].group != 0)
			at++;
		if (set->remotes[at].group == group)
			best = rules_ask_node(set, &set->slots[set->remotes[at].node].node, query, best);
	}
	return best;
}

/** Rank of the rule that decides, of those whose remote is an address. RULES_NONE: none matches. */
static inline uint32_t rule_set_find(const struct rule_set *set, const struct rule_query *query)
{
	uint32_t best = RULES_NONE;

	for (uint32_t at = rules_prefix(set, query); at != RULES_NONE; at = set->slots[at].node.parent)
		best = rules_ask_node(set, &set->slots[at].node, query, best);
	return best;
}

/** A rule to compile. */
struct rule_item {
	const struct fwd_rule_row *row;
	uint32_t rank;
};

/** The order that rule_set_make wants: by remote, shorter prefixes before what they hold; then by key. */
int rules_compare_place(const struct fwd_rule_row *a, const struct fwd_rule_row *b);
/** By rank. */
int rules_compare_rank(const struct fwd_rule_row *a, const struct fwd_rule_row *b);
/** items: count ≥ 1, by place, with their ranks; ranked: their verdicts in order of rank. For free(). Ends the process
 * when there is no memory. */
struct rule_set *rule_set_make(const struct rule_item *items, const struct rule_verdict *ranked, uint32_t count);

#endif
