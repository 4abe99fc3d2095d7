/*
 * Makes the rule set of one side of a group from its rules. The writer only.
 */
#ifndef WEFT_POLICY_SIDE_H
#define WEFT_POLICY_SIDE_H

#include "policy_groups.h"

/** What came and went since the last time becomes the set; the one before is discarded. */
void side_settle(struct rule_side *side);

#endif
