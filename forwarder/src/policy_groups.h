/*
 * The writer's side of rules: what rows say of each group, kept in the two orders that rule sets are made from, so that
 * a batch costs a merge instead of a sort. The writer only.
 */
#ifndef WEFT_POLICY_GROUPS_H
#define WEFT_POLICY_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy_state.h"

/** Rules of one direction and IP version. */
struct rule_side {
	/** Handles by rules_compare_place and by rules_compare_rank; as of the last groups_settle. */
	uint32_t *placed, *ranked;
	uint32_t count;
	/** Handles that came since. */
	uint32_t *added;
	uint32_t added_count, added_room;
	bool dirty;
	/** NULL: no rules. */
	struct rule_set *set;
};

struct group {
	uint32_t number, place;
	bool dirty;
	struct rule_side sides[POLICY_SIDES];
	/** Identities that belong to it, in no order. */
	uint16_t *identities;
	uint32_t identity_count, identity_room;
};

/** 0 or -ENOMEM. */
int groups_init(void);
void groups_fini(void);

/** A rule came (old NULL), changed, or went (new NULL). */
void groups_rule_changed(const struct fwd_rule_row *old, const struct fwd_rule_row *new);
/** An identity belongs to a group from now on; the group. */
struct group *groups_join(uint32_t number, uint16_t identity);
/** No longer; looked at again by groups_settle, before which it stays. */
void groups_leave(struct group *group, uint16_t identity);

/** Makes the rule sets of what changed, calls changed() for each group that got another one, and forgets groups without
 * rules and identities. */
void groups_settle(void (*changed)(const struct group *group));

/** Memory that readers may still see: freed once they cannot. */
void groups_discard(void *memory);
/** The state of now no longer refers to what was discarded. */
void groups_retire(void);

#endif
