/*
 * One compilation of a rule set (policy_rules.h), while it is made: what policy_rules.c, policy_ports.c and
 * policy_prefixes.c know of each other. The writer only.
 */
#ifndef WEFT_POLICY_WORK_H
#define WEFT_POLICY_WORK_H

#include <stdint.h>

#include "policy_rules.h"

/** A node, and what of it is in the map of prefixes that is made: how many remotes begin with the same bits, and where
 * their map will lie; 0: it ends in this map. */
struct rule_place {
	const struct fwd_rule_row *row;
	uint32_t slot, same, deeper;
};

/** Slots and maps of the set; the memory is kept for the next one. */
struct rule_work {
	union rule_slot *slots;
	uint32_t slot_count, slot_room;
	struct ranges_pool pool;
	struct rule_place *places;
	uint32_t place_count, place_room;
};

extern struct rule_work rule_work;

uint32_t rules_new_slot(void);

/** First and last key of a rule. */
uint32_t rules_low(const struct fwd_rule_row *row);
uint32_t rules_high(const struct fwd_rule_row *row);

/** From keys to the best rank. items: of one remote, by their first keys. */
struct ranges rules_make_ports(const struct rule_item *items, uint32_t count);

/** Makes the map of one word of addresses in a slot that holds, as its parent, what is there without longer prefixes.
 * Prefixes that it holds become parents. places: with longer prefixes than 32 * word, in order. */
void rules_make_prefixes(struct rule_place *places, uint32_t count, uint32_t word, uint32_t slot);

#endif
