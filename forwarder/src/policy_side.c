#include "policy_side.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "policy_handle.h"

typedef int (*compare_rows)(const struct fwd_rule_row *a, const struct fwd_rule_row *b);

static compare_rows sorting;

static int compare(const void *a, const void *b)
{
	return sorting(handle_item(*(const uint32_t *)a)->row, handle_item(*(const uint32_t *)b)->row);
}

/* Still what it was when the side was settled last. */
static bool stays(uint32_t handle)
{
	const struct handle_item *item = handle_item(handle);
	return item->handle == handle && !item->moved;
}

/* old, without what went, and added, which is sorted for it. *count: of old, then of the result. */
static uint32_t *merge(const uint32_t *old, uint32_t *count, uint32_t *added, uint32_t added_count, compare_rows by)
{
	uint32_t *merged = malloc(((size_t)*count + added_count + 1) * sizeof(uint32_t)), used = 0, next = 0;
	if (!merged)
		error_memory("rules");
	sorting = by;
	if (added_count)
		qsort(added, added_count, sizeof(uint32_t), compare);
	for (uint32_t i = 0; i < *count; i++) {
		if (!stays(old[i]))
			continue;
		while (next < added_count && compare(&added[next], &old[i]) < 0)
			merged[used++] = added[next++];
		merged[used++] = old[i];
	}
	while (next < added_count)
		merged[used++] = added[next++];
	*count = used;
	return merged;
}

static void reorder(struct rule_side *side)
{
	uint32_t count = side->count;
	uint32_t *ranked = merge(side->ranked, &count, side->added, side->added_count, rules_compare_rank);
	uint32_t *placed = merge(side->placed, &side->count, side->added, side->added_count, rules_compare_place);
	free(side->ranked);
	free(side->placed);
	free(side->added);
	side->ranked = ranked;
	side->placed = placed;
	side->added = NULL;
	side->added_count = side->added_room = 0;
}

static struct rule_set *compile(const struct rule_side *side)
{
	static struct rule_item *items;
	static struct rule_verdict *verdicts;
	static uint32_t item_room, verdict_room;
	items = ranges_room(items, &item_room, side->count, sizeof(*items));
	verdicts = ranges_room(verdicts, &verdict_room, side->count, sizeof(*verdicts));
	for (uint32_t i = 0; i < side->count; i++) {
		struct handle_item *item = handle_item(side->ranked[i]);
		item->rank = i;
		verdicts[i] = (struct rule_verdict){
		        item->row->priority, item->handle << 1 | (item->row->action == FWD_RULE_ALLOW)};
	}
	for (uint32_t i = 0; i < side->count; i++) {
		const struct handle_item *item = handle_item(side->placed[i]);
		items[i] = (struct rule_item){item->row, item->rank};
	}
	return rule_set_make(items, verdicts, side->count);
}

void side_settle(struct rule_side *side)
{
	reorder(side);
	groups_discard(side->set);
	side->set = side->count ? compile(side) : NULL;
	side->dirty = false;
}
