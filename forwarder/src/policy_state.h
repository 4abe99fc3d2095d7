/*
 * One state of all rules, as packet threads see it; policy.c reads it, policy_update.c makes it. Nothing in it ever
 * changes; parts that stay the same are shared between states.
 */
#ifndef WEFT_POLICY_STATE_H
#define WEFT_POLICY_STATE_H

#include <stdint.h>

#include "forwarder.h"
#include "policy.h"
#include "policy_rules.h"

#define POLICY_GATES     4u
#define POLICY_PAGE_BITS 10u
#define POLICY_PAGE      (1u << POLICY_PAGE_BITS)
#define POLICY_PAGES     (FWD_ID_LIMIT >> POLICY_PAGE_BITS)

/** The rule sets of a group, by policy_side; NULL: no rules. */
#define POLICY_SIDES 4u

static inline uint32_t policy_side(uint8_t direction, uint8_t family)
{
	return direction * 2u + (family == 6);
}

struct policy_identity {
	struct policy_port port;
	/** Groups that it belongs to, in order; of each a bit, see rules_bit. */
	uint64_t group_bits;
	const uint32_t *groups;
	uint32_t group_count;
	/** Bit of each gate that it has. */
	uint32_t gates;
	/** Rule sets of a side and gate: from first[side][gate] up to that of the next gate. */
	uint32_t first[POLICY_SIDES][POLICY_GATES + 1];
	const struct rule_set *sets[];
};

struct policy_page {
	const struct policy_port *ports[POLICY_PAGE];
};

struct policy {
	/** By port id; never NULL, as the ports in them. */
	const struct policy_page *pages[POLICY_PAGES];
};

extern const struct policy *policy_current;

#endif
