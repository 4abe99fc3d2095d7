/*
 * What is compared: ways to find the best of many rules for a header. Rules come in order of rank; an answer is a place
 * in that order, or RULES_NONE.
 */
#ifndef CLASSIFIER_H
#define CLASSIFIER_H

#include <stddef.h>
#include <stdint.h>

#include "policy_rules.h"

struct classifier {
	const char *name;
	/** NULL: too many rules for it. *bytes: memory. */
	void *(*make)(const struct fwd_rule_row *rules, uint32_t count, size_t *bytes);
	uint32_t (*find)(const void *made, const struct rule_query *query);
	void (*drop)(void *made);
};

extern const struct classifier classify_linear, classify_vectors, classify_tuples, classify_ours;

/** The first word of a rule's address, host order. */
static inline uint32_t rule_address(const struct fwd_rule_row *row)
{
	return (uint32_t)row->address[0] << 24 | (uint32_t)row->address[1] << 16 | (uint32_t)row->address[2] << 8 |
	       row->address[3];
}

static inline uint32_t rule_mask(uint32_t length)
{
	return length ? ~0u << (32 - length) : 0;
}

#endif
