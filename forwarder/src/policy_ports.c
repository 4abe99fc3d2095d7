/* The map of a node from protocol and port to the best rule: its rules are gone through by their first keys, those that
 * hold at a key lie in a heap by rank. */
#include "policy_work.h"

/* A rule that holds at the key that is looked at. */
struct active {
	uint32_t rank, high;
};

/* Kept for the next map. */
static struct {
	struct active *heap;
	uint32_t heap_count, heap_room;
} sweep;

static void heap_push(struct active new)
{
	sweep.heap = ranges_room(sweep.heap, &sweep.heap_room, sweep.heap_count + 1, sizeof(struct active));
	uint32_t at = sweep.heap_count++;
	for (; at > 0 && sweep.heap[(at - 1) / 2].rank > new.rank; at = (at - 1) / 2)
		sweep.heap[at] = sweep.heap[(at - 1) / 2];
	sweep.heap[at] = new;
}

static void heap_pop(void)
{
	struct active last = sweep.heap[--sweep.heap_count];
	uint32_t at = 0;
	for (uint32_t child; (child = 2 * at + 1) < sweep.heap_count; at = child) {
		if (child + 1 < sweep.heap_count && sweep.heap[child + 1].rank < sweep.heap[child].rank)
			child++;
		if (sweep.heap[child].rank >= last.rank)
			break;
		sweep.heap[at] = sweep.heap[child];
	}
	if (sweep.heap_count)
		sweep.heap[at] = last;
}

/* Says what holds after each rule that ends before `low`. */
static void heap_retire(const struct ranges *map, uint32_t low)
{
	while (sweep.heap_count && sweep.heap[0].high < low) {
		uint32_t end = sweep.heap[0].high;
		while (sweep.heap_count && sweep.heap[0].high <= end)
			heap_pop();
		ranges_set(&rule_work.pool, map, end + 1, sweep.heap_count ? sweep.heap[0].rank : RULES_NONE);
	}
}

struct ranges rules_make_ports(const struct rule_item *items, uint32_t count)
{
	struct ranges map;
	ranges_begin(&rule_work.pool, &map, RULES_NONE);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t low = rules_low(items[i].row);
		heap_retire(&map, low);
		heap_push((struct active){items[i].rank, rules_high(items[i].row)});
		ranges_set(&rule_work.pool, &map, low, sweep.heap[0].rank);
	}
	heap_retire(&map, UINT32_MAX);
	ranges_end(&rule_work.pool, &map);
	return map;
}
