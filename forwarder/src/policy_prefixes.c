/* The maps from addresses to nodes of prefixes. */
#include <string.h>

#include "policy_work.h"

static uint32_t word_of(const struct fwd_rule_row *row, uint32_t word)
{
	uint32_t value;
	memcpy(&value, row->address + 4 * word, sizeof(value));
	return __builtin_bswap32(value);
}

/* Prefixes of one map that hold the address that is looked at; the last one is the longest. */
struct nest {
	struct {
		uint32_t high, value;
	} level[35];
	uint32_t depth;
};

static void nest_enter(struct nest *nest, uint32_t high, uint32_t value)
{
	nest->level[nest->depth].high = high;
	nest->level[nest->depth++].value = value;
}

/* Says what holds after each prefix that ends before `low`. */
static void nest_leave(struct nest *nest, const struct ranges *map, uint32_t low)
{
	for (; nest->level[nest->depth - 1].high < low; nest->depth--)
		ranges_set(&rule_work.pool, map, nest->level[nest->depth - 1].high + 1,
		        nest->level[nest->depth - 2].value);
}

/* Enters one remote, or all that go on in a deeper map, into the map of its 32 bits. */
static void place_prefix(
        struct rule_place *remote, uint32_t left, uint32_t word, struct nest *nest, const struct ranges *map)
{
	uint32_t low = word_of(remote->row, word), bits = remote->row->prefix_length - 32 * word;
	nest_leave(nest, map, low);
	uint32_t cover = nest->level[nest->depth - 1].value;
	remote->same = 1;
	remote->deeper = 0;
	if (bits <= 32) {
		rule_work.slots[remote->slot].node.parent = cover;
		ranges_set(&rule_work.pool, map, low, remote->slot);
		nest_enter(nest, low | (uint32_t)(0xffffffffull >> bits), remote->slot);
		return;
	}
	while (remote->same < left && word_of(remote[remote->same].row, word) == low)
		remote->same++;
	remote->deeper = rules_new_slot();
	rule_work.slots[remote->deeper].node.parent = cover;
	ranges_set(&rule_work.pool, map, low, RULES_DEEPER | remote->deeper);
	nest_enter(nest, low, cover);
}

void rules_make_prefixes(struct rule_place *remotes, uint32_t count, uint32_t word, uint32_t slot)
{
	struct ranges map;
	struct nest nest = {.depth = 0};
	nest_enter(&nest, UINT32_MAX, rule_work.slots[slot].node.parent);
	ranges_begin(&rule_work.pool, &map, rule_work.slots[slot].node.parent);
	for (uint32_t i = 0; i < count; i += remotes[i].same)
		place_prefix(&remotes[i], count - i, word, &nest, &map);
	nest_leave(&nest, &map, UINT32_MAX);
	ranges_end(&rule_work.pool, &map);
	rule_work.slots[slot].map = map;
	for (uint32_t i = 0, same; i < count; i += same) {
		same = remotes[i].same;
		if (remotes[i].deeper)
			rules_make_prefixes(remotes + i, same, word + 1, remotes[i].deeper);
	}
}
