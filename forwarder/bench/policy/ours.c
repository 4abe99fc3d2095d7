/* What the forwarder does: src/policy_rules.h. */
#include <malloc.h>
#include <stdlib.h>

#include "classifier.h"

static int by_place(const void *a, const void *b)
{
	return rules_compare_place(((const struct rule_item *)a)->row, ((const struct rule_item *)b)->row);
}

static void *make(const struct fwd_rule_row *rules, uint32_t count, size_t *bytes)
{
	struct rule_item *items = malloc(count * sizeof(*items));
	struct rule_verdict *verdicts = malloc(count * sizeof(*verdicts));
	for (uint32_t i = 0; i < count; i++) {
		items[i] = (struct rule_item){&rules[i], i};
		verdicts[i] = (struct rule_verdict){rules[i].priority, i << 1 | 1};
	}
	qsort(items, count, sizeof(*items), by_place);
	struct rule_set *set = rule_set_make(items, verdicts, count);
	*bytes = malloc_usable_size(set);
	free(items);
	free(verdicts);
	return set;
}

static uint32_t find(const void *made, const struct rule_query *query)
{
	return rule_set_find(made, query);
}

const struct classifier classify_ours = {"Weft", make, find, free};
